/* SPDX-License-Identifier: MIT */
/*
 * MAP, rule by rule (R1 to R28 as far as core has them).
 */
#include <tap.h>

#include "world.h"

#define BASE_PAGE 0x3ff0000u /* of world_settings() */
#define ANON      (MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS)
#define RIGHTS    (MAP_RIGHT_READ | MAP_RIGHT_EXEC | MAP_RIGHT_MAPPABLE)
#define MEGA      (UINT64_C(2) << 20)

static struct world *world;
static struct space *space;
static uaddr_t answer;

static void begin(void)
{
    world = world_make(1000, COMMIT_ALWAYS);
    space = world_space(world);
}

static void end(void)
{
    space_end(&world->core, space);
    world_audit(world);
    world_free(world);
}

static enum err map(uint64_t address, uint64_t length, uint32_t prot, uint32_t flags)
{
    const struct map_request request = {
        .address = {address}, .length = length, .prot = prot, .flags = flags};

    return op_map(&world->core, space, &request, &answer);
}

/* The same of an object whose handle has `rights`. */
static enum err map_object(struct object *object, uint64_t offset, uint32_t prot, uint32_t flags,
                           uint32_t rights)
{
    const struct map_request request = {
        .length = PAGE_SIZE,
        .prot = prot,
        .flags = flags,
        .offset = offset,
        .object = object,
        .rights = rights,
    };

    return op_map(&world->core, space, &request, &answer);
}

TAP_TEST(r1_an_unaligned_offset_is_refused_even_without_an_object)
{
    begin();
    struct map_request request = {.length = PAGE_SIZE, .prot = 3, .flags = ANON, .offset = 1};

    EXPECT_ERR(op_map(&world->core, space, &request, &answer), ERR_INVAL);
    request.length = 0;
    EXPECT_ERR(op_map(&world->core, space, &request, &answer), ERR_INVAL);
    end();
}

TAP_TEST(r2_a_bad_handle_comes_before_the_length_and_length_0_is_no_memory)
{
    begin();
    EXPECT_ERR(map(0, 0, 3, MEM_MAP_PRIVATE), ERR_BADF);
    EXPECT_ERR(map(0, 0, 3, ANON), ERR_NOMEM);
    EXPECT_ERR(map(0, UINT64_MAX, 3, ANON), ERR_NOMEM);
    EXPECT_ERR(map(0, UINT64_MAX - PAGE_MASK + 1, 3, ANON), ERR_NOMEM);
    end();
}

TAP_TEST(r3_an_offset_past_the_largest_page_is_refused_for_objects_only)
{
    begin();
    struct object *object = world_object(world, 4);
    uint64_t last = (OBJECT_PAGES_MAX - 1) * PAGE_SIZE;

    EXPECT_ERR(map_object(object, last + PAGE_SIZE, 1, MEM_MAP_PRIVATE, RIGHTS), ERR_OVERFLOW);
    EXPECT_ERR(map_object(object, UINT64_MAX - PAGE_MASK, 1, MEM_MAP_PRIVATE, RIGHTS),
               ERR_OVERFLOW);
    EXPECT_ERR(map_object(object, last, 1, MEM_MAP_PRIVATE, RIGHTS), ERR_OK);
    EXPECT_ERR(map_object(object, last + PAGE_SIZE, 1, ANON, RIGHTS), ERR_OK);
    object_put(&world->core, object);
    end();
}

TAP_TEST(r4_and_r26_the_limit_of_regions_holds_one_more_than_it_says)
{
    begin();
    space->settings.regions_max = 3;
    for (uint32_t i = 0; i < 4; i++) {
        EXPECT_ERR(map(UINT64_C(0x100000) * (i + 1), PAGE_SIZE, 3, ANON | MEM_MAP_FIXED), ERR_OK);
    }
    EXPECT_ERR(map(0, PAGE_SIZE, 3, ANON), ERR_NOMEM);
    EXPECT_U64(space->refusal.limit, MEM_LIMIT_REGIONS);
    EXPECT_U64(space->refusal.value, 3);
    EXPECT_U64(space->refusal.used, 4);
    end();
}

