/* SPDX-License-Identifier: MIT */
/*
 * BATCH: several requests that happen together or not at all.
 */
#include <hf/env.h>
#include <hf/mem.h>
#include <mem/limits.h>
#include <tap.h>

#include "area.h"

static struct mem_batch_op map_op(uint64_t index, uint64_t pages, uint64_t prot, uint64_t flags)
{
    return (struct mem_batch_op){MEM_MAP,
                                 {AREA_AT(index), pages * PAGE, prot | (ANON | flags) << 32, 0, 0}};
}

static struct mem_batch_op range_op(uint64_t number, uint64_t index, uint64_t pages, uint64_t what)
{
    return (struct mem_batch_op){number, {AREA_AT(index), pages * PAGE, what, 0, 0}};
}

TAP_TEST(requests_of_a_batch_see_what_those_before_did)
{
    struct mem_batch_op ops[] = {
        map_op(0, 8, RW, MEM_MAP_FIXED),
        range_op(MEM_PROTECT, 2, 2, MEM_PROT_READ),
        range_op(MEM_UNMAP, 5, 1, 0),
        map_op(5, 1, MEM_PROT_READ, MEM_MAP_FIXED_NOREPLACE),
        {MEM_REMAP, {AREA_AT(6), 2 * PAGE, PAGE, 0, 0}},
        range_op(MEM_ADVISE, 0, 1, MEM_ADVISE_DONTNEED),
    };
    uint64_t refused = 0;
    area_clear();
    EXPECT_ERR(hf_batch(HF_OWN_SPACE, ops, 6, &refused), ERR_OK);
    EXPECT_STR(area_draw(9), "ww|rr|w|r|w  ");
    EXPECT_U64(ops[0].words[0], AREA_AT(0));
    EXPECT_U64(ops[4].words[0], AREA_AT(6));
    area_clear();
}

TAP_TEST(pages_that_are_taken_away_read_as_zero_and_others_stay)
{
    struct mem_batch_op ops[] = {
        range_op(MEM_ADVISE, 1, 1, MEM_ADVISE_DONTNEED),
        map_op(3, 1, RW, MEM_MAP_FIXED),
        range_op(MEM_PROTECT, 0, 1, MEM_PROT_READ),
    };
    uint64_t refused = 0;
    area_clear();
    REQUIRE(area_map(0, 5, RW) == ERR_OK);
    area_fill(0, 5);
    EXPECT_ERR(hf_batch(HF_OWN_SPACE, ops, 3, &refused), ERR_OK);
    EXPECT(area_holds(0, 1, 0));
    EXPECT_U64(*(volatile uint64_t *)AREA_AT(1), 0);
    EXPECT(area_holds(2, 1, 2));
    EXPECT_U64(*(volatile uint64_t *)AREA_AT(3), 0);
    EXPECT(area_holds(4, 1, 4));
    *(volatile uint64_t *)AREA_AT(3) = 7;
    area_clear();
}

TAP_TEST(a_bad_last_request_is_told_and_nothing_has_changed)
{
    struct mem_batch_op ops[MEM_BATCH_MAX];
    struct mem_refusal_rep refusal;
    struct mem_limits_rep limit;
    uint64_t refused = 0;
    area_clear();
    REQUIRE(area_map(0, 40, RW) == ERR_OK);
    area_fill(0, 40);
    for (uint64_t i = 0; i < MEM_BATCH_MAX; i++) {
        ops[i] = i % 2 == 0 ? range_op(MEM_UNMAP, i / 2, 1, 0)
                            : map_op(i / 2, 1, MEM_PROT_READ, MEM_MAP_FIXED);
    }
    ops[MEM_BATCH_MAX - 1] = map_op(0, UINT64_C(1) << 20, RW, 0);
    REQUIRE(hf_limit_get(HF_OWN_SPACE, MEM_LIMIT_PAGES, &limit) == ERR_OK);
    EXPECT_ERR(hf_batch(HF_OWN_SPACE, ops, MEM_BATCH_MAX, &refused), ERR_NOMEM);
    EXPECT_U64(refused, MEM_BATCH_MAX - 1);
    EXPECT_ERR(hf_refusal(&refusal), ERR_OK);
    EXPECT_U64(refusal.request, MEM_BATCH);
    EXPECT_U64(refusal.refused, ERR_NOMEM);
    EXPECT_U64(refusal.limit, MEM_LIMIT_COMMIT);
    EXPECT_U64(refusal.asked, UINT64_C(1) << 20);
    EXPECT(area_holds(0, 40, 0));
    area_fill(0, 40);
    EXPECT_U64(ops[0].words[0], AREA_AT(0));
    ops[MEM_BATCH_MAX - 1] = range_op(MEM_UNMAP, 39, 1, 0);
    EXPECT_ERR(hf_batch(HF_OWN_SPACE, ops, MEM_BATCH_MAX, &refused), ERR_OK);
    EXPECT_STR(area_draw(6), "rrrrrr");
    area_clear();
}

