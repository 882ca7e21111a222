/* SPDX-License-Identifier: MIT */
#include "server/core/large.h"

#include <base/assert.h>

#include "server/core/budget.h"
#include "server/core/huge.h"
#include "server/core/huge_fault.h"
#include "server/core/page.h"
#include "server/core/pool.h"
#include "server/core/port.h"
#include "server/core/run.h"
#include "server/core/shadow.h"

STATIC_ASSERT(LARGE_PAGES == SHADOW_ENTRIES && LARGE_PAGES == FRAME_RUN_FRAMES,
              "one leaf, one run");

/* The entry of the large leaf that holds `page`; NULL if there is none. */
static uint64_t *large_find(const struct core *core, const struct space *space, uint32_t page)
{
    uint64_t *upper = shadow_upper(core, space, 0, page);

    return upper != NULL && shadow_upper_is_large(*upper) ? upper : NULL;
}

/* What to install for the large leaf `upper`, with the frame of the page that was touched. */
static void large_answer(const struct core *core, const struct fault *fault, uint64_t upper,
                         enum port_how how, struct fault_answer *answer)
{
    const uint32_t frame = shadow_upper_frame(upper) + (fault->page & (LARGE_PAGES - 1));

    *answer = (struct fault_answer){
        .frame = pool_pfn(core, frame),
        .prot = region_rights(fault->region->flags),
        .how = (uint8_t)how,
        .is_new = how == PORT_ZERO,
        .is_large = true,
        .level = 1,
    };
}

/* Whether the stretch around the page may become a large leaf: nothing is in it. */
static bool large_is_possible(struct core *core, const struct fault *fault)
{
    const struct range block = shadow_block_range(shadow_block(fault->page, 0), 0);
    const struct region *region = fault->region;

    if (fault->access != MEM_PROT_WRITE || (region->flags & REGION_HUGEPAGE) == 0 ||
        region->object != 0 || !range_covers(region_range(region), block)) {
        return false;
    }
    const uint64_t *upper = shadow_upper(core, fault->space, 0, fault->page);

    return upper == NULL || shadow_upper_count(*upper) == 0;
}

/* Put a large leaf where nothing is. Returns: its entry; 0 if there is no run for it. */
static uint64_t large_make(struct core *core, struct space *space, uint32_t first)
{
    if (!shadow_make_upper(core, space, first)) {
        return 0;
    }
    if (*shadow_upper(core, space, 0, first) != 0) {
        shadow_drop_leaf(core, space, first);
    }
    if (!budget_draw(core, space, LARGE_PAGES)) {
        return 0;
    }
    const uint32_t frame = run_take(core, space->number, first);

    if (frame == 0) {
        budget_give_pages(core, space, LARGE_PAGES);
        return 0;
    }
    uint64_t *upper = shadow_upper(core, space, 0, first);

    ASSERT(*upper == 0);
    *upper = SHADOW_LARGE | LARGE_PAGES * SHADOW_COUNT_ONE | (uint64_t)frame << SHADOW_FRAME_SHIFT;
    *shadow_upper(core, space, 1, first) += SHADOW_COUNT_ONE;
    space->larges++;
    space->own += LARGE_PAGES;
    return *upper;
}

enum fault_outcome large_fault(struct core *core, const struct fault *fault,
                               struct fault_answer *answer)
{
    *answer = (struct fault_answer){0};
    if (huge_is_region(fault->region)) {
        const enum fault_outcome outcome = huge_fault(core, fault, answer);

        return outcome == FAULT_READY ? FAULT_LARGE : outcome;
    }
    const uint64_t *found = large_find(core, fault->space, fault->page);

    if (found != NULL) {
        large_answer(core, fault, *found, PORT_AS_IS, answer);
        return FAULT_LARGE;
    }
    if (!large_is_possible(core, fault)) {
        return FAULT_NO_REGION;
    }
    const uint64_t made =
        large_make(core, fault->space, fault->page & ~(uint32_t)(LARGE_PAGES - 1));

    if (made == 0) {
        return FAULT_NO_REGION;
    }
    fault->region->flags |= REGION_TOUCHED;
    large_answer(core, fault, made, PORT_ZERO, answer);
    return FAULT_LARGE;
}

/* Map all pages of a leaf that was large: so they need no faults. */
static void large_install(struct core *core, const struct space *space, uint32_t first,
                          uint32_t frame)
{
    const uint32_t rights = region_rights(tree_find(core, &space->tree, first)->flags);

    if (rights != 0) {
        port_install(core->port, space->kernel, page_to_vpn(first), (npages_t){LARGE_PAGES},
                     pool_pfn(core, frame), rights, PORT_AS_IS, pool_pfn(core, frame));
    }
}

enum err large_split(struct core *core, struct space *space, uint32_t page)
{
    const uint64_t *upper = large_find(core, space, page);

    if (upper == NULL) {
        return ERR_OK;
    }
    const uint32_t frame = shadow_upper_frame(*upper);

    if (!shadow_split(core, space, page)) {
        return ERR_NOMEM;
    }
    large_install(core, space, page & ~(uint32_t)(LARGE_PAGES - 1), frame);
    return ERR_OK;
}

enum err large_split_all(struct core *core, struct space *space, struct range range)
{
    uint32_t page = space->larges == 0 ? range.end : page_next(core, space, range);

    while (page < range.end) {
        const uint32_t end = shadow_block_range(shadow_block(page, 0), 0).end;

        if (large_split(core, space, page) != ERR_OK) {
            return ERR_NOMEM;
        }
        page = end < range.end ? page_next(core, space, range_of(end, range.end)) : range.end;
    }
    return ERR_OK;
}

enum err large_cut_edges(struct core *core, struct space *space, struct range range)
{
    const bool cuts_first = range.first % LARGE_PAGES != 0;
    const bool cuts_end = range.end % LARGE_PAGES != 0;

    if (range_is_empty(range) || (cuts_first && large_split(core, space, range.first) != ERR_OK)) {
        return range_is_empty(range) ? ERR_OK : ERR_NOMEM;
    }
    return cuts_end ? large_split(core, space, range.end) : ERR_OK;
}

void large_clear(struct core *core, struct space *space, uint64_t *upper, uint32_t page)
{
    run_give(core, shadow_upper_frame(*upper));
    *upper = 0;
    *shadow_upper(core, space, 1, page) -= SHADOW_COUNT_ONE;
    space->larges--;
    space->own -= LARGE_PAGES;
    budget_give_pages(core, space, LARGE_PAGES);
}
