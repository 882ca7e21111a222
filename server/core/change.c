/* SPDX-License-Identifier: MIT */
#include "server/core/change.h"

#include <base/assert.h>

#include "server/core/budget.h"
#include "server/core/large.h"
#include "server/core/merge.h"
#include "server/core/page.h"
#include "server/core/port.h"

#define CHANGE_RECORDS 2u /* a split at each edge */

/* The flags that `region` will have. */
static uint32_t change_flags(const struct change *change, const struct region *region)
{
    uint32_t flags = (region->flags & ~change->clear) | change->set;

    if (((flags ^ region->flags) & REGION_PROT) == 0) {
        /* Linux leaves a region alone that has the protection already. */
        return flags;
    }
    if (region_is_private_writable(flags)) {
        return (flags & REGION_NORESERVE) != 0 ? flags : flags | REGION_ACCOUNT;
    }
    if (region->object == 0 && (flags & REGION_TOUCHED) == 0) {
        flags &= ~REGION_ACCOUNT;
    }
    return flags;
}

/*
 * Whether the part of `region` in `range` becomes part of the neighbour that it touches at the
 * range's edge.
 */
static bool change_moves_edge(const struct core *core, const struct region *region,
                              struct range range, uint32_t flags)
{
    struct range part = range_common(region_range(region), range);
    struct region_kind kind = region_kind_at(region, part.first);

    kind.flags = flags;
    if (part.first == region->first && part.end < region->end) {
        const struct region *prev = tree_prev(core, region);

        return prev != NULL && prev->end == part.first &&
               region_can_join(&(struct region_kind){prev->flags, prev->object, prev->offset},
                               region_pages(prev), &kind);
    }
    if (part.end == region->end && part.first > region->first) {
        const struct region *next = tree_next(core, region);

        return next != NULL && next->first == part.end &&
               region_can_join(&kind, range_pages(part),
                               &(struct region_kind){next->flags, next->object, next->offset});
    }
    return false;
}

/* How many regions more there are after the edges of `range` cut this one. */
static uint32_t change_count_splits(const struct core *core, const struct region *region,
                                    struct range range, uint32_t flags)
{
    uint32_t splits = 0;

    splits += region->first < range.first ? 1 : 0;
    splits += region->end > range.end ? 1 : 0;
    return splits == 1 && change_moves_edge(core, region, range, flags) ? 0 : splits;
}

/*
 * Whether the data limit has a say in `pages` pages that become data. Linux refuses them only where
 * as many pages without it would be let in (6.12, mprotect_fixup()), so at the page limit it lets
 * them pass; each region is judged by itself.
 */
static bool change_is_judged(const struct space *space, uint32_t pages)
{
    const uint64_t most = space->settings.pages_max;

    return space->pages <= most && pages <= most - space->pages;
}

enum err change_check(struct core *core, struct space *space, struct range range,
                      const struct change *change, struct change_plan *plan)
{
    struct limit_change sums = {0};
    uint64_t data = 0;
    uint32_t splits = 0;

    *plan = (struct change_plan){0};
    for (struct region *region = tree_find(core, &space->tree, range.first);
         region != NULL && region->first < range.end; region = tree_next(core, region)) {
        uint32_t flags = change_flags(change, region);
        uint32_t old = region->flags;

        if (flags == old) {
            continue;
        }
        uint32_t pages = range_pages(range_common(region_range(region), range));

        plan->first = plan->first == NULL ? region : plan->first;
        plan->lost |= region_rights(old) & ~region_rights(flags);
        splits += change_count_splits(core, region, range, flags);
        if (region_is_data(flags) && !region_is_data(old)) {
            data += pages;
            sums.data_added = change_is_judged(space, pages) ? data : sums.data_added;
        }
        sums.commit_added += (flags & ~old & REGION_ACCOUNT) != 0 ? pages : 0;
    }
    enum err error = ERR_OK;

    if ((sums.data_added | sums.commit_added) != 0) {
        error = limit_check(core, space, &sums);
    }
    if (error == ERR_OK) {
        error = limit_check_splits(space, splits);
    }
    if (error == ERR_OK && (region_reserve(core, space, CHANGE_RECORDS) != ERR_OK ||
                            large_cut(core, space, range) != ERR_OK)) {
        error = limit_refuse_frames(core, space, 1);
    }
    return error == ERR_OK ? limit_promise(core, space, &sums) : error;
}

/* Take from the page table what the regions will no longer allow. */
static void change_restrict(struct core *core, const struct space *space, struct range range,
                            const struct change *change)
{
    uint32_t first = page_next(core, space, range);

    if (first < range.end) {
        struct range rest = range_of(first, range.end);

        port_restrict(core->port, space->kernel, page_to_vpn(first), range_npages(rest),
                      region_rights(change->set));
    }
}

/* Give a region its flags; totals follow. */
static void change_region(struct core *core, struct space *space, struct region *region,
                          uint32_t flags)
{
    uint32_t pages = region_pages(region);

    if (((flags ^ region->flags) & (MEM_PROT_WRITE | REGION_ACCOUNT | REGION_LOCKED)) != 0) {
        limit_discharge(core, space, region->flags, pages);
        limit_charge(core, space, flags, pages);
    }
    region->flags = flags;
}

void change_apply(struct core *core, struct space *space, struct range range,
                  const struct change *change, const struct change_plan *plan)
{
    struct region *first = plan->first;

    intent_open(core, space, range);
    if (plan->lost != 0) {
        change_restrict(core, space, range, change);
    }
    /* Point of no return: nothing below may fail. */
    intent_write(core);
    if (first->first < range.first) {
        first = merge_split(core, space, first, range.first);
    }
    for (struct region *region = first; region != NULL && region->first < range.end;
         region = tree_next(core, region)) {
        uint32_t flags = change_flags(change, region);

        if (flags == region->flags) {
            continue;
        }
        if (region->end > range.end) {
            (void)merge_split(core, space, region, range.end);
        }
        change_region(core, space, region, flags);
    }
    merge_range(core, space, first, range.end);
    intent_close(core);
    AUDIT(space_audit(core, space));
}
