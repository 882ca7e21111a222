/* SPDX-License-Identifier: MIT */
/*
 * What a space has of objects by its handles: while it holds one, the object stays.
 *
 * The kernel does not tell when the last handle to an object is closed, so a space says it: each
 * handle that the server gives it counts, and CLOSE counts down. A handle that came from another
 * space counts for nothing until it is held (HOLD): the object may go, and the handle is stale.
 * Whatever a space holds goes when it ends. A hold keeps the rights of the handles by which it came
 * about: for its number a space has a handle with these again (AGAIN). The hold of the space that
 * made an object, or adopted it (op_pager.h), says so, which gives that one all rights, and the say
 * over its size (MEM_OBJECT_OWNED).
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
    uint64_t count : 58;
    uint64_t rights : 5;   /* MAP_RIGHT_: of handles by which it is held */
    uint64_t is_maker : 1; /* the space made the object, or adopted it */
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

/* The space holds the object by a handle with these rights too. The caller is in shared_enter(). */
void hold_add_rights(const struct core *core, const struct space *space,
                     const struct object *object, uint32_t rights);

/*
 * Whether the space holds the object by handles that together have these rights, or has made it;
 * `*is_held`: whether it does at all. The caller is in shared_enter().
 */
bool hold_has_rights(const struct core *core, const struct space *space,
                     const struct object *object, uint32_t rights, bool *is_held);

/* Whether the space made the object and has held it since. The caller is in shared_enter(). */
bool hold_is_maker(const struct core *core, const struct space *space, const struct object *object);

/* How often the space holds it. The caller is in shared_enter(). */
uint64_t hold_count(const struct core *core, const struct space *space,
                    const struct object *object);

/* Let everything go that the space holds; at most `most` objects of it. */
void hold_end(struct core *core, struct space *space);
void hold_end_some(struct core *core, struct space *space, uint32_t most);

/* Pages of shared memory that it holds, and one for each hold, counted until they exceed `most`. */
uint64_t hold_pages(struct core *core, const struct space *space, uint64_t most);

/* Check the holds of an object. Returns: how many there are. */
uint32_t hold_audit(const struct core *core, const struct object *object);
