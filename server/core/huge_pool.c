/* SPDX-License-Identifier: MIT */
#include "server/core/huge_pool.h"

#include <base/assert.h>
#include <base/types.h>

#include "server/core/budget.h"
#include "server/core/limit.h"
#include "server/core/pool.h"
#include "server/core/port.h"
#include "server/core/run.h"
#include "server/core/shared.h"
#include "server/core/space.h"

STATIC_ASSERT(PAGES_PER_MEGA == 512 && PAGES_PER_GIGA == 512 * 512, "units of huge pages");

static struct huge_pool *pool_of(const struct core *core, uint32_t level)
{
    ASSERT(level >= 1 && level <= HUGE_SIZES);
    return &core->head->huge[level - 1];
}

/* Behind the first free page, which may be half clean; or as the first. */
static void pool_enlist(const struct core *core, struct huge_pool *pool, uint32_t frame)
{
    struct frame *record = &core->frames[frame];

    if (pool->clean != 0) {
        struct frame *first = &core->frames[pool->free_first];

        record->page = first->page;
        first->page = frame;
    } else {
        record->page = pool->free_first;
        pool->free_first = frame;
    }
    pool->free++;
}

static enum err pool_open(struct core *core, struct space *space, uint32_t level, uint32_t pages)
{
    const uint32_t unit = huge_unit(level);
    struct huge_pool *pool = pool_of(core, level);
    const uint64_t frames = (uint64_t)pages * unit;

    if (!budget_draw(core, space, (int64_t)frames)) {
        budget_refused(core, space, frames);
        return limit_refuse_frames(core, space, frames);
    }
    const uint32_t first = run_carve(core, frames, unit);

    budget_return(core, space, (int64_t)frames);
    if (first == 0) {
        return limit_refuse_frames(core, space, frames);
    }
    *pool = (struct huge_pool){.first = first, .total = pages};
    for (uint32_t i = pages; i > 0; i--) {
        const uint32_t frame = first + (i - 1) * unit;

        core->frames[frame] = (struct frame){.kind = FRAME_HUGE};
        pool_enlist(core, pool, frame);
    }
    core->head->pool.total -= frames;
    budget_raise(core, budget_root(core, space), 0 - frames);
    return ERR_OK;
}

enum err huge_pool_open(struct core *core, struct space *space, uint32_t level, uint32_t pages)
{
    ASSERT(pool_of(core, level)->total == 0 && pages != 0);
    shared_enter(core);
    const enum err error = pool_open(core, space, level, pages);

    shared_leave(core);
    return error;
}

uint32_t huge_pool_spare(const struct core *core, uint32_t level)
{
    const struct huge_pool *pool = pool_of(core, level);

    return pool->free - pool->reserved;
}

void huge_pool_promise(struct core *core, uint32_t level, uint32_t pages)
{
    ASSERT(core->depth != 0);
    pool_of(core, level)->reserved += pages;
}

void huge_pool_unpromise(struct core *core, uint32_t level, uint32_t pages)
{
    struct huge_pool *pool = pool_of(core, level);

    ASSERT(core->depth != 0 && pool->reserved >= pages);
    pool->reserved -= pages;
}

bool huge_pool_clean(struct core *core, uint32_t level)
{
    struct huge_pool *pool = pool_of(core, level);
    const uint32_t unit = huge_unit(level);

    ASSERT(core->depth != 0 && pool->free != 0);
    for (uint32_t i = 0; i < HUGE_STEP && pool->clean < unit; i++) {
        port_zero(core->port, pool_pfn(core, pool->free_first + pool->clean));
        pool->clean++;
    }
    return pool->clean == unit;
}

uint32_t huge_pool_take(struct core *core, uint32_t level)
{
    struct huge_pool *pool = pool_of(core, level);
    const uint32_t frame = pool->free_first;
    struct frame *record = pool_record(core, frame);

    ASSERT(core->depth != 0 && pool->free != 0);
    ASSERT(record->kind == FRAME_HUGE && record->references == 0);
    pool->free_first = record->page;
    pool->free--;
    pool->clean = 0;
    record->page = 1;
    record->references = 1;
    return frame;
}

uint32_t huge_pool_names(const struct core *core, uint32_t frame)
{
    const struct frame *record = pool_record(core, frame);

    ASSERT(record->kind == FRAME_HUGE && record->references != 0);
    return record->page;
}

