/* SPDX-License-Identifier: MIT */
/*
 * malloc() and its kin on top of the memory server.
 */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <base/attr.h>
#include <hf/mem.h>
#include <tap.h>

#include "area.h"

#define LARGE ((size_t)1 << 20)

static bool is_filled(const unsigned char *bytes, size_t count, unsigned char with)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] != with) {
            return false;
        }
    }
    return true;
}

TAP_TEST(every_block_is_aligned_for_every_type)
{
    for (size_t bytes = 0; bytes < 1000; bytes += 7) {
        void *block = malloc(bytes);
        REQUIRE(block != NULL);
        EXPECT_U64((uintptr_t)block % _Alignof(max_align_t), 0);
        EXPECT(malloc_usable_size(block) >= bytes);
        free(block);
    }
    void *large = malloc(LARGE);
    REQUIRE(large != NULL);
    EXPECT_U64((uintptr_t)large % _Alignof(max_align_t), 0);
    free(large);
}

TAP_TEST(a_large_block_gives_its_frames_back_when_it_is_freed)
{
    uint64_t before = area_resident();
    volatile unsigned char *block = malloc(LARGE);
    REQUIRE(block != NULL);
    for (size_t i = 0; i < LARGE; i += PAGE) {
        block[i] = 1;
    }
    EXPECT(area_resident() >= before + LARGE / PAGE);
    free((void *)(uintptr_t)block);
    EXPECT_U64(area_resident(), before);
}

TAP_TEST(memory_that_nobody_wrote_takes_no_frame)
{
    uint64_t before = area_resident();
    unsigned char *block = calloc(64, LARGE);
    REQUIRE(block != NULL);
    EXPECT_U64(block[40 * LARGE], 0);
    EXPECT(area_resident() <= before + 1);
    free(block);
}

TAP_TEST(realloc_keeps_the_contents_from_small_to_large_and_back)
{
    static const size_t sizes[] = {10, 5000, 100, LARGE, 3 * LARGE, 2 * LARGE, 300, LARGE / 2, 1};
    unsigned char *block = malloc(1);
    REQUIRE(block != NULL);
    size_t held = 1;
    block[0] = 0x5a;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        block = realloc(block, sizes[i]);
        REQUIRE(block != NULL);
        EXPECT(is_filled(block, held < sizes[i] ? held : sizes[i], 0x5a));
        held = sizes[i];
        memset(block, 0x5a, held);
    }
    free(block);
}

TAP_TEST(growing_in_front_of_free_memory_is_cheap)
{
    free(malloc(LARGE / 8));
    uint64_t faults = 0;
    uint64_t faults_after = 0;
    EXPECT_ERR(hf_info(INFO_FAULT_COUNT, &faults), ERR_OK);
    char *block = NULL;
    for (size_t bytes = 1; bytes < 4000; bytes++) {
        block = realloc(block, bytes);
        REQUIRE(block != NULL);
    }
    EXPECT_ERR(hf_info(INFO_FAULT_COUNT, &faults_after), ERR_OK);
    EXPECT(faults_after - faults <= 3);
    free(block);
}

TAP_TEST(alignments_are_kept)
{
    for (size_t alignment = 8; alignment <= LARGE; alignment *= 2) {
        void *block = NULL;
        REQUIRE(EXPECT_I64(posix_memalign(&block, alignment, 100), 0));
        EXPECT_U64((uintptr_t)block % alignment, 0);
        memset(block, 7, 100);
        void *large = aligned_alloc(alignment, LARGE);
        REQUIRE(large != NULL);
        EXPECT_U64((uintptr_t)large % alignment, 0);
        memset(large, 8, LARGE);
        EXPECT(is_filled(block, 100, 7));
        free(block);
        free(large);
    }
    void *none = NULL;
    EXPECT_I64(posix_memalign(&none, 24, 100), EINVAL);
    EXPECT_I64(posix_memalign(&none, 4, 100), EINVAL);
    EXPECT(none == NULL);
}

/* Not inlined: the compiler takes a block for gone that was handed to realloc(). */
NOINLINE static bool realloc_is_refused(void *volatile block, size_t bytes)
{
    return realloc(block, bytes) == NULL;
}

/* clang takes a call for done whose block nobody uses: it has to see where the answer goes. */
static bool is_refused(void *volatile block)
{
    return block == NULL;
}

TAP_TEST(sizes_that_wrap_or_are_too_large_are_refused)
{
    volatile size_t huge = SIZE_MAX;
    errno = 0;
    EXPECT(is_refused(malloc(huge)));
    EXPECT_I64(errno, ENOMEM);
    EXPECT(is_refused(malloc(huge - 4095)));
    EXPECT(is_refused(calloc(huge / 2 + 1, 2)));
    EXPECT(is_refused(calloc(huge / 16, 17)));
    char *block = malloc(10);
    REQUIRE(block != NULL);
    strcpy(block, "kept");
    EXPECT(realloc_is_refused(block, huge));
    EXPECT_STR(block, "kept");
    free(block);
    char *large = malloc(LARGE);
    REQUIRE(large != NULL);
    strcpy(large, "kept");
    EXPECT(realloc_is_refused(large, huge));
    EXPECT_STR(large, "kept");
    free(large);
}

TAP_TEST(the_heap_does_not_grow_when_the_same_is_taken_again)
{
    void *blocks[100];
    struct mem_query_rep before;
    struct mem_query_rep after;
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < 100; i++) {
            blocks[i] = malloc(i * 97);
            REQUIRE(blocks[i] != NULL);
        }
        for (size_t i = 0; i < 100; i++) {
            free(blocks[(i * 37) % 100]);
        }
        REQUIRE(
            EXPECT_ERR(hf_query(HF_OWN_SPACE, 0, 0, NULL, round == 0 ? &before : &after), ERR_OK));
    }
    EXPECT_U64(after.pages_total, before.pages_total);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(every_block_is_aligned_for_every_type),
        TAP(a_large_block_gives_its_frames_back_when_it_is_freed),
        TAP(memory_that_nobody_wrote_takes_no_frame),
        TAP(realloc_keeps_the_contents_from_small_to_large_and_back),
        TAP(growing_in_front_of_free_memory_is_cheap),
        TAP(alignments_are_kept),
        TAP(sizes_that_wrap_or_are_too_large_are_refused),
        TAP(the_heap_does_not_grow_when_the_same_is_taken_again),
    };
    return TAP_RUN(argc, argv, tests);
}