TAP_TEST(r5_lengths_and_fixed_places_beyond_user_space_are_no_memory)
{
    begin();
    EXPECT_ERR(map(0, USER_END + PAGE_SIZE, 3, ANON), ERR_NOMEM);
    EXPECT_U64(space->refusal.limit, MEM_LIMIT_ADDRESS_SPACE);
    /* Before the alignment is looked at. */
    EXPECT_ERR(map(USER_END - 1, PAGE_SIZE, 3, ANON | MEM_MAP_FIXED), ERR_NOMEM);
    EXPECT_ERR(map(UINT64_MAX, PAGE_SIZE, 3, ANON | MEM_MAP_FIXED), ERR_NOMEM);
    EXPECT_ERR(map(USER_END - PAGE_SIZE, PAGE_SIZE, 3, ANON | MEM_MAP_FIXED), ERR_OK);
    end();
}

TAP_TEST(r6_and_r7_fixed_places_are_aligned_and_not_below_the_lowest)
{
    begin();
    EXPECT_ERR(map(0x20001, PAGE_SIZE, 3, ANON | MEM_MAP_FIXED), ERR_INVAL);
    EXPECT_ERR(map(0x8001, PAGE_SIZE, 3, ANON | MEM_MAP_FIXED), ERR_INVAL);
    EXPECT_ERR(map(0x8000, PAGE_SIZE, 3, ANON | MEM_MAP_FIXED), ERR_PERM);
    EXPECT_ERR(map(0, PAGE_SIZE, 3, ANON | MEM_MAP_FIXED), ERR_PERM);
    space->settings.privileges = SPACE_PRIVILEGE_LOW;
    EXPECT_ERR(map(0x8000, PAGE_SIZE, 3, ANON | MEM_MAP_FIXED), ERR_OK);
    EXPECT_ERR(map(0, PAGE_SIZE, 3, ANON | MEM_MAP_FIXED), ERR_NOMEM); /* guard page */
    end();
}

TAP_TEST(r8_noreplace_refuses_any_overlap_with_fixed_or_without)
{
    begin();
    world_map(world, space, 0x1000, 4, 3);
    EXPECT_ERR(map(0x0fff000, 2 * PAGE_SIZE, 1, ANON | MEM_MAP_FIXED_NOREPLACE), ERR_EXIST);
    EXPECT_ERR(map(0x1003000, 2 * PAGE_SIZE, 1, ANON | MEM_MAP_FIXED_NOREPLACE | MEM_MAP_FIXED),
               ERR_EXIST);
    EXPECT_U64(space->tree.count, 1);
    EXPECT_U64(space->pages, 4);
    EXPECT_ERR(map(0x1004000, 2 * PAGE_SIZE, 1, ANON | MEM_MAP_FIXED_NOREPLACE), ERR_OK);
    EXPECT_U64(answer.v, 0x1004000);
    end();
}

TAP_TEST(r9_a_free_hint_is_used_rounded_down_and_raised_to_the_lowest)
{
    begin();
    EXPECT_ERR(map(0x5000123, PAGE_SIZE, 3, ANON), ERR_OK);
    EXPECT_U64(answer.v, 0x5000000);
    EXPECT_ERR(map(0x2000, PAGE_SIZE, 3, ANON), ERR_OK);
    EXPECT_U64(answer.v, 0x10000);
    EXPECT_ERR(map(0xfff, PAGE_SIZE, 3, ANON), ERR_OK);
    EXPECT_U64(answer.v, page_to_address(BASE_PAGE - 1));
    EXPECT_ERR(map(0x5000000, PAGE_SIZE, 3, ANON), ERR_OK);
    EXPECT_U64(answer.v, page_to_address(BASE_PAGE - 2));
    end();
}

TAP_TEST(r9_the_highest_gap_below_the_base_is_used_then_the_lowest_above)
{
    begin();
    uint32_t lowest = 0x10;

    /* All taken below the base but a gap of 3 and, higher, one of 1. */
    world_map(world, space, lowest, 0x1000 - lowest, 1);
    world_map(world, space, 0x1003, 0x1000, 1);
    world_map(world, space, 0x2004, BASE_PAGE - 0x2004, 1);
    EXPECT_ERR(map(0, 2 * PAGE_SIZE, 3, ANON), ERR_OK);
    EXPECT_U64(answer.v, page_to_address(0x1001));
    EXPECT_ERR(map(0, PAGE_SIZE, 3, ANON), ERR_OK);
    EXPECT_U64(answer.v, page_to_address(0x2003));
    EXPECT_ERR(map(0, 2 * PAGE_SIZE, 3, ANON), ERR_OK);
    EXPECT_U64(answer.v, page_to_address(BASE_PAGE));
    end();
}

