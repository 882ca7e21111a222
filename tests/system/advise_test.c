/* SPDX-License-Identifier: MIT */
/*
 * ADVISE: DONTNEED gives pages back; properties keep regions apart.
 */
#include <errno.h>
#include <sys/mman.h>

#include <abi/layout.h>
#include <hf/mem.h>
#include <tap.h>

#include "area.h"

static enum err advise(uint64_t index, uint64_t pages, uint64_t advice)
{
    return hf_advise(HF_OWN_SPACE, AREA_AT(index), pages * PAGE, advice);
}

TAP_TEST(dontneed_gives_frames_back_and_the_pages_read_as_zero)
{
    uint64_t before = area_resident();
    REQUIRE(EXPECT_ERR(area_map(0, 6, RW), ERR_OK));
    area_fill(0, 6);
    EXPECT_U64(area_resident(), before + 6);
    EXPECT_ERR(advise(2, 2, MEM_ADVISE_DONTNEED), ERR_OK);
    EXPECT_U64(area_resident(), before + 4);
    EXPECT_STR(area_draw(8), "wwwwww  ");
    EXPECT_U64(*(volatile uint64_t *)AREA_AT(2), 0);
    EXPECT_U64(*(volatile uint64_t *)AREA_AT(3), 0);
    EXPECT(area_holds(0, 2, 0));
    EXPECT(area_holds(4, 2, 4));
    area_fill(2, 2);
    EXPECT(area_holds(0, 6, 0));
    area_clear();
}

TAP_TEST(dontneed_works_without_access)
{
    uint64_t before = area_resident();
    REQUIRE(EXPECT_ERR(area_map(0, 2, RW), ERR_OK));
    area_fill(0, 2);
    EXPECT_ERR(hf_protect(HF_OWN_SPACE, AREA_AT(0), 2 * PAGE, MEM_PROT_NONE), ERR_OK);
    EXPECT_ERR(advise(0, 2, MEM_ADVISE_DONTNEED), ERR_OK);
    EXPECT_U64(area_resident(), before);
    area_clear();
}

TAP_TEST(dontfork_is_a_property_that_keeps_regions_apart_and_dofork_joins_them)
{
    REQUIRE(EXPECT_ERR(area_map(0, 6, RW), ERR_OK));
    EXPECT_ERR(advise(2, 2, MEM_ADVISE_DONTFORK), ERR_OK);
    EXPECT_STR(area_draw(8), "ww|ww|ww  ");
    EXPECT_ERR(advise(2, 2, MEM_ADVISE_DOFORK), ERR_OK);
    EXPECT_STR(area_draw(8), "wwwwww  ");
    area_clear();
}

TAP_TEST(willneed_and_an_empty_range_change_nothing)
{
    REQUIRE(EXPECT_ERR(area_map(0, 2, RW), ERR_OK));
    EXPECT_ERR(advise(0, 2, MEM_ADVISE_WILLNEED), ERR_OK);
    EXPECT_ERR(advise(0, 0, MEM_ADVISE_DONTNEED), ERR_OK);
    EXPECT_STR(area_draw(4), "ww  ");
    area_clear();
}

TAP_TEST(unknown_advice_and_crooked_ranges_are_inval)
{
    REQUIRE(EXPECT_ERR(area_map(0, 2, RW), ERR_OK));
    EXPECT_ERR(advise(0, 1, 1000), ERR_INVAL);
    EXPECT_ERR(advise(0, 1, UINT64_MAX), ERR_INVAL);
    EXPECT_ERR(hf_advise(HF_OWN_SPACE, AREA_AT(0) + 1, PAGE, MEM_ADVISE_DONTNEED), ERR_INVAL);
    EXPECT_ERR(hf_advise(HF_OWN_SPACE, AREA_AT(0), UINT64_MAX, MEM_ADVISE_DONTNEED), ERR_INVAL);
    area_clear();
}

TAP_TEST(free_cold_and_pageout_keep_pages_while_nobody_wants_the_frames)
{
    static const uint64_t advices[] = {MEM_ADVISE_FREE, MEM_ADVISE_COLD, MEM_ADVISE_PAGEOUT};
    REQUIRE(EXPECT_ERR(area_map(0, 1, RW), ERR_OK));
    area_fill(0, 1);
    for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++) {
        EXPECT_ERR(advise(0, 1, advices[i]), ERR_OK);
    }
    EXPECT(area_holds(0, 1, 0));
    area_clear();
}

