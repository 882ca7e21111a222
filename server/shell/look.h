/* SPDX-License-Identifier: MIT */
/*
 * Handles to spaces that stand: LOOK, processes one after the other for who may look at them, and
 * SPACE_DERIVE; HANDLES, what they hold.
 */
#pragma once

#include <abi/error.h>
#include <base/attr.h>
#include <mem/proto.h>

#include "server/shell/call.h"

/*
 * LOOK: answer with the first process whose number is above the one in the request, and a handle
 * with MEM_RIGHT_READ to its space: one that stems from the caller, or any with
 * SPACE_PRIVILEGE_LOOK. SPACE_DERIVE: answer with a handle of the rights that are asked for.
 * HANDLES: answer with what the slots of a space hold, in the caller's message page.
 *
 * Returns:   ERR_OK; ERR_INVAL: reserved words; ERR_STALE, ERR_RECEIVER_SLOTS: the handle cannot be
 *            delivered. LOOK: ERR_NOENT: there are no more. SPACE_DERIVE: ERR_INVAL: no rights, or
 *            unknown ones; ERR_RIGHTS: more than the handle has. HANDLES: ERR_STALE: the space has
 *            ended. Errors of call_target().
 * On error:  nothing changed.
 */
MUST_USE enum err look_serve(struct call *call, enum mem_request number);
