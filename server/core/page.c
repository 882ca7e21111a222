/* SPDX-License-Identifier: MIT */
#include "server/core/page.h"

#include <base/assert.h>

#include "server/core/budget.h"
#include "server/core/cow.h"
#include "server/core/detain.h"
#include "server/core/large.h"
#include "server/core/pool.h"
#include "server/core/shadow.h"
#include "server/core/swap.h"

uint32_t page_next(const struct core *core, const struct space *space, struct range range)
{
    uint32_t page = range.first;

    while (page < range.end) {
        const uint64_t *upper = shadow_upper(core, space, 0, page);

        if (upper == NULL) {
            page = shadow_block_range(shadow_block(page, 1), 1).end;
            continue;
        }
        uint32_t end = shadow_block_range(shadow_block(page, 0), 0).end;

        if (shadow_upper_count(*upper) == 0) {
            page = end;
            continue;
        }
        if (UNLIKELY(shadow_upper_is_large(*upper))) {
            return page;
        }
        const uint64_t *leaf = arena_page(core, shadow_upper_page(*upper));

        for (end = end < range.end ? end : range.end; page < end; page++) {
            if (leaf[page & (SHADOW_ENTRIES - 1)] != 0) {
                return page;
            }
        }
    }
    return range.end;
}

uint64_t page_entry(const struct core *core, const struct space *space, uint32_t page)
{
    const uint64_t *upper = shadow_upper(core, space, 0, page);
    const uint32_t index = page & (SHADOW_ENTRIES - 1);

    if (upper == NULL || *upper == 0) {
        return 0;
    }
    if (shadow_upper_is_large(*upper)) {
        return shadow_entry(SHADOW_OWN, shadow_upper_frame(*upper) + index);
    }
    const uint64_t *leaf = arena_page(core, shadow_upper_page(*upper));

    return leaf[index];
}

/*
 * Clear the entries of one leaf from the last to the first, so that frames come back in the order
 * in which they went: consecutive pages get consecutive frames again.
 */
static uint32_t page_clear_leaf(struct core *core, struct space *space, uint64_t *leaf,
                                uint32_t first, uint32_t end)
{
    uint32_t free_first = core->worker->free_first;
    uint32_t own = 0;
    uint32_t kept = 0; /* of `own`: those that are pinned */
    uint32_t shared = 0;
    uint32_t last = 0; /* of `shared`: those that nobody else has any longer */
    uint32_t swapped = 0;
    uint32_t back = 0; /* of `swapped`: frames that nobody else needs any longer */
    uint32_t zero = 0;
    uint32_t wired = 0;

    for (uint32_t i = end; i > first; i--) {
        uint64_t entry = leaf[i - 1];

        if (entry == 0) {
            continue;
        }
        leaf[i - 1] = 0;
        if (LIKELY(shadow_entry_state(entry) == SHADOW_OWN)) {
            const uint32_t frame = shadow_entry_frame(entry);

            own++;
            if (UNLIKELY(core->frames[frame].pins != 0)) {
                /* In shared_enter(): intent_open() saw that it has such. */
                detain_frame(core, frame, space->payer);
                kept++;
                continue;
            }
            pool_chain(core, frame, &free_first);
        } else if (shadow_entry_state(entry) == SHADOW_SHARED) {
            shared++;
            if (cow_put(core, shadow_entry_frame(entry))) {
                pool_chain(core, shadow_entry_frame(entry), &free_first);
                last++;
            }
        } else if (shadow_entry_state(entry) == SHADOW_ZERO) {
            zero++;
        } else if (shadow_entry_state(entry) == SHADOW_WIRED) {
            wired++;
        } else {
            ASSERT(shadow_entry_state(entry) == SHADOW_SWAPPED);
            const uint32_t frame = swap_put(core, shadow_entry_frame(entry));

            swapped++;
            if (frame != 0) {
                pool_chain(core, frame, &free_first);
                back++;
            }
        }
    }
    core->worker->free_first = free_first;
    pool_count(core->worker, own - kept + last + back);
    if (last != 0) {
        core->head->pool.cow -= last; /* in shared_enter(): intent_open() saw that it has such */
    }
    if (UNLIKELY(swapped != 0)) {
        swap_count(space, 0 - swapped);
    }
    budget_give_pages(core, space, own - kept + shared + swapped);
    space->own -= own + shared + swapped;
    space->shared -= shared;
    space->zero -= zero;
    space->wired -= wired;
    return own + shared + zero + wired + swapped;
}

/*
 * Where what is left of `range` ends, whose last leaf has no pages: behind the last one of the same
 * GiB that has, or before that GiB. `upper` is the entry above the last leaf.
 */
