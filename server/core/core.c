/* SPDX-License-Identifier: MIT */
#include "server/core/core.h"

#include <base/assert.h>

#include "server/core/budget.h"
#include "server/core/content.h"
#include "server/core/huge.h"
#include "server/core/number.h"
#include "server/core/orphan.h"
#include "server/core/pin.h"
#include "server/core/pin_audit.h"
#include "server/core/port.h"
#include "server/core/run.h"
#include "server/core/shadow.h"
#include "server/core/shared.h"
#include "server/core/space_lock.h"
#include "server/core/wait_audit.h"
#include "server/core/window.h"
#include "server/core/writeback.h"

/* The ranges of free frames in frame numbers, the largest first. */
static enum err core_ranges(const struct core_boot *boot, struct pool *pool)
{
    uint32_t largest = 0;

    if (boot->range_count == 0 || boot->range_count > POOL_RANGES ||
        !pfn_span(boot->lowest, boot->end, &pool->span)) {
        return ERR_INVAL;
    }
    pool->base = pfn_number(boot->lowest) - 1;
    pool->span++;
    pool->ranges = boot->range_count;
    for (uint32_t i = 0; i < boot->range_count; i++) {
        const struct core_range *range = &boot->ranges[i];
        uint64_t first = pfn_number(range->first) - pool->base;

        if (pfn_number(range->first) < pfn_number(boot->lowest) || first >= pool->span ||
            npages_number(range->pages) - 1 >= pool->span - first) {
            return ERR_INVAL;
        }
        uint64_t end = first + npages_number(range->pages);

        pool->fresh[i] = (struct pool_range){(uint32_t)first, (uint32_t)end};
        pool->fresh_left += end - first;
        if (end - first > pool->fresh[largest].end - pool->fresh[largest].first) {
            largest = i;
        }
    }
    struct pool_range swapped = pool->fresh[0];

    pool->fresh[0] = pool->fresh[largest];
    pool->fresh[largest] = swapped;
    pool->total = pool->fresh_left;
    return ERR_OK;
}

/*
 * Pages of records that the frames of all ranges need; ranges that share a page share the record
 * page.
 */
static uint32_t core_count_records(const struct pool *pool)
{
    uint32_t pages = 0;

    for (uint32_t i = 0; i < pool->ranges; i++) {
        uint32_t first = pool->fresh[i].first / POOL_RECORDS;
        uint32_t last = (pool->fresh[i].end - 1) / POOL_RECORDS;
        bool shares_first = false;
        bool shares_last = false;

        for (uint32_t j = 0; j < i; j++) {
            uint32_t other_first = pool->fresh[j].first / POOL_RECORDS;
            uint32_t other_last = (pool->fresh[j].end - 1) / POOL_RECORDS;

            shares_first = shares_first || (first >= other_first && first <= other_last);
            shares_last = shares_last || (last >= other_first && last <= other_last);
        }
        pages += last - first + 1;
        pages -= shares_first ? 1 : 0;
        pages -= shares_last && (last != first || !shares_first) ? 1 : 0;
    }
    return pages;
}

enum err core_init(const struct core_boot *boot, struct core *core)
{
    struct pool pool = {0};
    enum err error = core_ranges(boot, &pool);

    if (error != ERR_OK) {
        return error;
    }
    pool.records = core_count_records(&pool);
    core_attach(boot->arena, 0, boot->port, core);
    error = arena_init(core, &pool);
    if (error != ERR_OK) {
        return error;
    }
    struct arena_head *head = core->head;

    ASSERT(boot->fault_ahead <= FAULT_AHEAD_MAX);
    head->fault_ahead = boot->fault_ahead;
    head->pagers.age = boot->writeback_age;
    head->thread_numbers = boot->thread_numbers != 0 ? boot->thread_numbers : NUMBER_BLOCK;
    head->thread_first = boot->thread_first != 0 ? boot->thread_first : 1;
    ASSERT(head->thread_first < 64 && head->thread_first <= head->thread_numbers);
    atomic_init(&head->commit.mode, boot->commit_mode);
    atomic_init(&head->commit.limit,
                boot->commit_limit != 0 ? boot->commit_limit : head->pool.total);
    head->commit.percent = 100;
    head->pagers.deadline = UINT64_MAX;
    head->pins.lease_at = UINT64_MAX;
    slab_init(&head->regions, sizeof(struct region));
    slab_init(&head->objects, sizeof(struct object));
    slab_init(&head->holds, sizeof(struct hold));
    slab_init(&head->names, sizeof(struct name));
    slab_init(&head->threads, sizeof(struct thread));
    slab_init(&head->pins.records, sizeof(struct pin));
    slab_init(&head->pins.pinners, sizeof(struct pinner));
    uint32_t zero = pool_take(core, FRAME_USER, 0, 0);