TAP_TEST(r9_anonymous_multiples_of_2_mib_are_aligned_where_possible)
{
    begin();
    world_map(world, space, BASE_PAGE - 3, 3, 1);
    EXPECT_ERR(map(0, MEGA, 3, ANON), ERR_OK);
    EXPECT_U64(answer.v % MEGA, 0);
    EXPECT_U64(answer.v, page_to_address(BASE_PAGE) - 2 * MEGA);
    EXPECT_ERR(map(0, MEGA + PAGE_SIZE, 3, ANON), ERR_OK);
    EXPECT(answer.v % MEGA != 0);
    end();
}

TAP_TEST(r12_types_are_checked_and_other_flags_ignored_but_for_validate)
{
    begin();
    struct object *object = world_object(world, 4);
    const uint32_t unknown = 0x80000000u;

    EXPECT_ERR(map(0, PAGE_SIZE, 3, MEM_MAP_ANONYMOUS), ERR_INVAL);
    EXPECT_ERR(map(0, PAGE_SIZE, 3, MEM_MAP_ANONYMOUS | 4), ERR_INVAL);
    EXPECT_ERR(map(0, PAGE_SIZE, 3, MEM_MAP_ANONYMOUS | MEM_MAP_SHARED_VALIDATE), ERR_INVAL);
    EXPECT_ERR(map(0, PAGE_SIZE, 3 | 0x100, ANON | unknown), ERR_OK);
    EXPECT_ERR(map_object(object, 0, 1, 0, RIGHTS), ERR_INVAL);
    EXPECT_ERR(map_object(object, 0, 1, MEM_MAP_SHARED | unknown, RIGHTS), ERR_OK);
    EXPECT_ERR(map_object(object, 0, 1, MEM_MAP_SHARED_VALIDATE | unknown, RIGHTS), ERR_OPNOTSUPP);
    /* Linux's list of what is known lacks this one. */
    const struct map_request unlisted = {.address = world_address(0x20000),
                                         .length = PAGE_SIZE,
                                         .prot = 1,
                                         .flags = MEM_MAP_SHARED_VALIDATE | MEM_MAP_FIXED_NOREPLACE,
                                         .object = object,
                                         .rights = RIGHTS};
    EXPECT_ERR(op_map(&world->core, space, &unlisted, &answer), ERR_OPNOTSUPP);
    EXPECT_ERR(map_object(object, 0, 1, MEM_MAP_SHARED_VALIDATE, RIGHTS), ERR_OK);
    object_put(&world->core, object);
    end();
}

TAP_TEST(r13_r16_r17_r18_r20_the_rights_of_a_handle_bound_what_becomes_of_a_region)
{
    begin();
    struct object *object = world_object(world, 4);
    const struct protect_request protect = {
        .address = world_address(BASE_PAGE - 1), .length = PAGE_SIZE, .prot = 3};
    const struct protect_request protect_exec = {
        .address = world_address(BASE_PAGE - 2), .length = PAGE_SIZE, .prot = 5};

    EXPECT_ERR(map_object(object, 0, 3, MEM_MAP_SHARED, RIGHTS), ERR_ACCES);
    EXPECT_ERR(map_object(object, 0, 1, MEM_MAP_PRIVATE, MAP_RIGHT_MAPPABLE), ERR_ACCES);
    EXPECT_ERR(map_object(object, 0, 5, MEM_MAP_PRIVATE, RIGHTS & ~MAP_RIGHT_EXEC), ERR_PERM);
    EXPECT_ERR(map_object(object, 0, 1, MEM_MAP_PRIVATE, RIGHTS & ~MAP_RIGHT_MAPPABLE), ERR_NODEV);
    EXPECT_ERR(map_object(object, 0, 1, MEM_MAP_PRIVATE | MEM_MAP_GROWSDOWN, RIGHTS), ERR_INVAL);
    EXPECT_ERR(map_object(object, 0, 1, MEM_MAP_SHARED, RIGHTS), ERR_OK);
    EXPECT_ERR(op_protect(&world->core, space, &protect), ERR_ACCES);
    EXPECT_U64(space->tree.count, 1);
    EXPECT_ERR(map_object(object, 0, 1, MEM_MAP_PRIVATE, RIGHTS & ~MAP_RIGHT_EXEC), ERR_OK);
    EXPECT_ERR(op_protect(&world->core, space, &protect_exec), ERR_ACCES);
    object_put(&world->core, object);
    end();
}

