/* SPDX-License-Identifier: MIT */
#include "server/core/run.h"

#include <base/assert.h>

#include "server/core/pool.h"
#include "server/core/port.h"
#include "server/core/shared.h"

STATIC_ASSERT(FRAME_RUN_FRAMES == PAGES_PER_MEGA, "a run is what a leaf of 2 MiB maps");

/* Runs that one look through the shared list may find. */
#define RUN_CANDIDATES 64u

/* How far a frame is above a multiple of 512, as the machine counts. */
static uint32_t run_offset(const struct core *core, uint32_t frame)
{
    return (uint32_t)((core->head->pool.base + frame) & (FRAME_RUN_FRAMES - 1));
}

static bool run_is_start(const struct core *core, uint32_t frame)
{
    return run_offset(core, frame) == 0;
}

static uint32_t run_count(const struct worker *worker)
{
    return atomic_load_explicit(&worker->runs, memory_order_relaxed);
}

/* The list of the calling server thread became longer by `runs`, modulo 2^32. */
static void run_counted(struct worker *worker, uint32_t runs)
{
    atomic_store_explicit(&worker->runs, run_count(worker) + runs, memory_order_relaxed);
}

/* Make a frame and the 511 behind it, whose records are zero but for the first, a free run. */
static void run_chain(struct core *core, uint32_t frame, uint32_t *first)
{
    core->frames[frame] = (struct frame){.kind = FRAME_RUN, .page = *first};
    *first = frame;
}

/* A run that was in no list of a server thread is in that of the calling one. */
static void run_keep(struct core *core, uint32_t frame)
{
    run_chain(core, frame, &core->worker->run_first);
    run_counted(core->worker, 1);
    core->worker->moved += FRAME_RUN_FRAMES;
}

/* Take the first run of a list, which is not empty, off it. */
static uint32_t run_unchain(struct core *core, uint32_t *first)
{
    const uint32_t frame = *first;

    ASSERT(core->frames[frame].kind == FRAME_RUN);
    *first = core->frames[frame].page;
    return frame;
}

/*
 * Have the end of a fresh range at a multiple of `unit` (which is one of 512), as the machine
 * counts.
 *
 * Returns: whether there is room for `frames` frames then.
 */
static bool run_trim(const struct core *core, struct pool *pool, struct pool_range *range,
                     uint32_t unit, uint64_t frames)
{
    const uint32_t beyond = (uint32_t)((core->head->pool.base + range->end) & (unit - 1));
    const uint32_t end = range->end - beyond;

    if (range->end - range->first < beyond + frames) {
        return false;
    }
    if (beyond != 0) {
        if (pool->ranges == POOL_RANGES) {
            return false;
        }
        pool->fresh[pool->ranges++] = (struct pool_range){end, range->end};
        range->end = end;
    }
    return true;
}

/* Have the pages for the records of a run of fresh frames. Makes port calls. */
static bool run_back_records(struct core *core, uint32_t frame)
{
    const uint32_t last = (frame + FRAME_RUN_FRAMES - 1) / POOL_RECORDS;

    for (uint32_t i = frame / POOL_RECORDS; i <= last;) {
        if (arena_frame(core, ARENA_RECORDS + i) != 0) {
            i++;
            continue;
        }
        if (pool_back_records(core, ARENA_RECORDS + i)) {
            continue;
        }
        const uint32_t record = pool_take(core, FRAME_ARENA, 0, 0);

        if (record == 0) {
            return false;
        }
        if (arena_frame(core, ARENA_RECORDS + i) != 0) {
            pool_give(core, record); /* the page has come with that frame */
            continue;
        }
        core->head->pool.records--;
        arena_back_records(core, ARENA_RECORDS + i, record);
    }
    return true;
}

/* Cut a run from a range of frames that were never used. Returns: whether there was one. */
static bool run_cut_range(struct core *core, uint32_t index)
{
    struct pool *pool = &core->head->pool;
    struct pool_range *range = &pool->fresh[index];

    if (!run_trim(core, pool, range, FRAME_RUN_FRAMES, FRAME_RUN_FRAMES)) {
        return false;
    }
    const uint32_t frame = range->end - FRAME_RUN_FRAMES;

    /* Pages of records may have been taken from this range. */
    if (!run_back_records(core, frame) || range->first > frame) {
        return false;
    }
    range->end = frame;
    pool->fresh_left -= FRAME_RUN_FRAMES;
    run_keep(core, frame);
    return true;
}

