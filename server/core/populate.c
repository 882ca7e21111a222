/* SPDX-License-Identifier: MIT */
#include "server/core/populate.h"

#include <base/assert.h>

#include "server/core/budget.h"
#include "server/core/huge.h"
#include "server/core/object.h"
#include "server/core/page.h"
#include "server/core/pool.h"

uint32_t populate_access(uint32_t flags)
{
    uint32_t rights = region_rights(flags);

    if (region_is_private_writable(flags)) {
        return MEM_PROT_WRITE;
    }
    return (rights & MEM_PROT_READ) != 0 ? MEM_PROT_READ : rights;
}

enum fault_outcome populate_region(struct core *core, struct space *space,
                                   const struct region *region, struct range range, uint32_t access)
{
    ASSERT(range_covers(region_range(region), range));
    ASSERT((region_rights(region->flags) & access) != 0);
    ASSERT(core->need.kind == NEED_NOTHING);
    uint32_t page = fault_populate(core, space, range, access);

    if (page == range.end) {
        return FAULT_READY;
    }
    if (core->need.kind == NEED_NOTHING && fault_turn_is_over(core)) {
        wait_need(core, &(struct need){.kind = NEED_TURN});
    }
    if (core->need.kind != NEED_NOTHING) {
        core->need.pages = range.end - page;
        core->need.progress = page;
        return FAULT_WAIT;
    }
    /* The region is there and allows it: nothing else can be in the way. */
    if (huge_is_region(region)) {
        return FAULT_PAST_END; /* or the pool is empty, which is the same to a client */
    }
    return region->object != 0 && !object_has_page(object_at(core, region->object),
                                                   region_kind_at(region, page).offset)
               ? FAULT_PAST_END
               : FAULT_NO_FRAME;
}

/* Make the part of `region` in `range` present. */
static enum fault_outcome populate_part(struct core *core, struct space *space,
                                        const struct region *region, struct range range)
{
    uint32_t access = populate_access(region->flags);

    return access == 0 ? FAULT_DENIED
                       : populate_region(core, space, region,
                                         range_common(region_range(region), range), access);
}

/* What is left of a range for a request that starts over. */
static struct range populate_rest(const struct core *core, struct range range)
{
    const uint32_t first = core->resume > range.first ? (uint32_t)core->resume : range.first;

    return range_of(first < range.end ? first : range.end, range.end);
}

enum fault_outcome populate_range(struct core *core, struct space *space, struct range range)
{
    range = populate_rest(core, range);
    /* Regions stay as they are: pages only become present. */
    for (const struct region *region = tree_find(core, &space->tree, range.first);
         region != NULL && region->first < range.end; region = tree_next(core, region)) {
        enum fault_outcome outcome = populate_part(core, space, region, range);

        if (outcome != FAULT_READY) {
            return outcome;
        }
    }
    return FAULT_READY;
}

bool populate_what_can_be(struct core *core, struct space *space, struct range range)
{
    if (space->kernel.v == 0) {
        return false; /* a twin (twin.h) has regions only */
    }
    range = populate_rest(core, range);
    for (const struct region *region = tree_find(core, &space->tree, range.first);
         region != NULL && region->first < range.end; region = tree_next(core, region)) {
        if (populate_part(core, space, region, range) == FAULT_WAIT) {
            core->need.end = range.end;
            return true;
        }
    }
    return false;
}

void populate_without_waiting(struct core *core, struct space *space, struct range range)
{
    const bool has_turns = core->has_turns;

    core->has_turns = false; /* nobody would go on with it */
    if (populate_what_can_be(core, space, range)) {
        core->need = (struct need){0};
    }
    core->has_turns = has_turns;
}

/* Whether `pages` that nobody asked for leave enough to who will ask. */
static bool populate_may_bring(struct core *core, struct space *space, uint32_t pages)
{
    const uint64_t spare = 2 * (uint64_t)core->head->fault_ahead + pages;

    if (pool_free(core) < spare || !budget_draw(core, space, (int64_t)spare)) {
        return false;
    }
    budget_give_pages(core, space, (uint32_t)spare);
    return true;
}

/* The first page of `range` that is absent, and where the run of absent ones ends. */
static struct range populate_next_absent(const struct core *core, const struct space *space,
                                         struct range range)
{
    uint32_t page = range.first;

    while (page < range.end && page_next(core, space, range_of(page, page + 1)) == page) {
        page++;
    }
    return range_of(page, page_next(core, space, range_of(page, range.end)));
}

void populate_bring(struct core *core, struct space *space, const struct region *region,
                    struct range range)
{
    const uint32_t ahead = core->head->fault_ahead;
    const bool is_written = region->object == 0 || (region->flags & REGION_SHARED) != 0;
    const bool is_known =
        region->object == 0 || object_at(core, region->object)->kind == OBJECT_MEMORY;

    if (!is_written || !is_known || (region->flags & MEM_PROT_WRITE) == 0 || ahead == 0) {
        return;
    }
    while (!range_is_empty(range)) {
        struct range run = populate_next_absent(core, space, range);

        run.end = run.end - run.first > ahead ? run.first + ahead : run.end;
        if (range_is_empty(run) || !populate_may_bring(core, space, range_pages(run))) {
            return;
        }
        const uint32_t spender = core->spender;

        core->spender = 0;
        run.first = fault_populate(core, space, run, MEM_PROT_WRITE);
        core->spender = spender;
        if (run.first != run.end) {
            /* Nobody waits for what he may use later. */
            core->need = (struct need){.kind = fault_turn_is_over(core) ? NEED_TURN : NEED_NOTHING,
                                       .progress = run.first};
            return;
        }
        range.first = run.end;
    }
}

void populate_moved(struct core *core, struct space *space, struct range range)
{
    uint32_t page = page_next(core, space, range);
    struct fault_answer answer = {0};

    for (; page < range.end; page = page_next(core, space, range_of(page + 1, range.end))) {
        const struct region *region = tree_find(core, &space->tree, page);
        uint32_t rights = region_rights(region->flags);
        uint32_t access = (rights & MEM_PROT_READ) != 0 ? MEM_PROT_READ : rights;

        if (access == 0) {
            return;
        }
        space->region_cache = arena_link(core, region); /* also where work is under way */
        if (fault_handle(core, space, page_to_vpn(page), access, &answer) != FAULT_READY) {
            core->need = (struct need){0}; /* nobody waits for what may not be used */
            return;
        }
        fault_install(core, space, page, &answer);
    }
}
