/* SPDX-License-Identifier: MIT */
#include "server/core/lock_cost.h"

#include <base/assert.h>

#include "server/core/budget.h"
#include "server/core/huge.h"
#include "server/core/large.h"
#include "server/core/page.h"
#include "server/core/pool.h"
#include "server/core/populate.h"
#include "server/core/reclaim.h"
#include "server/core/shadow.h"
#include "server/core/shared.h"
#include "server/core/tally.h"

/* Entries that one turn looks at; a block that is not looked into, and a region, count as some. */
#define WALK_TURN   512u
#define WALK_BLOCK  8u
#define WALK_REGION 32u

/* A walk over the range. */
struct walk {
    struct tally tally;
    struct range range; /* asked for */
    struct lock_cost *cost;
    uint32_t looked;
    bool is_all; /* nobody is refused a page: what cannot be present is passed over */
};

static void walk_begin(struct walk *walk, struct core *core, struct space *space,
                       struct range range, struct lock_cost *cost)
{
    *walk = (struct walk){.range = range, .cost = cost};
    tally_begin(&walk->tally, core, space);
    tally_add(&walk->tally, cost->frames, cost->charged);
    if (core->resume > range.first) {
        const uint32_t before = (uint32_t)core->resume - 1;

        walk->tally.leaf = shadow_block(before, 0);
        walk->tally.upper = shadow_block(before, 1);
    }
}

/* A large leaf that the range cuts is split. */
static void count_edge(const struct walk *walk, uint32_t page)
{
    const struct range block = shadow_block_range(shadow_block(page, 0), 0);

    if (block.first < walk->range.first || block.end > walk->range.end) {
        walk->cost->edges += BUDGET_SHADOW;
    }
}

/* LOCK_ALL is not refused for pages that cannot be had: so what they would take is counted. */
static enum fault_outcome walk_judge(struct walk *walk)
{
    return walk->is_all ? FAULT_READY : tally_judge(&walk->tally);
}

/* Pages behind the part that come with the first one of a leaf (fault_ahead()). */
static uint32_t walk_ahead(const struct tally *tally, const struct region *region,
                           struct range part)
{
    const uint32_t ahead = tally->core->head->fault_ahead;
    const uint64_t spare = 2 * (uint64_t)ahead;
    uint32_t end = shadow_block_range(shadow_block(part.first, 0), 0).end;

    if ((region->flags & REGION_SEQUENTIAL) == 0 || tally->free < tally->frames + spare ||
        tally->left < tally->charged + spare) {
        return 0;
    }
    end = end < region->end ? end : region->end;
    end = end < part.first + ahead + 1 ? end : part.first + ahead + 1;
    return end > part.end ? end - part.end : 0;
}

/* Pages of an anonymous region that are all absent, in one block. */
static enum fault_outcome walk_empty(struct walk *walk, const struct region *region,
                                     struct range part, bool has_leaf, uint32_t access)
{
    struct tally *tally = &walk->tally;

    walk->looked += WALK_BLOCK;
    tally_upper(tally, part.first);
    if (tally_becomes_large(tally, region, part.first, access)) {
        tally_large(tally);
        count_edge(walk, part.first);
        return walk_judge(walk);
    }
    const bool begins_leaf = !has_leaf && tally->leaf != shadow_block(part.first, 0);

    tally_leaf(tally, part.first);
    if (access == MEM_PROT_WRITE) {
        const uint64_t pages =
            range_pages(part) + (begins_leaf ? walk_ahead(tally, region, part) : 0);

        tally_add(tally, pages, pages);
    }
    return walk_judge(walk);
}

/* The part of a region that is in one block. */
static enum fault_outcome walk_block(struct walk *walk, const struct region *region,
                                     struct range part, uint32_t access)
{
    struct tally *tally = &walk->tally;
    struct core *core = tally->core;
    const uint64_t *upper = shadow_upper(core, tally->space, 0, part.first);
    const bool has_leaf = upper != NULL && *upper != 0;

    if (has_leaf && shadow_upper_is_large(*upper)) {
        walk->looked += WALK_BLOCK;
        count_edge(walk, part.first);
        return FAULT_READY;
    }
    if (region->object == 0 && (!has_leaf || shadow_upper_count(*upper) == 0)) {
        return walk_empty(walk, region, part, has_leaf, access);
    }
    const uint64_t *leaf = has_leaf ? arena_page(core, shadow_upper_page(*upper)) : NULL;
    enum fault_outcome outcome = FAULT_READY;

    walk->looked += WALK_BLOCK + range_pages(part);
    tally_leaf(tally, part.first);
    shared_enter(core);
    for (uint32_t page = part.first; page < part.end && outcome == FAULT_READY; page++) {
        const uint64_t entry = leaf == NULL ? 0 : leaf[page & (SHADOW_ENTRIES - 1)];

        outcome = tally_page(tally, region, page, entry, access);
        outcome = outcome == FAULT_READY ? walk_judge(walk) : outcome;
    }
    shared_leave(core);
    return outcome;
}

