/* SPDX-License-Identifier: MIT */
/*
 * Stacks that grow: MAP_GROWSDOWN, its guard gap and RLIMIT_STACK.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <abi/layout.h>
#include <hf/mem.h>
#include <tap.h>

#include "area.h"

#define GROWING (MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED)

/* Far above the area, with nothing below it for longer than it may grow. */
#define STACK (AREA_START + UINT64_C(0x10000000))

TAP_TEST(a_touch_below_makes_the_region_reach_down)
{
    volatile uint64_t *top = mmap((void *)STACK, PAGE, PROT_READ | PROT_WRITE, GROWING, -1, 0);
    struct mem_region region;
    struct mem_query_rep rep;

    REQUIRE(top == (void *)STACK);
    *(volatile uint64_t *)(STACK - 20 * PAGE) = 7;
    *top = 8;
    EXPECT_ERR(hf_query(HF_OWN_SPACE, STACK - 21 * PAGE, 1, &region, &rep), ERR_OK);
    EXPECT_U64(region.start, STACK - 20 * PAGE);
    EXPECT_U64(region.end, STACK + PAGE);
    EXPECT((region.flags & MEM_MAP_GROWSDOWN) != 0);
    EXPECT_U64(*(volatile uint64_t *)(STACK - 20 * PAGE), 7);
    EXPECT_I64(munmap((void *)(STACK - 20 * PAGE), 21 * PAGE), 0);
}

TAP_TEST(copy_into_what_a_stack_may_not_reach_is_a_fault)
{
    struct rlimit limit = {.rlim_cur = 4 * PAGE, .rlim_max = MEM_STACK_MAX_DEFAULT};
    uint64_t copied = 0;

    EXPECT_I64(setrlimit(RLIMIT_STACK, &limit), 0);
    REQUIRE(mmap((void *)STACK, PAGE, PROT_READ | PROT_WRITE, GROWING, -1, 0) == (void *)STACK);
    *(volatile uint64_t *)STACK = 5;
    EXPECT_ERR(hf_copy(HF_OWN_SPACE, STACK, STACK - 4 * PAGE, 8, MEM_COPY_TO, &copied), ERR_FAULT);
    EXPECT_U64(copied, 0);
    EXPECT_ERR(hf_copy(HF_OWN_SPACE, STACK, STACK - 3 * PAGE, 8, MEM_COPY_TO, &copied), ERR_OK);
    EXPECT_U64(*(volatile uint64_t *)(STACK - 3 * PAGE), 5);
    EXPECT_I64(munmap((void *)(STACK - 3 * PAGE), 4 * PAGE), 0);
}

TAP_TEST(a_hint_into_the_guard_gap_is_not_followed)
{
    REQUIRE(mmap((void *)STACK, PAGE, PROT_READ | PROT_WRITE, GROWING, -1, 0) == (void *)STACK);
    void *near =
        mmap((void *)(STACK - 255 * PAGE), PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(near != MAP_FAILED && near != (void *)(STACK - 255 * PAGE));
    void *below =
        mmap((void *)(STACK - 257 * PAGE), PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(below == (void *)(STACK - 257 * PAGE));
    EXPECT_I64(munmap(near, PAGE), 0);
    EXPECT_I64(munmap(below, PAGE), 0);
    EXPECT_I64(munmap((void *)STACK, PAGE), 0);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_touch_below_makes_the_region_reach_down),
        TAP(copy_into_what_a_stack_may_not_reach_is_a_fault),
        TAP(a_hint_into_the_guard_gap_is_not_followed),
    };
    return TAP_RUN(argc, argv, tests);
}
