/* SPDX-License-Identifier: MIT */
#include "server/core/merge.h"

#include <base/assert.h>

#include "server/core/budget.h"
#include "server/core/object.h"

static void region_set_kind(struct region *region, const struct region_kind *kind)
{
    region->flags = kind->flags;
    region->object = kind->object;
    region->offset = kind->offset;
}

/* Whether `prev` and the region after it touch and are of one kind. */
static bool merge_can_join(const struct region *prev, const struct region *next)
{
    const struct region_kind before = {prev->flags, prev->object, prev->offset};
    const struct region_kind after = {next->flags, next->object, next->offset};

    return prev->end == next->first && region_can_join(&before, region_pages(prev), &after);
}

/* Give up what a region holds; it is in no tree any longer. */
static void merge_free(struct core *core, struct space *space, struct region *region)
{
    if (region->object != 0) {
        object_leave(core, space, region);
    }
    if (space->region_cache == arena_link(core, region)) {
        space->region_cache = 0;
    }
    region_free(core, region);
    if (UNLIKELY(space->region_room - space->tree.count >= 2 * BUDGET_REGIONS)) {
        budget_settle_regions(core, space);
    }
}

/* Make `region` reach over the one after it, which goes. */
static void merge_swallow(struct core *core, struct space *space, struct region *region)
{
    struct region *next = tree_next(core, region);

    space->merges++;
    region->flags |= next->flags & REGION_TOUCHED;
    tree_join(core, &space->tree, region);
    merge_free(core, space, next);
}

/* What was mapped just now is likely to be touched next: spare that fault the look-up. */
static void merge_expect(const struct core *core, struct space *space, const struct region *region)
{
    space->region_cache = arena_link(core, region);
}

void merge_insert(struct core *core, struct space *space, struct range range,
                  const struct region_kind *kind, struct region *next_opt)
{
    struct region *prev = tree_before(core, &space->tree, next_opt);
    bool joins_prev = false;
    bool joins_next = false;

    ASSERT(prev == NULL || prev->end <= range.first);
    ASSERT(next_opt == NULL || next_opt->first >= range.end);
    limit_charge(core, space, kind->flags, range_pages(range));
    if (prev != NULL && prev->end == range.first) {
        const struct region_kind before = {prev->flags, prev->object, prev->offset};

        joins_prev = region_can_join(&before, region_pages(prev), kind);
    }
    if (next_opt != NULL && next_opt->first == range.end) {
        const struct region_kind after = {next_opt->flags, next_opt->object, next_opt->offset};

        joins_next = region_can_join(kind, range_pages(range), &after);
    }
    if (!joins_prev && !joins_next) {
        struct region *region = region_alloc(core);

        region_set_kind(region, kind);
        region->first = range.first;
        region->end = range.end;
        if (kind->object != 0) {
            object_enter(core, space, region);
        }
        tree_insert(core, &space->tree, region, next_opt);
        merge_expect(core, space, region);
        return;
    }
    space->merges++;
    if (joins_prev) {
        tree_resize(core, prev, (struct range){prev->first, range.end});
        prev->flags |= kind->flags & REGION_TOUCHED;
        if (joins_next) {
            merge_swallow(core, space, prev);
        }
        merge_expect(core, space, prev);
        return;
    }
    tree_resize(core, next_opt, (struct range){range.first, next_opt->end});
    next_opt->flags |= kind->flags & REGION_TOUCHED;
    next_opt->offset = kind->offset;
    merge_expect(core, space, next_opt);
}

struct region *merge_split(struct core *core, struct space *space, struct region *region,
                           uint32_t page)
{
    const struct region_kind kind = region_kind_at(region, page);
    struct region *upper = region_alloc(core);

    region_set_kind(upper, &kind);
    if (kind.object != 0) {
        object_enter(core, space, upper);
    }
    tree_split(core, &space->tree, region, upper, page);
    return upper;
}

void merge_range(struct core *core, struct space *space, struct region *first, uint32_t end)
{
    struct region *prev = tree_prev(core, first);
    struct region *region = prev != NULL ? prev : first;

    while (region != NULL && region->first < end) {
        struct region *next = tree_next(core, region);

        if (next != NULL && merge_can_join(region, next)) {
            merge_swallow(core, space, region);
        } else {
            region = next;
        }
    }
}

/* Take the pages of `range` out of the middle of a region. Returns: the part after them. */
static struct region *merge_cut_middle(struct core *core, struct space *space,
                                       struct region *region, struct range range)
{
    struct region *upper = merge_split(core, space, region, range.end);

    tree_resize(core, region, (struct range){region->first, range.first});
    return upper;
}

struct region *merge_cut(struct core *core, struct space *space, struct range range)
{
    struct region *region = tree_find(core, &space->tree, range.first);
    bool removes = false;

    if (range_is_empty(range)) {
        return region;
    }
    if (region != NULL && region->first < range.first) {
        struct range gone = range_common(region_range(region), range);

        limit_discharge(core, space, region->flags, range_pages(gone));
        if (region->end > range.end) {
            return merge_cut_middle(core, space, region, range);
        }
        tree_resize(core, region, (struct range){region->first, range.first});
        region = tree_next(core, region);
    }
    while (region != NULL && region->end <= range.end) {
        struct region *next = tree_next(core, region);

        limit_discharge(core, space, region->flags, region_pages(region));
        tree_remove_quietly(core, &space->tree, region);
        merge_free(core, space, region);
        region = next;
        removes = true;
    }
    if (region != NULL && region->first < range.end) {
        struct range gone = range_common(region_range(region), range);

        limit_discharge(core, space, region->flags, range_pages(gone));
        region->offset += range_pages(gone);
        tree_resize(core, region, (struct range){range.end, region->end});
    } else if (removes) {
        tree_settle_gap(core, region);
    }
    return region;
}

void merge_audit(const struct core *core, const struct space *space, const struct region *region)
{
    const struct region *next = tree_next(core, region);
    uint32_t may = region->flags >> REGION_MAY_SHIFT & REGION_PROT;

    ASSERT(next == NULL || !merge_can_join(region, next) || space->work.phase != WORK_NONE);
    ASSERT((region->flags & ~REGION_FLAGS) == 0);
    ASSERT((region->flags & REGION_PROT & ~may) == 0);
    if (region->object == 0) {
        ASSERT((region->flags & REGION_SHARED) == 0);
        ASSERT(region->offset == region->first);
    } else {
        ASSERT(object_at(core, region->object)->references > 0);
    }
    ASSERT((region->flags & REGION_ACCOUNT) == 0 || (region->flags & REGION_SHARED) == 0);
    ASSERT((region->flags & REGION_LOCKS) != REGION_LOCKONFAULT);
    ASSERT((region->flags & REGION_GROWSDOWN) == 0 || region->object == 0);
    ASSERT(space->tree.count > 0);
}
