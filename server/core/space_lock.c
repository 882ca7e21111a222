/* SPDX-License-Identifier: MIT */
#include "server/core/space_lock.h"

static struct space *space_at(const struct core *core, uint32_t number)
{
    return arena_page(core, number);
}

void space_settle_other(struct core *core, struct space *space)
{
    const struct space_answer *answer = &space->answer;
    const struct worker *other = &core->head->workers[answer->worker];

    /* It is about to give another answer by now, or none, when it has received since. */
    if (answer->serial != 0 &&
        atomic_load_explicit(&other->giving, memory_order_acquire) == answer->serial) {
        port_settle(core->port, space->kernel, answer);
    }
    space->answer.serial = 0;
    space->answer.worker = core->number;
}

struct space *space_take_slow(struct core *core, uint32_t number, uint64_t badge)
{
    struct space *space = space_find(core, number);

    if (space != NULL && space->badge == badge) {
        space_settle(core, space);
        return space;
    }
    space_unlock(core, number);
    return NULL;
}

void space_lock(struct core *core, uint32_t number)
{
    struct bucket *bucket = space_bucket(core, number);

    mutex_take(core, &bucket->mutex);
    for (uint32_t link = bucket->first; link != 0; link = space_at(core, link)->next) {
        space_settle(core, space_at(core, link));
    }
}

void space_lock_two(struct core *core, uint32_t one, uint32_t other)
{
    const uint32_t first = one % ARENA_BUCKETS;
    const uint32_t second = other % ARENA_BUCKETS;

    space_lock(core, first < second ? first : second);
    if (first != second) {
        space_lock(core, first < second ? second : first);
    }
}

void space_unlock_two(struct core *core, uint32_t one, uint32_t other)
{
    space_unlock(core, one);
    if (one % ARENA_BUCKETS != other % ARENA_BUCKETS) {
        space_unlock(core, other);
    }
}

void space_lock_all(struct core *core)
{
    for (uint32_t i = 0; i < ARENA_BUCKETS; i++) {
        space_lock(core, i);
    }
}

void space_unlock_all(struct core *core)
{
    for (uint32_t i = 0; i < ARENA_BUCKETS; i++) {
        space_unlock(core, i);
    }
}

/* The first space in bucket `index` or one behind it; NULL: none. */
static struct space *space_from(const struct core *core, uint32_t index)
{
    for (; index < ARENA_BUCKETS; index++) {
        if (core->head->buckets[index].first != 0) {
            return space_at(core, core->head->buckets[index].first);
        }
    }
    return NULL;
}

struct space *space_first(const struct core *core)
{
    return space_from(core, 0);
}

struct space *space_next(const struct core *core, const struct space *space)
{
    return space->next != 0 ? space_at(core, space->next)
                            : space_from(core, space->number % ARENA_BUCKETS + 1);
}
