/* SPDX-License-Identifier: MIT */
#include "boot/ranges.h"

#include <base/assert.h>

#include "tap.h"

/* Small addresses: compare with one bool an address. */
#define SPACE 64u

static bool has(const struct ranges *ranges, uint64_t address)
{
    for (uint64_t i = 0; i < ranges->count; i++) {
        if (address >= ranges->items[i].start && address < ranges->items[i].end) {
            return true;
        }
    }
    return false;
}

TAP_TEST(ranges_that_touch_or_overlap_become_one)
{
    struct ranges ranges = {.count = 0};
    ranges_add(&ranges, 10, 10);
    ranges_add(&ranges, 40, 10);
    ranges_add(&ranges, 20, 5);  /* touches the first */
    ranges_add(&ranges, 24, 20); /* joins all */
    EXPECT_U64(ranges.count, 1);
    EXPECT_U64(ranges.items[0].start, 10);
    EXPECT_U64(ranges.items[0].end, 50);
    EXPECT_U64(ranges_bytes(&ranges), 40);
}

TAP_TEST(every_small_sequence_equals_a_set)
{
    /* All pairs of one removal after two additions, lengths and places in steps. */
    for (unsigned a = 0; a < SPACE; a += 3) {
        for (unsigned b = 0; b < SPACE; b += 5) {
            for (unsigned c = 0; c < SPACE; c += 2) {
                struct ranges ranges = {.count = 0};
                bool set[2 * SPACE] = {false};
                ranges_add(&ranges, a, 9);
                ranges_add(&ranges, b, 7);
                ranges_remove(&ranges, c, 6);
                for (unsigned i = 0; i < 2 * SPACE; i++) {
                    const bool is_added = (i >= a && i < a + 9) || (i >= b && i < b + 7);
                    set[i] = is_added && !(i >= c && i < c + 6);
                }
                ranges_audit(&ranges);
                for (unsigned i = 0; i < 2 * SPACE; i++) {
                    REQUIRE(EXPECT(has(&ranges, i) == set[i]));
                }
            }
        }
    }
}

TAP_TEST(ends_beyond_all_addresses_are_cut)
{
    struct ranges ranges = {.count = 0};
    ranges_add(&ranges, UINT64_MAX, 5);
    ranges_add(&ranges, RANGES_END, UINT64_MAX);
    EXPECT_U64(ranges.count, 0);
    ranges_add(&ranges, RANGES_END - 10, UINT64_MAX);
    EXPECT_U64(ranges_bytes(&ranges), 10);
    ranges_remove(&ranges, 5, UINT64_MAX);
    EXPECT_U64(ranges.count, 0);
    ranges_add(&ranges, 5, 0);
    EXPECT_U64(ranges.count, 0);
}

TAP_TEST(a_full_set_says_so_and_keeps_what_it_has)
{
    struct ranges ranges = {.count = 0};
    for (uint64_t i = 0; i < RANGES_MAX; i++) {
        ranges_add(&ranges, i * 10, 5);
    }
    EXPECT(!ranges.is_full);
    ranges_add(&ranges, 10 * RANGES_MAX, 5);
    EXPECT(ranges.is_full);
    EXPECT_U64(ranges.count, RANGES_MAX);
    ranges.is_full = false;
    ranges_remove(&ranges, 1, 1); /* the piece behind the hole finds no room */
    EXPECT(ranges.is_full);
    EXPECT(has(&ranges, 0) && !has(&ranges, 1) && !has(&ranges, 2));
    ranges_audit(&ranges);
}

TAP_TEST(the_lowest_place_that_is_aligned_and_large_enough_is_taken)
{
    struct ranges ranges = {.count = 0};
    uint64_t start = 0;
    ranges_add(&ranges, 0x1800, 0x1000);
    ranges_add(&ranges, 0x4000, 0x3000);
    EXPECT(!ranges_take(&ranges, 0x4000, 0x1000, &start));
    REQUIRE(EXPECT(ranges_take(&ranges, 0x1000, 0x1000, &start)));
    EXPECT_U64(start, 0x4000);
    REQUIRE(EXPECT(ranges_take(&ranges, 0x800, 0x1000, &start)));
    EXPECT_U64(start, 0x2000);
    EXPECT(has(&ranges, 0x1fff) && !has(&ranges, 0x2000));
}

TAP_TEST(a_set_has_what_lies_in_one_of_its_ranges)
{
    struct ranges ranges = {.count = 0};
    ranges_add(&ranges, 0x1000, 0x1000);
    ranges_add(&ranges, 0x3000, 0x2000);
    EXPECT(ranges_have(&ranges, 0x1000, 0x2000));
    EXPECT(ranges_have(&ranges, 0x3800, 0x5000));
    EXPECT(!ranges_have(&ranges, 0x1800, 0x2001));
    EXPECT(!ranges_have(&ranges, 0x1800, 0x3800)); /* a hole between */
    EXPECT(!ranges_have(&ranges, 0x2000, 0x3000));
}

/* Two ranges; the last address that is kept is in the first, the second, none of them. */
TAP_TEST(the_lowest_addresses_are_kept_across_holes)
{
    for (uint64_t bytes = 0; bytes < SPACE; bytes++) {
        struct ranges ranges = {.count = 0};
        ranges_add(&ranges, 0x10, 0x10);
        ranges_add(&ranges, 0x30, 0x20);
        ranges_keep_lowest(&ranges, bytes);
        ranges_audit(&ranges);
        uint64_t left = bytes;
        for (uint64_t i = 0; i < 2 * SPACE; i++) {
            const bool is_there = (i >= 0x10 && i < 0x20) || (i >= 0x30 && i < 0x50);
            REQUIRE(EXPECT(has(&ranges, i) == (is_there && left > 0)));
            left -= is_there && left > 0;
        }
    }
}

TAP_TEST(all_is_kept_of_what_is_less_than_the_lowest_addresses)
{
    struct ranges ranges = {.count = 0};
    ranges_keep_lowest(&ranges, 5);
    EXPECT_U64(ranges.count, 0);
    ranges_add(&ranges, 0x10, 0x10);
    ranges_add(&ranges, RANGES_END - 0x10, 0x10);
    ranges_keep_lowest(&ranges, UINT64_MAX);
    ranges_keep_lowest(&ranges, 0x20);
    EXPECT_U64(ranges.count, 2);
    EXPECT_U64(ranges_bytes(&ranges), 0x20);
}

TAP_TEST(trimming_keeps_whole_units)
{
    struct ranges ranges = {.count = 0};
    ranges_add(&ranges, 0x1001, 0xffe);
    ranges_add(&ranges, 0x2fff, 0x2002);
    ranges_trim(&ranges, 0x1000);
    EXPECT_U64(ranges.count, 1);
    EXPECT_U64(ranges.items[0].start, 0x3000);
    EXPECT_U64(ranges.items[0].end, 0x5000);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(ranges_that_touch_or_overlap_become_one),
        TAP(every_small_sequence_equals_a_set),
        TAP(ends_beyond_all_addresses_are_cut),
        TAP(a_full_set_says_so_and_keeps_what_it_has),
        TAP(the_lowest_place_that_is_aligned_and_large_enough_is_taken),
        TAP(a_set_has_what_lies_in_one_of_its_ranges),
        TAP(the_lowest_addresses_are_kept_across_holes),
        TAP(all_is_kept_of_what_is_less_than_the_lowest_addresses),
        TAP(trimming_keeps_whole_units),
    };
    return TAP_RUN(argc, argv, tests);
}
