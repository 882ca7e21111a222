/* SPDX-License-Identifier: MIT */
#include "server/core/op_query.h"

#include <stddef.h>

#include "server/core/content.h"
#include "server/core/huge.h"
#include "server/core/object.h"
#include "server/core/page.h"
#include "server/core/paged.h"
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
    if (huge_is_region(region)) {
        flags |= MEM_MAP_HUGETLB | (object_at(core, region->object)->level == 1 ? MEM_MAP_HUGE_2MB
                                                                                : MEM_MAP_HUGE_1GB);
    }
    return flags;
}

/* What its object has for a page that shows it. */
struct query_shown {
    uint32_t frame; /* 0: it is there for good */
    bool is_dirty;
};

static struct query_shown query_object_page(const struct core *core, const struct region *region,
                                            uint32_t page)
{
    const struct object *object = object_at(core, region->object);
    const uint64_t number = region_kind_at(region, page).offset;

    if (!object_has_frames(object)) {
        return (struct query_shown){0};
    }
    return (struct query_shown){
        .frame = content_frame(core, object, number),
        .is_dirty = object->kind == OBJECT_PAGED &&
                    paged_word_state(paged_word(core, object, number)) > PAGED_CLEAN,
    };
}

/* Whether no page can be pinned, or one of a pager's that is not saved. */
static bool query_is_simple(const struct core *core, const struct region *region)
{
    const struct object *object = region->object == 0 ? NULL : object_at(core, region->object);

    return core->head->pins.records.records == 0 &&
           (object == NULL || object->kind != OBJECT_PAGED || object->unsaved == 0);
}

/* No pager has what shared memory holds. */
static uint64_t query_dirty_of_memory(const struct core *core, const struct region *region,
                                      const struct page_totals *totals)
{
    const bool is_memory =
        region->object != 0 && object_at(core, region->object)->kind == OBJECT_MEMORY;

    return is_memory ? totals->wired : 0;
}

/* Count pages that are pinned, and those of a pager that are not saved. */
static void query_count(struct core *core, struct space *space, const struct region *region,
                        struct query_region *answer)
{
    struct range rest = region_range(region);

    shared_enter(core);
    /* Usually there are none. */
    if (!query_is_simple(core, region)) {
        for (uint32_t page = page_next(core, space, rest); page < rest.end;
             page = page_next(core, space, range_of(page + 1, rest.end))) {
            const uint64_t entry = page_entry(core, space, page);
            struct query_shown shown = {0};

            if (shadow_entry_is_private(entry)) {
                shown.frame = shadow_entry_frame(entry); /* dirty by itself */
            } else if (shadow_entry_state(entry) == SHADOW_WIRED) {
                shown = query_object_page(core, region, page);
            }
            answer->pinned += shown.frame != 0 && pool_record(core, shown.frame)->pins != 0 ? 1 : 0;
            answer->dirty += shown.is_dirty ? 1 : 0;
        }
    }
    shared_leave(core);
}

static struct query_region query_describe(struct core *core, struct space *space,
                                          const struct region *region)
{
    struct page_totals totals = page_totals(core, space, region_range(region));

    if (huge_is_region(region)) {
        totals.own = huge_count(core, region);
    }
    struct query_region answer = {
        .start = page_to_address(region->first),
        .end = page_to_address(region->end),
        .offset = region->object == 0 ? 0 : region->offset * PAGE_SIZE,
        .prot = region->flags & REGION_PROT,
        .flags = query_flags(core, region),
        .object = region->object == 0 ? 0 : object_at(core, region->object)->number,
        .attributes = region->flags & QUERY_ATTRIBUTES,
        .own = totals.own - totals.swapped,
        .swapped = totals.swapped,
        .zero = totals.zero,
        .wired = totals.wired,
        .dirty = totals.own - totals.swapped + query_dirty_of_memory(core, region, &totals),
        .locked = (region->flags & REGION_LOCKED) != 0 ? region_pages(region) : 0,
    };

    if (huge_is_region(region)) {
        answer.pinned = (uint32_t)huge_pinned(core, region);
    } else {
        query_count(core, space, region, &answer);
    }
    return answer;
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
        .own = space->own - space->swapped,
        .swapped = space->swapped,
        .zero = space->zero,
        .wired = space->wired,
        .tables = space->shadows,
        .frames_free = pool_free(core) + core->head->free_pages,
        .frames_total = core->head->pool.total,
        .commit_used = core->head->commit.used,
        .commit_limit = core->head->commit.limit,
    };
}
