/* SPDX-License-Identifier: MIT */
#include "boot/checksum.h"

#include "tap.h"

#define WORDS 64

static uint64_t words[WORDS];

static uint64_t sum(void)
{
    return checksum_of(words, sizeof(words));
}

static void fill(void)
{
    for (uint64_t i = 0; i < WORDS; i++) {
        words[i] = i * UINT64_C(0x9e3779b97f4a7c15) + 1;
    }
}

TAP_TEST(the_sum_is_what_the_host_computes)
{
    words[0] = 1;
    words[1] = 2;
    words[2] = 3;
    EXPECT_U64(checksum_of(words, 24), UINT64_C(6) << 32 ^ 10);
    EXPECT_U64(checksum_of(words, 0), 0);
}

TAP_TEST(every_single_bit_that_changes_is_noticed)
{
    fill();
    const uint64_t before = sum();
    for (unsigned bit = 0; bit < WORDS * 64; bit++) {
        words[bit / 64] ^= UINT64_C(1) << bit % 64;
        if (!EXPECT(sum() != before)) {
            return;
        }
        words[bit / 64] ^= UINT64_C(1) << bit % 64;
    }
    EXPECT_U64(sum(), before);
}

TAP_TEST(words_that_change_places_are_noticed)
{
    fill();
    const uint64_t before = sum();
    for (unsigned i = 1; i < WORDS; i++) {
        const uint64_t word = words[0];
        words[0] = words[i];
        words[i] = word;
        if (!EXPECT(sum() != before)) {
            return;
        }
        words[i] = words[0];
        words[0] = word;
    }
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(the_sum_is_what_the_host_computes),
        TAP(every_single_bit_that_changes_is_noticed),
        TAP(words_that_change_places_are_noticed),
    };
    return TAP_RUN(argc, argv, tests);
}
