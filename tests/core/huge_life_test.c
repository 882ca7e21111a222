/* SPDX-License-Identifier: MIT */
/*
 * Huge pages that move, are shared and copied, and come in steps (R19).
 */
#include <tap.h>

#include "huge_world.h"
#include "server/core/huge.h"

TAP_TEST(r19_huge_pages_move_whole_and_never_grow)
{
    const uint32_t fixed = MEM_REMAP_MAYMOVE | MEM_REMAP_FIXED;
    const uint32_t there = BLOCK + 32 * HUGE;

    huge_world_begin();
    huge_world_map(BLOCK, 3, PRIVATE);
    for (uint32_t i = 0; i < 3; i++) {
        huge_world_write_of(huge_world.space, BLOCK + i * HUGE + 3, 30 + i);
    }
    EXPECT_ERR(huge_world_remap(BLOCK, 3 * HUGE, 4 * HUGE, MEM_REMAP_MAYMOVE, 0), ERR_INVAL);
    EXPECT_ERR(huge_world_remap(BLOCK, 3 * HUGE, 3 * HUGE, fixed, there + 1), ERR_INVAL);
    EXPECT_ERR(huge_world_remap(BLOCK + 1, HUGE, HUGE, fixed, there), ERR_INVAL);
    EXPECT_ERR(huge_world_remap(BLOCK, HUGE, HUGE, MEM_REMAP_MAYMOVE | MEM_REMAP_DONTUNMAP, 0),
               ERR_INVAL);
    EXPECT_ERR(huge_world_remap(BLOCK, 0, HUGE, fixed, there), ERR_INVAL);
    /* Lengths are rounded up: the middle page moves. */
    EXPECT_ERR(huge_world_remap(BLOCK + HUGE, 1, 7, fixed, there), ERR_OK);
    EXPECT_U64(huge_world_read_of(huge_world.space, there + 3), 31);
    EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK + 3), 30);
    EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK + 2 * HUGE + 3), 32);
    uint64_t word = 0;

    EXPECT_U64(world_read(huge_world.world, huge_world.space, BLOCK + HUGE, &word),
               FAULT_NO_REGION);
    world_audit(huge_world.world);
    EXPECT_ERR(huge_world_remap(there, HUGE, HUGE, fixed, BLOCK + HUGE), ERR_OK);
    EXPECT_U64(huge_world.space->tree.count, 1);
    huge_world_expect_pool(POOL - 3, 0);
    EXPECT_ERR(huge_world_remap(BLOCK, 3 * HUGE, HUGE + 1, 0, 0), ERR_OK);
    EXPECT_U64(huge_world.space->pages, 2 * HUGE);
    huge_world_expect_pool(POOL - 2, 0);
    EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK + HUGE + 3), 31);
    huge_world_end();
}

TAP_TEST(r19_mapping_over_huge_pages_counts_what_goes)
{
    huge_world_begin();
    huge_world_map(BLOCK, 4, PRIVATE);
    huge_world_write_of(huge_world.space, BLOCK, 1);
    huge_world_expect_pool(POOL - 1, 3);
    huge_world_map(BLOCK, 4, SHARED);
    huge_world_expect_pool(POOL, 4);
    EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK), 0);
    EXPECT_ERR(huge_world_unmap(BLOCK, 4 * HUGE), ERR_OK);
    huge_world_map(BLOCK, 4, PRIVATE);
    huge_world_map(BLOCK + HUGE, 2, PRIVATE);
    EXPECT_U64(huge_world.space->tree.count, 3);
    huge_world_expect_pool(POOL, 4);
    /* Small pages where there were tables for large ones, and the other way round. */
    world_map(huge_world.world, huge_world.space, BLOCK, HUGE, RW);
    huge_world_write_of(huge_world.space, BLOCK + 5, 5);
    huge_world_map(BLOCK, 1, PRIVATE);
    huge_world_write_of(huge_world.space, BLOCK + 6, 6);
    EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK + 5), 0);
    huge_world_end();
}