TAP_TEST(r22_and_r26_neighbours_join_also_after_a_remap)
{
    begin();
    world_map(world, space, 0x1000, 2, 3);
    world_map(world, space, 0x1004, 2, 3);
    EXPECT_U64(space->tree.count, 2);
    world_map(world, space, 0x1002, 2, 3);
    EXPECT_U64(space->tree.count, 1);
    world_map(world, space, 0x2000, 2, 3);
    EXPECT_U64(world_write(world, space, 0x2000, 5), FAULT_READY);
    const struct remap_request remap = {
        .address = world_address(0x2000),
        .length_old = 2 * PAGE_SIZE,
        .length_new = 2 * PAGE_SIZE,
        .flags = MEM_REMAP_MAYMOVE | MEM_REMAP_FIXED,
        .target = world_address(0x1006),
    };

    EXPECT_ERR(op_remap(&world->core, space, &remap, &answer), ERR_OK);
    EXPECT_U64(space->tree.count, 1);
    uint64_t word = 0;

    EXPECT_U64(world_read(world, space, 0x1006, &word), FAULT_READY);
    EXPECT_U64(word, 5);
    end();
}

TAP_TEST(r23_the_limits_of_pages_and_data_count_what_goes)
{
    begin();
    space->settings.pages_max = 10;
    space->settings.data_max = 4;
    EXPECT_ERR(map(0x1000000, 11 * PAGE_SIZE, 1, ANON | MEM_MAP_FIXED), ERR_NOMEM);
    EXPECT_U64(space->refusal.limit, MEM_LIMIT_PAGES);
    EXPECT_U64(space->refusal.asked, 11);
    EXPECT_ERR(map(0x1000000, 5 * PAGE_SIZE, 3, ANON | MEM_MAP_FIXED), ERR_NOMEM);
    EXPECT_U64(space->refusal.limit, MEM_LIMIT_DATA);
    EXPECT_U64(space->refusal.value, 4);
    EXPECT_ERR(map(0x1000000, 10 * PAGE_SIZE, 1, ANON | MEM_MAP_FIXED), ERR_OK);
    EXPECT_ERR(map(0x1000000, 10 * PAGE_SIZE, 5, ANON | MEM_MAP_FIXED), ERR_OK);
    EXPECT_ERR(map(0, PAGE_SIZE, 1, ANON), ERR_NOMEM);
    end();
}

TAP_TEST(r24_never_mode_refuses_what_the_machine_cannot_keep)
{
    world = world_make(1000, COMMIT_NEVER);
    space = world_space(world);
    uint64_t limit = world->core.head->commit.limit;

    EXPECT_ERR(map(0, (limit + 1) * PAGE_SIZE, 3, ANON | MEM_MAP_NORESERVE), ERR_NOMEM);
    EXPECT_U64(space->refusal.limit, MEM_LIMIT_COMMIT);
    EXPECT_ERR(map(0, (limit + 1) * PAGE_SIZE, 1, ANON), ERR_OK);
    EXPECT_ERR(map(0, limit * PAGE_SIZE, 3, ANON), ERR_OK);
    EXPECT_ERR(map(0, PAGE_SIZE, 3, ANON), ERR_NOMEM);
    EXPECT_U64(space->refusal.used, limit);
    end();
}