    if (zero == 0) {
        return ERR_NOMEM;
    }
    port_zero(core->port, pool_pfn(core, zero));
    head->pool.zero_frame = zero;
    return ERR_OK;
}

void core_attach(void *arena, uint32_t number, struct port *port, struct core *core)
{
    ASSERT(number < ARENA_WORKERS);
    core->base = arena;
    core->head = arena;
    core->buckets = core->head->buckets;
    core->worker = &core->head->workers[number];
    core->frames = arena_page(core, ARENA_RECORDS);
    core->port = port;
    core->number = number;
    core->bit = UINT32_C(1) << number;
    core->depth = 0;
    core->commits_shared = false;
    core->claim = POOL_ANYBODYS;
    core->spender = 0;
    core->need = (struct need){0};
    core->resume = 0;
    core->outcome = ERR_OK;
    core->time = 0;
}

/* The commit account is what spaces and objects say, whatever a request had changed of it. */
static void core_recount(struct core *core)
{
    uint64_t committed = object_charges(core);

    for (const struct space *space = space_first(core); space != NULL;
         space = space_next(core, space)) {
        committed += space->committed;
    }
    atomic_store_explicit(&core->head->commit.used, committed, memory_order_relaxed);
}

/* Nobody has a lock any longer, or waits for one. */
static void core_unlock(struct arena_head *head)
{
    atomic_init(&head->processes.takers, 0);
    atomic_init(&head->shared.takers, 0);
    for (uint32_t i = 0; i < ARENA_BUCKETS; i++) {
        atomic_init(&head->buckets[i].mutex.takers, 0);
    }
    for (uint32_t i = 0; i < ARENA_WORKERS; i++) {
        atomic_init(&head->workers[i].wait, 0);
        atomic_init(&head->workers[i].giving, 0);
    }
}

/* Finish or take back what one server thread was in the middle of. */
static void core_recover_worker(struct core *core)
{
    /* A commit that only removed leaves has changed nothing that counts. */
    core->worker->intent.phase = INTENT_IDLE;
    core->worker->promised = 0; /* core_recount() */
    shadow_recover(core);
    fault_recover(core);
    content_recover(core);
    window_recover(core);
    number_recover_step(core);
    space_recover_step(core);
    object_bury(core);
}

enum err core_recover(struct core *core, uint32_t *torn)
{
    struct core each[ARENA_WORKERS];

    ASSERT(core->head->magic == ARENA_MAGIC && core->head->version == ARENA_VERSION);
    for (uint32_t i = 0; i < ARENA_WORKERS; i++) {
        core_attach(core->base, i, core->port, &each[i]);
        each[i].has_turns = false;
        if (each[i].worker->intent.phase == INTENT_WRITING) {
            *torn = each[i].worker->intent.space;
            return ERR_STALE;
        }
    }
    core_unlock(core->head);
    budget_recover(core);
    /* At most one was in a step on the arena, which the steps of the others may need. */
    for (uint32_t i = 0; i < ARENA_WORKERS; i++) {
        arena_recover(&each[i]);
    }
    pager_recover(core);
    reclaim_recover(core);
    wait_recover(core);
    for (uint32_t i = 0; i < ARENA_WORKERS; i++) {
        core_recover_worker(&each[i]);
    }
    burial_finish(core);
    pin_recover(core);
    thread_recover(core);
    space_recover(core);
    shared_enter(core);
    orphan_recover(core);
    shared_leave(core);
    core_recount(core);
    core_done(core);
    return ERR_OK;
}

/* More is free than is worth keeping. */
NOINLINE static void core_give_back(struct core *core)
{
    arena_trim(core, ARENA_KEEP);
    if (pool_length(core->worker) > POOL_LIST_MAX) {
        pool_spill(core, POOL_LIST_SPILL);
    }
    run_spill(core, RUN_KEEP);
}

