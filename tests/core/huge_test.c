/* SPDX-License-Identifier: MIT */
/*
 * Huge pages of a pool: R19, and what MAP and other requests say of them.
 */
#include <tap.h>

#include "huge_world.h"
#include "server/core/huge.h"

TAP_TEST(r19_a_pool_leaves_the_totals_and_the_budget_and_is_set_once)
{
    huge_world.world = world_make(WORLD_FRAMES, COMMIT_NEVER);
    huge_world.space = world_space(huge_world.world);
    world_budget(huge_world.space, WORLD_FRAMES);
    const uint64_t total = huge_world.world->core.head->pool.total;
    const uint64_t limit = huge_world.world->core.head->commit.limit;
    const uint64_t budget = budget_view(&huge_world.world->core, huge_world.space).limit;

    EXPECT_ERR(huge_world_set_pool(BYTES + PAGE_SIZE, 1), ERR_INVAL);
    EXPECT_ERR(huge_world_set_pool(BYTES, 0), ERR_INVAL);
    EXPECT_ERR(huge_world_set_pool(BYTES, 6), ERR_NOMEM);
    EXPECT_U64(huge_world.space->refusal.limit, MEM_LIMIT_FRAMES);
    EXPECT_U64(huge_world.space->refusal.asked, 6 * HUGE);
    EXPECT_ERR(huge_world_set_pool(BYTES, UINT64_MAX), ERR_NOMEM);
    EXPECT_ERR(huge_world_set_pool(BYTES * 512, 1), ERR_NOMEM);
    EXPECT_U64(huge_world.world->core.head->pool.total, total);
    world_audit(huge_world.world);
    EXPECT_ERR(huge_world_set_pool(BYTES, 3), ERR_OK);
    EXPECT_U64(huge_world.world->core.head->pool.total, total - 3 * HUGE);
    EXPECT_U64(huge_world.world->core.head->commit.limit, limit - 3 * HUGE);
    EXPECT_U64(budget_view(&huge_world.world->core, huge_world.space).limit, budget - 3 * HUGE);
    EXPECT_U64(huge_pool_frames(&huge_world.world->core), 3 * HUGE);
    EXPECT_U64(huge_world_pool().total, 3);
    EXPECT_U64(huge_world_pool().free, 3);
    EXPECT_ERR(huge_world_set_pool(BYTES, 1), ERR_EXIST);
    world_audit(huge_world.world);
    space_end(&huge_world.world->core, huge_world.space);
    world_free(huge_world.world);
}

TAP_TEST(r19_a_pool_that_the_budget_does_not_have_is_refused)
{
    huge_world.world = world_make(WORLD_FRAMES, COMMIT_NEVER);
    huge_world.space = world_space(huge_world.world);
    world_budget(huge_world.space, HUGE - 1);
    EXPECT_ERR(huge_world_set_pool(BYTES, 1), ERR_NOMEM);
    EXPECT_U64(huge_world.space->refusal.limit, MEM_LIMIT_BUDGET);
    EXPECT_U64(huge_world.space->refusal.asked, HUGE);
    world_budget(huge_world.space, HUGE);
    EXPECT_ERR(huge_world_set_pool(BYTES, 1), ERR_OK);
    EXPECT_U64(budget_view(&huge_world.world->core, huge_world.space).limit,
               budget_view(&huge_world.world->core, huge_world.space).used);
    world_audit(huge_world.world);
    world_budget(huge_world.space, 64);
    space_end(&huge_world.world->core, huge_world.space);
    world_free(huge_world.world);
}

