/* SPDX-License-Identifier: MIT */
/*
 * Requests that tell how things are: QUERY, REFUSAL, STATS, LIMITS.
 *
 * Each function serves one request; returns what mem/proto.h says, ERR_INVAL and ERR_BADF of
 * wire.h, and errors of call_target(). On error nothing changed.
 */
#pragma once

#include <abi/error.h>
#include <base/attr.h>

#include "server/shell/call.h"

/* Regions go to the message page of the thread that asks. */
MUST_USE enum err report_query(struct call *call);

/* So do the bytes of INCORE. */
MUST_USE enum err report_incore(struct call *call);

/* What the caller's last refused request was about. */
MUST_USE enum err report_refusal(struct call *call);

/* All frames of RAM, by use. */
MUST_USE enum err report_stats(struct call *call);

/* A limit of a space, and what is used of it. */
MUST_USE enum err report_limits(struct call *call);
