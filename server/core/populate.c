/* SPDX-License-Identifier: MIT */
#include "server/core/populate.h"

#include <base/assert.h>

#include "server/core/object.h"

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
    if (core->need.kind != NEED_NOTHING) {
        core->need.pages = range.end - page;
        core->need.progress = page;
        return FAULT_WAIT;
    }
    /* The region is there and allows it: nothing else can be in the way. */
    return region->object != 0 && !object_has_page(object_at(core, region->object),
                                                   region_kind_at(region, page).offset)
               ? FAULT_PAST_END
               : FAULT_NO_FRAME;
}

/* For what the pages of a region are made present (R27); 0: it lets nobody see them. */
static uint32_t populate_access(uint32_t flags)
{
    uint32_t rights = region_rights(flags);

    if (region_is_private_writable(flags)) {
        return MEM_PROT_WRITE;
    }
    return (rights & MEM_PROT_READ) != 0 ? MEM_PROT_READ : rights;
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
    if (populate_what_can_be(core, space, range)) {
        core->need = (struct need){0};
    }
}