TAP_TEST(r19_huge_pages_are_not_charged_to_the_commit_account_and_reserved_in_the_pool)
{
    huge_world_begin();
    const uint64_t used = huge_world.world->core.head->commit.used;

    huge_world_map(BLOCK, 2, PRIVATE);
    huge_world_map(BLOCK + 8 * HUGE, 1, SHARED);
    EXPECT_U64(huge_world.world->core.head->commit.used, used);
    EXPECT_U64(huge_world.space->committed, 0);
    EXPECT_U64(huge_world.space->pages, 3 * HUGE);
    EXPECT_U64(huge_world.space->data, 2 * HUGE);
    huge_world_expect_pool(POOL, 3);
    EXPECT_ERR(huge_world_map_at(0, 2 * BYTES, RW, PRIVATE), ERR_NOMEM);
    EXPECT_U64(huge_world.space->refusal.limit, MEM_LIMIT_HUGE);
    EXPECT_U64(huge_world.space->refusal.value, POOL);
    EXPECT_U64(huge_world.space->refusal.used, 3);
    EXPECT_U64(huge_world.space->refusal.asked, 2);
    huge_world_expect_pool(POOL, 3);
    huge_world_write_of(huge_world.space, BLOCK + 700, 7);
    huge_world_expect_pool(POOL - 1, 2);
    EXPECT_U64(huge_world.world->core.head->commit.used, used);
    EXPECT_ERR(huge_world_protect(BLOCK, 2 * HUGE, MEM_PROT_READ), ERR_OK);
    EXPECT_ERR(huge_world_protect(BLOCK, 2 * HUGE, RW), ERR_OK);
    EXPECT_U64(huge_world.world->core.head->commit.used, used);
    huge_world_end();
}

TAP_TEST(r19_noreserve_takes_what_nobody_was_promised_in_every_mode_and_else_gets_a_bus_error)
{
    huge_world_begin();
    huge_world_map(BLOCK, 3, PRIVATE);
    huge_world_map(BLOCK + 8 * HUGE, 9, PRIVATE | MEM_MAP_NORESERVE);
    EXPECT((huge_world_region_of(BLOCK + 8 * HUGE)->flags & REGION_NORESERVE) != 0);
    huge_world_expect_pool(POOL, 3);
    huge_world_write_of(huge_world.space, BLOCK + 9 * HUGE, 1);
    huge_world_expect_pool(POOL - 1, 3);
    uint64_t word = 0;

    EXPECT_U64(world_read(huge_world.world, huge_world.space, BLOCK + 8 * HUGE, &word),
               FAULT_PAST_END);
    EXPECT_U64(world_write(huge_world.world, huge_world.space, BLOCK + 8 * HUGE, 1),
               FAULT_PAST_END);
    huge_world_write_of(huge_world.space, BLOCK, 1);
    huge_world_write_of(huge_world.space, BLOCK + HUGE, 1);
    huge_world_write_of(huge_world.space, BLOCK + 2 * HUGE, 1);
    huge_world_expect_pool(0, 0);
    EXPECT_ERR(huge_world_unmap(BLOCK, HUGE), ERR_OK);
    EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK + 8 * HUGE), 0);
    huge_world_end();
}

TAP_TEST(r19_one_touch_makes_all_of_a_huge_page_present_and_zero)
{
    huge_world_begin();
    huge_world_map(BLOCK, 2, PRIVATE);
    EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK + 100), 0);
    const struct model_entry *leaf =
        model_leaf(huge_world.world->port, huge_world.space->kernel, BLOCK);

    REQUIRE(EXPECT(leaf != NULL));
    EXPECT_U64(leaf->pages, HUGE);
    EXPECT_U64(leaf->prot, RW);
    for (uint32_t i = 0; i < HUGE; i++) {
        huge_world_write_of(huge_world.space, BLOCK + i, i + 1);
    }
    EXPECT(model_leaf(huge_world.world->port, huge_world.space->kernel, BLOCK + HUGE) == NULL);
    struct query_region region;
    uint8_t pages[2 * HUGE];
    uint32_t count = 0;

    EXPECT_U64(
        op_query(&huge_world.world->core, huge_world.space, world_address(BLOCK), 1, &region), 1);
    EXPECT_U64(region.own, HUGE);
    EXPECT_U64(region.flags,
               MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_HUGETLB | MEM_MAP_HUGE_2MB);
    EXPECT_ERR(op_incore(&huge_world.world->core, huge_world.space, world_address(BLOCK), 2 * BYTES,
                         2 * HUGE, pages, &count),
               ERR_OK);
    EXPECT(pages[0] == 1 && pages[HUGE - 1] == 1 && pages[HUGE] == 0);
    /* What was written is not seen by who gets the page next. */
    EXPECT_ERR(huge_world_unmap(BLOCK, HUGE), ERR_OK);
    huge_world_map(BLOCK, 1, PRIVATE);
    for (uint32_t i = 0; i < HUGE; i++) {
        EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK + i), 0);
    }
    huge_world_end();
}

