/* SPDX-License-Identifier: MIT */
/*
 * LOCK and its kin under their native and their POSIX names, INCORE, SYNC.
 */
#include <errno.h>
#include <sys/mman.h>

#include <abi/layout.h>
#include <hf/mem.h>
#include <tap.h>

#include "area.h"

/* Locked pages among the regions from the area's start on. */
static uint64_t area_locked(void)
{
    struct mem_region regions[16];
    struct mem_query_rep rep;
    uint64_t locked = 0;

    EXPECT_ERR(hf_query(HF_OWN_SPACE, AREA_START, 16, regions, &rep), ERR_OK);
    for (uint64_t i = 0; i < rep.count; i++) {
        if (regions[i].start < AREA_AT(AREA_PAGES)) {
            locked += regions[i].locked;
        }
    }
    return locked;
}

TAP_TEST(lock_makes_pages_present_and_splits_and_unlock_joins)
{
    uint64_t before = area_resident();
    REQUIRE(EXPECT_ERR(area_map(0, 6, RW), ERR_OK));
    EXPECT_ERR(hf_lock(HF_OWN_SPACE, AREA_AT(2), 2 * PAGE, 0), ERR_OK);
    EXPECT_U64(area_resident(), before + 2);
    EXPECT_STR(area_draw(8), "ww|ww|ww  ");
    EXPECT_U64(area_locked(), 2);
    EXPECT_ERR(hf_unlock(HF_OWN_SPACE, AREA_AT(0), 6 * PAGE), ERR_OK);
    EXPECT_STR(area_draw(8), "wwwwww  ");
    EXPECT_U64(area_locked(), 0);
    area_clear();
}

TAP_TEST(mlock_over_a_hole_keeps_what_is_before_and_lock_does_not)
{
    REQUIRE(EXPECT_ERR(area_map(0, 2, RW), ERR_OK));
    REQUIRE(EXPECT_ERR(area_map(3, 2, RW), ERR_OK));
    EXPECT_ERR(hf_lock(HF_OWN_SPACE, AREA_AT(0), 5 * PAGE, 0), ERR_NOMEM);
    EXPECT_U64(area_locked(), 0);
    errno = 0;
    EXPECT_I64(mlock((void *)AREA_AT(0), 5 * PAGE), -1);
    EXPECT_I64(errno, ENOMEM);
    EXPECT_U64(area_locked(), 2);
    EXPECT_I64(munlock((void *)(AREA_AT(0) + 100), PAGE), 0);
    EXPECT_U64(area_locked(), 0);
    area_clear();
}

TAP_TEST(mlock2_on_fault_makes_nothing_present)
{
    uint64_t before = area_resident();
    REQUIRE(EXPECT_ERR(area_map(0, 3, RW), ERR_OK));
    EXPECT_I64(mlock2((void *)AREA_AT(0), 3 * PAGE, MLOCK_ONFAULT), 0);
    EXPECT_U64(area_resident(), before);
    EXPECT_U64(area_locked(), 3);
    errno = 0;
    EXPECT_I64(mlock2((void *)AREA_AT(0), PAGE, 2), -1);
    EXPECT_I64(errno, EINVAL);
    area_clear();
}

TAP_TEST(the_dry_run_of_lock_tells_what_lock_then_takes_and_changes_nothing)
{
    struct mem_lock_cost_rep cost;
    struct mem_limits_rep before;
    struct mem_limits_rep after;
    const uint64_t resident = area_resident();

    REQUIRE(EXPECT_ERR(area_map(0, 6, RW), ERR_OK));
    area_fill(0, 2);
    EXPECT_ERR(hf_lock_cost(HF_OWN_SPACE, AREA_AT(0), 6 * PAGE, 0, &cost), ERR_OK);
    EXPECT_U64(cost.pages, 6);
    EXPECT_U64(cost.frames, 4);
    EXPECT_U64(cost.limit, MEM_LOCKED_MAX_DEFAULT / PAGE);
    EXPECT_U64(cost.used, 0);
    EXPECT_U64(area_resident(), resident + 2);
    EXPECT_U64(area_locked(), 0);
    EXPECT_STR(area_draw(8), "wwwwww  ");
    EXPECT_ERR(hf_limit_get(HF_OWN_SPACE, MEM_LIMIT_BUDGET, &before), ERR_OK);
    EXPECT_ERR(hf_lock(HF_OWN_SPACE, AREA_AT(0), 6 * PAGE, 0), ERR_OK);
    EXPECT_ERR(hf_limit_get(HF_OWN_SPACE, MEM_LIMIT_BUDGET, &after), ERR_OK);
    EXPECT_U64(after.used - before.used, cost.frames);
    EXPECT_U64(area_locked(), cost.pages);
    EXPECT_ERR(hf_lock_cost(HF_OWN_SPACE, AREA_AT(0), 6 * PAGE, 0, &cost), ERR_OK);
    EXPECT_U64(cost.pages, 0);
    EXPECT_U64(cost.frames, 0);
    EXPECT_U64(cost.used, 6);
    EXPECT_ERR(hf_lock_cost(HF_OWN_SPACE, AREA_AT(0), 7 * PAGE, 0, &cost), ERR_NOMEM);
    area_clear();
}