TAP_TEST(populate_makes_pages_present_for_reading_or_writing)
{
    uint64_t before = area_resident();
    REQUIRE(EXPECT_ERR(area_map(0, 4, RW), ERR_OK));
    EXPECT_ERR(advise(0, 4, MEM_ADVISE_POPULATE_READ), ERR_OK);
    EXPECT_U64(area_resident(), before);
    EXPECT_ERR(advise(1, 2, MEM_ADVISE_POPULATE_WRITE), ERR_OK);
    EXPECT_U64(area_resident(), before + 2);
    EXPECT_U64(*(volatile uint64_t *)AREA_AT(1), 0);
    EXPECT_ERR(advise(0, 5, MEM_ADVISE_POPULATE_WRITE), ERR_NOMEM);
    EXPECT_ERR(hf_protect(HF_OWN_SPACE, AREA_AT(3), PAGE, MEM_PROT_READ), ERR_OK);
    EXPECT_ERR(advise(0, 4, MEM_ADVISE_POPULATE_WRITE), ERR_INVAL);
    EXPECT_U64(area_resident(), before + 2);
    area_clear();
}

TAP_TEST(posix_madvise_answers_the_error_and_keeps_pages)
{
    REQUIRE(EXPECT_ERR(area_map(0, 2, RW), ERR_OK));
    area_fill(0, 2);
    errno = 0;
    EXPECT_I64(posix_madvise((void *)AREA_AT(0), 2 * PAGE, POSIX_MADV_DONTNEED), 0);
    EXPECT(area_holds(0, 2, 0));
    EXPECT_I64(posix_madvise((void *)AREA_AT(0), 2 * PAGE, POSIX_MADV_SEQUENTIAL), 0);
    EXPECT_I64(posix_madvise((void *)AREA_AT(0), 3 * PAGE, POSIX_MADV_NORMAL), ENOMEM);
    EXPECT_I64(posix_madvise((void *)AREA_AT(0), PAGE, 9), EINVAL);
    EXPECT_I64(posix_madvise((void *)(AREA_AT(0) + 1), PAGE, POSIX_MADV_RANDOM), EINVAL);
    EXPECT_I64(errno, 0);
    area_clear();
}

TAP_TEST(a_hole_refuses_the_whole_in_strict_form)
{
    REQUIRE(EXPECT_ERR(area_map(0, 2, RW), ERR_OK));
    REQUIRE(EXPECT_ERR(area_map(4, 2, RW), ERR_OK));
    area_fill(0, 2);
    area_fill(4, 2);
    EXPECT_ERR(advise(0, 6, MEM_ADVISE_DONTNEED), ERR_NOMEM);
    EXPECT(area_holds(0, 2, 0));
    EXPECT(area_holds(4, 2, 4));
    area_clear();
}

TAP_TEST(madvise_processes_both_sides_of_a_hole)
{
    REQUIRE(EXPECT_ERR(area_map(0, 2, RW), ERR_OK));
    REQUIRE(EXPECT_ERR(area_map(4, 2, RW), ERR_OK));
    area_fill(0, 2);
    area_fill(4, 2);
    errno = 0;
    EXPECT_I64(madvise((void *)AREA_AT(0), 6 * PAGE, MADV_DONTNEED), -1);
    EXPECT_I64(errno, ENOMEM);
    EXPECT_U64(*(volatile uint64_t *)AREA_AT(1), 0);
    EXPECT_U64(*(volatile uint64_t *)AREA_AT(5), 0);
    area_clear();
}

TAP_TEST(sequential_advice_makes_pages_come_in_rows)
{
    area_clear();
    REQUIRE(area_map(0, 64, RW) == ERR_OK);
    uint64_t before = area_resident();
    REQUIRE(hf_advise(HF_OWN_SPACE, AREA_START, 64 * PAGE, MEM_ADVISE_SEQUENTIAL) == ERR_OK);
    *(volatile char *)AREA_AT(8) = 1;
    EXPECT_U64(area_resident() - before, 32);
    for (uint64_t i = 9; i < 64; i++) {
        EXPECT_U64(*(volatile char *)AREA_AT(i), 0);
        *(volatile char *)AREA_AT(i) = 1;
    }
    EXPECT_U64(area_resident() - before, 56);
    area_clear();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(dontneed_gives_frames_back_and_the_pages_read_as_zero),
        TAP(dontneed_works_without_access),
        TAP(dontfork_is_a_property_that_keeps_regions_apart_and_dofork_joins_them),
        TAP(willneed_and_an_empty_range_change_nothing),
        TAP(unknown_advice_and_crooked_ranges_are_inval),
        TAP(free_cold_and_pageout_keep_pages_while_nobody_wants_the_frames),
        TAP(populate_makes_pages_present_for_reading_or_writing),
        TAP(posix_madvise_answers_the_error_and_keeps_pages),
        TAP(a_hole_refuses_the_whole_in_strict_form),
        TAP(madvise_processes_both_sides_of_a_hole),
        TAP(sequential_advice_makes_pages_come_in_rows),
    };
    return TAP_RUN(argc, argv, tests);
}