TAP_TEST(r19_shared_huge_pages_are_one_for_a_clone_and_kept_until_the_last_region_goes)
{
    huge_world_begin();
    huge_world_map(BLOCK, 2, SHARED);
    huge_world_write_of(huge_world.space, BLOCK, 1);
    struct space *child = huge_world_clone();

    EXPECT_U64(huge_world_read_of(child, BLOCK), 1);
    huge_world_write_of(child, BLOCK + HUGE + 9, 2);
    EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK + HUGE + 9), 2);
    huge_world_expect_pool(POOL - 2, 0);
    world_audit(huge_world.world);
    EXPECT_ERR(huge_world_unmap(BLOCK, HUGE), ERR_OK);
    huge_world_expect_pool(POOL - 2, 0);
    EXPECT_ERR(huge_world_unmap(BLOCK, 2 * HUGE), ERR_OK);
    huge_world_expect_pool(POOL - 2, 0);
    space_end(&huge_world.world->core, child);
    huge_world_expect_pool(POOL, 0);
    huge_world_end();
}

TAP_TEST(r19_private_huge_pages_are_copied_whole_when_one_of_two_writes)
{
    huge_world_begin();
    huge_world_map(BLOCK, 2, PRIVATE);
    for (uint32_t i = 0; i < HUGE; i++) {
        huge_world_write_of(huge_world.space, BLOCK + i, 100 + i);
    }
    struct space *child = huge_world_clone();

    huge_world_expect_pool(POOL - 1, 1);
    EXPECT_U64(huge_world_read_of(child, BLOCK + 7), 107);
    world_audit(huge_world.world);
    huge_world_write_of(child, BLOCK + 7, 1);
    huge_world_expect_pool(POOL - 2, 1);
    for (uint32_t i = 0; i < HUGE; i++) {
        EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK + i), 100 + i);
        EXPECT_U64(huge_world_read_of(child, BLOCK + i), i == 7 ? 1 : 100 + i);
    }
    world_audit(huge_world.world);
    /* The clone is promised nothing, but may have what is nobody's. */
    EXPECT_U64(huge_world_read_of(child, BLOCK + HUGE), 0);
    huge_world_expect_pool(POOL - 3, 1);
    uint64_t word = 0;
    struct space *other = huge_world_clone();

    EXPECT_U64(world_read(huge_world.world, other, BLOCK + HUGE, &word), FAULT_PAST_END);
    EXPECT_U64(world_write(huge_world.world, other, BLOCK + 7, 1), FAULT_PAST_END);
    EXPECT_U64(huge_world_read_of(other, BLOCK + 7), 107);
    space_end(&huge_world.world->core, other);
    space_end(&huge_world.world->core, child);
    huge_world_expect_pool(POOL - 1, 1);
    huge_world_write_of(huge_world.space, BLOCK + 7, 5); /* the only one to have it, again */
    huge_world_expect_pool(POOL - 1, 1);
    huge_world_end();
}

TAP_TEST(r19_a_clone_has_what_it_shares_after_its_parent_gave_it_back)
{
    huge_world_begin();
    huge_world_map(BLOCK, 1, PRIVATE);
    huge_world_write_of(huge_world.space, BLOCK, 1);
    struct space *child = huge_world_clone();

    EXPECT_ERR(huge_world_advise(BLOCK, HUGE, MEM_ADVISE_DONTNEED), ERR_OK);
    EXPECT_U64(huge_world_read_of(child, BLOCK), 1);
    huge_world_expect_pool(POOL - 1, 1);
    EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK), 0);
    EXPECT_ERR(huge_world_unmap(BLOCK, HUGE), ERR_OK);
    EXPECT_U64(huge_world_read_of(child, BLOCK), 1);
    huge_world_write_of(child, BLOCK, 2);
    huge_world_expect_pool(POOL - 1, 0);
    world_audit(huge_world.world);
    space_end(&huge_world.world->core, child);
    huge_world_end();
}

TAP_TEST(r19_huge_pages_are_copied_from_and_to)
{
    uint64_t copied = 0;

    huge_world_begin();
    huge_world_map(BLOCK, 1, PRIVATE);
    world_map(huge_world.world, huge_world.space, BLOCK + 8 * HUGE, 1, RW);
    huge_world_write_of(huge_world.space, BLOCK + 8 * HUGE, 77);
    const struct copy_request request = {
        .to = huge_world.space,
        .from = huge_world.space,
        .to_address = world_address(BLOCK + 100),
        .from_address = world_address(BLOCK + 8 * HUGE),
        .length = 8,
    };

    EXPECT_ERR(op_copy(&huge_world.world->core, &request, &copied), ERR_OK);
    EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK + 100), 77);
    huge_world_end();
}