TAP_TEST(r19_lengths_are_rounded_up_and_places_are_multiples_of_the_size)
{
    huge_world_begin();
    const uint64_t unaligned = (uint64_t)(BLOCK + 1) * PAGE_SIZE;
    const struct map_request hinted = {
        .address = {unaligned}, .length = 1, .prot = RW, .flags = PRIVATE};
    uaddr_t address;

    EXPECT_ERR(op_map(&huge_world.world->core, huge_world.space, &hinted, &address), ERR_OK);
    EXPECT_U64(address.v, (uint64_t)(BLOCK + HUGE) * PAGE_SIZE);
    const struct map_request free_choice = {.length = BYTES + 1, .prot = RW, .flags = SHARED};

    EXPECT_ERR(op_map(&huge_world.world->core, huge_world.space, &free_choice, &address), ERR_OK);
    EXPECT_U64(address.v % BYTES, 0);
    EXPECT_U64(huge_world.space->pages, 3 * HUGE);
    EXPECT_ERR(huge_world_map_at(BLOCK + 1, BYTES, RW, PRIVATE | MEM_MAP_FIXED), ERR_INVAL);
    /* The alignment is looked at first. */
    EXPECT_ERR(huge_world_map_at(RANGE_USER_END - 1, BYTES, RW, PRIVATE | MEM_MAP_FIXED),
               ERR_INVAL);
    EXPECT_ERR(huge_world_map_at(RANGE_USER_END / HUGE * HUGE, BYTES, RW, PRIVATE | MEM_MAP_FIXED),
               ERR_NOMEM);
    huge_world_end();
}

TAP_TEST(r19_bad_sizes_types_and_objects_are_refused_in_order)
{
    huge_world_begin();
    const uint32_t sixteen = 24u << MEM_MAP_HUGE_SHIFT;

    EXPECT_ERR(huge_world_map_at(0, 0, RW, PRIVATE | sixteen), ERR_INVAL);
    EXPECT_ERR(huge_world_map_at(0, 0, RW, PRIVATE), ERR_NOMEM);
    EXPECT_ERR(huge_world_map_at(0, UINT64_MAX, RW, PRIVATE), ERR_INVAL);
    EXPECT_ERR(huge_world_map_at(0, UINT64_MAX - BYTES + 2, RW, PRIVATE), ERR_INVAL);
    EXPECT_ERR(huge_world_map_at(0, UINT64_MAX - BYTES + 1, RW, PRIVATE), ERR_OVERFLOW);
    EXPECT_ERR(huge_world_map_at(0, USER_END + 1, RW, PRIVATE), ERR_NOMEM);
    EXPECT_ERR(huge_world_map_at(0, BYTES, RW, PRIVATE | MEM_MAP_HUGE_2MB), ERR_OK);
    EXPECT_ERR(huge_world_map_at(0, BYTES, RW, PRIVATE | MEM_MAP_HUGE_1GB), ERR_NOMEM);
    EXPECT_U64(huge_world.space->refusal.limit, MEM_LIMIT_HUGE);
    EXPECT_U64(huge_world.space->refusal.value, 0);
    EXPECT_ERR(huge_world_map_at(0, BYTES, RW, PRIVATE | MEM_MAP_GROWSDOWN), ERR_INVAL);
    EXPECT_ERR(huge_world_map_at(0, BYTES, RW, MEM_MAP_ANONYMOUS | MEM_MAP_HUGETLB), ERR_INVAL);
    EXPECT_ERR(huge_world_map_at(0, BYTES, RW, SHARED | MEM_MAP_SHARED_VALIDATE), ERR_OK);
    EXPECT_ERR(huge_world_map_at(0, BYTES, RW, SHARED | MEM_MAP_SHARED_VALIDATE | MEM_MAP_SYNC),
               ERR_OPNOTSUPP);
    struct object *object = world_object(huge_world.world, 1);
    const struct map_request with_object = {.length = 0,
                                            .prot = MEM_PROT_READ,
                                            .flags = MEM_MAP_PRIVATE | MEM_MAP_HUGETLB,
                                            .object = object,
                                            .rights = MAP_RIGHT_READ | MAP_RIGHT_MAPPABLE};
    uaddr_t address;

    EXPECT_ERR(op_map(&huge_world.world->core, huge_world.space, &with_object, &address),
               ERR_INVAL);
    object_put(&huge_world.world->core, object);
    EXPECT_ERR(huge_world_unmap(RANGE_USER_FIRST, RANGE_USER_END - RANGE_USER_FIRST), ERR_OK);
    core_settle(&huge_world.world->core);
    huge_world.frames_free = pool_free(&huge_world.world->core);
    huge_world_end();
}

