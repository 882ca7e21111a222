/* SPDX-License-Identifier: MIT */
/*
 * REMAP: shrink, grow in place, move, to a place, leaving the old mapping, and its errors.
 */
#include <errno.h>
#include <sys/mman.h>

#include <abi/layout.h>
#include <hf/mem.h>
#include <tap.h>

#include "area.h"

static uint64_t moved;

/* Page `from`, lengths in pages, flags, page `to`. */
static enum err remap(uint64_t from, uint64_t old_pages, uint64_t new_pages, uint64_t flags,
                      uint64_t to)
{
    const struct hf_remap request = {
        .old_addr = AREA_AT(from),
        .old_length = old_pages * PAGE,
        .new_length = new_pages * PAGE,
        .flags = flags,
        .new_addr = (flags & (MEM_REMAP_FIXED | MEM_REMAP_DONTUNMAP)) != 0 ? AREA_AT(to) : 0,
    };
    return hf_remap(request, &moved);
}

TAP_TEST(shrinking_unmaps_the_tail)
{
    REQUIRE(EXPECT_ERR(area_map(0, 6, RW), ERR_OK));
    area_fill(0, 6);
    EXPECT_ERR(remap(0, 6, 2, 0, 0), ERR_OK);
    EXPECT_U64(moved, AREA_AT(0));
    EXPECT_STR(area_draw(8), "ww      ");
    EXPECT(area_holds(0, 2, 0));
    area_clear();
}

TAP_TEST(growing_in_place_uses_the_room_behind)
{
    REQUIRE(EXPECT_ERR(area_map(0, 2, RW), ERR_OK));
    area_fill(0, 2);
    EXPECT_ERR(remap(0, 2, 5, 0, 0), ERR_OK);
    EXPECT_U64(moved, AREA_AT(0));
    EXPECT_STR(area_draw(8), "wwwww   ");
    EXPECT(area_holds(0, 2, 0));
    EXPECT_U64(*(volatile uint64_t *)AREA_AT(4), 0);
    area_clear();
}

TAP_TEST(growing_where_there_is_no_room_needs_leave_to_move)
{
    REQUIRE(EXPECT_ERR(area_map(0, 2, RW), ERR_OK));
    REQUIRE(EXPECT_ERR(area_map(3, 1, MEM_PROT_READ), ERR_OK));
    area_fill(0, 2);
    EXPECT_ERR(remap(0, 2, 4, 0, 0), ERR_NOMEM);
    EXPECT_STR(area_draw(8), "ww r    ");
    REQUIRE(EXPECT_ERR(remap(0, 2, 4, MEM_REMAP_MAYMOVE, 0), ERR_OK));
    EXPECT_STR(area_draw(8), "   r    ");
    EXPECT(moved != AREA_AT(0));
    uint64_t word = *(volatile uint64_t *)(moved + PAGE);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, moved, 4 * PAGE), ERR_OK);
    REQUIRE(EXPECT_ERR(area_map(1, 1, RW), ERR_OK));
    area_fill(1, 1);
    EXPECT_U64(word, *(volatile uint64_t *)AREA_AT(1));
    area_clear();
}

TAP_TEST(moving_to_a_place_replaces_what_is_there)
{
    REQUIRE(EXPECT_ERR(area_map(0, 2, RW), ERR_OK));
    REQUIRE(EXPECT_ERR(area_map(6, 4, MEM_PROT_READ), ERR_OK));
    area_fill(0, 2);
    EXPECT_ERR(remap(0, 2, 2, MEM_REMAP_MAYMOVE | MEM_REMAP_FIXED, 7), ERR_OK);
    EXPECT_U64(moved, AREA_AT(7));
    EXPECT_STR(area_draw(12), "      r|ww|r  ");
    EXPECT(area_holds(7, 2, 0));
    area_clear();
}

TAP_TEST(a_moved_region_joins_its_new_neighbours)
{
    REQUIRE(EXPECT_ERR(area_map(0, 2, RW), ERR_OK));
    REQUIRE(EXPECT_ERR(area_map(6, 2, RW), ERR_OK));
    EXPECT_ERR(remap(0, 2, 2, MEM_REMAP_MAYMOVE | MEM_REMAP_FIXED, 4), ERR_OK);
    EXPECT_STR(area_draw(8), "    wwww");
    area_clear();
}

TAP_TEST(moving_a_part_splits_the_region_it_came_from)
{
    REQUIRE(EXPECT_ERR(area_map(0, 6, RW), ERR_OK));
    area_fill(0, 6);
    EXPECT_ERR(remap(2, 2, 2, MEM_REMAP_MAYMOVE | MEM_REMAP_FIXED, 10), ERR_OK);
    EXPECT_STR(area_draw(14), "ww  ww    ww  ");
    EXPECT(area_holds(10, 2, 2));
    area_clear();
}

