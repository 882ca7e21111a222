/* SPDX-License-Identifier: MIT */
#include "server/core/pool.h"

#include <base/assert.h>

#include "server/core/port.h"

/*
 * Take the next frame that was never used; the first one of its page of records becomes that page.
 */
static uint32_t pool_take_fresh(struct core *core)
{
    struct pool *pool = &core->head->pool;

    while (pool->current < pool->ranges) {
        struct pool_range *range = &pool->fresh[pool->current];

        if (range->first == range->end) {
            pool->current++;
            continue;
        }
        uint32_t frame = range->first;
        uint32_t page = ARENA_RECORDS + frame / POOL_RECORDS;

        range->first++;
        pool->fresh_left--;
        if (arena_frame(core, page) != 0) {
            return frame;
        }
        pool->records--;
        arena_back_records(core, page, frame);
    }
    return 0;
}

/*
 * Put a frame that is in no list at the end of the calling server thread's, which ends with
 * `last`.
 */
static void pool_append(struct core *core, uint32_t frame, uint32_t last)
{
    struct worker *worker = core->worker;

    core->frames[frame] = (struct frame){.kind = FRAME_FREE};
    if (last == 0) {
        worker->free_first = frame;
    } else {
        core->frames[last].page = frame;
    }
    worker->moved++;
    pool_count(worker, 1);
}

static void pool_refill_shared(struct core *core)
{
    struct pool *pool = &core->head->pool;
    uint32_t last = 0;

    for (uint32_t n = 0; n < POOL_REFILL; n++) {
        uint32_t frame = pool->free_first;

        if (frame != 0) {
            pool->free_first = core->frames[frame].page;
            pool->free_frames--;
        } else {
            frame = pool_take_fresh(core);
            if (frame == 0) {
                return;
            }
        }
        pool_append(core, frame, last);
        last = frame;
    }
}

void pool_refill(struct core *core)
{
    shared_enter(core);
    pool_refill_shared(core);
    shared_leave(core);
}

void pool_spill(struct core *core, uint32_t keep)
{
    struct pool *pool = &core->head->pool;
    struct worker *worker = core->worker;
    const uint32_t length = pool_length(worker);
    uint32_t *cut = &worker->free_first;

    if (length <= keep) {
        return;
    }
    port_hand_over(core->port);
    for (uint32_t i = 0; i < keep; i++) {
        cut = &core->frames[*cut].page;
    }
    uint32_t first = *cut;
    uint32_t last = first;

    for (uint32_t i = keep + 1; i < length; i++) {
        last = core->frames[last].page;
    }
    shared_enter(core);
    core->frames[last].page = pool->free_first;
    pool->free_first = first;
    pool->free_frames += length - keep;
    *cut = 0;
    worker->moved -= length - keep;
    pool_count(worker, keep - length);
    shared_leave(core);
}

uint32_t pool_take_slow(struct core *core, enum frame_kind kind, uint32_t owner, uint32_t page)
{
    pool_refill(core);
    return core->worker->free_first == 0 ? 0 : pool_take(core, kind, owner, page);
}

uint64_t pool_free(const struct core *core)
{
    const struct pool *pool = &core->head->pool;
    uint64_t free = pool->free_frames + pool->fresh_left - pool->records;

    for (uint32_t i = 0; i < ARENA_WORKERS; i++) {
        free += pool_length(&core->head->workers[i]);
    }
    return free;
}

uint64_t pool_balance(const struct core *core)
{
    return pool_length(core->worker) - core->worker->moved;
}

void pool_drain(struct core *core)
{
    pool_spill(core, 0);
}

uint32_t pool_frame(const struct core *core, pfn_t pfn)
{
    const struct pool *pool = &core->head->pool;

    if (pfn.v <= pool->base || pfn.v - pool->base >= pool->span) {
        return 0;
    }
    return (uint32_t)(pfn.v - pool->base);
}

/* Length of a list of free frames, each of which must say so. */
static uint64_t pool_audit_list(const struct core *core, uint32_t frame)
{
    uint64_t count = 0;

    for (; frame != 0; frame = core->frames[frame].page) {
        ASSERT(core->frames[frame].kind == FRAME_FREE);
        ASSERT(core->frames[frame].pins == 0 && core->frames[frame].references == 0);
        count++;
        ASSERT(count <= core->head->pool.total);
    }
    return count;
}

uint64_t pool_audit(const struct core *core)
{
    const struct pool *pool = &core->head->pool;
    uint64_t fresh = 0;
    uint64_t listed = pool_audit_list(core, pool->free_first);

    ASSERT(listed == pool->free_frames);
    for (uint32_t i = 0; i < ARENA_WORKERS; i++) {
        const struct worker *worker = &core->head->workers[i];
        uint64_t own = pool_audit_list(core, worker->free_first);

        ASSERT(own == pool_length(worker));
        listed += own;
    }
    for (uint32_t i = 0; i < pool->ranges; i++) {
        ASSERT(pool->fresh[i].first <= pool->fresh[i].end);
        fresh += pool->fresh[i].end - pool->fresh[i].first;
    }
    ASSERT(fresh == pool->fresh_left);
    return listed + fresh;
}
