/* SPDX-License-Identifier: MIT */
/*
 * Slabs: donated frames of 64-byte cells for a space's endpoints and notifications.
 *
 * I1  A cell is free (id of kind OBJECT_NONE, in the space's list) or one live object. The first
 *     cell of a slab is neither and names the space.
 * I2  The generation in a cell's id only grows while the frame is a slab.
 * Lock: task_lock.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/assert.h>
#include <base/attr.h>
#include <base/types.h>

#include "task/object.h"
#include "task/thread.h"

struct space;

struct cell {
    struct object object;
    uint64_t reserved[6];
    union {
        struct cell *next;   /* free cells */
        struct space *owner; /* of an object, and in the first cell of a slab, which is none */
    } link;
};

#define SLAB_CELLS (PAGE_SIZE / sizeof(struct cell))

STATIC_ASSERT(sizeof(struct cell) == 64, "cells tile a frame");

/*
 * Add the zeroed frame at `frame` to the slabs of `space`.
 *
 * Returns:   ERR_OK; ERR_NO_SLOT: it has as many slabs as it can have. On error nothing changed.
 */
MUST_USE enum err slab_add(struct space *space, struct cell *frame) REQUIRES(task_lock);

/*
 * Take a free cell of `space` for an object of `kind`, all zero but its id and its owner,
 * which is the last word of every kind of object.
 *
 * Returns:   ERR_OK; ERR_NO_OBJECT: no cell is free. On error nothing changed.
 */
MUST_USE enum err slab_take(struct space *space, enum object_kind kind, struct object **object)
    REQUIRES(task_lock);

/* Make the cell of an object of `space` free that has ended (object_end). */
void slab_free(struct space *space, struct object *object) REQUIRES(task_lock);
