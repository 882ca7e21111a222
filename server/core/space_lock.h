/* SPDX-License-Identifier: MIT */
/*
 * Having a space to oneself: the locks of buckets (shared.h).
 *
 * Whoever takes the lock settles the last fault of the space first, if another server thread is
 * still to answer it: so all that is done to a space reaches the kernel in the order in which it
 * was decided.
 */
#pragma once

#include "server/core/space.h"

/* space_settle() where another server thread decided the last fault. */
void space_settle_other(struct core *core, struct space *space);

/*
 * See to it that the answer to the space's last fault has been given. Whose answer it was knows
 * that it has.
 */
static inline void space_settle(struct core *core, struct space *space)
{
    if (UNLIKELY(space->answer.worker != core->number)) {
        space_settle_other(core, space);
    }
}

/* space_take() where the space is not the first of its bucket, or gone. */
struct space *space_take_slow(struct core *core, uint32_t number, uint64_t badge);

/*
 * Take the lock of a space's bucket, which is `bucket`.
 *
 * Returns:   the live space with this number and badge; NULL: it has ended, and nothing is locked.
 *            May make port calls.
 */
static inline struct space *space_take_in(struct core *core, struct bucket *bucket, uint32_t number,
                                          uint64_t badge)
{
    mutex_take(core, &bucket->mutex);
    if (LIKELY(bucket->first == number)) {
        struct space *space = arena_page(core, number);

        if (LIKELY(space->badge == badge)) {
            space_settle(core, space);
            return space;
        }
    }
    return space_take_slow(core, number, badge);
}

static inline struct space *space_take(struct core *core, uint32_t number, uint64_t badge)
{
    return space_take_in(core, space_bucket(core, number), number, badge);
}

/* Lock the bucket of a space that stands, since the caller has `processes`. */
void space_lock(struct core *core, uint32_t number);

/* Give the lock back, when the port's vector has been handed over; the space may be gone. */
static inline void space_unlock(struct core *core, uint32_t number)
{
    mutex_give(core, &space_bucket(core, number)->mutex);
}

/* The same for two spaces, which may be one, or have one lock. */
void space_lock_two(struct core *core, uint32_t one, uint32_t other);
void space_unlock_two(struct core *core, uint32_t one, uint32_t other);

/* All spaces there are: nobody else serves any. The caller has `processes`, and no bucket. */
void space_lock_all(struct core *core);
void space_unlock_all(struct core *core);
