/* SPDX-License-Identifier: MIT */
/*
 * UNMAP and PROTECT: splits, joins, errors in the STRICT and the LINUX form.
 */
#include <errno.h>
#include <sys/mman.h>

#include <abi/fault.h>
#include <abi/layout.h>
#include <hf/env.h>
#include <hf/mem.h>
#include <tap.h>

#include "area.h"
#include "child.h"

static enum err unmap(uint64_t index, uint64_t pages)
{
    return hf_unmap(HF_OWN_SPACE, AREA_AT(index), pages * PAGE);
}

static enum err protect(uint64_t index, uint64_t pages, uint32_t prot)
{
    return hf_protect(HF_OWN_SPACE, AREA_AT(index), pages * PAGE, prot);
}

TAP_TEST(unmapping_the_middle_splits_and_mapping_it_again_joins)
{
    REQUIRE(EXPECT_ERR(area_map(0, 6, RW), ERR_OK));
    area_fill(0, 6);
    EXPECT_ERR(unmap(2, 2), ERR_OK);
    EXPECT_STR(area_draw(8), "ww  ww  ");
    EXPECT(area_holds(0, 2, 0));
    EXPECT(area_holds(4, 2, 4));
    REQUIRE(EXPECT_ERR(area_map(2, 2, RW), ERR_OK));
    EXPECT_STR(area_draw(8), "wwwwww  ");
    EXPECT(area_holds(0, 2, 0));
    EXPECT(area_holds(4, 2, 4));
    EXPECT_U64(*(volatile uint64_t *)AREA_AT(2), 0);
    area_clear();
}

TAP_TEST(unmapping_over_holes_takes_all_that_is_there)
{
    REQUIRE(EXPECT_ERR(area_map(0, 2, RW), ERR_OK));
    REQUIRE(EXPECT_ERR(area_map(3, 1, MEM_PROT_READ), ERR_OK));
    REQUIRE(EXPECT_ERR(area_map(5, 3, RW), ERR_OK));
    EXPECT_ERR(unmap(1, 5), ERR_OK);
    EXPECT_STR(area_draw(8), "w     ww");
    EXPECT_ERR(unmap(1, 5), ERR_OK);
    EXPECT_STR(area_draw(8), "w     ww");
    area_clear();
}

TAP_TEST(an_unmapped_page_gives_its_frame_back)
{
    uint64_t before = area_resident();
    REQUIRE(EXPECT_ERR(area_map(0, 8, RW), ERR_OK));
    area_fill(0, 8);
    EXPECT_ERR(unmap(3, 3), ERR_OK);
    EXPECT_U64(area_resident(), before + 5);
    area_clear();
    EXPECT_U64(area_resident(), before);
}

TAP_TEST(unmap_refuses_crooked_empty_and_outside_ranges)
{
    REQUIRE(EXPECT_ERR(area_map(0, 2, RW), ERR_OK));
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, AREA_AT(0) + 1, PAGE), ERR_INVAL);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, AREA_AT(0), 0), ERR_INVAL);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, USER_END, PAGE), ERR_INVAL);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, AREA_AT(0), UINT64_MAX), ERR_INVAL);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, WINDOW_START, PAGE), ERR_INVAL);
    EXPECT_STR(area_draw(4), "ww  ");
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, AREA_AT(0), 1), ERR_OK); /* rounded up */
    EXPECT_STR(area_draw(4), " w  ");
    area_clear();
}

TAP_TEST(protecting_the_middle_makes_three_regions_and_undoing_it_one)
{
    REQUIRE(EXPECT_ERR(area_map(0, 6, RW), ERR_OK));
    area_fill(0, 6);
    EXPECT_ERR(protect(2, 2, MEM_PROT_READ), ERR_OK);
    EXPECT_STR(area_draw(8), "ww|rr|ww  ");
    EXPECT(area_holds(0, 6, 0));
    EXPECT_ERR(protect(2, 2, RW), ERR_OK);
    EXPECT_STR(area_draw(8), "wwwwww  ");
    area_fill(0, 6);
    EXPECT(area_holds(0, 6, 0));
    area_clear();
}

TAP_TEST(a_page_that_was_hidden_keeps_its_contents)
{
    REQUIRE(EXPECT_ERR(area_map(0, 4, RW), ERR_OK));
    area_fill(0, 4);
    EXPECT_ERR(protect(0, 4, MEM_PROT_NONE), ERR_OK);
    EXPECT_STR(area_draw(4), "----");
    EXPECT_ERR(protect(0, 4, MEM_PROT_READ), ERR_OK);
    EXPECT(area_holds(0, 4, 0));
    area_clear();
}

TAP_TEST(protection_is_enforced_on_pages_that_are_present)
{
    struct mem_next_rep end;
    REQUIRE(child_run("protect", "", &end));
    EXPECT_U64(end.cause, CAUSE_ACCERR);
    EXPECT_U64(end.detail, AREA_AT(1));
    EXPECT_U64(end.access, FAULT_WRITE);
    REQUIRE(child_run("unmap", "", &end));
    EXPECT_U64(end.cause, CAUSE_MAPERR);
    EXPECT_U64(end.detail, AREA_AT(1));
}