/* Of the offset only what Linux refuses is looked at: R21 ignores it. */
TAP_TEST(r19_an_offset_is_none_or_that_of_a_huge_page)
{
    huge_world_begin();
    struct map_request request = {.length = BYTES, .prot = RW, .flags = PRIVATE};
    uaddr_t address;

    request.offset = PAGE_SIZE - 1;
    EXPECT_ERR(op_map(&huge_world.world->core, huge_world.space, &request, &address), ERR_INVAL);
    request.offset = UINT64_MAX - PAGE_MASK;
    EXPECT_ERR(op_map(&huge_world.world->core, huge_world.space, &request, &address), ERR_OVERFLOW);
    request.offset = BYTES - PAGE_SIZE;
    EXPECT_ERR(op_map(&huge_world.world->core, huge_world.space, &request, &address), ERR_INVAL);
    request.flags |= MEM_MAP_NORESERVE;
    EXPECT_ERR(op_map(&huge_world.world->core, huge_world.space, &request, &address), ERR_INVAL);
    /* After the limits. */
    huge_world.space->settings.pages_max = HUGE - 1;
    EXPECT_ERR(op_map(&huge_world.world->core, huge_world.space, &request, &address), ERR_NOMEM);
    huge_world.space->settings.pages_max = MEM_UNLIMITED;
    EXPECT_U64(huge_world.space->tree.count, 0);
    huge_world_expect_pool(POOL, 0);
    request.offset = BYTES;
    EXPECT_ERR(op_map(&huge_world.world->core, huge_world.space, &request, &address), ERR_OK);
    huge_world_write_of(huge_world.space, (uint32_t)(address.v / PAGE_SIZE), 3);
    huge_world_end();
}

TAP_TEST(r19_regions_are_cut_between_huge_pages_alone)
{
    huge_world_begin();
    huge_world_map(BLOCK, 3, PRIVATE);
    huge_world_write_of(huge_world.space, BLOCK + HUGE, 5);
    EXPECT_ERR(huge_world_unmap(BLOCK, 1), ERR_INVAL);
    EXPECT_ERR(huge_world_unmap(BLOCK + 1, 3 * HUGE), ERR_INVAL);
    EXPECT_ERR(huge_world_unmap(BLOCK - 8, 8 + HUGE + 1), ERR_INVAL);
    EXPECT_ERR(huge_world_protect(BLOCK, 1, MEM_PROT_READ), ERR_INVAL);
    EXPECT_ERR(huge_world_protect(BLOCK + HUGE, HUGE + 3, MEM_PROT_NONE), ERR_INVAL);
    EXPECT_ERR(huge_world_protect(BLOCK, 1, RW), ERR_OK); /* nothing to be cut */
    EXPECT_ERR(huge_world_advise(BLOCK + 1, HUGE, MEM_ADVISE_DONTFORK), ERR_INVAL);
    EXPECT_ERR(huge_world_map_at(BLOCK + 3, PAGE_SIZE, RW,
                                 MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_FIXED),
               ERR_INVAL);
    EXPECT_ERR(huge_world_remap(BLOCK - 64 * HUGE, 1, 1, 0, 0), ERR_FAULT);
    EXPECT_U64(huge_world.space->tree.count, 1);
    huge_world_expect_pool(POOL - 1, 2);
    EXPECT_ERR(huge_world_unmap(BLOCK + HUGE, HUGE), ERR_OK);
    EXPECT_U64(huge_world.space->tree.count, 2);
    huge_world_expect_pool(POOL, 2);
    EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK + 2 * HUGE), 0);
    huge_world_expect_pool(POOL - 1, 1);
    EXPECT_ERR(huge_world_unmap(BLOCK - 5, HUGE + 10), ERR_OK);
    huge_world_expect_pool(POOL - 1, 0);
    huge_world_end();
}

