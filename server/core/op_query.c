/* SPDX-License-Identifier: MIT */
#include "server/core/op_query.h"

#include "server/core/content.h"
#include "server/core/object.h"
#include "server/core/page.h"
#include "server/core/pool.h"
#include "server/core/shadow.h"
#include "server/core/shared.h"

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

/* The frame of a page that is there; 0 if it is there for good. */
static uint32_t query_frame(const struct core *core, const struct region *region, uint32_t page,
                            uint64_t entry)
{
    if (shadow_entry_is_private(entry)) {
        return shadow_entry_frame(entry);
    }
    if (shadow_entry_state(entry) == SHADOW_WIRED &&
        object_at(core, region->object)->kind == OBJECT_MEMORY) {
        return content_frame(core, object_at(core, region->object),
                             region_kind_at(region, page).offset);
    }
    return 0;
}

static uint32_t query_pinned(struct core *core, struct space *space, const struct region *region)
{
    struct range rest = region_range(region);
    uint32_t pinned = 0;

    shared_enter(core);
    /* Usually nobody has any. */
    if (core->head->pins.records.records != 0) {
        for (uint32_t page = page_next(core, space, rest); page < rest.end;
             page = page_next(core, space, range_of(page + 1, rest.end))) {
            const uint32_t frame = query_frame(core, region, page, page_entry(core, space, page));

            pinned += frame != 0 && pool_record(core, frame)->pins != 0 ? 1 : 0;
        }
    }
    shared_leave(core);
    return pinned;
}

static struct query_region query_describe(struct core *core, struct space *space,
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
        .pinned = query_pinned(core, space, region),
        .locked = (region->flags & REGION_LOCKED) != 0 ? region_pages(region) : 0,
    };
}

uint32_t op_query(struct core *core, struct space *space, uaddr_t address, uint32_t regions_max,
                  struct query_region *regions)
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
