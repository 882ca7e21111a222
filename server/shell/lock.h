/* SPDX-License-Identifier: MIT */
/*
 * The lock family: LOCK, UNLOCK, LOCK_ALL, UNLOCK_ALL, from words to core.
 */
#pragma once

#include "server/shell/call.h"

/* As the requests' descriptions in core; besides what the words and the space are refused for. */
MUST_USE enum err lock_range(struct call *call, bool is_linux);
MUST_USE enum err lock_undo(struct call *call, bool is_linux);
MUST_USE enum err lock_all(struct call *call, bool is_linux);
MUST_USE enum err lock_undo_all(struct call *call);