/* The same for many runs in a row. Returns: the first frame; 0 if there is no room for them. */
static uint32_t run_carve_range(struct core *core, uint32_t index, uint64_t frames, uint32_t unit)
{
    struct pool *pool = &core->head->pool;
    struct pool_range *range = &pool->fresh[index];

    if (!run_trim(core, pool, range, unit, frames)) {
        return 0;
    }
    const uint32_t first = range->end - (uint32_t)frames;

    for (uint32_t i = 0; i < frames; i += FRAME_RUN_FRAMES) {
        if (!run_back_records(core, first + i)) {
            return 0;
        }
    }
    if (range->first > first) {
        return 0;
    }
    range->end = first;
    pool->fresh_left -= frames;
    return first;
}

uint32_t run_carve(struct core *core, uint64_t frames, uint32_t unit)
{
    const struct pool *pool = &core->head->pool;

    ASSERT(core->depth != 0 && unit % FRAME_RUN_FRAMES == 0 && frames % unit == 0);
    for (uint32_t i = pool->current; i < pool->ranges; i++) {
        const uint32_t first = run_carve_range(core, i, frames, unit);

        if (first != 0) {
            return first;
        }
    }
    return 0;
}

static bool run_cut(struct core *core)
{
    const struct pool *pool = &core->head->pool;

    for (uint32_t i = pool->current; i < pool->ranges; i++) {
        if (run_cut_range(core, i)) {
            return true;
        }
    }
    return false;
}

/* Runs whose first frame was seen in the shared list, and how many of their frames. */
struct run_candidates {
    uint32_t frame[RUN_CANDIDATES];
    uint32_t count[RUN_CANDIDATES];
    uint32_t used;
    uint32_t last; /* looked for last */
};

/* The candidate that a frame is of; NULL if none. Neighbours come together mostly. */
static uint32_t *run_candidate(struct run_candidates *runs, uint32_t frame)
{
    if (frame - runs->frame[runs->last] < FRAME_RUN_FRAMES) {
        return &runs->count[runs->last];
    }
    for (uint32_t i = 0; i < runs->used; i++) {
        if (frame - runs->frame[i] < FRAME_RUN_FRAMES) {
            runs->last = i;
            return &runs->count[i];
        }
    }
    return NULL;
}

/* See which runs are complete in the shared list. Returns: whether any is. */
static bool run_look(const struct core *core, struct run_candidates *runs)
{
    const uint32_t first = core->head->pool.free_first;
    uint32_t seen = 0;
    bool has_run = false;

    *runs = (struct run_candidates){0};
    for (uint32_t frame = first; frame != 0 && seen < RUN_GATHER_MAX; seen++) {
        if (run_is_start(core, frame) && runs->used < RUN_CANDIDATES) {
            runs->frame[runs->used++] = frame;
        }
        frame = core->frames[frame].page;
    }
    seen = 0;
    for (uint32_t frame = first; runs->used != 0 && frame != 0 && seen < RUN_GATHER_MAX; seen++) {
        uint32_t *count = run_candidate(runs, frame);

        if (count != NULL) {
            ++*count;
            has_run = has_run || *count == FRAME_RUN_FRAMES;
        }
        frame = core->frames[frame].page;
    }
    return has_run;
}

/* Take complete runs out of the shared list. */
static void run_collect(struct core *core, struct run_candidates *runs)
{
    struct pool *pool = &core->head->pool;
    uint32_t *link = &pool->free_first;
    uint32_t seen = 0;

    while (*link != 0 && seen < RUN_GATHER_MAX) {
        const uint32_t frame = *link;
        const uint32_t *count = run_candidate(runs, frame);

        seen++;
        if (count == NULL || *count != FRAME_RUN_FRAMES) {
            link = &core->frames[frame].page;
            continue;
        }
        *link = core->frames[frame].page;
        core->frames[frame] = (struct frame){0};
        pool->free_frames--;
        pool->fresh_left++;
    }
    for (uint32_t i = 0; i < runs->used; i++) {
        if (runs->count[i] == FRAME_RUN_FRAMES) {
            run_chain(core, runs->frame[i], &pool->run_first);
        }
    }
}

/*
 * Make runs of what came back frame by frame. The caller is in shared_enter(). Returns: whether
 * there are any.
 */
static bool run_gather(struct core *core)
{
    struct pool *pool = &core->head->pool;
    struct run_candidates runs;

    pool_drain(core);
    if (pool->spilled - pool->gathered < FRAME_RUN_FRAMES) {
        return false;
    }
    if (!run_look(core, &runs)) {
        pool->gathered = pool->spilled;
        return false;
    }
    run_collect(core, &runs);
    return true;
}

/* Put a run into the empty list of the calling server thread, if there is one anywhere. */
static void run_refill(struct core *core)
{
    struct pool *pool = &core->head->pool;

    shared_enter(core);
    if (pool->kept != 0 && pool_spare(core) < FRAME_RUN_FRAMES) {
        shared_leave(core); /* what is kept is not for large leaves */
        return;
    }
    if (pool->run_first != 0 || (!run_cut(core) && run_gather(core))) {
        pool->fresh_left -= FRAME_RUN_FRAMES;
        run_keep(core, run_unchain(core, &pool->run_first));
    }
    shared_leave(core);
}