void core_done(struct core *core)
{
    AUDIT(wait_audit_need(core));
    const uint32_t pages = atomic_load_explicit(&core->head->free_pages, memory_order_relaxed);

    const uint32_t runs = atomic_load_explicit(&core->worker->runs, memory_order_relaxed);

    if (UNLIKELY(pages > ARENA_KEEP || pool_length(core->worker) > POOL_LIST_MAX ||
                 runs > RUN_KEEP)) {
        core_give_back(core);
    }
    if (UNLIKELY(atomic_load_explicit(&core->head->pool.lent, memory_order_relaxed) != 0)) {
        pool_drain(core); /* a reserve has what was given back before anybody else */
    }
}

void core_settle(struct core *core)
{
    region_trim(core, 0);
    arena_trim(core, 0);
    pool_drain(core);
    run_spill(core, 0);
}

void core_settle_all(struct core *core)
{
    for (uint32_t i = 0; i < ARENA_WORKERS; i++) {
        struct core each;

        core_attach(core->base, i, core->port, &each);
        region_trim(&each, 0);
        pool_drain(&each);
        run_spill(&each, 0);
    }
    arena_trim(core, 0);
    pool_drain(core);
}

bool core_is_free_elsewhere(const struct core *core)
{
    for (uint32_t i = 0; i < ARENA_WORKERS; i++) {
        const struct worker *worker = &core->head->workers[i];

        if (i != core->number && (pool_length(worker) != 0 ||
                                  atomic_load_explicit(&worker->runs, memory_order_relaxed) != 0)) {
            return true;
        }
    }
    return false;
}

/* Copy-on-write frames and the entries that name them are as many as the totals say. */
static void core_audit_cow(const struct core *core, uint64_t entries)
{
    uint64_t frames = 0;
    uint64_t references = 0;

    for (uint32_t frame = 1; frame < core->head->pool.span; frame++) {
        if (arena_frame(core, ARENA_RECORDS + frame / POOL_RECORDS) != 0 &&
            core->frames[frame].kind == FRAME_COW) {
            frames++;
            references += core->frames[frame].references;
        }
    }
    ASSERT(frames == core->head->pool.cow);
    ASSERT(references == entries);
}

void core_audit(const struct core *core)
{
    const struct arena_head *head = core->head;
    uint64_t frames = pool_audit(core) + arena_audit(core) + thread_audit(core);
    uint64_t committed;
    uint64_t regions = 0;
    uint64_t shared = 0;
    uint32_t spaces = 0;

    frames += object_audit(core, &committed);
    huge_audit_all(core);
    for (const struct space *space = space_first(core); space != NULL;
         space = space_next(core, space)) {
        frames += space_audit(core, space);
        committed += space->committed + space->work.promised;
        shared += space->shared;
        regions += space->tree.count;
        spaces++;
    }
    for (uint32_t i = 0; i < ARENA_WORKERS; i++) {
        const struct worker *worker = &head->workers[i];

        ASSERT(worker->intent.phase == INTENT_IDLE);
        ASSERT(worker->intent.step == STEP_NONE);
        ASSERT(worker->promised == 0 && worker->making == 0 && worker->dead_first == 0);
        regions += worker->spares;
    }
    budget_audit(core);
    slab_audit(core, &head->regions);
    slab_audit(core, &head->objects);
    slab_audit(core, &head->holds);
    slab_audit(core, &head->names);
    (void)name_audit(core);
    slab_audit(core, &head->threads);
    pager_audit(core);
    wait_audit(core);
    ASSERT(spaces == head->spaces);
    ASSERT(regions == head->regions.records);
    ASSERT(committed == head->commit.used);
    ASSERT(pool_record(core, head->pool.zero_frame)->kind == FRAME_USER);
    core_audit_cow(core, shared);
    pin_audit(core);
    swap_audit(core);
    reclaim_audit(core);
    reserve_audit(core);
    writeback_audit(core);
    frames += head->pool.cow + head->pins.detained + head->shell_frames;
    ASSERT(frames + 1 == head->pool.total);
}

void core_audit_alone(struct core *core)
{
    space_lock_all(core);
    core_audit(core);
    port_hand_over(core->port);
    space_unlock_all(core);
}