TAP_TEST(r19_touched_small_pages_do_not_move_onto_huge_ones)
{
    huge_world_begin();
    huge_world_map(BLOCK, 2, PRIVATE);
    huge_world_write_of(huge_world.space, BLOCK + HUGE, 5);
    EXPECT_ERR(huge_world_map_at(BLOCK + 64 * HUGE, HUGE * PAGE_SIZE, RW,
                                 MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_FIXED),
               ERR_OK);
    huge_world_write_of(huge_world.space, BLOCK + 64 * HUGE + 1, 42);
    EXPECT_ERR(huge_world_remap(BLOCK + 64 * HUGE, HUGE, HUGE, MEM_REMAP_MAYMOVE | MEM_REMAP_FIXED,
                                BLOCK + HUGE),
               ERR_OPNOTSUPP);
    EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK + HUGE), 5);
    EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK + 64 * HUGE + 1), 42);
    EXPECT_ERR(huge_world_unmap(BLOCK + 64 * HUGE, HUGE), ERR_OK);
    EXPECT_ERR(huge_world_unmap(BLOCK, 2 * HUGE), ERR_OK);
    huge_world_end();
}

TAP_TEST(r19_protection_holds_for_whole_pages_and_halves_join_again)
{
    huge_world_begin();
    huge_world_map(BLOCK, 2, PRIVATE);
    huge_world_write_of(huge_world.space, BLOCK, 1);
    huge_world_write_of(huge_world.space, BLOCK + HUGE, 2);
    EXPECT_ERR(huge_world_protect(BLOCK, HUGE, MEM_PROT_READ), ERR_OK);
    EXPECT_U64(huge_world.space->tree.count, 2);
    EXPECT_U64(world_write(huge_world.world, huge_world.space, BLOCK + 9, 1), FAULT_DENIED);
    EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK), 1);
    world_audit(huge_world.world);
    EXPECT_ERR(huge_world_protect(BLOCK, HUGE, RW), ERR_OK);
    EXPECT_U64(huge_world.space->tree.count, 1);
    huge_world_write_of(huge_world.space, BLOCK, 3);
    EXPECT_ERR(huge_world_protect(BLOCK, 2 * HUGE, MEM_PROT_NONE), ERR_OK);
    EXPECT(model_leaf(huge_world.world->port, huge_world.space->kernel, BLOCK) == NULL);
    EXPECT_ERR(huge_world_protect(BLOCK, 2 * HUGE, MEM_PROT_READ), ERR_OK);
    EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK), 3);
    EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK + HUGE), 2);
    huge_world_end();
}

TAP_TEST(r19_huge_pages_are_made_present_by_locks_but_never_locked)
{
    huge_world_begin();
    const struct lock_request lock = {.address = world_address(BLOCK), .length = BYTES + 1};

    EXPECT_ERR(
        huge_world_map_at(BLOCK + 8 * HUGE, BYTES, RW, PRIVATE | MEM_MAP_FIXED | MEM_MAP_LOCKED),
        ERR_OK);
    huge_world_expect_pool(POOL - 1, 0);
    EXPECT_U64(huge_world.space->locked, 0);
    huge_world_map(BLOCK, 2, PRIVATE);
    EXPECT_ERR(op_lock(&huge_world.world->core, huge_world.space, &lock), ERR_OK);
    EXPECT_U64(huge_world.space->locked, 0);
    EXPECT_U64(huge_world.space->tree.count, 2);
    huge_world_expect_pool(POOL - 3, 0);
    EXPECT_ERR(op_lock_all(&huge_world.world->core, huge_world.space, MEM_LOCK_CURRENT), ERR_OK);
    EXPECT_U64(huge_world.space->locked, 0);
    EXPECT_ERR(op_unlock_all(&huge_world.world->core, huge_world.space), ERR_OK);
    huge_world_map(BLOCK + 16 * HUGE, 2, PRIVATE | MEM_MAP_NORESERVE | MEM_MAP_POPULATE);
    huge_world_expect_pool(0, 0);
    const struct lock_request last = {.address = world_address(BLOCK + 16 * HUGE),
                                      .length = 2 * BYTES};

    EXPECT_ERR(op_lock(&huge_world.world->core, huge_world.space, &last), ERR_NOMEM);
    huge_world_end();
}

