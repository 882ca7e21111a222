/* SPDX-License-Identifier: MIT */
/*
 * BATCH with huge pages (R19): all or none, and what one operation gives back the next may have.
 */
#include <tap.h>

#include "batch_ops.h"
#include "huge_world.h"
#include "server/core/huge.h"
#include "snapshot.h"

#define THERE (BLOCK + 32 * HUGE)

static struct snapshot before;
static struct snapshot after;

static struct batch_op map_op(uint32_t page, uint64_t bytes, uint32_t flags)
{
    return (struct batch_op){.sort = BATCH_MAP,
                             .map = {.address = world_address(page),
                                     .length = bytes,
                                     .prot = RW,
                                     .flags = flags | MEM_MAP_FIXED}};
}

static enum err run(struct batch_op *ops, uint32_t count)
{
    uint32_t refused = count;

    snapshot_take(huge_world.world, &before);
    const enum err error =
        op_batch(&huge_world.world->core, huge_world.space, ops, count, &refused);

    core_done(&huge_world.world->core);
    world_audit(huge_world.world);
    if (error != ERR_OK) {
        EXPECT_U64(refused, count - 1);
        snapshot_take(huge_world.world, &after);
        EXPECT(snapshot_is_equal(&before, &after));
    }
    return error;
}

/* A private region of three pages, the first two of which were written, and a shared one of one. */
static void begin(void)
{
    huge_world_begin();
    huge_world_map(BLOCK, 3, PRIVATE);
    huge_world_write_of(huge_world.space, BLOCK + 3, 1003);
    huge_world_write_of(huge_world.space, BLOCK + HUGE + 4, 1004);
    huge_world_map(BLOCK + 8 * HUGE, 1, SHARED);
    huge_world_expect_pool(POOL - 2, 2);
}

TAP_TEST(r19_operations_on_huge_pages_do_in_a_batch_what_they_do_alone)
{
    struct batch_op ops[] = {
        protect_op(BLOCK, HUGE, MEM_PROT_READ),
        advise_op(BLOCK + HUGE, HUGE + HUGE / 2, MEM_ADVISE_DONTNEED), /* its end rounded down */
        remap_op(BLOCK, 2 * HUGE + 1, HUGE + 1, 0),                    /* both rounded up */
        unmap_op(BLOCK + 8 * HUGE, HUGE),
        map_op(THERE, BYTES + 1, PRIVATE | MEM_MAP_NORESERVE),
    };
    const struct batch_op alone = protect_op(BLOCK + HUGE, HUGE, MEM_PROT_READ);
    uint64_t word = 0;

    begin();
    ops[2] = remap_op(BLOCK + HUGE, HUGE + 1, 1, 0);
    EXPECT_ERR(run(ops, 5), ERR_OK);
    EXPECT_U64(ops[4].address.v, world_address(THERE).v);
    EXPECT_U64(huge_world.space->huges, 3);
    EXPECT_U64(huge_world.space->pages, 4 * HUGE);
    huge_world_expect_pool(POOL - 1, 1);
    EXPECT_U64(world_write(huge_world.world, huge_world.space, BLOCK, 1), FAULT_DENIED);
    EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK + 3), 1003);
    EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK + HUGE + 4), 0);
    EXPECT_U64(world_read(huge_world.world, huge_world.space, BLOCK + 2 * HUGE, &word),
               FAULT_NO_REGION);
    ops[0] = alone;
    EXPECT_ERR(run(ops, 1), ERR_OK);
    EXPECT_U64(huge_world.space->huges, 2); /* the halves have joined */
    huge_world_end();
}

