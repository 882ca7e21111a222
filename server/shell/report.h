/* SPDX-License-Identifier: MIT */
/*
 * Requests that tell how things are: QUERY, INCORE, REFUSAL, STATS, WORKER, LIMITS, COMMIT.
 *
 * Each function serves one request; returns what mem/proto.h says, ERR_INVAL and ERR_BADF of
 * wire.h, and errors of call_target(). On error nothing changed.
 */
#pragma once

#include <abi/error.h>
#include <base/attr.h>

#include <mem/proto.h>

#include "server/shell/call.h"

/* Regions go to the message page of the thread that asks. */
MUST_USE enum err report_query(struct call *call);

/* So do the bytes of INCORE. */
MUST_USE enum err report_incore(struct call *call);

/* What the caller's last refused request was about. */
MUST_USE enum err report_refusal(struct call *call);

/*
 * STATS: all frames of RAM, by use. WORKER: one server thread; the numbers are each true by itself,
 * while that thread goes on. LIMITS: a limit of a space, and what is used of it. COMMIT: how
 * memory is promised, and how much is; set by init.
 */
MUST_USE enum err report_account(struct call *call, enum mem_request number);
