/* SPDX-License-Identifier: MIT */
/*
 * Handles: a space's table of named objects with rights and a badge.
 *
 * A handle is the number of a slot. A slot holds the object's address in the direct map, its id
 * with the handle's rights in the low byte, the badge, and the stamp of the object's frame. The
 * first frame of a table has SLOTS_FIRST slots; further frames are donated. Objects without memory
 * (authority, log, machine) have address and stamp 0. Nothing is counted: a slot whose object has
 * ended is stale, and looks so.
 *
 * I1  id == 0: the slot is free and all its words are 0. The first slot of each frame is never
 *     given out; its badge is the address of the space that the frame belongs to.
 * I2  Rights are a subset of those that make sense for the kind: CALL and RECEIVE occur with
 *     endpoints only, so that the fast path tests kind and right at once.
 * Lock: handle_lock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <abi/error.h>
#include <abi/ipc.h>
#include <base/assert.h>
#include <base/attr.h>
#include <riscv/lock.h>

#include "riscv/offsets.h"
#include "task/object.h"

struct space;

/* Guards all tables of handles. */
extern struct lock handle_lock;

struct handle_slot {
    struct object *object;
    uint64_t id; /* of the object | rights */
    uint64_t badge;
    uint64_t stamp; /* of the object's frame */
};

/*
 * Make the value of a handle to `object_opt` of `kind`; NULL for objects without memory.
 *
 * Requires:  the object is live. Rights that do not exist for the kind are left out.
 */
struct handle_slot handle_make(struct object *object_opt, enum object_kind kind, uint64_t rights,
                               uint64_t badge);

/* Whether the object that `slot` names still lives. */
bool handle_is_live(const struct handle_slot *slot);

/*
 * Find slot `number` of `space`, whatever it holds.
 *
 * Returns:   ERR_OK; ERR_BADF if there is no such slot or it is free.
 */
MUST_USE enum err handle_get(struct space *space, uint64_t number, struct handle_slot **slot);

/*
 * Find the live object of `kind` that slot `number` of `space` names, with all of `rights`.
 *
 * Returns:   ERR_OK; ERR_BADF no such slot, or free; ERR_STALE the object has ended; ERR_TYPE
 *            another kind of object; ERR_RIGHTS.
 */
MUST_USE enum err handle_find(struct space *space, uint64_t number, enum object_kind kind,
                              uint64_t rights, struct handle_slot **slot);

/*
 * Choose a free slot of `space`: `wanted`, or with 0 any from HANDLE_FREE on.
 *
 * Returns:   ERR_OK; ERR_RANGE beyond the table; ERR_EXIST taken; ERR_NO_SLOT none free.
 */
MUST_USE enum err handle_choose(struct space *space, uint64_t wanted, uint64_t *number)
    REQUIRES(handle_lock);

/* Add a zeroed frame of slots. Returns: ERR_OK; ERR_NO_SLOT: the table cannot grow; nothing changed
 * then. */
MUST_USE enum err handle_add_frame(struct space *space, struct handle_slot *frame)
    REQUIRES(handle_lock);

/* Number of the first free slot in [first, first + count) that is not below `*at`; false: there is
 * none. */
MUST_USE bool handle_next_free(const struct space *space, uint64_t first, uint64_t count,
                               uint64_t *at);

/* Put `value` into slot `number`, which is free. */
void handle_put(struct space *space, uint64_t number, struct handle_slot value)
    REQUIRES(handle_lock);

/* Make slot `number`, which is not the first of its frame, free. */
void handle_clear(struct space *space, uint64_t number) REQUIRES(handle_lock);