TAP_TEST(r25_a_fixed_map_replaces_and_cuts_at_both_edges)
{
    begin();
    world_map(world, space, 0x1000, 6, 3);
    EXPECT_U64(world_write(world, space, 0x1001, 7), FAULT_READY);
    EXPECT_U64(world_write(world, space, 0x1002, 8), FAULT_READY);
    world_map(world, space, 0x1002, 2, 1);
    EXPECT_U64(space->tree.count, 3);
    EXPECT_U64(space->own, 1);
    uint64_t word = 1;

    EXPECT_U64(world_read(world, space, 0x1002, &word), FAULT_READY);
    EXPECT_U64(word, 0);
    EXPECT_U64(world_write(world, space, 0x1002, 9), FAULT_DENIED);
    end();
}

TAP_TEST(r27_populate_makes_pages_present_unless_nonblock_or_no_access)
{
    begin();
    EXPECT_ERR(map(0, 3 * PAGE_SIZE, 3, ANON | MEM_MAP_POPULATE), ERR_OK);
    EXPECT_U64(space->own, 3);
    EXPECT(model_leaf(world->port, space->kernel, answer.v / PAGE_SIZE + 2) != NULL);
    EXPECT_ERR(map(0, 3 * PAGE_SIZE, 1, ANON | MEM_MAP_POPULATE), ERR_OK);
    EXPECT_U64(space->zero, 3);
    EXPECT_ERR(map(0, PAGE_SIZE, 3, ANON | MEM_MAP_POPULATE | MEM_MAP_NONBLOCK), ERR_OK);
    EXPECT_ERR(map(0, PAGE_SIZE, 0, ANON | MEM_MAP_POPULATE), ERR_OK);
    EXPECT_U64(space->own, 3);
    EXPECT_U64(space->zero, 3);
    end();
}

TAP_TEST(r27_a_failure_to_populate_does_not_fail_the_map)
{
    begin();
    world_map(world, space, 0x1000, 1, 3);
    world_starve(world, 10);
    EXPECT_ERR(map(0, 20 * PAGE_SIZE, 3, ANON | MEM_MAP_POPULATE), ERR_OK);
    EXPECT(space->own > 0 && space->own < 20);
    EXPECT_U64(space->pages, 21);
    end();
}

TAP_TEST(r28_totals_are_exact)
{
    begin();
    EXPECT_ERR(map(0, 3 * PAGE_SIZE - 1, 3, ANON), ERR_OK);
    EXPECT_U64(answer.v % PAGE_SIZE, 0);
    EXPECT_ERR(map(0, 2 * PAGE_SIZE, 1, ANON), ERR_OK);
    EXPECT_U64(space->pages, 5);
    EXPECT_U64(space->data, 3);
    EXPECT_U64(space->committed, 3);
    end();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(r1_an_unaligned_offset_is_refused_even_without_an_object),
        TAP(r2_a_bad_handle_comes_before_the_length_and_length_0_is_no_memory),
        TAP(r3_an_offset_past_the_largest_page_is_refused_for_objects_only),
        TAP(r4_and_r26_the_limit_of_regions_holds_one_more_than_it_says),
        TAP(r5_lengths_and_fixed_places_beyond_user_space_are_no_memory),
        TAP(r6_and_r7_fixed_places_are_aligned_and_not_below_the_lowest),
        TAP(r8_noreplace_refuses_any_overlap_with_fixed_or_without),
        TAP(r9_a_free_hint_is_used_rounded_down_and_raised_to_the_lowest),
        TAP(r9_the_highest_gap_below_the_base_is_used_then_the_lowest_above),
        TAP(r9_anonymous_multiples_of_2_mib_are_aligned_where_possible),
        TAP(r12_types_are_checked_and_other_flags_ignored_but_for_validate),
        TAP(r13_r16_r17_r18_r20_the_rights_of_a_handle_bound_what_becomes_of_a_region),
        TAP(r22_and_r26_neighbours_join_also_after_a_remap),
        TAP(r23_the_limits_of_pages_and_data_count_what_goes),
        TAP(r24_never_mode_refuses_what_the_machine_cannot_keep),
        TAP(r25_a_fixed_map_replaces_and_cuts_at_both_edges),
        TAP(r27_populate_makes_pages_present_unless_nonblock_or_no_access),
        TAP(r27_a_failure_to_populate_does_not_fail_the_map),
        TAP(r28_totals_are_exact),
    };

    return TAP_RUN(argc, argv, tests);
}
