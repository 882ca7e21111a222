/* SPDX-License-Identifier: MIT */
/*
 * Requests about objects by handle: shared memory, its names, and what spaces hold.
 *
 * A handle names the number of an object, which is never used again, so one to an object that has
 * gone is found out (STALE). Each handle that is given away counts as a hold of the caller; if it
 * cannot be delivered, the hold is taken back (P18).
 */
#pragma once

#include <mem/proto.h>

#include "server/shell/call.h"

/*
 * The object of a handle, with its rights (MAP_RIGHT_) and a reference for the caller; NULL for
 * what is none, or has gone.
 */
struct object *objects_find(struct shell *shell, uint64_t badge, uint32_t *rights);

/* OBJECT_MAKE to OBJECT_AGAIN: see mem/proto_object.h. */
MUST_USE enum err objects_serve(struct call *call, enum mem_request number);
