/* SPDX-License-Identifier: MIT */
/*
 * The choices.
 */
#include "pick.h"

#include <abi/layout.h>
#include <base/types.h>

static const struct zone *pick_zone(struct draw *draw)
{
    const struct zone *zone = &draw->room.zones[random_below(draw->random, STAGE_ZONES)];

    return random_chance(draw->random, 8) && zone->first < zone->end
               ? zone
               : &draw->room.zones[STAGE_WINDOW];
}

static uint32_t pick_in(struct draw *draw, const struct zone *zone)
{
    return zone->first + (uint32_t)random_below(draw->random, zone->end - zone->first);
}

/* Where a huge page may begin. */
static uint32_t pick_huge(struct draw *draw)
{
    const struct zone *window = &draw->room.zones[STAGE_WINDOW];
    const uint32_t first = (window->first + STAGE_HUGE - 1) / STAGE_HUGE;

    return (first + (uint32_t)random_below(draw->random, window->end / STAGE_HUGE - first)) *
           STAGE_HUGE;
}

uint32_t pick_page(struct draw *draw)
{
    uint64_t kind = random_below(draw->random, 100);

    if (draw->is_huge && random_chance(draw->random, 65)) {
        return pick_huge(draw) + (random_chance(draw->random, 85)
                                      ? 0
                                      : (uint32_t)random_below(draw->random, 5) - UINT32_C(2));
    }
    if (kind < 50 && draw->now.regions > 0) {
        const struct look_region *region =
            &draw->now.region[random_below(draw->random, draw->now.regions)];
        uint32_t edge = random_chance(draw->random, 60) ? region->first : region->end;
        uint32_t away = random_chance(draw->random, 65)
                            ? 0
                            : (uint32_t)random_below(draw->random, 5) - UINT32_C(2);
        return edge + away;
    }
    return kind < 90 ? pick_in(draw, &draw->hot) : pick_in(draw, pick_zone(draw));
}

/* A number of pages for a range from `page` on. */
static uint64_t pick_pages(struct draw *draw, uint32_t page)
{
    uint64_t kind = random_below(draw->random, 100);

    if (draw->is_huge && random_chance(draw->random, 60)) {
        return STAGE_HUGE * (1 + random_below(draw->random, 3));
    }
    if (kind < 30 && draw->now.regions > 0) {
        const struct look_region *region =
            &draw->now.region[random_below(draw->random, draw->now.regions)];
        uint32_t edge = random_chance(draw->random, 70) ? region->end : region->first;
        return edge > page ? edge - page : region->end - region->first;
    }
    if (kind < 75) {
        return 1 + random_below(draw->random, 4);
    }
    if (kind < 93) {
        return 1 + random_below(draw->random, 20);
    }
    if (kind < 97) {
        return PAGES_PER_MEGA * (1 + random_below(draw->random, 3));
    }
    const struct zone *window = &draw->room.zones[STAGE_WINDOW];
    return 1 + random_below(draw->random, window->end - window->first + 2);
}

static uint64_t pick_odd_length(struct draw *draw)
{
    const uint64_t list[] = {
        0,
        0,
        1,
        UINT64_MAX,
        UINT64_MAX - PAGE_MASK,
        UINT64_MAX - PAGE_SIZE,
        UINT64_C(1) << 63,
        USER_END,
        USER_END + 1,
        USER_END - PAGE_SIZE,
        USER_END - 16 * PAGE_SIZE,
        STAGE_HALF - PAGE_SIZE,
    };
    return PICK(draw->random, list);
}

uint64_t pick_length(struct draw *draw, uint32_t page)
{
    if (random_chance(draw->random, 3)) {
        return pick_odd_length(draw);
    }
    uint64_t length = pick_pages(draw, page) << PAGE_SHIFT;
    return random_chance(draw->random, 6) ? length - random_below(draw->random, PAGE_SIZE) : length;
}

static uint64_t pick_odd_addr(struct draw *draw, uint32_t page)
{
    const uint64_t list[] = {
        ((uint64_t)page << PAGE_SHIFT) + 1 + random_below(draw->random, PAGE_MASK),
        ((uint64_t)page << PAGE_SHIFT) + 1 + random_below(draw->random, PAGE_MASK),
        USER_END,
        USER_END + PAGE_SIZE,
        USER_END - PAGE_SIZE,
        UINT64_C(1) << 63,
        UINT64_MAX - PAGE_MASK,
        /* Not in the last page: Linux takes such addresses for negative errors. */
        UINT64_MAX - PAGE_SIZE,
    };
    return PICK(draw->random, list);
}

uint64_t pick_addr(struct draw *draw, uint32_t page)
{
    return random_chance(draw->random, 3) ? pick_odd_addr(draw, page)
                                          : (uint64_t)page << PAGE_SHIFT;
}

uint64_t pick_prot(struct draw *draw)
{
    static const uint8_t list[] = {
        0, 0, 0, 1, 1, 1, 3, 3, 3, 3, 3, 3, 5, 5, 7, 2, 4, 6,
    };
    uint64_t prot = PICK(draw->random, list);
    return random_chance(draw->random, 1) ? prot | 0x10u << random_below(draw->random, 8) : prot;
}

void pick_range(struct draw *draw, struct step *step)
{
    uint32_t page = pick_page(draw);

    step->addr = pick_addr(draw, page);
    step->length = pick_length(draw, page);
}

uint64_t pick_word(struct draw *draw)
{
    static const uint32_t offsets[] = {0, 0, 0, 0, 0, PAGE_SIZE - 8, PAGE_SIZE - 8, 16, 2048};

    return ((uint64_t)pick_page(draw) << PAGE_SHIFT) + PICK(draw->random, offsets);
}