TAP_TEST(r19_what_operations_give_back_the_next_one_may_have)
{
    struct batch_op ops[] = {
        unmap_op(BLOCK, HUGE),            /* a page */
        unmap_op(BLOCK + 2 * HUGE, HUGE), /* a promise */
        unmap_op(BLOCK + 8 * HUGE, HUGE), /* all of a shared region */
        map_op(THERE, 3 * BYTES, PRIVATE),
        map_op(THERE, 4 * BYTES, SHARED), /* with all of what it replaces */
    };

    begin();
    EXPECT_ERR(run(&ops[3], 1), ERR_NOMEM);
    EXPECT_ERR(run(ops, 5), ERR_NOMEM);
    EXPECT_U64(huge_world.space->refusal.limit, MEM_LIMIT_HUGE);
    EXPECT_U64(huge_world.space->refusal.value, POOL);
    EXPECT_U64(huge_world.space->refusal.used, 1);
    EXPECT_U64(huge_world.space->refusal.asked, 4);
    EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK + 3), 1003);
    EXPECT_ERR(run(ops, 4), ERR_OK);
    huge_world_expect_pool(POOL - 1, 3);
    EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK + HUGE + 4), 1004);
    for (uint32_t i = 0; i < 3; i++) {
        EXPECT_U64(huge_world_read_of(huge_world.space, THERE + i * HUGE + 3), 0);
        huge_world_write_of(huge_world.space, THERE + i * HUGE + 3, i);
    }
    huge_world_expect_pool(0, 0);
    ops[0] = unmap_op(BLOCK + HUGE, HUGE);
    ops[1] = ops[4];
    EXPECT_ERR(run(ops, 2), ERR_OK);
    huge_world_expect_pool(POOL, 4);
    EXPECT_U64(huge_world_read_of(huge_world.space, THERE + 3), 0);
    huge_world_end();
}

TAP_TEST(r19_what_others_have_too_is_not_given_back)
{
    struct batch_op ops[] = {
        unmap_op(BLOCK, 2 * HUGE),
        unmap_op(BLOCK + 8 * HUGE, HUGE),
        map_op(THERE, BYTES, PRIVATE),
    };

    begin();
    struct space *child = huge_world_clone();

    /* Both pages and the shared object are the child's too; nothing is nobody's. */
    EXPECT_ERR(run(ops, 3), ERR_NOMEM);
    ops[0].unmap.length += BYTES;
    EXPECT_ERR(run(ops, 3), ERR_OK);
    huge_world_expect_pool(POOL - 2, 2);
    EXPECT_U64(huge_world_read_of(child, BLOCK + 3), 1003);
    huge_world_write_of(huge_world.space, THERE, 6);
    huge_world_write_of(child, BLOCK + 8 * HUGE, 7);
    huge_world_expect_pool(0, 0);
    space_end(&huge_world.world->core, child);
    huge_world_end();
}

TAP_TEST(r19_shared_pages_are_given_back_when_the_request_is_over)
{
    struct batch_op over[] = {map_op(BLOCK + 8 * HUGE, BYTES, SHARED)};
    struct batch_op after_unmap[] = {unmap_op(BLOCK + 8 * HUGE, HUGE), over[0]};

    begin();
    EXPECT_ERR(huge_world_map_at(BLOCK + 8 * HUGE, BYTES, RW, SHARED), ERR_NOMEM);
    EXPECT_ERR(run(over, 1), ERR_NOMEM);
    EXPECT_ERR(run(after_unmap, 2), ERR_OK);
    huge_world_end();
}

TAP_TEST(r19_what_a_batch_maps_it_can_take_back)
{
    struct batch_op ops[] = {
        unmap_op(BLOCK, 3 * HUGE),
        map_op(BLOCK, 3 * BYTES, PRIVATE),
        unmap_op(BLOCK + HUGE, HUGE),
        map_op(BLOCK + HUGE, BYTES, SHARED),
        unmap_op(BLOCK + HUGE, HUGE),
        map_op(BLOCK, 2 * BYTES, PRIVATE),
        advise_op(BLOCK, 3 * HUGE, MEM_ADVISE_DONTNEED),
        remap_op(BLOCK, 2 * HUGE, HUGE, 0),
        protect_op(BLOCK, HUGE, MEM_PROT_READ),
        unmap_op(BLOCK + 2 * HUGE + 7, HUGE),
    };

    begin();
    EXPECT_ERR(run(ops, 10), ERR_INVAL);
    EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK + 3), 1003);
    EXPECT_ERR(run(ops, 9), ERR_OK);
    huge_world_expect_pool(POOL, 3);
    EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK + 3), 0);
    EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK + 2 * HUGE + 3), 0);
    huge_world_expect_pool(POOL - 2, 1);
    huge_world_end();
}

