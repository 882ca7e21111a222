/* SPDX-License-Identifier: MIT */
/*
 * ADVISE and SYNC.
 *
 * Each returns what is to be answered, but what turns.h and waits.h say of ERR_MORE and ERR_WAIT.
 */
#pragma once

#include <stdbool.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/shell/call.h"

/* ADVISE. */
MUST_USE enum err advise_serve(struct call *call, bool is_linux);

/* SYNC. */
MUST_USE enum err advise_sync(struct call *call, bool is_linux);
