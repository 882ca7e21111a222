/* SPDX-License-Identifier: MIT */
/*
 * BATCH: several requests of the message page as one (core/op_batch.h).
 *
 * Each operation is copied out of the page once and read like a request of its own, without
 * handles.
 */
#pragma once

#include <abi/error.h>
#include <base/attr.h>

#include "server/shell/call.h"

/*
 * Serve BATCH.
 *
 * Returns:   what mem/proto.h says; ERR_INVAL and ERR_BADF of wire.h; errors of call_target().
 *            Word 1 of the answer says which operation was refused.
 * On error:  nothing changed.
 */
MUST_USE enum err batch_serve(struct call *call);
