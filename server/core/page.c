/* SPDX-License-Identifier: MIT */
#include "server/core/page.h"

#include <base/assert.h>

#include "server/core/shadow.h"

/* Count one entry out of a state; an own frame becomes free. */
static inline void page_release(struct core *core, struct space *space, uint64_t entry)
{
    switch (shadow_entry_state(entry)) {
    case SHADOW_OWN:
        space->own--;
        pool_give(core, shadow_entry_frame(entry));
        break;
    case SHADOW_ZERO:
        space->zero--;
        break;
    case SHADOW_WIRED:
        space->wired--;
        break;
    case SHADOW_ABSENT:
        UNREACHABLE();
    }
}

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
        const uint64_t *leaf = arena_page(core, shadow_upper_page(*upper));

        for (end = end < range.end ? end : range.end; page < end; page++) {
            if (leaf[page & (SHADOW_ENTRIES - 1)] != 0) {
                return page;
            }
        }
    }
    return range.end;
}

void page_clear(struct core *core, struct space *space, struct range range)
{
    uint32_t page = page_next(core, space, range);

    while (page < range.end) {
        uint64_t *upper = shadow_upper(core, space, 0, page);
        uint64_t *leaf = arena_page(core, shadow_upper_page(*upper));
        uint32_t end = shadow_block_range(shadow_block(page, 0), 0).end;
        uint64_t cleared = 0;

        for (end = end < range.end ? end : range.end; page < end; page++) {
            uint64_t *entry = &leaf[page & (SHADOW_ENTRIES - 1)];

            if (*entry != 0) {
                page_release(core, space, *entry);
                *entry = 0;
                cleared++;
            }
        }
        *upper -= cleared << SHADOW_COUNT_SHIFT;
        page = page_next(core, space, range_of(end, range.end));
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

struct page_totals page_totals(const struct core *core, const struct space *space,
                               struct range range)
{
    struct page_totals totals = {0};
    uint32_t page = page_next(core, space, range);

    while (page < range.end) {
        const uint64_t *upper = shadow_upper(core, space, 0, page);
        const uint64_t *leaf = arena_page(core, shadow_upper_page(*upper));

        switch (shadow_entry_state(leaf[page & (SHADOW_ENTRIES - 1)])) {
        case SHADOW_OWN:
            totals.own++;
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
