/* SPDX-License-Identifier: MIT */
/*
 * What an ordinary C program expects of its library and of the memory behind it.
 */
#include "tap.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE         4096u
#define LARGE_BYTES  (64u << 20)
#define BLOCKS       1000u
#define SORTED_COUNT 5000u

static int compare_words(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

TAP_TEST(formats_print_numbers_strings_and_floating_point)
{
    char line[80];
    volatile double third = 1.0 / 3.0;
    EXPECT_I64(snprintf(line, sizeof(line), "%d %s %08lx %.6f", -7, "seven", 0x77ul, third), 26);
    EXPECT_STR(line, "-7 seven 00000077 0.333333");
}

TAP_TEST(floating_point_survives_calls_and_faults)
{
    volatile double sum = 0.0;
    for (unsigned i = 1; i <= 100; i++) {
        double *box = malloc(PAGE * 8);
        REQUIRE(box != NULL);
        box[PAGE / 2] = sqrt((double)i * (double)i);
        sum += box[PAGE / 2];
        free(box);
    }
    EXPECT(sum > 5049.999 && sum < 5050.001);
}

/* Early: behind a block, this library's realloc() zeroes all that was ever freed. */
TAP_TEST(realloc_keeps_the_contents)
{
    uint32_t *words = NULL;
    for (uint32_t count = 1; count <= BLOCKS; count++) {
        uint32_t *grown = realloc(words, count * sizeof(*words));
        REQUIRE(grown != NULL);
        words = grown;
        words[count - 1] = count * 3;
    }
    size_t wrong = 0;
    for (uint32_t i = 0; i < BLOCKS; i++) {
        wrong += words[i] == (i + 1) * 3 ? 0 : 1;
    }
    EXPECT_U64(wrong, 0);
    free(words);
}

TAP_TEST(malloc_of_64_mib_can_be_written_in_every_page)
{
    unsigned char *large = malloc(LARGE_BYTES);
    REQUIRE(large != NULL);
    for (size_t i = 0; i < LARGE_BYTES; i += PAGE) {
        large[i] = (unsigned char)(i / PAGE * 7);
    }
    size_t wrong = 0;
    for (size_t i = 0; i < LARGE_BYTES; i += PAGE) {
        wrong += large[i] == (unsigned char)(i / PAGE * 7) ? 0 : 1;
    }
    EXPECT_U64(wrong, 0);
    free(large);
}

TAP_TEST(calloc_gives_zeros_also_from_memory_that_was_used)
{
    for (unsigned round = 0; round < 2; round++) {
        unsigned char *bytes = calloc(BLOCKS, PAGE);
        REQUIRE(bytes != NULL);
        size_t wrong = 0;
        for (size_t i = 0; i < (size_t)BLOCKS * PAGE; i++) {
            wrong += bytes[i] == 0 ? 0 : 1;
        }
        EXPECT_U64(wrong, 0);
        memset(bytes, 0xa5, (size_t)BLOCKS * PAGE);
        free(bytes);
    }
}

TAP_TEST(malloc_of_more_than_there_is_fails_and_sets_errno)
{
    errno = 0;
    void *volatile too_much = malloc((size_t)1 << 40); /* or the compiler drops the call */
    EXPECT(too_much == NULL);
    EXPECT_I64(errno, ENOMEM);
}

TAP_TEST(qsort_sorts)
{
    uint32_t *words = malloc(SORTED_COUNT * sizeof(*words));
    REQUIRE(words != NULL);
    uint32_t word = 1;
    for (size_t i = 0; i < SORTED_COUNT; i++) {
        word = word * UINT32_C(1664525) + UINT32_C(1013904223);
        words[i] = word;
    }
    qsort(words, SORTED_COUNT, sizeof(*words), compare_words);
    size_t wrong = 0;
    for (size_t i = 1; i < SORTED_COUNT; i++) {
        wrong += words[i - 1] <= words[i] ? 0 : 1;
    }
    EXPECT_U64(wrong, 0);
    free(words);
}

TAP_TEST(errors_are_told_in_the_words_of_linux)
{
    EXPECT_STR(strerror(0), "Success");
    EXPECT_STR(strerror(ENOMEM), "Cannot allocate memory");
    EXPECT_STR(strerror(EAGAIN), "Resource temporarily unavailable");
    EXPECT_STR(strerror(EOPNOTSUPP), "Operation not supported");
    EXPECT_STR(strerror(EOVERFLOW), "Value too large for defined data type");
    EXPECT_STR(strerror(-1), "Unknown error -1");
    EXPECT_STR(strerror(4711), "Unknown error 4711");
    char text[80];
    EXPECT_STR(strerror_r(EROFS, text, sizeof(text)), "Read-only file system");
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(formats_print_numbers_strings_and_floating_point),
        TAP(floating_point_survives_calls_and_faults),
        TAP(realloc_keeps_the_contents),
        TAP(malloc_of_64_mib_can_be_written_in_every_page),
        TAP(calloc_gives_zeros_also_from_memory_that_was_used),
        TAP(malloc_of_more_than_there_is_fails_and_sets_errno),
        TAP(qsort_sorts),
        TAP(errors_are_told_in_the_words_of_linux),
    };
    return TAP_RUN(argc, argv, tests);
}