uint32_t huge_pool_pinned(const struct core *core, uint32_t frame)
{
    return pool_record(core, frame)->owner;
}

void huge_pool_name(struct core *core, uint32_t frame)
{
    ASSERT(core->depth != 0 && huge_pool_names(core, frame) != 0);
    pool_record(core, frame)->page++;
}

void huge_pool_give(struct core *core, uint32_t level, uint32_t frame)
{
    struct frame *record = pool_record(core, frame);

    ASSERT(core->depth != 0 && huge_pool_names(core, frame) != 0);
    record->page--;
    if (record->page == 0 && record->owner == 0) {
        record->references = 0;
        pool_enlist(core, pool_of(core, level), frame);
    }
}

/* The first frame of the page that a frame is part of, and its level; 0: it is of no pool. */
static uint32_t find_first(const struct core *core, uint32_t frame, uint32_t *level)
{
    for (*level = 1; *level <= HUGE_SIZES; (*level)++) {
        const struct huge_pool *pool = pool_of(core, *level);
        const uint32_t unit = huge_unit(*level);

        if (frame >= pool->first && frame - pool->first < pool->total * unit) {
            return frame - (frame - pool->first) % unit;
        }
    }
    return 0;
}

bool huge_pool_has(const struct core *core, uint32_t frame)
{
    uint32_t level;

    return find_first(core, frame, &level) != 0;
}

void huge_pool_pin(struct core *core, uint32_t frame)
{
    uint32_t level;
    const uint32_t first = find_first(core, frame, &level);

    ASSERT(core->depth != 0 && first != 0 && huge_pool_names(core, first) == 1);
    pool_record(core, first)->owner++;
}

void huge_pool_unpin(struct core *core, uint32_t frame)
{
    uint32_t level;
    const uint32_t first = find_first(core, frame, &level);
    struct frame *record = pool_record(core, first);

    ASSERT(core->depth != 0 && first != 0 && record->owner != 0);
    ASSERT(pool_record(core, frame)->pins == 0);
    if (frame != first) {
        pool_record(core, frame)->references = 0;
    }
    record->owner--;
    if (record->page == 0 && record->owner == 0) {
        record->references = 0;
        pool_enlist(core, pool_of(core, level), first);
    }
}

uint64_t huge_pool_frames(const struct core *core)
{
    uint64_t frames = 0;

    for (uint32_t level = 1; level <= HUGE_SIZES; level++) {
        frames += (uint64_t)pool_of(core, level)->total * huge_unit(level);
    }
    return frames;
}

/* Check the records of the frames of a page, the first of which is `record`. */
static void audit_page(const struct frame *record, uint32_t unit)
{
    uint32_t pinned = record->pins != 0 ? 1 : 0;

    ASSERT(record->pins != 0 || record->references <= 1);
    for (uint32_t i = 1; i < unit; i++) {
        ASSERT(record[i].kind == FRAME_FRESH && record[i].owner == 0 && record[i].page == 0);
        ASSERT((record[i].pins != 0) == (record[i].references != 0));
        pinned += record[i].pins != 0 ? 1 : 0;
    }
    ASSERT(record->owner == pinned);
}

void huge_pool_audit(const struct core *core, uint32_t level, uint64_t named, uint64_t promised)
{
    const struct huge_pool *pool = pool_of(core, level);
    const uint32_t unit = huge_unit(level);
    uint64_t names = 0;
    uint32_t free = 0;
    uint32_t listed = 0;

    for (uint32_t i = 0; i < pool->total; i++) {
        const struct frame *record = pool_record(core, pool->first + i * unit);

        ASSERT(record->kind == FRAME_HUGE);
        ASSERT(record->references != 0 || (record->owner == 0 && record->pins == 0));
        names += record->references == 0 ? 0 : record->page;
        free += record->references == 0 ? 1 : 0;
        audit_page(record, unit);
    }
    for (uint32_t frame = pool->free_first; frame != 0; frame = core->frames[frame].page) {
        ASSERT(core->frames[frame].references == 0);
        listed++;
        ASSERT(listed <= pool->total);
    }
    ASSERT(free == pool->free && listed == free && names == named);
    ASSERT(pool->reserved == promised && pool->reserved <= pool->free);
    ASSERT(pool->clean <= (pool->free != 0 ? unit : 0));
}
