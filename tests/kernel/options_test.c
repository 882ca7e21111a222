/* SPDX-License-Identifier: MIT */
#include "boot/options.h"

#include "boot/text.h"
#include "tap.h"

TAP_TEST(all_options_are_read)
{
    const struct options options = options_read("nonce=ab12 seed=42 quiet trace");
    EXPECT_STR(options.nonce, "ab12");
    EXPECT(options.has_seed);
    EXPECT_U64(options.seed, 42);
    EXPECT(options.is_quiet);
    EXPECT(options.is_traced);
}

TAP_TEST(sums_are_known_only_if_they_are_numbers)
{
    const struct options options = options_read("kernel-sum=0xfedcba9876543210 archive-sum=xyz");
    EXPECT(options.has_kernel_sum);
    EXPECT_U64(options.kernel_sum, UINT64_C(0xfedcba9876543210));
    EXPECT(!options.has_archive_sum);
    EXPECT(options_read("archive-sum=12").has_archive_sum);
}

TAP_TEST(words_of_others_are_no_options)
{
    const struct options options =
        options_read("  quiets=1 xquiet quie\tnonce seedy=3 root=/dev/quiet ");
    EXPECT_STR(options.nonce, "");
    EXPECT(!options.has_seed);
    EXPECT(!options.is_quiet);
    EXPECT(!options.is_traced);
}

TAP_TEST(an_empty_line_has_no_options)
{
    EXPECT(!options_read("").is_quiet);
    EXPECT(!options_read("   ").is_quiet);
}

TAP_TEST(long_nonces_are_cut)
{
    char line[200] = "nonce=";
    for (unsigned i = 6; i < sizeof(line) - 1; i++) {
        line[i] = 'x';
    }
    const struct options options = options_read(line);
    EXPECT_U64(text_length(options.nonce), POWER_NONCE_MAX);
}

TAP_TEST(seeds_are_whole_numbers_of_64_bits)
{
    EXPECT_U64(options_read("seed=18446744073709551615").seed, UINT64_MAX);
    EXPECT_U64(options_read("seed=0xffffffffffffffff").seed, UINT64_MAX);
    EXPECT(options_read("seed=0").has_seed);
    EXPECT(!options_read("seed=18446744073709551616").has_seed);
    EXPECT(!options_read("seed=0x10000000000000000").has_seed);
    EXPECT(!options_read("seed=").has_seed);
    EXPECT(!options_read("seed=12a").has_seed);
    EXPECT(!options_read("seed=-1").has_seed);
    EXPECT(!options_read("seed=0x").has_seed);
}

TAP_TEST(memory_is_a_number_of_bytes_or_of_larger_units)
{
    EXPECT_U64(options_read("mem=33554432").mem_bytes, UINT64_C(32) << 20);
    EXPECT_U64(options_read("mem=0x2000").mem_bytes, 0x2000);
    EXPECT_U64(options_read("quiet mem=96K seed=1").mem_bytes, UINT64_C(96) << 10);
    EXPECT_U64(options_read("mem=32M").mem_bytes, UINT64_C(32) << 20);
    EXPECT_U64(options_read("mem=3G").mem_bytes, UINT64_C(3) << 30);
    EXPECT_U64(options_read("mem=0x10M").mem_bytes, UINT64_C(16) << 20);
    EXPECT_U64(options_read("mem=0").mem_bytes, 0);
    EXPECT_U64(options_read("mem=17179869183G").mem_bytes, UINT64_C(17179869183) << 30);
}

TAP_TEST(a_malformed_size_of_memory_is_as_none)
{
    static const char *const lines[] = {
        "",
        "mem",
        "mem=",
        "mem=M",
        "mem=32m",
        "mem=32MB",
        "mem=MM",
        "mem=-1M",
        "mem=3.5G",
        "mem=12T",
        "mem=17179869184G",
        "mem=18446744073709551616",
        "memory=3",
        "amem=3M",
        "mem=1KM",
        "mem=0xM",
    };
    for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        EXPECT_U64(options_read(lines[i]).mem_bytes, UINT64_MAX);
    }
    /* The last word counts. */
    EXPECT_U64(options_read("mem=1M mem=2M").mem_bytes, UINT64_C(2) << 20);
    EXPECT_U64(options_read("mem=1M mem=x").mem_bytes, UINT64_MAX);
}

TAP_TEST(copied_texts_end_in_their_room)
{
    char room[4] = "zzz";
    text_copy(room, sizeof(room), "abcdef", 6);
    EXPECT_STR(room, "abc");
    text_copy(room, sizeof(room), "ab\0d", 4);
    EXPECT_STR(room, "ab");
    text_copy(room, sizeof(room), "abc", 1);
    EXPECT_STR(room, "a");
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(all_options_are_read),
        TAP(sums_are_known_only_if_they_are_numbers),
        TAP(words_of_others_are_no_options),
        TAP(an_empty_line_has_no_options),
        TAP(long_nonces_are_cut),
        TAP(seeds_are_whole_numbers_of_64_bits),
        TAP(memory_is_a_number_of_bytes_or_of_larger_units),
        TAP(a_malformed_size_of_memory_is_as_none),
        TAP(copied_texts_end_in_their_room),
    };
    return TAP_RUN(argc, argv, tests);
}
