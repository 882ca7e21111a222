/* SPDX-License-Identifier: MIT */
#include "server/core/op_query.h"

#include "server/core/object.h"
#include "server/core/page.h"
#include "server/core/pool.h"

#define QUERY_ATTRIBUTES                                                                         \
    (REGION_DONTFORK | REGION_WIPEONFORK | REGION_SEQUENTIAL | REGION_RANDOM | REGION_HUGEPAGE | \
     REGION_NOHUGEPAGE | REGION_LOCKONFAULT)

/* What MAP was told: the object of an anonymous shared region is nobody's business. */
static bool query_is_anonymous(const struct core *core, const struct region *region)
{
    return region->object == 0 || (object_at(core, region->object)->flags & OBJECT_UNNAMED) != 0;
}

static uint32_t query_flags(const struct core *core, const struct region *region)
{
    uint32_t flags = (region->flags & REGION_SHARED) != 0 ? MEM_MAP_SHARED : MEM_MAP_PRIVATE;

    flags |= query_is_anonymous(core, region) ? MEM_MAP_ANONYMOUS : 0;
    flags |= (region->flags & REGION_NORESERVE) != 0 ? MEM_MAP_NORESERVE : 0;
    flags |= (region->flags & REGION_LOCKED) != 0 ? MEM_MAP_LOCKED : 0;
    flags |= (region->flags & REGION_GROWSDOWN) != 0 ? MEM_MAP_GROWSDOWN : 0;
    return flags;
}

static struct query_region query_describe(const struct core *core, const struct space *space,
                                          const struct region *region)
{
    struct page_totals totals = page_totals(core, space, region_range(region));

    return (struct query_region){
        .start = page_to_address(region->first),
        .end = page_to_address(region->end),
        .offset = region->object == 0 ? 0 : region->offset * PAGE_SIZE,
        .prot = region->flags & REGION_PROT,
        .flags = query_flags(core, region),
        .object = region->object == 0 ? 0 : object_at(core, region->object)->number,
        .attributes = region->flags & QUERY_ATTRIBUTES,
        .own = totals.own,
        .zero = totals.zero,
        .wired = totals.wired,
        .locked = (region->flags & REGION_LOCKED) != 0 ? region_pages(region) : 0,
    };
}

uint32_t op_query(struct core *core, const struct space *space, uaddr_t address,
                  uint32_t regions_max, struct query_region *regions)
{
    uint32_t count = 0;

    if (uaddr_to_bytes(address) >= USER_END) {
        return 0;
    }
    const struct region *region = tree_find(core, &space->tree, range_page_of(address));

    for (; region != NULL && count < regions_max; region = tree_next(core, region)) {
        regions[count++] = query_describe(core, space, region);
    }
    return count;
}

void op_query_totals(const struct core *core, const struct space *space,
                     struct query_totals *totals)
{
    *totals = (struct query_totals){
        .regions = space->tree.count,
        .pages = space->pages,
        .data = space->data,
        .committed = space->committed,
        .own = space->own,
        .zero = space->zero,
        .wired = space->wired,
        .tables = space->shadows,
        .frames_free = pool_free(core) + core->head->free_pages,
        .frames_total = core->head->pool.total,
        .commit_used = core->head->commit.used,
        .commit_limit = core->head->commit.limit,
    };
}
