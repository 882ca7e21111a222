/* SPDX-License-Identifier: MIT */
/*
 * What a space has of objects by its handles: while it holds one, the object stays.
 *
 * The kernel does not tell when the last handle to an object is closed, so a space says it: each
 * handle that the server gives it counts, and CLOSE counts down. A handle that came from another
 * space counts for nothing until it is held (HOLD): the object may go, and the handle is stale.
 * Whatever a space holds goes when it ends. The hold of the space that made an object says so,
 * which gives that one its number for a handle (AGAIN) and the say over its size
 * (MEM_OBJECT_OWNED).
 *
 *   space -> hold -> hold        by the links next, prev
 *             |       |
 *           object  object       by the links object_next, object_prev: all holds of one object
 *
 * I1  A hold is in the lists of its space and of its object, which has one reference of it.
 * I2  A space has at most one hold of an object, and its count is not 0.
 * Owner: the space, whose bucket the caller has; the lists of objects are for who is in
 * shared_enter().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>

#include "server/core/object.h"
#include "server/core/space.h"

struct hold {
    uint32_t space;  /* number */
    uint32_t object; /* link */
    uint32_t next;   /* links; 0: none */
    uint32_t prev;
    uint32_t object_next;
    uint32_t object_prev;
    uint64_t count : 63;
    uint64_t is_maker : 1; /* the space made the object */
};

/* Arena pages that one hold_take() takes. */
uint32_t hold_needs(const struct core *core);

/*
 * Let `space` hold the object once more.
 *
 * Requires:  hold_needs() arena pages in hand, and not to have left shared_enter() since. Makes no
 *            port call.
 */
void hold_take(struct core *core, struct space *space, struct object *object);

/* Let it go once. Returns: whether the space held it. The object may be gone. No port call. */
bool hold_drop(struct core *core, struct space *space, struct object *object);

/* The space made the object, which it holds. The caller is in shared_enter(). */
void hold_mark_maker(const struct core *core, const struct space *space,
                     const struct object *object);

/* Whether the space made the object and has held it since. The caller is in shared_enter(). */
bool hold_is_maker(const struct core *core, const struct space *space, const struct object *object);

/* How often the space holds it. The caller is in shared_enter(). */
uint64_t hold_count(const struct core *core, const struct space *space,
                    const struct object *object);

/* Let everything go that the space holds. */
void hold_end(struct core *core, struct space *space);

/* Check the holds of an object. Returns: how many there are. */
uint32_t hold_audit(const struct core *core, const struct object *object);
