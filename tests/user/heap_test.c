/* SPDX-License-Identifier: MIT */
/*
 * The heap against its own rules, after every step.
 */
#include "heap.h"

#include <stdlib.h>
#include <string.h>

#include <tap.h>

#define HEAP_BYTES  (1u << 20)
#define BLOCKS      200u
#define STEPS       20000u
#define RANDOM_SEED UINT64_C(20261122)

static struct heap heap;
static char *memory;
static const char *first; /* payload of the first block */

static void setup(size_t bytes)
{
    memset(&heap, 0, sizeof(heap));
    memory = aligned_alloc(4096, HEAP_BYTES);
    heap_add(&heap, memory, bytes);
    first = memory + 16;
    heap_audit(&heap, first);
}

static void teardown(void)
{
    free(memory);
}

static bool is_aligned(const void *payload, size_t alignment)
{
    return (uintptr_t)payload % alignment == 0;
}

TAP_TEST(blocks_are_aligned_large_enough_and_apart)
{
    setup(HEAP_BYTES);
    char *blocks[64];
    for (size_t i = 0; i < 64; i++) {
        blocks[i] = heap_take(&heap, HEAP_ALIGNMENT, i * 13);
        REQUIRE(blocks[i] != NULL);
        EXPECT(is_aligned(blocks[i], HEAP_ALIGNMENT));
        EXPECT(heap_bytes(blocks[i]) >= i * 13);
        memset(blocks[i], (int)i, i * 13);
    }
    heap_audit(&heap, first);
    for (size_t i = 0; i < 64; i++) {
        for (size_t byte = 0; byte < i * 13; byte++) {
            EXPECT_U64((unsigned char)blocks[i][byte], i);
        }
    }
    teardown();
}

TAP_TEST(everything_given_back_is_one_block_again)
{
    setup(HEAP_BYTES);
    size_t whole = heap_bytes(first);
    void *blocks[64];
    for (size_t i = 0; i < 64; i++) {
        blocks[i] = heap_take(&heap, HEAP_ALIGNMENT, 100 + i);
    }
    /* Every other one, then the rest: neighbours join on both sides. */
    for (size_t start = 0; start < 2; start++) {
        for (size_t i = start; i < 64; i += 2) {
            heap_give(&heap, blocks[i]);
            heap_audit(&heap, first);
        }
    }
    EXPECT_U64(heap_bytes(first), whole);
    teardown();
}

TAP_TEST(a_request_larger_than_any_block_gets_nothing)
{
    setup(65536);
    EXPECT(heap_take(&heap, HEAP_ALIGNMENT, 65536) == NULL);
    EXPECT(heap_take(&heap, HEAP_ALIGNMENT, SIZE_MAX) == NULL);
    EXPECT(heap_take(&heap, HEAP_ALIGNMENT, HEAP_BYTES_MAX) == NULL);
    EXPECT(heap_take(&heap, (size_t)1 << 62, 16) == NULL);
    heap_audit(&heap, first);
    EXPECT(heap_take(&heap, HEAP_ALIGNMENT, 32768) != NULL);
    teardown();
}

TAP_TEST(every_alignment_is_kept)
{
    for (size_t alignment = 16; alignment <= 65536; alignment *= 2) {
        setup(HEAP_BYTES);
        for (size_t i = 0; i < 5; i++) {
            (void)heap_take(&heap, HEAP_ALIGNMENT, 16 * i + 1);
            void *block = heap_take(&heap, alignment, 100);
            REQUIRE(block != NULL);
            EXPECT(is_aligned(block, alignment));
            EXPECT(heap_bytes(block) >= 100 && heap_bytes(block) < 200);
            heap_audit(&heap, first);
        }
        teardown();
    }
}

TAP_TEST(a_block_grows_into_free_memory_and_not_into_its_neighbour)
{
    setup(HEAP_BYTES);
    char *one = heap_take(&heap, HEAP_ALIGNMENT, 100);
    char *two = heap_take(&heap, HEAP_ALIGNMENT, 100);
    memset(one, 1, 100);
    EXPECT(!heap_resize(&heap, one, 200));
    EXPECT(heap_resize(&heap, two, 10000));
    EXPECT(heap_bytes(two) >= 10000);
    heap_audit(&heap, first);
    heap_give(&heap, two);
    EXPECT(heap_resize(&heap, one, 150));
    EXPECT(!heap_resize(&heap, one, HEAP_BYTES));
    EXPECT(!heap_resize(&heap, one, SIZE_MAX));
    for (size_t i = 0; i < 100; i++) {
        EXPECT_U64(one[i], 1);
    }
    EXPECT(heap_resize(&heap, one, 10));
    heap_audit(&heap, first);
    teardown();
}

