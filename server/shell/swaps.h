/* SPDX-License-Identifier: MIT */
/*
 * SWAP, and having core reclaim frames when somebody waits for one or few are left.
 *
 * Owner: the server thread that serves the request, which has `processes`, since budgets of others
 * change.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/shell/call.h"

/* Serve SWAP. Returns: the error to be answered. */
MUST_USE enum err swaps_serve(struct call *call);

/*
 * Whether a request that was refused finds frames if it is tried again: those of other server
 * threads, or, for who makes memory, what is kept for that (then the next try may take them).
 */
bool swaps_may_retry(struct call *call, enum err error);

/* Have frames set free, with nothing locked and nobody to be answered. */
void swaps_reclaim(struct shell *shell);