TAP_TEST(the_dry_run_of_lock_all_tells_what_lock_all_then_takes)
{
    struct mem_lock_cost_rep cost;
    struct mem_lock_cost_rep again;
    struct mem_limits_rep before;
    struct mem_limits_rep after;

    /* How far ahead the pager of the program's own pages is asked nobody tells: have them here. */
    REQUIRE(EXPECT_ERR(hf_lock_all(HF_OWN_SPACE, MEM_LOCK_CURRENT), ERR_OK));
    EXPECT_ERR(hf_unlock_all(HF_OWN_SPACE), ERR_OK);
    REQUIRE(EXPECT_ERR(area_map(0, 6, RW), ERR_OK));
    area_fill(0, 2);

    EXPECT_ERR(hf_lock_all_cost(HF_OWN_SPACE, MEM_LOCK_FUTURE, &cost), ERR_OK);
    EXPECT_U64(cost.pages + cost.frames, 0);
    EXPECT_ERR(hf_lock_all_cost(HF_OWN_SPACE, MEM_LOCK_CURRENT, &cost), ERR_OK);
    EXPECT(cost.pages >= 6 && cost.frames >= 4);
    EXPECT_U64(area_locked(), 0);
    EXPECT_ERR(hf_limit_get(HF_OWN_SPACE, MEM_LIMIT_BUDGET, &before), ERR_OK);
    EXPECT_ERR(hf_lock_all(HF_OWN_SPACE, MEM_LOCK_CURRENT), ERR_OK);
    EXPECT_ERR(hf_limit_get(HF_OWN_SPACE, MEM_LIMIT_BUDGET, &after), ERR_OK);
    EXPECT_U64(after.used - before.used, cost.frames);
    EXPECT_ERR(hf_lock_all_cost(HF_OWN_SPACE, MEM_LOCK_CURRENT, &again), ERR_OK);
    EXPECT_U64(again.used - cost.used, cost.pages);
    EXPECT_U64(again.pages + again.frames, 0);
    EXPECT_ERR(hf_unlock_all(HF_OWN_SPACE), ERR_OK);
    EXPECT_ERR(hf_lock_all_cost(HF_OWN_SPACE, MEM_LOCK_ALL_ONFAULT, &cost), ERR_INVAL);
    errno = 0;
    EXPECT_I64(mlockall(MCL_CURRENT | MEM_LOCK_DRY), -1);
    EXPECT_I64(errno, EINVAL);
    area_clear();
}

/* More than a message looks at: the library goes on. */
TAP_TEST(a_long_dry_run_adds_up_and_mlock2_does_not_know_its_flag)
{
    const struct hf_map map = {.length = 2000 * PAGE, .prot = RW, .flags = ANON};
    struct mem_lock_cost_rep cost;
    uint64_t addr = 0;

    REQUIRE(EXPECT_ERR(hf_map(map, &addr), ERR_OK));
    for (uint64_t page = 0; page < 2000; page += 2) {
        *(volatile uint64_t *)(addr + page * PAGE) = page;
    }
    EXPECT_ERR(hf_lock_cost(HF_OWN_SPACE, addr, map.length, 0, &cost), ERR_OK);
    EXPECT_U64(cost.pages, 2000);
    EXPECT_U64(cost.frames, 1000);
    EXPECT_ERR(hf_lock_cost(HF_OWN_SPACE, addr, map.length, MEM_LOCK_ONFAULT, &cost), ERR_OK);
    EXPECT_U64(cost.pages, 2000);
    EXPECT_U64(cost.frames, 0);
    errno = 0;
    EXPECT_I64(mlock2((void *)addr, PAGE, MEM_LOCK_DRY), -1);
    EXPECT_I64(errno, EINVAL);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, addr, map.length), ERR_OK);
}

