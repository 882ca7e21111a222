/* SPDX-License-Identifier: MIT */
#include "server/core/change.h"

#include <base/assert.h>

#include "server/core/budget.h"
#include "server/core/huge.h"
#include "server/core/huge_rule.h"
#include "server/core/large.h"
#include "server/core/merge.h"
#include "server/core/page.h"
#include "server/core/port.h"

/* The flags that `region` will have. */
ALWAYS_INLINE uint32_t change_flags(const struct change *change, const struct region *region)
{
    uint32_t flags = (region->flags & ~change->clear) | change->set;

    if (huge_is_region(region)) {
        /* Never locked, nor in the account (Linux mlock_fixup(), mprotect_fixup()). */
        return flags & ~REGION_LOCKS;
    }
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

uint32_t change_splits(const struct core *core, const struct space *space, struct range range,
                       const struct change *change)
{
    uint32_t splits = 0;

    for (const struct region *region = tree_find(core, &space->tree, range.first);
         region != NULL && region->first < range.end; region = tree_next(core, region)) {
        const uint32_t flags = change_flags(change, region);

        splits += flags == region->flags ? 0 : change_count_splits(core, region, range, flags);
    }
    return splits;
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
    bool has_huge = false;

    *plan = (struct change_plan){0};
    for (struct region *region = tree_find(core, &space->tree, range.first);
         region != NULL && region->first < range.end; region = tree_next(core, region)) {
        uint32_t flags = change_flags(change, region);
        uint32_t old = region->flags;

        if (flags == old) {
            continue;
        }
        has_huge = has_huge || huge_is_region(region);
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
    if (error == ERR_OK && UNLIKELY(has_huge)) {
        error = huge_check_edges(core, space, range);
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
    uint32_t first = huge_has_leaves(space) ? range.first : page_next(core, space, range);

    if (first < range.end) {
        struct range rest = range_of(first, range.end);

        port_restrict(core->port, space->kernel, page_to_vpn(first), range_npages(rest),
                      region_rights(change->set));
    }
}

/* Give a region its flags; totals follow. */
ALWAYS_INLINE void change_region(struct core *core, struct space *space, struct region *region,
                                 uint32_t flags)
{
    uint32_t pages = region_pages(region);

    if (((flags ^ region->flags) & (MEM_PROT_WRITE | REGION_ACCOUNT | REGION_LOCKED)) != 0) {
        limit_discharge(core, space, region->flags, pages);
        limit_charge(core, space, flags, pages);
    }
    region->flags = flags;
}

NOINLINE bool change_has_many(const struct core *core, const struct space *space,
                              struct range range)
{
    return space->kernel.v != 0 && work_has_many_regions(core, space, range);
}

/* The commit of what is done in steps: what will change ends where the range does. */
NOINLINE static enum err change_begin(struct core *core, struct space *space, struct range range,
                                      const struct change *change, const struct change_plan *plan)
{
    struct region *first = plan->first;

    intent_open(core, space, range);
    if (plan->lost != 0) {
        huge_restrict(core, space, range, region_rights(change->set));
    }
    /* Point of no return: nothing below may fail. */
    intent_write(core);
    if (first->first < range.first) {
        (void)merge_split(core, space, first, range.first);
    } else {
        range.first = first->first;
    }
    struct region *last = tree_find(core, &space->tree, range.end - 1);

    if (last != NULL && last->first < range.end && last->end > range.end &&
        change_flags(change, last) != last->flags) {
        (void)merge_split(core, space, last, range.end);
    }
    work_begin(core, space, WORK_CHANGE, range, region_rights(change->set));
    if (plan->lost != 0) {
        space->work.phase = WORK_RESTRICT_GO; /* first, so that no leaf gives more than a region */
    }
    space->work.clear = change->clear;
    space->work.set = change->set;
    work_keep_promise(core, &space->work);
    intent_close(core);
    AUDIT(space_audit(core, space));
    return work_go_on(core, space);
}

void change_step(struct core *core, struct space *space, struct range part)
{
    struct work *work = &space->work;
    const struct change change = {.clear = work->clear, .set = work->set};
    struct region *first = tree_find(core, &space->tree, part.first);

    intent_open(core, space, part);
    intent_write(core);
    for (struct region *region = first; region != NULL && region->first < part.end;
         region = tree_next(core, region)) {
        const uint32_t flags = change_flags(&change, region);

        if (flags != region->flags) {
            ASSERT(region->first >= part.first && region->end <= part.end);
            change_region(core, space, region, flags);
        }
    }
    if (first != NULL) {
        merge_range(core, space, first, part.end);
    }
    work->range.first = part.end;
    work_keep_promise(core, work);
    intent_close(core);
}

/* The regions in one go; if `is_long`, leaves lose rights after them, and not before them. */
ALWAYS_INLINE enum err change_apply_once(struct core *core, struct space *space, struct range range,
                                         const struct change *change,
                                         const struct change_plan *plan, bool is_long)
{
    struct region *first = plan->first;

    intent_open(core, space, range);
    if (plan->lost != 0 && !is_long) {
        change_restrict(core, space, range, change);
    } else if (is_long) {
        huge_restrict(core, space, range, region_rights(change->set));
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
    if (UNLIKELY(is_long)) {
        work_begin(core, space, WORK_PROTECT, range, region_rights(change->set));
    }
    intent_close(core);
    AUDIT(space_audit(core, space));
    return UNLIKELY(is_long) ? work_go_on(core, space) : ERR_OK;
}

NOINLINE static enum err change_apply_long(struct core *core, struct space *space,
                                           struct range range, const struct change *change,
                                           const struct change_plan *plan)
{
    if (change_has_many(core, space, range)) {
        return change_begin(core, space, range, change, plan);
    }
    return change_apply_once(core, space, range, change, plan,
                             plan->lost != 0 && work_is_long(core, space, range, WORK_PROTECT));
}

enum err change_apply(struct core *core, struct space *space, struct range range,
                      const struct change *change, const struct change_plan *plan)
{
    if (UNLIKELY(work_may_be_long(range))) {
        return change_apply_long(core, space, range, change, plan);
    }
    return change_apply_once(core, space, range, change, plan, false);
}
