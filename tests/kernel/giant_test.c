/* SPDX-License-Identifier: MIT */
/*
 * Leaves of 1 GiB, which come and go in steps (I5 of mm/aspace.h).
 *
 * Frames: 0 the root, the second GiB what is mapped.
 */
#include <abi/layout.h>

#include "mm/aspace.h"
#include "model.h"
#include "tap.h"

#define F(n)  (MODEL_FIRST + (n))
#define LEAF  UINT64_C(0x51) /* V, U, A */
#define RW    (MAP_READ | MAP_WRITE)
#define ENTRY model_entry

TAP_TEST(giant_leaves_are_mapped_and_removed)
{
    struct aspace aspace;
    model_start(3 * PAGES_PER_GIGA);
    model_space(&aspace, 0, false);
    model_fill(PAGES_PER_GIGA, PAGES_PER_GIGA, FRAME_USER);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL, 0x80000, 0x40000, F(0x40000), RW, MAP_GIANT),
               ERR_OK);
    unsigned level;
    EXPECT_U64(model_leaf(&aspace, 0x9abcd, &level), F(0x40000) << 10 | 0xd7);
    EXPECT_U64(level, 2);
    EXPECT_U64(model_word(0x40000), FRAME_USER + FRAME_ONE);
    EXPECT_U64(model_word(0x7ffff), FRAME_USER + FRAME_ONE);
    EXPECT(!aspace_is_empty(&aspace));
    EXPECT_ERR(model_map(&aspace, MAP_REMOVE, 0x9abcd, 1, 0, 0, 0), ERR_OK);
    EXPECT_U64(model_word(0x7ffff), FRAME_USER);
    EXPECT(aspace_is_empty(&aspace));
}

/* Carry out one entry with an interrupt whenever it looks. Returns: how often it was cut. */
static unsigned map_with_interrupts(struct aspace *aspace, const struct map_entry *entry)
{
    struct map_progress progress = {0, 0};
    unsigned cuts = 0;
    enum err error;

    do {
        model_interrupt_in = 1;
        error = aspace_apply(aspace, entry, 1, &progress);
        cuts += error == ERR_INTR ? 1 : 0;
    } while (error == ERR_INTR && cuts < 10000);
    model_interrupt_in = 0;
    EXPECT_ERR(error, ERR_OK);
    return cuts;
}

/* Whether all frames of the second GiB have this word. */
static bool giant_is(uint64_t word)
{
    for (uint64_t i = 0; i < PAGES_PER_GIGA; i++) {
        if (model_word(PAGES_PER_GIGA + i) != word) {
            return false;
        }
    }
    return true;
}

/* No more than 512 frames are counted between two looks for an interrupt. */
TAP_TEST(giant_leaves_come_and_go_in_steps)
{
    const struct map_entry put = ENTRY(MAP_INSTALL, 0x80000, 0x40000, F(0x40000), RW, MAP_GIANT);
    const struct map_entry read = ENTRY(MAP_RESTRICT, 0x80000, 0x40000, 0, MAP_READ, 0);
    const struct map_entry take = ENTRY(MAP_REMOVE, 0x9abcd, 1, 0, 0, 0);
    struct aspace aspace;
    unsigned level;

    model_start(3 * PAGES_PER_GIGA);
    model_space(&aspace, 0, false);
    model_fill(PAGES_PER_GIGA, PAGES_PER_GIGA, FRAME_USER);
    EXPECT_U64(map_with_interrupts(&aspace, &put), 511);
    EXPECT_U64(model_leaf(&aspace, 0x9abcd, &level), F(0x40000) << 10 | 0xd7);
    EXPECT_U64(level, 2);
    EXPECT(giant_is(FRAME_USER + FRAME_ONE));
    EXPECT_U64(map_with_interrupts(&aspace, &read), 0);
    EXPECT_U64(model_leaf(&aspace, 0x9abcd, &level), F(0x40000) << 10 | LEAF | PTE_READ);
    /* One that stands there goes first. */
    EXPECT_U64(map_with_interrupts(&aspace, &put), 512 + 511);
    EXPECT(giant_is(FRAME_USER + FRAME_ONE));
    EXPECT_U64(map_with_interrupts(&aspace, &take), 511);
    EXPECT(giant_is(FRAME_USER));
    EXPECT(aspace_is_empty(&aspace));
}

TAP_TEST(a_giant_leaf_that_is_refused_or_given_up_half_way_leaves_nothing)
{
    const struct map_entry put = ENTRY(MAP_INSTALL, 0x80000, 0x40000, F(0x40000), RW, MAP_GIANT);
    struct map_progress progress = {0, 0};
    struct aspace aspace;
    unsigned level;

    model_start(3 * PAGES_PER_GIGA);
    model_space(&aspace, 0, false);
    model_fill(PAGES_PER_GIGA, PAGES_PER_GIGA, FRAME_USER);
    for (unsigned i = 0; i < 100; i++) {
        model_interrupt_in = 1;
        EXPECT_ERR(aspace_apply(&aspace, &put, 1, &progress), ERR_INTR);
    }
    model_interrupt_in = 0;
    /* The last frames are counted first; nobody sees any of them yet. */
    EXPECT_U64(model_word(2 * PAGES_PER_GIGA - 100 * 512), FRAME_USER + FRAME_ONE);
    EXPECT_U64(model_word(2 * PAGES_PER_GIGA - 100 * 512 - 1), FRAME_USER);
    EXPECT_U64(model_leaf(&aspace, 0x9abcd, &level), 0);
    EXPECT_ERR(model_map(&aspace, MAP_TABLE, 0x80000, 1, F(5), 1, 0), ERR_EXIST);
    EXPECT_ERR(model_map(&aspace, MAP_REMOVE, 0x80000, 1, 0, 0, 0), ERR_OK);
    EXPECT(giant_is(FRAME_USER));
    EXPECT(aspace_is_empty(&aspace));
    model_fill(PAGES_PER_GIGA + 1000, 1, FRAME_FREE);
    EXPECT_ERR(model_map(&aspace, MAP_INSTALL, 0x80000, 0x40000, F(0x40000), RW, MAP_GIANT),
               ERR_FRAME_KIND);
    EXPECT(aspace_is_empty(&aspace));
    EXPECT_U64(model_word(PAGES_PER_GIGA + 1000), FRAME_FREE);
    model_fill(PAGES_PER_GIGA + 1000, 1, FRAME_USER);
    EXPECT(giant_is(FRAME_USER));
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(giant_leaves_are_mapped_and_removed),
        TAP(giant_leaves_come_and_go_in_steps),
        TAP(a_giant_leaf_that_is_refused_or_given_up_half_way_leaves_nothing),
    };

    return TAP_RUN(argc, argv, tests);
}