TAP_TEST(mlockall_of_the_future_makes_new_pages_present_until_munlockall)
{
    uint64_t before = area_resident();
    errno = 0;
    EXPECT_I64(mlockall(0), -1);
    EXPECT_I64(errno, EINVAL);
    EXPECT_I64(mlockall(MCL_FUTURE), 0);
    REQUIRE(EXPECT_ERR(area_map(0, 3, RW), ERR_OK));
    EXPECT_U64(area_resident(), before + 3);
    EXPECT_U64(area_locked(), 3);
    EXPECT_I64(munlockall(), 0);
    EXPECT_U64(area_locked(), 0);
    REQUIRE(EXPECT_ERR(area_map(4, 2, RW), ERR_OK));
    EXPECT_U64(area_resident(), before + 3);
    area_clear();
}

TAP_TEST(over_the_lock_limit_map_says_again_and_lock_says_no_memory)
{
    const struct hf_map map = {
        .length = MEM_LOCKED_MAX_DEFAULT + PAGE, .prot = RW, .flags = ANON | MEM_MAP_LOCKED};
    struct mem_refusal_rep rep;
    uint64_t addr = 0;

    EXPECT_ERR(hf_map(map, &addr), ERR_AGAIN);
    EXPECT_ERR(hf_refusal(&rep), ERR_OK);
    EXPECT_U64(rep.limit, MEM_LIMIT_LOCKED);
    EXPECT_U64(rep.value, MEM_LOCKED_MAX_DEFAULT / PAGE);
    EXPECT_ERR(hf_lock(HF_OWN_SPACE, AREA_AT(0), MEM_LOCKED_MAX_DEFAULT + PAGE, 0), ERR_NOMEM);
}

TAP_TEST(locked_pages_refuse_dontneed_and_invalidate)
{
    REQUIRE(EXPECT_ERR(area_map(0, 2, RW), ERR_OK));
    area_fill(0, 2);
    EXPECT_I64(mlock((void *)AREA_AT(0), 2 * PAGE), 0);
    errno = 0;
    EXPECT_I64(madvise((void *)AREA_AT(0), 2 * PAGE, MADV_DONTNEED), -1);
    EXPECT_I64(errno, EINVAL);
    EXPECT_I64(msync((void *)AREA_AT(0), 2 * PAGE, MS_SYNC | MS_INVALIDATE), -1);
    EXPECT_I64(errno, EBUSY);
    EXPECT_I64(msync((void *)AREA_AT(0), 2 * PAGE, MS_SYNC), 0);
    EXPECT_I64(msync((void *)AREA_AT(0), 3 * PAGE, MS_ASYNC), -1);
    EXPECT_I64(errno, ENOMEM);
    EXPECT_I64(msync((void *)AREA_AT(0), PAGE, MS_SYNC | MS_ASYNC), -1);
    EXPECT_I64(errno, EINVAL);
    EXPECT(area_holds(0, 2, 0));
    area_clear();
}

TAP_TEST(mincore_tells_which_pages_are_there_over_several_messages)
{
    static unsigned char pages[2 * MEM_INCORE_PAGES_MAX];
    const struct hf_map map = {.length = sizeof(pages) * PAGE, .prot = RW, .flags = ANON};
    uint64_t addr = 0;

    REQUIRE(EXPECT_ERR(hf_map(map, &addr), ERR_OK));
    *(volatile uint64_t *)(addr + PAGE) = 1;
    *(volatile uint64_t *)(addr + (sizeof(pages) - 1) * PAGE) = 1;
    EXPECT_I64(mincore((void *)addr, sizeof(pages) * PAGE, pages), 0);
    EXPECT_U64(pages[0], 0);
    EXPECT_U64(pages[1], 1);
    EXPECT_U64(pages[MEM_INCORE_PAGES_MAX], 0);
    EXPECT_U64(pages[sizeof(pages) - 1], 1);
    errno = 0;
    EXPECT_I64(mincore((void *)(addr + 1), PAGE, pages), -1);
    EXPECT_I64(errno, EINVAL);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, addr, map.length), ERR_OK);
    EXPECT_I64(mincore((void *)addr, PAGE, pages), -1);
    EXPECT_I64(errno, ENOMEM);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(lock_makes_pages_present_and_splits_and_unlock_joins),
        TAP(mlock_over_a_hole_keeps_what_is_before_and_lock_does_not),
        TAP(mlock2_on_fault_makes_nothing_present),
        TAP(the_dry_run_of_lock_tells_what_lock_then_takes_and_changes_nothing),
        TAP(the_dry_run_of_lock_all_tells_what_lock_all_then_takes),
        TAP(a_long_dry_run_adds_up_and_mlock2_does_not_know_its_flag),
        TAP(mlockall_of_the_future_makes_new_pages_present_until_munlockall),
        TAP(over_the_lock_limit_map_says_again_and_lock_says_no_memory),
        TAP(locked_pages_refuse_dontneed_and_invalidate),
        TAP(mincore_tells_which_pages_are_there_over_several_messages),
    };
    return TAP_RUN(argc, argv, tests);
}