uint32_t run_take(struct core *core, uint32_t owner, uint32_t page)
{
    struct worker *worker = core->worker;

    if (worker->run_first == 0) {
        run_refill(core);
    }
    if (worker->run_first == 0) {
        return 0;
    }
    const uint32_t frame = run_unchain(core, &worker->run_first);

    run_counted(worker, UINT32_MAX);
    core->frames[frame] =
        (struct frame){.kind = FRAME_LARGE, .references = 1, .owner = owner, .page = page};
    return frame;
}

void run_give(struct core *core, uint32_t frame)
{
    ASSERT(core->frames[frame].kind == FRAME_LARGE && core->frames[frame].pins == 0);
    run_chain(core, frame, &core->worker->run_first);
    run_counted(core->worker, 1);
}

void run_split(struct core *core, uint32_t frame)
{
    struct frame record = core->frames[frame];

    ASSERT(record.kind == FRAME_LARGE);
    record.kind = FRAME_USER;
    for (uint32_t i = 0; i < FRAME_RUN_FRAMES; i++) {
        core->frames[frame + i] = record;
        record.page++;
    }
}

bool run_break(struct core *core)
{
    struct pool *pool = &core->head->pool;
    struct worker *worker = core->worker;
    uint32_t frame;

    ASSERT(pool->broken.first == pool->broken.end);
    if (worker->run_first != 0) {
        frame = run_unchain(core, &worker->run_first);
        run_counted(worker, UINT32_MAX);
        worker->moved -= FRAME_RUN_FRAMES;
        pool->fresh_left += FRAME_RUN_FRAMES;
    } else if (pool->run_first != 0) {
        frame = run_unchain(core, &pool->run_first);
    } else {
        return false;
    }
    core->frames[frame] = (struct frame){0};
    pool->broken = (struct pool_range){frame, frame + FRAME_RUN_FRAMES};
    return true;
}

void run_spill(struct core *core, uint32_t keep)
{
    struct pool *pool = &core->head->pool;
    struct worker *worker = core->worker;

    if (run_count(worker) <= keep) {
        return;
    }
    port_hand_over(core->port);
    shared_enter(core);
    while (run_count(worker) > keep) {
        run_chain(core, run_unchain(core, &worker->run_first), &pool->run_first);
        run_counted(worker, UINT32_MAX);
        worker->moved -= FRAME_RUN_FRAMES;
        pool->fresh_left += FRAME_RUN_FRAMES;
    }
    shared_leave(core);
}

uint64_t run_free(const struct core *core)
{
    const struct pool *pool = &core->head->pool;
    const uint64_t base = pool->base;
    uint64_t runs = run_count(core->worker);

    for (uint32_t frame = pool->run_first; frame != 0; frame = core->frames[frame].page) {
        runs++;
    }
    for (uint32_t i = pool->current; i < pool->ranges; i++) {
        const uint64_t first =
            (base + pool->fresh[i].first + FRAME_RUN_FRAMES - 1) / FRAME_RUN_FRAMES;
        const uint64_t end = (base + pool->fresh[i].end) / FRAME_RUN_FRAMES;

        runs += end > first ? end - first : 0;
    }
    /* What is kept is not for large leaves. */
    return pool->kept != 0 && pool_spare(core) / FRAME_RUN_FRAMES < runs
               ? pool_spare(core) / FRAME_RUN_FRAMES
               : runs;
}

/* Runs of a list. */
static uint64_t run_audit_list(const struct core *core, uint32_t frame)
{
    uint64_t runs = 0;

    for (; frame != 0; frame = core->frames[frame].page) {
        ASSERT(run_is_start(core, frame));
        ASSERT(core->frames[frame].kind == FRAME_RUN);
        for (uint32_t i = 1; i < FRAME_RUN_FRAMES; i++) {
            ASSERT(core->frames[frame + i].kind == FRAME_FRESH);
        }
        runs++;
        ASSERT(runs <= core->head->pool.total / FRAME_RUN_FRAMES);
    }
    return runs;
}

uint64_t run_audit(const struct core *core)
{
    uint64_t runs = run_audit_list(core, core->head->pool.run_first);

    for (uint32_t i = 0; i < ARENA_WORKERS; i++) {
        const struct worker *worker = &core->head->workers[i];
        const uint64_t own = run_audit_list(core, worker->run_first);

        ASSERT(own == run_count(worker));
        runs += own;
    }
    return runs * FRAME_RUN_FRAMES;
}
