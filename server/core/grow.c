/* SPDX-License-Identifier: MIT */
#include "server/core/grow.h"

#include <base/assert.h>

#include "server/core/merge.h"

/* Whether limits let `region` have `pages` more. */
static enum err grow_check_limits(struct core *core, struct space *space,
                                  const struct region *region, uint32_t pages)
{
    const struct limit_change change = {
        .pages_added = pages,
        .commit_added = (region->flags & REGION_ACCOUNT) != 0 ? pages : 0,
    };
    uint64_t size = page_to_address(region_pages(region) + pages);

    if (size > space->settings.stack_max) {
        return ERR_NOMEM;
    }
    if ((region->flags & REGION_LOCKED) != 0 &&
        limit_check_locked(space, pages, ERR_NOMEM) != ERR_OK) {
        return ERR_NOMEM;
    }
    const enum err error = limit_check(core, space, &change);

    return error == ERR_OK ? limit_promise(core, space, &change) : error;
}

/* Whether `region` may begin at `page`, as far as its surroundings go. */
static bool grow_is_free(const struct core *core, const struct space *space,
                         const struct region *region, uint32_t page)
{
    const struct region *prev = tree_prev(core, region);

    if (page < range_page_of(space->settings.lowest) || page < RANGE_USER_FIRST) {
        return false;
    }
    return prev == NULL || (prev->flags & REGION_GROWSDOWN) != 0 ||
           (prev->flags & REGION_PROT) == 0 || page - prev->end >= GROW_GUARD_PAGES;
}

struct region *grow_down(struct core *core, struct space *space, uint32_t page)
{
    struct region *region = tree_find(core, &space->tree, page);

    if (region == NULL || (region->flags & REGION_GROWSDOWN) == 0 ||
        !grow_is_free(core, space, region, page)) {
        return NULL;
    }
    ASSERT(region->first > page);
    /* Linux gives it page records before it judges limits. */
    region->flags |= REGION_TOUCHED;
    const uint32_t pages = region->first - page;
    /* What a refused request was about is still asked for. */
    const struct refusal refusal = space->refusal;
    enum err error = grow_check_limits(core, space, region, pages);

    space->refusal = refusal;
    if (error != ERR_OK) {
        return NULL;
    }
    intent_open(core, space, range_of(page, region->first));
    /* Point of no return: nothing below may fail. */
    intent_write(core);
    limit_charge(core, space, region->flags, pages);
    tree_resize(core, region, (struct range){page, region->end});
    region->offset -= pages;
    merge_range(core, space, region, region->end);
    intent_close(core);
    AUDIT(space_audit(core, space));
    return tree_find(core, &space->tree, page);
}