TAP_TEST(r19_small_pages_take_the_place_of_huge_ones_and_the_other_way_round)
{
    const uint32_t small = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS;
    struct batch_op ops[] = {
        map_op(BLOCK, BYTES, small),
        map_op(THERE, BYTES, PRIVATE | MEM_MAP_POPULATE),
        protect_op(BLOCK + 5, 1, MEM_PROT_READ),
    };

    begin();
    world_map(huge_world.world, huge_world.space, THERE, 16, RW);
    huge_world_write_of(huge_world.space, THERE + 9, 9);
    EXPECT_ERR(run(ops, 3), ERR_OK);
    huge_world_expect_pool(POOL - 2, 2); /* and one of them at once */
    huge_world_write_of(huge_world.space, BLOCK + 3, 5);
    EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK + 4), 0);
    EXPECT_U64(huge_world_read_of(huge_world.space, THERE + 9), 0);
    huge_world_write_of(huge_world.space, THERE + 9, 10);
    EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK + HUGE + 4), 1004);
    huge_world_end();
}

TAP_TEST(r19_a_batch_makes_huge_pages_present_that_are_locked_or_populated)
{
    struct batch_op ops[] = {
        unmap_op(BLOCK, 3 * HUGE),
        map_op(THERE, BYTES, PRIVATE | MEM_MAP_LOCKED),
        map_op(THERE + 2 * HUGE, BYTES, SHARED | MEM_MAP_POPULATE),
        map_op(THERE + 4 * HUGE, BYTES, SHARED | MEM_MAP_POPULATE | MEM_MAP_NONBLOCK),
    };

    begin();
    EXPECT_ERR(run(ops, 4), ERR_OK);
    huge_world_expect_pool(POOL - 2, 2);
    EXPECT_U64(huge_world.space->locked, 0);
    const struct model_entry *leaf =
        model_leaf(huge_world.world->port, huge_world.space->kernel, THERE);

    REQUIRE(EXPECT(leaf != NULL));
    EXPECT_U64(leaf->pages, HUGE);
    huge_world_end();
}

/* Every number of frames that is too small, to the machine and to the budget. */
TAP_TEST(r0_r19_a_batch_without_frames_is_refused_and_loses_nothing_of_the_pool)
{
    uint32_t refusals = 0;

    for (uint32_t kind = 0; kind < 2; kind++) {
        enum err error = ERR_NOMEM;

        for (uint64_t frames = 0; error != ERR_OK && frames < 32; frames++) {
            uint32_t refused = 9;
            struct batch_op ops[] = {
                unmap_op(BLOCK, HUGE),
                map_op(THERE, BYTES, PRIVATE),
                protect_op(BLOCK + HUGE, HUGE, MEM_PROT_READ),
                unmap_op(BLOCK + 8 * HUGE, HUGE),
                map_op(BLOCK + 8 * HUGE, BYTES, SHARED),
                advise_op(BLOCK + HUGE, 2 * HUGE, MEM_ADVISE_DONTNEED),
            };

            begin();
            if (kind == 0) {
                world_starve(huge_world.world, frames);
            } else {
                world_budget(huge_world.space, frames);
            }
            snapshot_take(huge_world.world, &before);
            error = op_batch(&huge_world.world->core, huge_world.space, ops, 6, &refused);
            core_done(&huge_world.world->core);
            world_audit(huge_world.world);
            if (error != ERR_OK) {
                EXPECT_ERR(error, ERR_NOMEM);
                EXPECT(refused <= 6);
                EXPECT_U64(huge_world.space->refusal.limit,
                           kind == 0 ? MEM_LIMIT_FRAMES : MEM_LIMIT_BUDGET);
                snapshot_take(huge_world.world, &after);
                EXPECT(snapshot_is_equal(&before, &after));
                refusals++;
            } else {
                huge_world_expect_pool(POOL, 4);
            }
            space_end(&huge_world.world->core, huge_world.space);
            world_audit(huge_world.world);
            world_free(huge_world.world);
        }
        EXPECT_ERR(error, ERR_OK);
    }
    tap_note("%u refusals", refusals);
    EXPECT(refusals >= 3);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(r19_operations_on_huge_pages_do_in_a_batch_what_they_do_alone),
        TAP(r19_what_operations_give_back_the_next_one_may_have),
        TAP(r19_what_others_have_too_is_not_given_back),
        TAP(r19_shared_pages_are_given_back_when_the_request_is_over),
        TAP(r19_what_a_batch_maps_it_can_take_back),
        TAP(r19_small_pages_take_the_place_of_huge_ones_and_the_other_way_round),
        TAP(r19_a_batch_makes_huge_pages_present_that_are_locked_or_populated),
        TAP(r0_r19_a_batch_without_frames_is_refused_and_loses_nothing_of_the_pool),
    };

    return TAP_RUN(argc, argv, tests);
}
