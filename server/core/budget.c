/* SPDX-License-Identifier: MIT */
#include "server/core/budget.h"

#include <base/assert.h>
#include <mem/limits.h>

#include "server/core/limit.h"
#include "server/core/pool.h"
#include "server/core/upkeep.h"

void budget_refused_by(const struct core *core, struct space *space, const struct space *payer,
                       uint64_t frames)
{
    const struct budget_view view = budget_view(core, payer);

    core->worker->lacks_frame = 0;
    space->budget_asked = frames;
    space->budget_used = view.used;
    space->budget_limit = view.limit;
}

void budget_refused(const struct core *core, struct space *space, uint64_t frames)
{
    budget_refused_by(core, space, space, frames);
}

void budget_tell(struct space *space, const struct space *refused)
{
    space->budget_asked = refused->budget_asked;
    space->budget_used = refused->budget_used;
    space->budget_limit = refused->budget_limit;
}

bool budget_take(const struct core *core, struct space *space, uint32_t frames)
{
    if (!budget_draw(core, space, frames)) {
        budget_refused(core, space, frames);
        return false;
    }
    space->charged += frames;
    return true;
}

void budget_give(const struct core *core, struct space *space, uint32_t frames)
{
    ASSERT(space->charged >= frames);
    space->charged -= frames;
    budget_return(core, space, frames);
}

uint32_t budget_take_frame(struct core *core, struct space *space, enum frame_kind kind)
{
    if (!budget_take(core, space, 1)) {
        return 0;
    }
    uint32_t frame = pool_take(core, kind, space->number, 0);

    if (frame == 0) {
        budget_give(core, space, 1);
    }
    return frame;
}

void budget_give_frame(struct core *core, struct space *space, uint32_t frame)
{
    pool_give(core, frame);
    budget_give(core, space, 1);
}

uint32_t budget_take_pages(const struct core *core, struct space *space, uint32_t pages)
{
    while (pages != 0 && !budget_draw(core, space, pages)) {
        pages /= 2;
    }
    if (pages == 0) {
        budget_refused(core, space, 1);
    }
    return pages;
}

bool budget_take_regions_slow(const struct core *core, struct space *space, uint32_t count)
{
    ASSERT(count <= BUDGET_REGIONS);
    if (!budget_take(core, space, 1)) {
        return false;
    }
    space->region_room += BUDGET_REGIONS;
    return true;
}

void budget_settle_regions(const struct core *core, struct space *space)
{
    uint32_t frames = (space->region_room - space->tree.count) / BUDGET_REGIONS;

    if (frames > 1) {
        space->region_room -= (frames - 1) * BUDGET_REGIONS;
        budget_give(core, space, frames - 1);
    }
}

/* A frame for each `share` records, charged with the first of them. */
static bool budget_take_record(const struct core *core, struct space *space, uint32_t count,
                               uint32_t share)
{
    return count % share != 0 || budget_take(core, space, 1);
}

static void budget_give_record(const struct core *core, struct space *space, uint32_t count,
                               uint32_t share)
{
    if (count % share == 0) {
        budget_give(core, space, 1);
    }
}

bool budget_take_thread(const struct core *core, struct space *space)
{
    return budget_take_record(core, space, space->threads, BUDGET_THREADS);
}

bool budget_take_child(const struct core *core, struct space *space)
{
    return budget_take_record(core, space, space->children, BUDGET_CHILDREN);
}

void budget_give_thread(const struct core *core, struct space *space)
{
    budget_give_record(core, space, space->threads, BUDGET_THREADS);
}

void budget_give_child(const struct core *core, struct space *space)
{
    budget_give_record(core, space, space->children, BUDGET_CHILDREN);
}

static void budget_set(struct budget *budget, uint64_t limit)
{
    budget->limit = limit;
    budget->reserved = 0;
    atomic_store_explicit(&budget->left, (int64_t)limit, memory_order_relaxed);
}

bool budget_open(const struct core *core, struct space *space, struct space *parent_opt)
{
    uint64_t frames = space->settings.frames_max;

    if (parent_opt == NULL) {
        space->payer = space->number;
        budget_set(&space->budget, frames != 0 ? frames : BUDGET_UNLIMITED);
        return true;
    }
    if (frames == 0) {
        space->payer = parent_opt->payer;
        return true;
    }
    if (frames > BUDGET_UNLIMITED || !budget_draw(core, parent_opt, (int64_t)frames)) {
        budget_refused(core, parent_opt, frames);
        return false;
    }
    budget_payer(core, parent_opt)->budget.reserved += frames;
    space->lender = parent_opt->payer;
    space->payer = space->number;
    budget_set(&space->budget, frames);
    return true;
}

