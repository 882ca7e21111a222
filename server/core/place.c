/* SPDX-License-Identifier: MIT */
#include "server/core/place.h"

#include <abi/layout.h>
#include <base/assert.h>
#include <base/bits.h>

#include "server/core/gap.h"
#include "server/core/grow.h"

/*
 * The hint, rounded down to a page and raised to the lowest address; 0: none, or it leaves user
 * space.
 */
static uint32_t place_hint(uaddr_t hint, uint32_t lowest, uint32_t pages)
{
    uint64_t page = uaddr_to_vpn(hint).v;

    if (page == 0 || page + pages > RANGE_USER_END) {
        return 0;
    }
    return page < lowest ? lowest : (uint32_t)page;
}

struct region *place_next(const struct core *core, const struct space *space, struct range range,
                          bool *is_taken)
{
    struct region *region = tree_find(core, &space->tree, range.first);

    *is_taken = region != NULL && region->first < range.end;
    return region;
}

/* The upper end of the highest gap of `limits` that is large enough above guard gaps. */
static bool place_search_below(const struct core *core, const struct space *space,
                               struct range limits, uint32_t pages, struct place *place)
{
    uint32_t page;

    while (gap_find_below(core, &space->tree, limits, pages, &page, &place->next)) {
        if (place->next == NULL || grow_start(place->next) >= page + pages) {
            place->range = (struct range){page, page + pages};
            return true;
        }
        limits.end = grow_start(place->next);
        if (limits.end <= limits.first) {
            return false;
        }
    }
    return false;
}

/* The lower end of the lowest gap of `limits` that is large enough below guard gaps. */
static bool place_search_above(const struct core *core, const struct space *space,
                               struct range limits, uint32_t pages, struct place *place)
{
    bool is_taken;
    uint32_t page;

    while (gap_find_above(core, &space->tree, limits, pages, &page)) {
        place->range = (struct range){page, page + pages};
        place->next = place_next(core, space, place->range, &is_taken);
        if (place->next == NULL || grow_start(place->next) >= page + pages) {
            return true;
        }
        limits.first = place->next->end;
        if (limits.end <= limits.first) {
            return false;
        }
    }
    return false;
}

/*
 * The upper end of the highest gap below the base that is large enough; else the lowest one that
 * reaches across it or is above.
 */
static bool place_search(const struct core *core, const struct space *space, uint32_t pages,
                         struct place *place)
{
    uint32_t lowest = range_page_of(space->settings.lowest);
    uint32_t base = range_page_of(space->settings.base);

    lowest = lowest < RANGE_USER_FIRST ? RANGE_USER_FIRST : lowest;
    base = base < lowest ? lowest : base;
    if (place_search_below(core, space, range_of(lowest, base), pages, place)) {
        return true;
    }
    /* What fits nowhere below the base may still fit into a gap that reaches across it. */
    struct range all = range_of(lowest, base > RANGE_USER_END ? base : RANGE_USER_END);

    return place_search_above(core, space, all, pages, place);
}

/*
 * A place whose start is a multiple of 2 MiB, found as Linux 6.12 finds it: in a gap that is 2 MiB
 * larger, the first multiple above its start.
 */
static bool place_search_aligned(const struct core *core, const struct space *space, uint32_t pages,
                                 struct place *place)
{
    const uint32_t mega = (uint32_t)PAGES_PER_MEGA;

    if (pages % mega != 0 || !place_search(core, space, pages + mega, place)) {
        return false;
    }
    uint32_t page = place->range.first + mega - place->range.first % mega;

    place->range = (struct range){page, page + pages};
    return true;
}

bool place_find(const struct core *core, const struct space *space, uaddr_t hint, uint32_t pages,
                bool is_anonymous, struct place *place)
{
    uint32_t lowest = range_page_of(space->settings.lowest);
    bool is_taken;

    ASSERT(pages > 0 && pages <= RANGE_USER_END);
    lowest = lowest < RANGE_USER_FIRST ? RANGE_USER_FIRST : lowest;
    uint32_t page = place_hint(hint, lowest, pages);

    if (page != 0 && page + pages <= RANGE_USER_END) {
        place->range = (struct range){page, page + pages};
        place->next = place_next(core, space, place->range, &is_taken);
        if (place->next == NULL || grow_start(place->next) >= page + pages) {
            return true;
        }
    }
    /* Linux 6.12.y: a hint, even one that cannot be followed, rules out alignment. */
    if (is_anonymous && uaddr_to_vpn(hint).v == 0 &&
        place_search_aligned(core, space, pages, place)) {
        return true;
    }
    return place_search(core, space, pages, place);
}

bool place_find_huge(const struct core *core, const struct space *space, uaddr_t hint,
                     uint32_t pages, uint32_t unit, struct place *place)
{
    const uint32_t base = range_page_of(space->settings.base);
    uint32_t lowest = range_page_of(space->settings.lowest);
    bool is_taken;

    ASSERT(pages > 0 && pages % unit == 0);
    lowest = lowest < RANGE_USER_FIRST ? RANGE_USER_FIRST : lowest;
    uint64_t page = place_hint(hint, lowest, pages);

    page = (page + unit - 1) / unit * unit;
    if (page != 0 && page + pages <= RANGE_USER_END) {
        place->range = range_of((uint32_t)page, (uint32_t)page + pages);
        place->next = place_next(core, space, place->range, &is_taken);
        if (place->next == NULL || grow_start(place->next) >= place->range.end) {
            return true;
        }
    }
    if (pages > RANGE_USER_END - unit || !place_search(core, space, pages + unit - 1, place)) {
        return false;
    }
    /* At the upper end of what was found below the base, at the lower end above it. */
    const uint32_t first = place->range.end <= base ? (place->range.end - pages) / unit * unit
                                                    : (place->range.first + unit - 1) / unit * unit;

    place->range = range_of(first, first + pages);
    return true;
}
