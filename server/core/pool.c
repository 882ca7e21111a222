/* SPDX-License-Identifier: MIT */
#include "server/core/pool.h"

#include <base/assert.h>

#include "server/core/port.h"
#include "server/core/reclaim.h"
#include "server/core/reserve.h"
#include "server/core/run.h"

/* Pages of records that frames are set aside for at once: those of 64 MiB. */
#define POOL_SPARES 64u

/* Set frames aside for the next pages of records that the range needs, at least one. */
static void pool_set_aside(const struct core *core, struct pool_range *range)
{
    const uint32_t first = range->first / POOL_RECORDS;
    uint32_t count = 0;

    for (uint32_t i = first; i < first + POOL_SPARES && i * POOL_RECORDS < range->end; i++) {
        count += arena_frame(core, ARENA_RECORDS + i) == 0 ? 1 : 0;
    }
    core->head->pool.spare = (struct pool_range){range->first, range->first + count};
    range->first += count;
}

bool pool_back_records(struct core *core, uint32_t page)
{
    struct pool *pool = &core->head->pool;
    const uint32_t frame = pool->spare.first;
    const uint32_t own = ARENA_RECORDS + frame / POOL_RECORDS;

    if (pool->spare.first == pool->spare.end) {
        return false;
    }
    pool->spare.first++;
    pool->fresh_left--;
    pool->records--;
    arena_back_records(core, arena_frame(core, own) == 0 ? own : page, frame);
    return true;
}

/* Take the next frame that was never used; without any, one out of a run. */
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

        if (arena_frame(core, page) != 0) {
            range->first++;
            pool->fresh_left--;
            return frame;
        }
        if (!pool_back_records(core, page)) {
            pool_set_aside(core, range);
        }
    }
    if (pool->broken.first == pool->broken.end && !run_break(core)) {
        return 0;
    }
    pool->fresh_left--;
    return pool->broken.first++;
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

uint64_t pool_beyond(const struct core *core, uint64_t kept)
{
    const struct pool *pool = &core->head->pool;
    const uint32_t runs = atomic_load_explicit(&core->worker->runs, memory_order_relaxed);
    const uint64_t free =
        pool->free_frames + pool->fresh_left - pool->records + (uint64_t)runs * FRAME_RUN_FRAMES;

    return free > kept ? free - kept : 0;
}

/* What the calling server thread must leave there, whatever it does now, for others. */
static uint64_t pool_untouchable(const struct core *core)
{
    const uint64_t kept = core->head->pool.kept;

    switch ((enum pool_claim)core->claim) {
    case POOL_ANYBODYS:
        return kept;
    case POOL_AREAS:
        return kept - swap_reserve_frames(core);
    case POOL_PAGE:
        return kept - swap_reserve_frames(core) - 1; /* the one that is promised to the page */
    }
    UNREACHABLE();
}

uint64_t pool_spare(const struct core *core)
{
    return pool_beyond(core, pool_untouchable(core));
}

bool pool_can_promise(struct core *core)
{
    ASSERT(core->depth != 0 && core->claim != POOL_PAGE);
    if (pool_spare(core) == 0) {
        pool_drain(core);
    }
    reserve_refill(core);
    return pool_spare(core) != 0 || reserve_spend(core);
}

static void pool_refill_shared(struct core *core)
{
    struct pool *pool = &core->head->pool;
    uint32_t last = 0;

    reserve_refill(core);
    uint64_t spare = pool_beyond(core, pool->kept);
    if (UNLIKELY(spare < pool->low) && core->claim == POOL_ANYBODYS) {
        reclaim_want(core);
    }
    /* What is kept is taken singly: what is in a list is anybody's. */
    if (spare == 0 && (pool_spare(core) != 0 || reserve_spend(core))) {
        spare = 1;
    }
    for (uint32_t n = 0; n < POOL_REFILL && spare != 0; n++, spare--) {
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
    pool->spilled += length - keep;
    *cut = 0;
    worker->moved -= length - keep;
    pool_count(worker, keep - length);
    shared_leave(core);
}

uint32_t pool_take_slow(struct core *core, enum frame_kind kind, uint32_t owner, uint32_t page)
{
    pool_refill(core);
    if (core->worker->free_first == 0) {
        core->worker->lacks_frame = 1;
        return 0;
    }
    return pool_take(core, kind, owner, page);
}

uint32_t pool_take_for_shell(struct core *core, enum frame_kind kind)
{
    const uint32_t frame = pool_take(core, kind, 0, 0);

    core->head->shell_frames += frame != 0 ? 1 : 0;
    return frame;
}

uint64_t pool_free(const struct core *core)
{
    const struct pool *pool = &core->head->pool;
    uint64_t free = pool->free_frames + pool->fresh_left - pool->records;

    for (uint32_t i = 0; i < ARENA_WORKERS; i++) {
        const struct worker *worker = &core->head->workers[i];

        free += pool_length(worker);
        free +=
            (uint64_t)atomic_load_explicit(&worker->runs, memory_order_relaxed) * FRAME_RUN_FRAMES;
    }
    return free;
}

uint64_t pool_balance(const struct core *core)
{
    const struct worker *worker = core->worker;
    const uint64_t runs = atomic_load_explicit(&worker->runs, memory_order_relaxed);

    return pool_length(worker) + runs * FRAME_RUN_FRAMES - worker->moved;
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
    const uint64_t runs = run_audit(core);
    uint64_t kept = 0; /* of these, what server threads have */
    uint64_t fresh = pool->broken.end - pool->broken.first;
    const uint32_t spare = pool->spare.end - pool->spare.first;
    uint64_t listed = pool_audit_list(core, pool->free_first);

    ASSERT(listed == pool->free_frames);
    for (uint32_t i = 0; i < ARENA_WORKERS; i++) {
        const struct worker *worker = &core->head->workers[i];
        uint64_t own = pool_audit_list(core, worker->free_first);

        ASSERT(own == pool_length(worker));
        listed += own;
        kept += (uint64_t)worker->runs * FRAME_RUN_FRAMES;
    }
    for (uint32_t i = 0; i < pool->ranges; i++) {
        ASSERT(pool->fresh[i].first <= pool->fresh[i].end);
        fresh += pool->fresh[i].end - pool->fresh[i].first;
    }
    ASSERT(spare <= pool->records);
    ASSERT(fresh + spare + runs - kept == pool->fresh_left);
    return listed + kept + pool->fresh_left;
}
