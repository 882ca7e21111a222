/* SPDX-License-Identifier: MIT */
#include "server/core/huge_twin.h"

#include <base/assert.h>

#include "server/core/huge.h"

static struct range all_pages(void)
{
    return range_of(RANGE_USER_FIRST, RANGE_USER_END);
}

/* The number of the space that a twin is of; 0: it is none. */
static uint32_t before(const struct space *space)
{
    return space->kernel.v == 0 ? space->settings.maker : 0;
}

static const struct region *next_shown(const struct core *core, const struct region *region)
{
    return region->object_next == 0 ? NULL : region_at(core, region->object_next);
}

static const struct region *first_shown(const struct core *core, const struct object *object)
{
    return object->region_first == 0 ? NULL : region_at(core, object->region_first);
}

/* Whether a region of the space with this number, which overlaps the range, shows the object. */
static const struct region *find_shown(const struct core *core, const struct object *object,
                                       uint32_t space, struct range range)
{
    const struct region *region = first_shown(core, object);

    while (region != NULL &&
           (region->space != space || !range_meets(region_range(region), range))) {
        region = next_shown(core, region);
    }
    return region;
}

/* Mark the object of a region. Returns: whether it was not marked yet in this walk. */
static bool mark(struct object *object)
{
    const bool is_first = (object->flags & OBJECT_MARKED) == 0;

    object->flags |= OBJECT_MARKED;
    return is_first;
}

/* The walk over regions of huge pages in a range is over. */
static void unmark(const struct core *core, const struct space *space, struct range range)
{
    for (const struct region *region = huge_first(core, space, range); region != NULL;
         region = huge_next(core, tree_next(core, region), range)) {
        object_at(core, region->object)->flags &= ~(OBJECT_MARKED | OBJECT_BEFORE);
    }
}

static bool has_before(const struct core *core, const struct space *space,
                       const struct object *object)
{
    return before(space) != 0 && find_shown(core, object, before(space), all_pages()) != NULL;
}

void huge_twin_unmap(struct core *core, const struct space *space, struct range range)
{
    for (const struct region *region = huge_first(core, space, range); region != NULL;
         region = huge_next(core, tree_next(core, region), range)) {
        struct object *object = object_at(core, region->object);

        if ((object->flags & OBJECT_PRIVATE) == 0) {
            continue;
        }
        if (mark(object) && has_before(core, space, object)) {
            object->flags |= OBJECT_BEFORE;
        }
        if ((object->flags & OBJECT_BEFORE) == 0) {
            huge_drop(core, region, range);
        }
    }
    unmark(core, space, range);
}

/* What is shown of an object once the range of the space is unmapped, and a twin exchanged. */
static struct huge_share left(const struct core *core, const struct space *space,
                              const struct object *object, struct range range)
{
    struct huge_share sum = {0};

    for (const struct region *region = first_shown(core, object); region != NULL;
         region = next_shown(core, region)) {
        struct huge_share gone = {0};

        if (region->space == before(space)) {
            continue;
        }
        if (region->space == space->number && range_meets(region_range(region), range)) {
            gone = huge_shown(core, region, range);
        }
        const struct huge_share shown = huge_shown(core, region, region_range(region));

        sum.pages += shown.pages - gone.pages;
        sum.held += shown.held - gone.held;
        sum.last += shown.last - gone.last;
    }
    return sum;
}

/* Pages of an object, and promises, that are nobody's then. */
static uint64_t object_returns(const struct core *core, const struct space *space,
                               const struct object *object, struct range range)
{
    const struct huge_share now = huge_all(core, object);
    const struct huge_share then = left(core, space, object, range);

    if ((object->flags & OBJECT_PRIVATE) == 0) {
        /* It goes after the request that unmaps it (Linux: when that returns), so not for that. */
        return then.pages == 0 && find_shown(core, object, space->number, range) == NULL
                   ? now.last + object->promised
                   : 0;
    }
    const uint64_t absent = then.pages - then.held;

    return now.last - then.last + (object->promised > absent ? object->promised - absent : 0);
}

/* The sum over the objects that regions of `shower` in `where` show. */
static uint64_t sum_returns(const struct core *core, const struct space *shower, struct range where,
                            const struct space *space, struct range range, uint32_t level)
{
    uint64_t sum = 0;

    for (const struct region *region = huge_first(core, shower, where); region != NULL;
         region = huge_next(core, tree_next(core, region), where)) {
        struct object *object = object_at(core, region->object);

        if (object->level == level && mark(object) &&
            (shower != space || !has_before(core, space, object))) {
            sum += object_returns(core, space, object, range);
        }
    }
    unmark(core, shower, where);
    return sum;
}

int64_t huge_twin_spare(const struct core *core, const struct space *space, struct range range,
                        uint32_t level)
{
    const struct huge_pool *pool = &core->head->huge[level - 1];
    int64_t spare = (int64_t)pool->free - (int64_t)pool->reserved;

    ASSERT(core->depth != 0);
    if (before(space) != 0) {
        const struct space *was = arena_page(core, before(space));

        spare += (int64_t)sum_returns(core, was, all_pages(), space, range, level);
    }
    return spare + (int64_t)sum_returns(core, space, range, space, range, level);
}

/* The first region of the twin that shows the same as `region`, and ends behind `page`; or NULL. */
static const struct region *find_still(const struct core *core, const struct space *twin,
                                       const struct region *region, uint32_t page)
{
    const struct region *then = tree_find(core, &twin->tree, page);

    while (then != NULL && then->first < region->end && then->object != region->object) {
        then = tree_next(core, then);
    }
    return then != NULL && then->first < region->end ? then : NULL;
}

/* Drop the parts of a private region that the twin does not show. */
static void settle_private(struct core *core, const struct space *twin, const struct region *region)
{
    uint32_t page = region->first;

    while (page < region->end) {
        const struct region *then = find_still(core, twin, region, page);
        const uint32_t end = then == NULL ? region->end : then->first;

        if (page < end) {
            huge_drop(core, region, range_of(page, end));
        }
        page = then == NULL ? region->end : then->end;
    }
}

/* Whether regions of other spaces than this one show the object. */
static bool is_shown_elsewhere(const struct core *core, const struct object *object,
                               const struct space *space)
{
    const struct region *region = first_shown(core, object);

    while (region != NULL && region->space == space->number) {
        region = next_shown(core, region);
    }
    return region != NULL;
}

void huge_twin_settle(struct core *core, const struct space *space, const struct space *twin)
{
    for (const struct region *region = huge_first(core, space, all_pages()); region != NULL;
         region = huge_next(core, tree_next(core, region), all_pages())) {
        struct object *object = object_at(core, region->object);

        if ((object->flags & OBJECT_PRIVATE) != 0) {
            settle_private(core, twin, region);
        } else if (mark(object) && !is_shown_elsewhere(core, object, space)) {
            huge_free(core, object);
            object->mapped = 0; /* its last regions go with the twin */
        }
    }
    unmark(core, space, all_pages());
}