TAP_TEST(dontunmap_leaves_an_empty_mapping_behind)
{
    REQUIRE(EXPECT_ERR(area_map(0, 2, RW), ERR_OK));
    area_fill(0, 2);
    EXPECT_ERR(remap(0, 2, 2, MEM_REMAP_MAYMOVE | MEM_REMAP_FIXED | MEM_REMAP_DONTUNMAP, 4),
               ERR_OK);
    EXPECT_STR(area_draw(8), "ww  ww  ");
    EXPECT(area_holds(4, 2, 0));
    EXPECT_U64(*(volatile uint64_t *)AREA_AT(0), 0);
    area_clear();
}

TAP_TEST(the_same_length_changes_nothing)
{
    REQUIRE(EXPECT_ERR(area_map(0, 2, RW), ERR_OK));
    EXPECT_ERR(remap(0, 2, 2, 0, 0), ERR_OK);
    EXPECT_U64(moved, AREA_AT(0));
    EXPECT_STR(area_draw(4), "ww  ");
    area_clear();
}

TAP_TEST(contradictions_and_crooked_addresses_are_inval)
{
    REQUIRE(EXPECT_ERR(area_map(0, 4, RW), ERR_OK));
    EXPECT_ERR(remap(0, 2, 2, 0x10, 0), ERR_INVAL);
    EXPECT_ERR(remap(0, 2, 2, MEM_REMAP_FIXED, 8), ERR_INVAL);
    EXPECT_ERR(remap(0, 2, 2, MEM_REMAP_DONTUNMAP, 8), ERR_INVAL);
    EXPECT_ERR(remap(0, 2, 0, MEM_REMAP_MAYMOVE, 0), ERR_INVAL);
    EXPECT_ERR(remap(0, 0, 2, MEM_REMAP_MAYMOVE, 0), ERR_INVAL);
    EXPECT_ERR(remap(0, 2, 2, MEM_REMAP_MAYMOVE | MEM_REMAP_FIXED, 1), ERR_INVAL);
    EXPECT_ERR(remap(0, 2, 3, MEM_REMAP_MAYMOVE | MEM_REMAP_FIXED | MEM_REMAP_DONTUNMAP, 8),
               ERR_INVAL);
    struct hf_remap request = {.old_addr = AREA_AT(0) + 1, .old_length = PAGE, .new_length = PAGE};
    EXPECT_ERR(hf_remap(request, &moved), ERR_INVAL);
    request = (struct hf_remap){.old_addr = AREA_AT(0),
                                .old_length = PAGE,
                                .new_length = PAGE,
                                .flags = MEM_REMAP_MAYMOVE | MEM_REMAP_FIXED,
                                .new_addr = USER_END};
    EXPECT_ERR(hf_remap(request, &moved), ERR_INVAL);
    request.new_addr = AREA_AT(8) + 1;
    EXPECT_ERR(hf_remap(request, &moved), ERR_INVAL);
    EXPECT_STR(area_draw(8), "wwww    ");
    area_clear();
}

TAP_TEST(a_range_that_is_not_one_region_is_fault)
{
    REQUIRE(EXPECT_ERR(area_map(0, 2, RW), ERR_OK));
    REQUIRE(EXPECT_ERR(area_map(2, 2, MEM_PROT_READ), ERR_OK));
    EXPECT_ERR(remap(8, 1, 1, MEM_REMAP_MAYMOVE | MEM_REMAP_FIXED, 10), ERR_FAULT);
    EXPECT_ERR(remap(0, 4, 4, MEM_REMAP_MAYMOVE | MEM_REMAP_FIXED, 10), ERR_FAULT);
    EXPECT_ERR(remap(2, 3, 5, MEM_REMAP_MAYMOVE, 0), ERR_FAULT);
    EXPECT_STR(area_draw(8), "ww|rr    ");
    area_clear();
}

TAP_TEST(mremap_sets_errno_and_moves)
{
    void *page = mmap((void *)AREA_AT(0), PAGE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    REQUIRE(EXPECT(page == (void *)AREA_AT(0)));
    area_fill(0, 1);
    void *target = (void *)AREA_AT(5);
    EXPECT(mremap(page, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target) == target);
    EXPECT(area_holds(5, 1, 0));
    errno = 0;
    EXPECT(mremap(page, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
    EXPECT_I64(errno, EFAULT);
    area_clear();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(shrinking_unmaps_the_tail),
        TAP(growing_in_place_uses_the_room_behind),
        TAP(growing_where_there_is_no_room_needs_leave_to_move),
        TAP(moving_to_a_place_replaces_what_is_there),
        TAP(a_moved_region_joins_its_new_neighbours),
        TAP(moving_a_part_splits_the_region_it_came_from),
        TAP(dontunmap_leaves_an_empty_mapping_behind),
        TAP(the_same_length_changes_nothing),
        TAP(contradictions_and_crooked_addresses_are_inval),
        TAP(a_range_that_is_not_one_region_is_fault),
        TAP(mremap_sets_errno_and_moves),
    };
    return TAP_RUN(argc, argv, tests);
}
