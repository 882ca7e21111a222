/* SPDX-License-Identifier: MIT */
/*
 * The tree of regions alone: many regions in many orders, and the search for gaps against a search
 * by hand.
 */
#include <tap.h>

#include "chance.h"
#include "server/core/gap.h"
#include "world.h"

#define REGIONS 2000u
#define SMALL   24u

static struct world *world;
static struct tree tree;
static struct region *add(uint32_t first, uint32_t end)
{
    enum err error = region_reserve_slow(&world->core, 1);

    EXPECT_ERR(error, ERR_OK);
    struct region *region = region_alloc(&world->core);

    region->first = first;
    region->end = end;
    tree_insert(&world->core, &tree, region, tree_find(&world->core, &tree, first));
    return region;
}

static void drop(struct region *region)
{
    tree_remove(&world->core, &tree, region);
    region_free(&world->core, region);
}

static void begin(void)
{
    world = world_make(WORLD_FRAMES, COMMIT_ALWAYS);
    tree = (struct tree){0};
}

static void end(void)
{
    while (tree.first != 0) {
        drop(tree_first(&world->core, &tree));
    }
    tree_audit(&world->core, &tree);
    core_audit(&world->core);
    world_free(world);
}

TAP_TEST(a_tree_stays_in_order_and_balanced_whatever_the_order_of_changes)
{
    begin();
    for (uint32_t i = 0; i < REGIONS * 4; i++) {
        uint32_t first = 2 + 2 * chance_below(REGIONS);
        struct region *region = tree_find(&world->core, &tree, first);

        if (region != NULL && region->first == first) {
            drop(region);
        } else {
            add(first, first + 1 + chance_below(2));
        }
        if (i % 16 == 0) {
            tree_audit(&world->core, &tree);
        }
    }
    end();
}

TAP_TEST(a_tree_that_grows_at_one_end_is_no_higher_than_one_and_a_half_logarithms)
{
    begin();
    for (uint32_t i = 0; i < REGIONS; i++) {
        add(2 * (REGIONS - i), 2 * (REGIONS - i) + 1);
    }
    tree_audit(&world->core, &tree);
    EXPECT(region_at(&world->core, tree.root)->height <= 17); /* log2(2000) = 11 */
    end();
}

/* Whether the pages are free, looked at one by one. */
static bool is_free(uint32_t first, uint32_t pages)
{
    for (uint32_t page = first; page < first + pages; page++) {
        const struct region *region = tree_find(&world->core, &tree, page);

        if (region != NULL && region->first <= page) {
            return false;
        }
    }
    return true;
}

static bool try_gaps(struct range limits, uint32_t pages)
{
    uint32_t highest = 0;
    uint32_t lowest = 0;
    uint32_t page;
    struct region *next;

    for (uint32_t first = limits.first; first + pages <= limits.end; first++) {
        if (is_free(first, pages)) {
            highest = first;
            lowest = lowest == 0 ? first : lowest;
        }
    }
    bool is_found = gap_find_below(&world->core, &tree, limits, pages, &page, &next);

    if (!EXPECT(is_found == (highest != 0)) || (is_found && !EXPECT_U64(page, highest))) {
        return false;
    }
    if (is_found && !EXPECT(next == tree_find(&world->core, &tree, page))) {
        return false;
    }
    is_found = gap_find_above(&world->core, &tree, limits, pages, &page);
    return EXPECT(is_found == (lowest != 0)) && (!is_found || EXPECT_U64(page, lowest));
}

TAP_TEST(the_search_finds_the_highest_and_the_lowest_gap_within_limits)
{
    begin();
    for (uint32_t i = 0; i < 400; i++) {
        for (uint32_t page = 1; page < SMALL; page += 1 + chance_below(4)) {
            uint32_t last = page + chance_below(3);

            if (is_free(page, last - page + 1)) {
                add(page, last + 1);
            }
            page = last;
        }
        for (uint32_t j = 0; j < 40; j++) {
            uint32_t first = 1 + chance_below(SMALL);
            struct range limits = {first, first + chance_below(SMALL)};

            if (!try_gaps(limits, 1 + chance_below(5))) {
                return;
            }
        }
        while (tree.first != 0) {
            drop(tree_first(&world->core, &tree));
        }
    }
    end();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_tree_stays_in_order_and_balanced_whatever_the_order_of_changes),
        TAP(a_tree_that_grows_at_one_end_is_no_higher_than_one_and_a_half_logarithms),
        TAP(the_search_finds_the_highest_and_the_lowest_gap_within_limits),
    };

    return TAP_RUN(argc, argv, tests);
}
