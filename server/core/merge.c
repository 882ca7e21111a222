/* SPDX-License-Identifier: MIT */
#include "server/core/merge.h"

#include <base/assert.h>

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

/* Take a region out of the space with its reference; its charges are the caller's affair. */
static void merge_drop(struct core *core, struct space *space, struct region *region)
{
    if (region->object != 0) {
        object_put(core, object_at(core, region->object));
    }
    if (space->region_cache == arena_link(core, region)) {
        space->region_cache = 0;
    }
    tree_remove(core, &space->tree, region);
    region_free(core, region);
}

/* Make `region` reach over the one after it, which goes. */
static void merge_swallow(struct core *core, struct space *space, struct region *region,
                          struct region *next)
{
    struct range range = {region->first, next->end};

    space->merges++;
    region->flags |= next->flags & REGION_TOUCHED;
    merge_drop(core, space, next);
    tree_resize(core, &space->tree, region, range);
}

void merge_insert(struct core *core, struct space *space, struct range range,
                  const struct region_kind *kind)
{
    struct region *next = tree_find(core, &space->tree, range.first);
    struct region *prev = tree_before(core, &space->tree, next);
    bool joins_prev = false;
    bool joins_next = false;

    ASSERT(next == NULL || next->first >= range.end);
    limit_charge(core, space, kind->flags, range_pages(range));
    if (prev != NULL && prev->end == range.first) {
        const struct region_kind before = {prev->flags, prev->object, prev->offset};

        joins_prev = region_can_join(&before, region_pages(prev), kind);
    }
    if (next != NULL && next->first == range.end) {
        const struct region_kind after = {next->flags, next->object, next->offset};

        joins_next = region_can_join(kind, range_pages(range), &after);
    }
    if (!joins_prev && !joins_next) {
        struct region *region = region_alloc(core);

        region_set_kind(region, kind);
        region->first = range.first;
        region->end = range.end;
        tree_insert(core, &space->tree, region, next);
        return;
    }
    space->merges++;
    /* The reference that came with `kind` is one too many: the neighbour has its own. */
    if (kind->object != 0) {
        object_put(core, object_at(core, kind->object));
    }
    if (joins_prev) {
        tree_resize(core, &space->tree, prev, range_of(prev->first, range.end));
        prev->flags |= kind->flags & REGION_TOUCHED;
        if (joins_next) {
            merge_swallow(core, space, prev, next);
        }
        return;
    }
    tree_resize(core, &space->tree, next, range_of(range.first, next->end));
    next->flags |= kind->flags & REGION_TOUCHED;
    next->offset = kind->offset;
}

void merge_split(struct core *core, struct space *space, uint32_t page)
{
    struct region *region = tree_find(core, &space->tree, page);

    if (region == NULL || region->first >= page) {
        return;
    }
    const struct region_kind kind = region_kind_at(region, page);
    struct region *upper = region_alloc(core);

    region_set_kind(upper, &kind);
    if (kind.object != 0) {
        object_get(object_at(core, kind.object));
    }
    upper->first = page;
    upper->end = region->end;
    tree_resize(core, &space->tree, region, range_of(region->first, page));
    tree_insert(core, &space->tree, upper, tree_next(core, region));
}

void merge_range(struct core *core, struct space *space, struct range range)
{
    struct region *region = tree_find(core, &space->tree, range.first);
    struct region *prev = tree_before(core, &space->tree, region);

    region = prev != NULL ? prev : region;
    while (region != NULL && region->first < range.end) {
        struct region *next = tree_next(core, region);

        if (next != NULL && merge_can_join(region, next)) {
            merge_swallow(core, space, region, next);
        } else {
            region = next;
        }
    }
}

void merge_cut(struct core *core, struct space *space, struct range range)
{
    struct region *region = tree_find(core, &space->tree, range.first);

    if (region == NULL || range_is_empty(range) || region->first >= range.end) {
        return;
    }
    if (region->first < range.first && region->end > range.end) {
        merge_split(core, space, range.end);
    }
    while (region != NULL && region->first < range.end) {
        struct region *next = tree_next(core, region);
        struct range gone = range_common(region_range(region), range);

        limit_discharge(core, space, region->flags, range_pages(gone));
        if (region->first < range.first) {
            tree_resize(core, &space->tree, region, range_of(region->first, range.first));
        } else if (region->end > range.end) {
            region->offset += range_pages(gone);
            tree_resize(core, &space->tree, region, range_of(range.end, region->end));
        } else {
            merge_drop(core, space, region);
        }
        region = next;
    }
}

void merge_audit(const struct core *core, const struct space *space, const struct region *region)
{
    const struct region *next = tree_next(core, region);
    uint32_t may = region->flags >> REGION_MAY_SHIFT & REGION_PROT;

    ASSERT(next == NULL || !merge_can_join(region, next));
    ASSERT((region->flags & ~REGION_FLAGS) == 0);
    ASSERT((region->flags & REGION_PROT & ~may) == 0);
    if (region->object == 0) {
        ASSERT((region->flags & REGION_SHARED) == 0);
        ASSERT(region->offset == region->first);
    } else {
        ASSERT(object_at(core, region->object)->references > 0);
    }
    ASSERT((region->flags & REGION_ACCOUNT) == 0 || (region->flags & REGION_SHARED) == 0);
    ASSERT(space->tree.count > 0);
}
