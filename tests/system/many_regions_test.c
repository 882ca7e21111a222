/* SPDX-License-Identifier: MIT */
/*
 * Many regions in one space: none costs much more than the first, in instructions and in memory,
 * and all go at once.
 *
 *   many_regions_test [regions=N]     (default 100,000)
 */
#include <abi/error.h>
#include <hf/env.h>
#include <hf/mem.h>
#include <mem/limits.h>
#include <tap.h>

#include "balance.h"
#include "count.h"

#define FIRST     UINT64_C(0x1000000000)
#define SAMPLE    200u
#define BYTES_MAX 66u /* of memory, for each region: 64, and its share of the head of a page */
#define TIMES_MAX 3u  /* instructions at the end against at the start */
/*
 * What the server keeps of the 63 records a page: free pages for the next requests (ARENA_KEEP of
 * server/core/arena.h), and the pages of its directory, which has 4 bytes for each page that ever
 * was backed.
 */
#define PAGES_KEPT     8u
#define DIRECTORY_KEPT (regions / 63u / 1024u + 1u)
#define FRAMES_KEPT    (PAGES_KEPT + DIRECTORY_KEPT)

static uint64_t regions;
static uint64_t limit_given; /* regions that a process may have when it starts */

static enum err limit_regions(uint64_t value)
{
    struct mem_limits_rep rep;
    const enum err error = hf_limit_get(HF_OWN_SPACE, MEM_LIMIT_REGIONS, &rep);

    if (error != ERR_OK) {
        return error;
    }
    struct hf_message message = {
        .words = {MEM_LIMITS, MEM_LIMIT_REGIONS, MEM_LIMITS_SET, value, rep.ceiling}};
    return hf_mem_call(&message);
}

/* One page that differs from its neighbours, so that it stays a region of its own. */
static enum err map_one(uint64_t index)
{
    uint64_t address;
    const struct hf_map map = {
        .addr = FIRST + index * HF_PAGE_BYTES,
        .length = HF_PAGE_BYTES,
        .prot = index % 2 == 0 ? MEM_PROT_READ : MEM_PROT_NONE,
        .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_FIXED,
    };
    return hf_map(map, &address);
}

static uint64_t regions_total(void)
{
    struct mem_query_rep rep = {.regions_total = 0};
    return hf_query(HF_OWN_SPACE, 0, 0, NULL, &rep) == ERR_OK ? rep.regions_total : 0;
}

/* Instructions of one MAP at the end of what is there, and its UNMAP, on average. */
static uint64_t cost_at(uint64_t index)
{
    const uint64_t start = count_instructions();

    for (uint64_t i = 0; i < SAMPLE; i++) {
        if (map_one(index) != ERR_OK ||
            hf_unmap(HF_OWN_SPACE, FIRST + index * HF_PAGE_BYTES, HF_PAGE_BYTES) != ERR_OK) {
            return UINT64_MAX;
        }
    }
    return (count_instructions() - start) / SAMPLE;
}

TAP_TEST(many_regions_cost_little_memory_each_and_little_more_time)
{
    REQUIRE(limit_regions(regions + 1000) == ERR_OK);
    const uint64_t regions_before = regions_total();
    const uint64_t frames_before = balance_free();
    REQUIRE(map_one(0) == ERR_OK);
    const uint64_t cost_first = cost_at(1);
    for (uint64_t i = 1; i < regions; i++) {
        if (map_one(i) != ERR_OK) {
            EXPECT_U64(i, regions);
            return;
        }
    }
    const uint64_t cost_last = cost_at(regions);
    const uint64_t frames_used = frames_before - balance_free();
    EXPECT_U64(regions_total(), regions_before + regions);
    tap_note("%lu bytes a region; map and unmap: %lu instructions beside one, %lu beside all",
             (unsigned long)(frames_used * HF_PAGE_BYTES / regions), (unsigned long)cost_first,
             (unsigned long)cost_last);
    EXPECT(frames_used * HF_PAGE_BYTES <= (uint64_t)BYTES_MAX * regions);
    EXPECT(cost_last <= cost_first * TIMES_MAX || !count_is_exact());
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, FIRST, regions * HF_PAGE_BYTES), ERR_OK);
    EXPECT_U64(regions_total(), regions_before);
    EXPECT(balance_free() + FRAMES_KEPT >= frames_before);
}

TAP_TEST(ten_million_regions_are_refused_with_the_limit_its_value_and_its_use)
{
    struct mem_refusal_rep refusal;
    const uint64_t used = regions_total();

    EXPECT_U64(limit_given, MEM_MAX_MAP_COUNT_DEFAULT);
    REQUIRE(limit_regions(limit_given) == ERR_OK);
    uint64_t made = 0;
    enum err error = ERR_OK;
    while (made < 10000000 && error == ERR_OK) {
        error = map_one(made);
        made += error == ERR_OK;
    }
    EXPECT_ERR(error, ERR_NOMEM);
    EXPECT_ERR(hf_refusal(&refusal), ERR_OK);
    EXPECT_U64(regions_total(), used + made);
    EXPECT_U64(refusal.limit, MEM_LIMIT_REGIONS);
    EXPECT_U64(refusal.value, limit_given);
    EXPECT(made > limit_given - used && made <= limit_given - used + 1);
    EXPECT_U64(refusal.used, used + made);
    EXPECT_U64(refusal.asked, 1);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, FIRST, made * HF_PAGE_BYTES), ERR_OK);
    EXPECT_U64(regions_total(), used);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(many_regions_cost_little_memory_each_and_little_more_time),
        TAP(ten_million_regions_are_refused_with_the_limit_its_value_and_its_use),
    };

    struct mem_limits_rep limit = {.value = 0};

    (void)hf_limit_get(HF_OWN_SPACE, MEM_LIMIT_REGIONS, &limit);
    limit_given = limit.value;
    regions = count_asked(&argc, argv, "regions", 100000);
    return TAP_RUN(argc, argv, tests);
}
