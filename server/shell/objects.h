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

/* The same for requests that can do nothing without. Returns: ERR_OK, ERR_TYPE, ERR_STALE. */
MUST_USE enum err objects_find_named(const struct call *call, uint64_t badge,
                                     struct object **object, uint32_t *rights);

/* The request is done with an object that was found. Returns: `error`. */
MUST_USE enum err objects_leave(const struct call *call, struct object *object, enum err error);

/*
 * Answer with a handle to an object that the caller holds for it, and its number; not delivered, he
 * does not.
 */
MUST_USE enum err objects_give(struct call *call, struct object *object, uint32_t rights);

/* OBJECT_MAKE to OBJECT_AGAIN: see mem/proto_object.h. */
MUST_USE enum err objects_serve(struct call *call, enum mem_request number);