TAP_TEST(requests_that_a_batch_cannot_hold_are_refused)
{
    struct mem_batch_op ops[2] = {map_op(0, 1, RW, MEM_MAP_FIXED), {MEM_STATS, {0}}};
    uint64_t refused = 0;
    area_clear();
    EXPECT_ERR(hf_batch(HF_OWN_SPACE, ops, 2, &refused), ERR_OPNOTSUPP);
    EXPECT_U64(refused, 1);
    ops[1].head = MEM_HEAD_NUMBER;
    EXPECT_ERR(hf_batch(HF_OWN_SPACE, ops, 2, &refused), ERR_NOSYS);
    ops[1] = range_op(MEM_UNMAP | MEM_HEAD_LINUX, 0, 1, 0);
    EXPECT_ERR(hf_batch(HF_OWN_SPACE, ops, 2, &refused), ERR_INVAL);
    ops[1] = range_op(MEM_UNMAP, 0, 1, 5);
    EXPECT_ERR(hf_batch(HF_OWN_SPACE, ops, 2, &refused), ERR_INVAL);
    EXPECT_U64(refused, 1);
    ops[1] = range_op(MEM_LOCK, 0, 1, 0);
    EXPECT_ERR(hf_batch(HF_OWN_SPACE, ops, 2, &refused), ERR_OPNOTSUPP);
    ops[1] = range_op(MEM_BATCH, 0, 1, 0);
    EXPECT_ERR(hf_batch(HF_OWN_SPACE, ops, 2, &refused), ERR_OPNOTSUPP);
    EXPECT_ERR(hf_batch(HF_OWN_SPACE, ops, 0, &refused), ERR_INVAL);
    EXPECT_ERR(hf_batch(HF_OWN_SPACE, ops, MEM_BATCH_MAX + 1, &refused), ERR_INVAL);
    EXPECT_STR(area_draw(2), "  ");
}

TAP_TEST(batches_leave_every_frame)
{
    struct mem_batch_op good[] = {map_op(0, 4, RW, MEM_MAP_FIXED | MEM_MAP_POPULATE),
                                  range_op(MEM_PROTECT, 1, 1, MEM_PROT_READ),
                                  range_op(MEM_UNMAP, 0, 4, 0)};
    struct mem_batch_op bad[] = {map_op(0, 4, RW, MEM_MAP_FIXED), range_op(MEM_UNMAP, 0, 0, 0)};
    struct mem_stats_rep before;
    struct mem_stats_rep after;
    uint64_t refused = 0;
    area_clear();
    EXPECT_ERR(hf_batch(HF_OWN_SPACE, good, 3, &refused), ERR_OK);
    EXPECT_ERR(hf_batch(HF_OWN_SPACE, bad, 2, &refused), ERR_INVAL);
    REQUIRE(hf_stats(&before) == ERR_OK);
    for (unsigned i = 0; i < 200; i++) {
        good[0] = map_op(0, 4, RW, MEM_MAP_FIXED | MEM_MAP_POPULATE);
        EXPECT_ERR(hf_batch(HF_OWN_SPACE, good, 3, &refused), ERR_OK);
        EXPECT_ERR(hf_batch(HF_OWN_SPACE, bad, 2, &refused), ERR_INVAL);
    }
    REQUIRE(hf_stats(&after) == ERR_OK);
    EXPECT_U64(after.free, before.free);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(requests_of_a_batch_see_what_those_before_did),
        TAP(pages_that_are_taken_away_read_as_zero_and_others_stay),
        TAP(a_bad_last_request_is_told_and_nothing_has_changed),
        TAP(requests_that_a_batch_cannot_hold_are_refused),
        TAP(batches_leave_every_frame),
    };

    return TAP_RUN(argc, argv, tests);
}
