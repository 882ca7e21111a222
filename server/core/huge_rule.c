/* SPDX-License-Identifier: MIT */
#include "server/core/huge_rule.h"

#include "server/core/huge.h"
#include "server/core/huge_twin.h"

/* Whether `page`, where a range begins or ends, is inside of a huge page. */
static bool cuts_page(const struct core *core, const struct space *space, uint32_t page)
{
    const struct region *region = tree_find(core, &space->tree, page);

    return region != NULL && region->first < page && huge_is_region(region) &&
           page % huge_region_unit(core, region) != 0;
}

enum err huge_refuse_edges(const struct core *core, struct space *space, struct range range)
{
    if (range_is_empty(range)) {
        return ERR_OK;
    }
    if (cuts_page(core, space, range.first) || cuts_page(core, space, range.end)) {
        return limit_refuse(space, ERR_INVAL);
    }
    return ERR_OK;
}

enum err huge_check_discard(const struct core *core, struct space *space, struct range *range)
{
    if (cuts_page(core, space, range->end)) {
        const struct region *region = tree_find(core, &space->tree, range->end);
        const uint32_t end = range->end & ~(huge_region_unit(core, region) - 1);

        if (end < range->first) {
            return limit_refuse(space, ERR_INVAL); /* both edges are inside of one page */
        }
        range->end = end;
    }
    return huge_check_edges(core, space, *range);
}

enum err huge_check_remap(const struct core *core, struct space *space, const struct region *region,
                          const struct remap_request *request, uint32_t *old_pages,
                          uint32_t *new_pages)
{
    if (!huge_is_region(region)) {
        return ERR_OK;
    }
    const uint32_t unit = huge_region_unit(core, region);
    const uint64_t unit_bytes = (uint64_t)unit * PAGE_SIZE;
    const uint64_t old = ((uint64_t)*old_pages + unit - 1) / unit * unit;
    const uint64_t wanted = ((uint64_t)*new_pages + unit - 1) / unit * unit;

    if (uaddr_to_bytes(request->address) % unit_bytes != 0 ||
        uaddr_to_bytes(request->target) % unit_bytes != 0 || wanted > old ||
        (request->flags & MEM_REMAP_DONTUNMAP) != 0) {
        return limit_refuse(space, ERR_INVAL);
    }
    *old_pages = (uint32_t)old;
    *new_pages = (uint32_t)wanted;
    return ERR_OK;
}

enum err huge_check_promise(struct core *core, struct space *space, struct range range,
                            uint32_t level)
{
    const uint32_t total = core->head->huge[level - 1].total;
    const uint32_t pages = range_pages(range) / huge_unit(level);
    const int64_t spare = huge_twin_spare(core, space, range, level);
    const uint32_t used = spare > 0 ? total - (uint32_t)spare : total;

    return (int64_t)pages <= spare
               ? ERR_OK
               : limit_refuse_over(space, ERR_NOMEM, MEM_LIMIT_HUGE, total, used, pages);
}