/* With turns, as in the system: a fault makes a step of the page and is to come again. */
TAP_TEST(r19_a_fault_fills_and_copies_a_huge_page_in_steps)
{
    struct fault_answer answer;
    uint32_t steps = 0;

    huge_world_begin();
    huge_world_map(BLOCK, 1, PRIVATE);
    huge_world.world->core.has_turns = true;
    while (fault_handle(&huge_world.world->core, huge_world.space, page_to_vpn(BLOCK),
                        MEM_PROT_READ, &answer) == FAULT_WAIT) {
        EXPECT_U64(huge_world.world->core.need.kind, NEED_TURN);
        huge_world.world->core.need = (struct need){0};
        steps++;
    }
    EXPECT_U64(steps, HUGE / HUGE_STEP - 1);
    huge_world.world->core.has_turns = false;
    fault_install(&huge_world.world->core, huge_world.space, BLOCK, &answer);
    huge_world_write_of(huge_world.space, BLOCK + 3, 3);
    struct space *child = huge_world_clone();

    huge_world.world->core.has_turns = true;
    steps = 0;
    while (fault_handle(&huge_world.world->core, child, page_to_vpn(BLOCK), MEM_PROT_WRITE,
                        &answer) == FAULT_WAIT) {
        huge_world.world->core.need = (struct need){0};
        world_audit(huge_world.world);
        if (steps++ == 5) {
            /* The parent lets go of the page: nothing is left to be copied. */
            EXPECT_ERR(huge_world_advise(BLOCK, HUGE, MEM_ADVISE_DONTNEED), ERR_OK);
        }
    }
    EXPECT(steps < 10);
    huge_world.world->core.has_turns = false;
    EXPECT_U64(huge_world_read_of(child, BLOCK + 3), 3);
    huge_world_expect_pool(POOL - 1, 1);
    space_end(&huge_world.world->core, child);
    huge_world_end();
}

/* Every number of frames that is too small: refused, and nothing has changed. */
TAP_TEST(r19_without_frames_mapping_cloning_and_touching_are_refused_and_change_nothing)
{
    bool has_mapped = false;

    for (uint64_t left = 0; left < 24 && !has_mapped; left++) {
        huge_world_begin();
        world_starve(huge_world.world, left);
        const enum err error = huge_world_map_at(BLOCK, BYTES, RW, PRIVATE | MEM_MAP_FIXED);

        EXPECT(error == ERR_OK || error == ERR_NOMEM);
        world_audit(huge_world.world);
        if (error != ERR_OK) {
            EXPECT_U64(huge_world.space->tree.count, 0);
            EXPECT_U64(huge_world.space->refusal.limit, MEM_LIMIT_FRAMES);
            huge_world_expect_pool(POOL, 0);
        } else {
            const enum fault_outcome outcome =
                world_write(huge_world.world, huge_world.space, BLOCK, 1);
            struct space *child = NULL;

            EXPECT(outcome == FAULT_READY || outcome == FAULT_NO_FRAME);
            EXPECT(outcome == FAULT_READY || huge_world_pool().free == POOL - 1 ||
                   huge_world_pool().free == POOL);
            const enum err cloned = op_clone(&huge_world.world->core, huge_world.space,
                                             &(struct clone_request){.priority = 10}, &child);

            EXPECT(cloned == ERR_OK || cloned == ERR_NOMEM);
            world_audit(huge_world.world);
            if (cloned == ERR_OK) {
                space_end(&huge_world.world->core, child);
            }
            has_mapped = outcome == FAULT_READY && cloned == ERR_OK;
            EXPECT_ERR(huge_world_unmap(BLOCK, HUGE), ERR_OK);
        }
        huge_world_expect_pool(POOL, 0);
        world_audit(huge_world.world);
        space_end(&huge_world.world->core, huge_world.space);
        world_audit(huge_world.world);
        world_free(huge_world.world);
    }
    EXPECT(has_mapped);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(r19_huge_pages_move_whole_and_never_grow),
        TAP(r19_mapping_over_huge_pages_counts_what_goes),
        TAP(r19_shared_huge_pages_are_one_for_a_clone_and_kept_until_the_last_region_goes),
        TAP(r19_private_huge_pages_are_copied_whole_when_one_of_two_writes),
        TAP(r19_a_clone_has_what_it_shares_after_its_parent_gave_it_back),
        TAP(r19_huge_pages_are_copied_from_and_to),
        TAP(r19_a_fault_fills_and_copies_a_huge_page_in_steps),
        TAP(r19_without_frames_mapping_cloning_and_touching_are_refused_and_change_nothing),
    };

    return TAP_RUN(argc, argv, tests);
}