TAP_TEST(r19_advice_is_judged_as_linux_does)
{
    huge_world_begin();
    huge_world_map(BLOCK, 2, PRIVATE);
    huge_world_write_of(huge_world.space, BLOCK, 1);
    huge_world_write_of(huge_world.space, BLOCK + HUGE, 2);
    EXPECT_ERR(huge_world_advise(BLOCK, HUGE, MEM_ADVISE_FREE), ERR_INVAL);
    EXPECT_ERR(huge_world_advise(BLOCK, HUGE, MEM_ADVISE_COLD), ERR_INVAL);
    EXPECT_ERR(huge_world_advise(BLOCK, HUGE, MEM_ADVISE_PAGEOUT), ERR_INVAL);
    EXPECT_ERR(huge_world_advise(BLOCK, HUGE, MEM_ADVISE_WIPEONFORK), ERR_INVAL);
    EXPECT_ERR(huge_world_advise(BLOCK + 1, HUGE, MEM_ADVISE_DONTNEED), ERR_INVAL);
    /* The end is rounded down. */
    EXPECT_ERR(huge_world_advise(BLOCK, HUGE - 1, MEM_ADVISE_DONTNEED), ERR_OK);
    EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK), 1);
    EXPECT_ERR(huge_world_advise(BLOCK, 2 * HUGE - 1, MEM_ADVISE_DONTNEED), ERR_OK);
    huge_world_expect_pool(POOL - 1, 1);
    EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK), 0);
    EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK + HUGE), 2);
    EXPECT_ERR(huge_world_advise(BLOCK, HUGE, MEM_ADVISE_SEQUENTIAL), ERR_OK);
    EXPECT_U64(huge_world.space->tree.count, 2);
    EXPECT_ERR(huge_world_advise(BLOCK, HUGE, MEM_ADVISE_NORMAL), ERR_OK);
    EXPECT_ERR(huge_world_advise(BLOCK, HUGE, MEM_ADVISE_WILLNEED), ERR_OK);
    huge_world_map(BLOCK + 8 * HUGE, 2, SHARED);
    huge_world_write_of(huge_world.space, BLOCK + 8 * HUGE, 8);
    EXPECT_ERR(huge_world_advise(BLOCK + 8 * HUGE, HUGE, MEM_ADVISE_DONTNEED), ERR_OK);
    EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK + 8 * HUGE), 8);
    EXPECT_ERR(huge_world_advise(BLOCK + 8 * HUGE, 2 * HUGE, MEM_ADVISE_POPULATE_WRITE), ERR_OK);
    huge_world_expect_pool(0, 0);
    huge_world_end();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(r19_a_pool_leaves_the_totals_and_the_budget_and_is_set_once),
        TAP(r19_a_pool_that_the_budget_does_not_have_is_refused),
        TAP(r19_huge_pages_are_not_charged_to_the_commit_account_and_reserved_in_the_pool),
        TAP(r19_noreserve_takes_what_nobody_was_promised_in_every_mode_and_else_gets_a_bus_error),
        TAP(r19_one_touch_makes_all_of_a_huge_page_present_and_zero),
        TAP(r19_lengths_are_rounded_up_and_places_are_multiples_of_the_size),
        TAP(r19_bad_sizes_types_and_objects_are_refused_in_order),
        TAP(r19_an_offset_is_none_or_that_of_a_huge_page),
        TAP(r19_regions_are_cut_between_huge_pages_alone),
        TAP(r19_touched_small_pages_do_not_move_onto_huge_ones),
        TAP(r19_protection_holds_for_whole_pages_and_halves_join_again),
        TAP(r19_huge_pages_are_made_present_by_locks_but_never_locked),
        TAP(r19_advice_is_judged_as_linux_does),
    };

    return TAP_RUN(argc, argv, tests);
}