void budget_close(const struct core *core, struct space *space, uint64_t kept)
{
    struct budget *budget = &space->budget;

    ASSERT(space->charged == 0 && space->own == 0);
    if (space->payer != space->number) {
        return;
    }
    ASSERT(budget->reserved == 0);
    ASSERT(atomic_load_explicit(&budget->left, memory_order_relaxed) == (int64_t)budget->limit);
    if (space->lender != 0) {
        struct space *lender = arena_page(core, space->lender);

        ASSERT(lender->budget.reserved >= budget->limit && kept <= budget->limit);
        lender->budget.reserved -= budget->limit;
        /* At once: what is kept must never be there for others to take. */
        budget_return(core, lender, (int64_t)(budget->limit - kept));
    }
}

uint32_t budget_root(const struct core *core, const struct space *space)
{
    const struct space *root = budget_payer(core, space);

    while (root->lender != 0) {
        root = arena_page(core, root->lender);
    }
    return root->number;
}

void budget_raise(const struct core *core, uint32_t root, uint64_t pages)
{
    atomic_fetch_add_explicit(&core->head->commit.limit, pages, memory_order_relaxed);
    if (root == 0) {
        return;
    }
    struct budget *budget = &((struct space *)arena_page(core, root))->budget;

    if (budget->limit != BUDGET_UNLIMITED) {
        budget->limit += pages;
        atomic_fetch_add_explicit(&budget->left, (int64_t)pages, memory_order_relaxed);
    }
}

struct budget_view budget_view(const struct core *core, const struct space *space)
{
    const struct budget *budget = &budget_payer(core, space)->budget;
    uint64_t left = (uint64_t)atomic_load_explicit(&budget->left, memory_order_relaxed);

    return (struct budget_view){
        .limit = budget->limit == BUDGET_UNLIMITED ? MEM_UNLIMITED : budget->limit,
        .used = budget->limit - left,
        .reserved = budget->reserved,
    };
}

static uint64_t budget_shares(uint32_t count, uint32_t share)
{
    return (count + share - 1) / share;
}

uint64_t budget_count(const struct space *space)
{
    uint64_t frames = 1; /* its record */

    frames += (space->object_frame != 0) + (space->root_frame != 0) + (space->slots_frame != 0);
    frames += (space->window_table != 0) + (space->window_leaf != 0);
    frames += (uint64_t)space->window_blocks * BUDGET_WINDOW;
    frames += (uint64_t)space->shadows * BUDGET_SHADOW - space->adopted_tables;
    frames += space->donated + space->thread_frames;
    frames += space->region_room / BUDGET_REGIONS;
    frames += budget_shares(space->threads, BUDGET_THREADS);
    frames += budget_shares(space->pins, BUDGET_PINS) + space->pin_lists;
    return frames + budget_shares(space->children, BUDGET_CHILDREN);
}

void budget_recover(const struct core *core)
{
    struct space *space;

    for (space = space_first(core); space != NULL; space = space_next(core, space)) {
        if (space->payer == space->number) {
            budget_set(&space->budget, space->budget.limit);
        }
    }
    for (space = space_first(core); space != NULL; space = space_next(core, space)) {
        space->charged = budget_count(space);
        space->object_charge = upkeep_count(core, space);
        budget_return(core, space, -(int64_t)(space->charged + space->own));
        budget_return(core, space, -(int64_t)(space->object_charge + space->detained));
        if (space->lender != 0) {
            struct space *lender = arena_page(core, space->lender);

            lender->budget.reserved += space->budget.limit;
            budget_return(core, lender, -(int64_t)space->budget.limit);
        }
    }
}

/* What spaces are charged that `payer` pays for, and what it has reserved. */
static uint64_t budget_sum(const struct core *core, const struct space *payer)
{
    uint64_t frames = 0;
    const struct space *space;

    for (space = space_first(core); space != NULL; space = space_next(core, space)) {
        frames += space->payer == payer->number ? space->charged + space->own : 0;
        frames += space->lender == payer->number ? space->budget.limit : 0;
    }
    return frames + payer->object_charge + payer->detained;
}

void budget_audit(const struct core *core)
{
    const struct space *space;

    for (space = space_first(core); space != NULL; space = space_next(core, space)) {
        ASSERT(space->charged == budget_count(space));
        ASSERT(space->region_room >= space->tree.count);
        upkeep_audit(core, space);
        if (space->payer == space->number) {
            int64_t left = atomic_load_explicit(&space->budget.left, memory_order_relaxed);

            ASSERT(left >= 0);
            ASSERT(budget_sum(core, space) == space->budget.limit - (uint64_t)left);
        }
    }
}
