/* SPDX-License-Identifier: MIT */
/*
 * The head of everything that a handle can name: space, thread, endpoint, notification.
 *
 * An id is generation << 16 | kind << 8 | 0; the low byte is where a handle keeps its rights, so
 * that one exclusive-or compares generation and kind at once. Objects lie in donated frames: spaces
 * and threads at the start of a frame of their own, endpoints and notifications in 64-byte cells of
 * a slab.
 *
 * I1  Whoever ends an object moves its id on (object_end), which makes all handles stale at once.
 * I2  A donated frame changes its stamp in the frame table when it is taken and when it is
 *     released, so that a handle into a frame that has become something else is found out before
 *     the frame is read.
 * Locks: the id is written under task_lock; reading it needs none.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <abi/ipc.h>
#include <base/assert.h>
#include <base/list.h>

#define OBJECT_GENERATION_ONE (UINT64_C(1) << 16)

struct object {
    uint64_t id;
};

/*
 * A death notice: part of the struct thread or struct space whose end it tells of, so that
 * announcing needs no memory. Queueing is in ipc/end.h.
 */
struct death {
    struct list link;      /* in the queue of ipc/end.c, or alone */
    enum object_kind kind; /* OBJECT_SPACE or OBJECT_THREAD: what this is part of */
    uint64_t cause;
    uint64_t detail;
    uint64_t pc;
    uint64_t access;
    uint64_t thread_number; /* of the thread that ended, or that caused the end */
};

static inline uint64_t object_id_make(uint64_t generation, enum object_kind kind)
{
    return generation * OBJECT_GENERATION_ONE | (uint64_t)kind << 8;
}

static inline enum object_kind object_id_kind(uint64_t id)
{
    return (enum object_kind)((id >> 8) & 0xff);
}

/* Begin a life as `kind`: the generation is kept. */
static inline void object_begin(struct object *object, enum object_kind kind)
{
    object->id = (object->id & ~(OBJECT_GENERATION_ONE - 1)) | (uint64_t)kind << 8;
}

/* End the life: kind OBJECT_NONE, next generation. */
static inline void object_end(struct object *object)
{
    object->id = (object->id & ~(OBJECT_GENERATION_ONE - 1)) + OBJECT_GENERATION_ONE;
}
