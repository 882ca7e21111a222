/* SPDX-License-Identifier: MIT */
/*
 * The map from numbers to words against an array of the numbers that are in it.
 */
#include <tap.h>

#include "server/core/radix.h"
#include "server/core/shared.h"
#include "world.h"

#define NUMBERS 400u

static struct world *world;
static struct radix radix;

static void start(void)
{
    world = world_make(WORLD_FRAMES, COMMIT_NEVER);
    radix = (struct radix){0};
}

static void set(uint64_t index, uint32_t value)
{
    const uint32_t needs = radix_needs(&world->core, &radix, index);

    shared_enter(&world->core);
    REQUIRE(EXPECT(arena_page_reserve(&world->core, needs)));
    const uint32_t pages = world->core.head->free_pages;
    const uint64_t calls = world->port->calls;

    radix_set(&world->core, &radix, index, value);
    shared_leave(&world->core);
    EXPECT_U64(world->core.head->free_pages, pages - needs);
    EXPECT_U64(world->port->calls, calls);
    radix_audit(&world->core, &radix);
}

/* Everything in the map goes, and with it all its pages. */
static void finish(void)
{
    uint64_t index;

    while (radix_below(&world->core, &radix, RADIX_INDEX_END, &index) != 0) {
        (void)radix_remove(&world->core, &radix, index);
    }
    EXPECT_U64(radix.root, 0);
    EXPECT_U64(radix.height, 0);
    core_settle(&world->core);
    core_audit(&world->core);
    world_free(world);
}

TAP_TEST(numbers_far_apart_have_their_values_and_others_none)
{
    static const uint64_t numbers[] = {
        0, 1023, 1024, 1048575, 1048576, 5000000000u, (1ull << 51) - 1, RADIX_INDEX_END - 1};
    const uint32_t count = sizeof numbers / sizeof numbers[0];

    start();
    for (uint32_t i = 0; i < count; i++) {
        set(numbers[i], i + 1);
    }
    for (uint32_t i = 0; i < count; i++) {
        EXPECT_U64(radix_get(&world->core, &radix, numbers[i]), i + 1);
        if (i > 0 && numbers[i - 1] + 1 != numbers[i]) {
            EXPECT_U64(radix_get(&world->core, &radix, numbers[i] - 1), 0);
        }
    }
    EXPECT_U64(radix_get(&world->core, &radix, 2), 0);
    EXPECT_U64(radix.count, count);
    finish();
}

TAP_TEST(the_map_grows_upward_from_a_large_number_to_a_small_one_and_back)
{
    start();
    set(1u << 20, 7);
    set(3, 8);
    EXPECT_U64(radix_remove(&world->core, &radix, 1u << 20), 7);
    EXPECT_U64(radix_get(&world->core, &radix, 3), 8);
    set(1u << 30, 9);
    EXPECT_U64(radix_remove(&world->core, &radix, 3), 8);
    EXPECT_U64(radix_get(&world->core, &radix, 1u << 30), 9);
    radix_audit(&world->core, &radix);
    finish();
}

/* Numbers of every scale, the same each time. */
static uint64_t number(uint32_t i)
{
    const uint64_t mixed = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

    return mixed >> (4 + i % 50);
}

/* The largest of the numbers that are in and below `end`; false if there is none. */
static bool expected_below(const bool *is_in, uint64_t end, uint64_t *largest)
{
    bool is_found = false;

    for (uint32_t i = 0; i < NUMBERS; i++) {
        if (is_in[i] && number(i) < end && (!is_found || number(i) > *largest)) {
            *largest = number(i);
            is_found = true;
        }
    }
    return is_found;
}

static void expect_below(const bool *is_in, uint64_t end)
{
    uint64_t expected = 0;
    uint64_t found = 0;
    const bool is_there = expected_below(is_in, end, &expected);
    const uint32_t value = radix_below(&world->core, &radix, end, &found);

    EXPECT(is_there == (value != 0));
    if (is_there) {
        EXPECT_U64(found, expected);
        EXPECT_U64(value, radix_get(&world->core, &radix, expected));
    }
}

/* The same from `first` on. */
static bool expected_from(const bool *is_in, uint64_t first, uint64_t *smallest)
{
    bool is_found = false;

    for (uint32_t i = 0; i < NUMBERS; i++) {
        if (is_in[i] && number(i) >= first && (!is_found || number(i) < *smallest)) {
            *smallest = number(i);
            is_found = true;
        }
    }
    return is_found;
}

static void expect_from(const bool *is_in, uint64_t first)
{
    uint64_t expected = 0;
    uint64_t found = 0;
    const bool is_there = expected_from(is_in, first, &expected);
    const uint32_t value = radix_from(&world->core, &radix, first, &found);

    EXPECT(is_there == (value != 0));
    if (is_there) {
        EXPECT_U64(found, expected);
        EXPECT_U64(value, radix_get(&world->core, &radix, expected));
    }
}

TAP_TEST(the_smallest_number_from_any_other_on_is_found)
{
    static bool is_in[NUMBERS];

    start();
    expect_from(is_in, 0);
    for (uint32_t i = 0; i < NUMBERS; i++) {
        if (radix_get(&world->core, &radix, number(i)) == 0) {
            set(number(i), i + 1);
            is_in[i] = true;
        }
        if (i % 16 == 0) {
            expect_from(is_in, 0);
            expect_from(is_in, number(i) + 1);
        }
    }
    for (uint32_t i = 0; i < NUMBERS; i++) {
        expect_from(is_in, number(i));
        expect_from(is_in, number(i) + 1);
        if (i % 3 == 0 && is_in[i]) {
            EXPECT_U64(radix_remove(&world->core, &radix, number(i)), i + 1);
            is_in[i] = false;
            expect_from(is_in, number(i));
        }
    }
    expect_from(is_in, RADIX_INDEX_END - 1);
    finish();
}

TAP_TEST(the_largest_number_below_any_other_is_found)
{
    static bool is_in[NUMBERS];

    start();
    for (uint32_t i = 0; i < NUMBERS; i++) {
        if (radix_get(&world->core, &radix, number(i)) == 0) {
            set(number(i), i + 1);
            is_in[i] = true;
        }
    }
    for (uint32_t i = 0; i < NUMBERS; i++) {
        expect_below(is_in, number(i));
        expect_below(is_in, number(i) + 1);
        if (i % 3 == 0 && is_in[i]) {
            EXPECT_U64(radix_remove(&world->core, &radix, number(i)), i + 1);
            is_in[i] = false;
            radix_audit(&world->core, &radix);
            expect_below(is_in, number(i) + 1);
        }
    }
    expect_below(is_in, RADIX_INDEX_END);
    expect_below(is_in, 0);
    finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(numbers_far_apart_have_their_values_and_others_none),
        TAP(the_map_grows_upward_from_a_large_number_to_a_small_one_and_back),
        TAP(the_smallest_number_from_any_other_on_is_found),
        TAP(the_largest_number_below_any_other_is_found),
    };

    return TAP_RUN(argc, argv, tests);
}