TAP_TEST(memory_right_behind_continues_the_piece)
{
    setup(65536);
    heap_add(&heap, memory + 65536, 65536);
    heap_audit(&heap, first);
    void *block = heap_take(&heap, HEAP_ALIGNMENT, 100000);
    EXPECT(block != NULL);
    heap_add(&heap, memory + 131072, 65536);
    heap_audit(&heap, first);
    EXPECT(heap_take(&heap, HEAP_ALIGNMENT, 80000) != NULL);
    heap_audit(&heap, first);
    teardown();
}

TAP_TEST(memory_elsewhere_is_a_piece_of_its_own)
{
    setup(65536);
    size_t before = heap_bytes(first);
    heap_add(&heap, memory + 131072, 65536);
    EXPECT_U64(heap_bytes(first), before);
    EXPECT(heap_take(&heap, HEAP_ALIGNMENT, 60000) != NULL);
    EXPECT(heap_take(&heap, HEAP_ALIGNMENT, 60000) != NULL);
    EXPECT(heap_take(&heap, HEAP_ALIGNMENT, 60000) == NULL);
    teardown();
}

/* A small generator, so that every run is the same. */
static uint64_t random_state = RANDOM_SEED;

static uint64_t random_below(uint64_t limit)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (random_state >> 33) % limit;
}

struct held {
    unsigned char *payload;
    size_t bytes;
    unsigned char fill;
};

static bool held_is_intact(const struct held *held)
{
    for (size_t i = 0; i < held->bytes; i++) {
        if (held->payload[i] != held->fill) {
            return false;
        }
    }
    return true;
}

TAP_TEST(random_steps_keep_every_rule_and_every_byte)
{
    static struct held blocks[BLOCKS];
    setup(HEAP_BYTES);
    size_t whole = heap_bytes(first);
    memset(blocks, 0, sizeof(blocks));
    for (unsigned step = 0; step < STEPS; step++) {
        struct held *held = &blocks[random_below(BLOCKS)];
        size_t bytes = random_below(8) == 0 ? random_below(30000) : random_below(600);
        if (held->payload == NULL) {
            size_t alignment = (size_t)16 << (random_below(4) == 0 ? random_below(8) : 0);
            held->payload = heap_take(&heap, alignment, bytes);
            held->bytes = bytes;
            EXPECT(is_aligned(held->payload, alignment));
        } else if (random_below(3) == 0) {
            EXPECT(held_is_intact(held));
            size_t kept = bytes < held->bytes ? bytes : held->bytes;
            if (heap_resize(&heap, held->payload, bytes)) {
                held->bytes = kept;
                EXPECT(held_is_intact(held));
                held->bytes = bytes;
            }
        } else {
            EXPECT(held_is_intact(held));
            heap_give(&heap, held->payload);
            held->payload = NULL;
        }
        if (held->payload != NULL) {
            held->fill = (unsigned char)step;
            memset(held->payload, held->fill, held->bytes);
        }
        heap_audit(&heap, first);
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        if (blocks[i].payload != NULL) {
            EXPECT(held_is_intact(&blocks[i]));
            heap_give(&heap, blocks[i].payload);
        }
    }
    heap_audit(&heap, first);
    EXPECT_U64(heap_bytes(first), whole);
    teardown();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(blocks_are_aligned_large_enough_and_apart),
        TAP(everything_given_back_is_one_block_again),
        TAP(a_request_larger_than_any_block_gets_nothing),
        TAP(every_alignment_is_kept),
        TAP(a_block_grows_into_free_memory_and_not_into_its_neighbour),
        TAP(memory_right_behind_continues_the_piece),
        TAP(memory_elsewhere_is_a_piece_of_its_own),
        TAP(random_steps_keep_every_rule_and_every_byte),
    };
    tap_note("random seed %llu", (unsigned long long)RANDOM_SEED);
    return TAP_RUN(argc, argv, tests);
}