static uint32_t page_skip_down(const uint64_t *upper, struct range range)
{
    const uint32_t lowest = shadow_block(range.first, 0);
    uint32_t block = shadow_block(range.end - 1, 0);

    while (shadow_upper_count(*upper) == 0 && block > lowest && block % SHADOW_ENTRIES != 0) {
        upper--;
        block--;
    }
    const struct range covered = shadow_block_range(block, 0);
    const uint32_t end = shadow_upper_count(*upper) == 0 ? covered.first : covered.end;

    return end > range.first ? end : range.first;
}

void page_clear(struct core *core, struct space *space, struct range range)
{
    /* From the last leaf to the first, for the same reason. */
    while (!range_is_empty(range)) {
        uint64_t *upper = shadow_upper(core, space, 0, range.end - 1);

        if (upper != NULL && shadow_upper_count(*upper) == 0) {
            range.end = page_skip_down(upper, range);
            continue;
        }
        const uint32_t level = upper == NULL ? 1 : 0;
        struct range block = shadow_block_range(shadow_block(range.end - 1, level), level);
        uint32_t first = block.first > range.first ? block.first : range.first;

        if (UNLIKELY(upper != NULL && shadow_upper_is_large(*upper))) {
            ASSERT(range_covers(range, block));
            large_clear(core, space, upper, block.first);
        } else if (upper != NULL) {
            uint64_t *leaf = arena_page(core, shadow_upper_page(*upper));
            uint64_t cleared =
                page_clear_leaf(core, space, leaf, first - block.first, range.end - block.first);

            *upper -= cleared << SHADOW_COUNT_SHIFT;
        }
        range.end = first;
    }
}

void page_clear_wired(struct core *core, struct space *space, struct range range)
{
    for (uint32_t page = page_next(core, space, range); page < range.end;
         page = page_next(core, space, range_of(page + 1, range.end))) {
        uint64_t *entry = shadow_find(core, space, page);

        if (shadow_entry_state(*entry) == SHADOW_WIRED) {
            *entry = 0;
            *(uint64_t *)arena_at(core, space->leaf_entry) -= SHADOW_COUNT_ONE;
            space->wired--;
        }
    }
}

void page_move(struct core *core, struct space *space, struct range from, uint32_t to)
{
    uint32_t page = page_next(core, space, from);

    while (page < from.end) {
        uint64_t *source = shadow_find(core, space, page);
        uint64_t entry = *source;
        uint32_t target = to + (page - from.first);

        *source = 0;
        *(uint64_t *)arena_at(core, space->leaf_entry) -= SHADOW_COUNT_ONE;
        uint64_t *place = shadow_find(core, space, target);

        ASSERT(place != NULL && *place == 0);
        *place = entry;
        shadow_count(core, space);
        if (shadow_entry_state(entry) == SHADOW_OWN) {
            pool_record(core, shadow_entry_frame(entry))->page = target;
        }
        page = page_next(core, space, range_of(page + 1, from.end));
    }
}

bool page_can_move(const struct core *core, uint64_t entry)
{
    return shadow_entry_state(entry) == SHADOW_OWN &&
           pool_record(core, shadow_entry_frame(entry))->pins == 0;
}

struct page_totals page_totals(const struct core *core, const struct space *space,
                               struct range range)
{
    struct page_totals totals = {0};
    uint32_t page = page_next(core, space, range);

    while (page < range.end) {
        const uint64_t *upper = shadow_upper(core, space, 0, page);

        if (shadow_upper_is_large(*upper)) {
            const struct range block = shadow_block_range(shadow_block(page, 0), 0);
            const struct range part = range_common(block, range_of(page, range.end));

            totals.own += range_pages(part);
            page = page_next(core, space, range_of(part.end, range.end));
            continue;
        }
        const uint64_t *leaf = arena_page(core, shadow_upper_page(*upper));

        switch (shadow_entry_state(leaf[page & (SHADOW_ENTRIES - 1)])) {
        case SHADOW_OWN:
            totals.own++;
            break;
        case SHADOW_SHARED:
            totals.own++;
            totals.shared++;
            break;
        case SHADOW_SWAPPED:
            totals.own++;
            totals.swapped++;
            break;
        case SHADOW_ZERO:
            totals.zero++;
            break;
        case SHADOW_WIRED:
            totals.wired++;
            break;
        case SHADOW_ABSENT:
            UNREACHABLE();
        }
        page = page_next(core, space, range_of(page + 1, range.end));
    }
    return totals;
}