/* The huge page of a region that `part` begins in. */
static enum fault_outcome walk_huge(struct walk *walk, const struct region *region,
                                    struct range part, uint32_t access)
{
    struct tally *tally = &walk->tally;
    struct core *core = tally->core;
    const struct object *object = object_at(core, region->object);

    walk->looked += WALK_BLOCK;
    shared_enter(core);
    const enum fault_outcome outcome =
        tally_huge_page(tally, object, region_kind_at(region, part.first).offset, access);
    shared_leave(core);
    if (outcome == FAULT_READY && object->level == 1) {
        tally_upper(tally, part.first);
    }
    return outcome == FAULT_READY ? walk_judge(walk) : outcome;
}

/* The part of a region in the range, block by block. */
static enum fault_outcome walk_region(struct walk *walk, const struct region *region,
                                      struct range part)
{
    struct core *core = walk->tally.core;
    const uint32_t access = populate_access(region->flags);
    const bool is_huge = huge_is_region(region);
    const uint32_t unit = is_huge ? huge_region_unit(core, region) : SHADOW_ENTRIES;
    enum fault_outcome outcome = access == 0 ? FAULT_DENIED : FAULT_READY;

    if (core->has_turns && walk->looked >= WALK_TURN) {
        wait_need(core, &(struct need){.kind = NEED_TURN, .progress = part.first});
        return FAULT_WAIT;
    }
    walk->looked += WALK_REGION;
    while (outcome == FAULT_READY && !range_is_empty(part)) {
        if (core->has_turns && walk->looked >= WALK_TURN + WALK_REGION) {
            wait_need(core, &(struct need){.kind = NEED_TURN, .progress = part.first});
            return FAULT_WAIT;
        }
        uint32_t end = (part.first & ~(unit - 1)) + unit;

        end = end < part.end ? end : part.end;
        outcome =
            (is_huge ? walk_huge : walk_block)(walk, region, range_of(part.first, end), access);
        part.first = end;
    }
    return outcome;
}

void lock_cost_begin(const struct space *space, struct lock_cost *cost)
{
    const bool has_limit = (space->settings.privileges & SPACE_PRIVILEGE_LOCK) == 0;

    cost->limit = has_limit ? space->settings.locked_max / PAGE_SIZE : MEM_UNLIMITED;
    cost->used = space->locked;
}

enum fault_outcome lock_cost_populate(struct core *core, struct space *space, struct range range,
                                      bool is_all, struct lock_cost *cost)
{
    struct walk walk;
    const uint32_t first = core->resume > range.first ? (uint32_t)core->resume : range.first;
    const struct range rest = range_of(first < range.end ? first : range.end, range.end);
    enum fault_outcome outcome = FAULT_READY;

    walk_begin(&walk, core, space, range, cost);
    walk.is_all = is_all;
    for (const struct region *region = tree_find(core, &space->tree, rest.first);
         region != NULL && region->first < rest.end && outcome == FAULT_READY;
         region = tree_next(core, region)) {
        outcome = walk_region(&walk, region, range_common(region_range(region), rest));
        outcome = is_all && outcome != FAULT_WAIT ? FAULT_READY : outcome;
    }
    cost->frames = walk.tally.frames;
    cost->charged = walk.tally.charged;
    if (outcome == FAULT_WAIT) {
        cost->frames += cost->edges; /* the next turn does not know of these */
        cost->charged += cost->edges;
        cost->edges = 0;
    }
    return outcome;
}

/* Whether a large leaf holds the page. */
static bool is_large(const struct core *core, const struct space *space, uint32_t page)
{
    const uint64_t *upper = shadow_upper(core, space, 0, page);

    return upper != NULL && shadow_upper_is_large(*upper);
}

void lock_cost_edges(const struct core *core, const struct space *space, struct range range,
                     struct lock_cost *cost)
{
    const bool is_one = shadow_block(range.first, 0) == shadow_block(range.end, 0);

    if (range.first % LARGE_PAGES != 0 && is_large(core, space, range.first)) {
        cost->edges += BUDGET_SHADOW;
        if (is_one) {
            return;
        }
    }
    if (range.end % LARGE_PAGES != 0 && is_large(core, space, range.end)) {
        cost->edges += BUDGET_SHADOW;
    }
}

enum err lock_cost_judge(const struct core *core, struct space *space, struct range range,
                         const struct change *change, const struct lock_cost *cost)
{
    enum err error = limit_check_splits(space, change_splits(core, space, range, change));

    if (error != ERR_OK) {
        return error;
    }
    const bool has_record = space->tree.count + CHANGE_RECORDS <= space->region_room;
    const uint64_t charged = cost->charged + cost->edges + (has_record ? 0 : 1);

    if (charged > tally_budget(budget_payer(core, space))) {
        budget_refused(core, space, 1);
        return limit_refuse_frames(core, space, 1);
    }
    return cost->frames + cost->edges > pool_free(core) && !reclaim_is_possible(core)
               ? limit_refuse_frames(core, space, 1)
               : ERR_OK;
}
