/* SPDX-License-Identifier: MIT */
/*
 * LOOK: processes, one after the other, for who may look at them.
 */
#pragma once

#include <abi/error.h>
#include <base/attr.h>

#include "server/shell/call.h"

/*
 * Answer with the first process whose number is above the one in the request, and a handle with
 * MEM_RIGHT_READ to its space: one that stems from the caller, or any with SPACE_PRIVILEGE_LOOK.
 *
 * Returns:   ERR_OK; ERR_INVAL: reserved words; ERR_NOENT: there are no more; ERR_STALE,
 *            ERR_RECEIVER_SLOTS: the handle cannot be delivered.
 * On error:  nothing changed.
 */
MUST_USE enum err look_serve(struct call *call);