TAP_TEST(code_written_into_a_page_runs_when_it_may)
{
    /* li a0, 42; ret */
    static const uint16_t code[] = {0x0513, 0x02a0, 0x8082};
    REQUIRE(EXPECT_ERR(area_map(0, 1, RW), ERR_OK));
    for (size_t i = 0; i < sizeof(code) / sizeof(code[0]); i++) {
        ((volatile uint16_t *)AREA_AT(0))[i] = code[i];
    }
    EXPECT_ERR(protect(0, 1, MEM_PROT_READ | MEM_PROT_EXEC), ERR_OK);
    int (*function)(void) = (int (*)(void))AREA_AT(0);
    EXPECT_I64(function(), 42);
    area_clear();
}

TAP_TEST(protect_refuses_crooked_ranges_and_unknown_bits)
{
    REQUIRE(EXPECT_ERR(area_map(0, 2, RW), ERR_OK));
    EXPECT_ERR(hf_protect(HF_OWN_SPACE, AREA_AT(0) + 1, PAGE, MEM_PROT_READ), ERR_INVAL);
    EXPECT_ERR(protect(0, 1, 0x10), ERR_INVAL);
    EXPECT_ERR(hf_protect(HF_OWN_SPACE, AREA_AT(0), UINT64_MAX, MEM_PROT_READ), ERR_NOMEM);
    EXPECT_ERR(hf_protect(HF_OWN_SPACE, AREA_AT(0), 0, MEM_PROT_READ), ERR_OK);
    EXPECT_STR(area_draw(4), "ww  ");
    area_clear();
}

TAP_TEST(r0_a_hole_refuses_the_whole_in_strict_form)
{
    REQUIRE(EXPECT_ERR(area_map(0, 2, RW), ERR_OK));
    REQUIRE(EXPECT_ERR(area_map(4, 2, RW), ERR_OK));
    EXPECT_ERR(protect(0, 6, MEM_PROT_READ), ERR_NOMEM);
    EXPECT_STR(area_draw(8), "ww  ww  ");
    EXPECT_ERR(protect(2, 1, MEM_PROT_READ), ERR_NOMEM);
    area_clear();
}

TAP_TEST(r0_mprotect_leaves_the_part_before_a_hole_changed)
{
    REQUIRE(EXPECT_ERR(area_map(0, 2, RW), ERR_OK));
    REQUIRE(EXPECT_ERR(area_map(4, 2, RW), ERR_OK));
    errno = 0;
    EXPECT_I64(mprotect((void *)AREA_AT(0), 6 * PAGE, PROT_READ), -1);
    EXPECT_I64(errno, ENOMEM);
    EXPECT_STR(area_draw(8), "rr  ww  ");
    EXPECT_I64(mprotect((void *)AREA_AT(4), 2 * PAGE, PROT_NONE), 0);
    EXPECT_STR(area_draw(8), "rr  --  ");
    EXPECT_I64(munmap((void *)AREA_AT(0), 8 * PAGE), 0);
    EXPECT_STR(area_draw(8), "        ");
    EXPECT_I64(munmap((void *)(AREA_AT(0) + 8), PAGE), -1);
    EXPECT_I64(errno, EINVAL);
}

TAP_TEST(a_private_mapping_of_the_archive_may_become_writable_and_is_a_copy)
{
    uint64_t mapped = 0;
    const struct hf_map map = {.addr = AREA_AT(0),
                               .length = PAGE,
                               .prot = MEM_PROT_READ,
                               .flags = MEM_MAP_PRIVATE | MEM_MAP_FIXED,
                               .object = HANDLE_ARCHIVE};
    REQUIRE(EXPECT_ERR(hf_map(map, &mapped), ERR_OK));
    char first = *(volatile char *)mapped;
    REQUIRE(EXPECT_ERR(protect(0, 1, RW), ERR_OK));
    *(volatile char *)mapped = (char)(first + 1);
    EXPECT_I64(*(volatile char *)mapped, (char)(first + 1));
    EXPECT_I64(*(const volatile char *)hf_env()->archive_opt, first);
    area_clear();
}

/* In a child: touch, take away, touch again. */
static int role_touch(const char *role)
{
    if (area_map(0, 4, RW) != ERR_OK) {
        return 1;
    }
    area_fill(0, 4);
    enum err error = role[0] == 'p' ? protect(1, 2, MEM_PROT_READ) : unmap(1, 2);
    if (error == ERR_OK) {
        *(volatile uint64_t *)AREA_AT(1) = 0;
    }
    return 2;
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(unmapping_the_middle_splits_and_mapping_it_again_joins),
        TAP(unmapping_over_holes_takes_all_that_is_there),
        TAP(an_unmapped_page_gives_its_frame_back),
        TAP(unmap_refuses_crooked_empty_and_outside_ranges),
        TAP(protecting_the_middle_makes_three_regions_and_undoing_it_one),
        TAP(a_page_that_was_hidden_keeps_its_contents),
        TAP(protection_is_enforced_on_pages_that_are_present),
        TAP(code_written_into_a_page_runs_when_it_may),
        TAP(protect_refuses_crooked_ranges_and_unknown_bits),
        TAP(r0_a_hole_refuses_the_whole_in_strict_form),
        TAP(r0_mprotect_leaves_the_part_before_a_hole_changed),
        TAP(a_private_mapping_of_the_archive_may_become_writable_and_is_a_copy),
    };
    const char *role_opt = child_role(argc, argv);
    if (role_opt != NULL) {
        return role_touch(role_opt);
    }
    return TAP_RUN(argc, argv, tests);
}
