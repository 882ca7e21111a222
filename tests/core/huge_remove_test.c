/* SPDX-License-Identifier: MIT */
/*
 * ADVISE(REMOVE) of huge pages (R19): whole ones go, what is left of others becomes zero.
 */
#include <tap.h>

#include "huge_world.h"

static enum err take(uint32_t page, uint32_t pages, bool is_linux)
{
    const struct advise_request request = {.address = world_address(page),
                                           .length = (uint64_t)pages * PAGE_SIZE,
                                           .is_linux = is_linux};
    enum err error = op_remove(&huge_world.world->core, huge_world.space, &request);

    if (error != ERR_WAIT) {
        core_done(&huge_world.world->core);
        world_audit(huge_world.world);
    }
    return error;
}

/* Three shared pages, the first two of which hold 1000 and more in each of their parts. */
static void begin(uint32_t flags)
{
    huge_world_begin();
    huge_world_map(BLOCK, 3, SHARED | flags);
    for (uint32_t i = 0; i < 2 * HUGE; i++) {
        huge_world_write_of(huge_world.space, BLOCK + i, 1000 + i);
    }
}

/* Parts first .. end - 1 of those pages hold zeros, the others what was written. */
static void expect_zeros(uint32_t first, uint32_t end)
{
    for (uint32_t i = 0; i < 2 * HUGE; i++) {
        EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK + i),
                   i >= first && i < end ? 0 : 1000 + i);
    }
}

TAP_TEST(r19_whole_huge_pages_go_back_to_the_pool_for_everyone_who_maps_them)
{
    begin(0);
    struct space *child = huge_world_clone();

    EXPECT_U64(huge_world_read_of(child, BLOCK + 5), 1005);
    huge_world_expect_pool(POOL - 2, 1);
    EXPECT_ERR(take(BLOCK, HUGE, false), ERR_OK);
    huge_world_expect_pool(POOL - 1, 1);
    EXPECT(model_leaf(huge_world.world->port, child->kernel, BLOCK) == NULL);
    EXPECT(model_leaf(huge_world.world->port, huge_world.space->kernel, BLOCK) == NULL);
    EXPECT_U64(huge_world_read_of(child, BLOCK + 5), 0);
    expect_zeros(0, HUGE);
    huge_world_expect_pool(POOL - 2, 1);
    space_end(&huge_world.world->core, child);
    huge_world_end();
}

TAP_TEST(r19_a_page_that_was_taken_out_is_promised_no_longer_but_the_others_are)
{
    begin(0);
    EXPECT_ERR(take(BLOCK, HUGE, false), ERR_OK);
    EXPECT_ERR(take(BLOCK, HUGE, false), ERR_OK);
    huge_world_expect_pool(POOL - 1, 1);
    huge_world_map(BLOCK + 8 * HUGE, 2, PRIVATE);
    huge_world_expect_pool(POOL - 1, 3);
    uint64_t word = 0;

    EXPECT_U64(world_read(huge_world.world, huge_world.space, BLOCK, &word), FAULT_PAST_END);
    huge_world_write_of(huge_world.space, BLOCK + 2 * HUGE, 7);
    huge_world_expect_pool(POOL - 2, 2);
    EXPECT_ERR(huge_world_unmap(BLOCK + 8 * HUGE, 2 * HUGE), ERR_OK);
    huge_world_write_of(huge_world.space, BLOCK, 8);
    huge_world_expect_pool(POOL - 3, 0);
    /* It can go again; one that never was there keeps its promise. */
    EXPECT_ERR(take(BLOCK, 3 * HUGE, false), ERR_OK);
    huge_world_expect_pool(POOL, 0);
    EXPECT_ERR(huge_world_unmap(BLOCK, 3 * HUGE), ERR_OK);
    huge_world_map(BLOCK, 2, SHARED);
    EXPECT_ERR(take(BLOCK, HUGE, false), ERR_OK);
    huge_world_expect_pool(POOL, 2);
    huge_world_end();
}

TAP_TEST(r19_what_is_taken_out_of_noreserve_is_nobodys)
{
    begin(MEM_MAP_NORESERVE);
    huge_world_expect_pool(POOL - 2, 0);
    EXPECT_ERR(take(BLOCK, 2 * HUGE, true), ERR_OK);
    huge_world_expect_pool(POOL, 0);
    expect_zeros(0, 2 * HUGE);
    huge_world_end();
}

TAP_TEST(r19_parts_of_huge_pages_become_zero_and_the_pages_stay)
{
    static const uint32_t ranges[][2] = {
        {0, 3},        {HUGE - 1, HUGE}, {7, HUGE + 9},       {HUGE / 2, 2 * HUGE},
        {1, HUGE - 1}, {0, HUGE + 1},    {HUGE - 1, 2 * HUGE}};

    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        const uint32_t first = ranges[i][0];
        const uint32_t end = ranges[i][1];
        const uint32_t whole =
            (first == 0 && end >= HUGE ? 1 : 0) + (first <= HUGE && end == 2 * HUGE ? 1 : 0);

        begin(0);
        EXPECT_ERR(take(BLOCK + first, end - first, false), ERR_OK);
        huge_world_expect_pool(POOL - 2 + whole, 1);
        expect_zeros(first, end);
        huge_world_end();
    }
    /* What is absent stays so. */
    begin(0);
    EXPECT_ERR(take(BLOCK + 2 * HUGE + 3, 8, false), ERR_OK);
    huge_world_expect_pool(POOL - 2, 1);
    huge_world_end();
}

/* With turns, as in the system: so many parts a message, and the rest with the next. */
TAP_TEST(r19_parts_become_zero_in_steps)
{
    struct core *core;
    uint32_t first = 3;
    uint32_t steps = 0;

    begin(0);
    core = &huge_world.world->core;
    core->has_turns = true;
    while (take(BLOCK + first, 2 * HUGE - 3 - first, true) == ERR_WAIT) {
        EXPECT_U64(core->need.kind, NEED_TURN);
        EXPECT(core->need.progress > BLOCK + first);
        first = (uint32_t)core->need.progress - BLOCK;
        core->need = (struct need){0};
        world_audit(huge_world.world);
        steps++;
    }
    core->has_turns = false;
    EXPECT_U64(steps, 2 * (HUGE / 32 - 1));
    huge_world_expect_pool(POOL - 2, 1);
    expect_zeros(3, 2 * HUGE - 3);
    huge_world_end();
}

/* What is before the mapping is missing: it is told of in the end, and nothing is done twice. */
TAP_TEST(r19_parts_behind_a_hole_become_zero_in_steps_too)
{
    struct advise_request request = {.address = world_address(BLOCK - 1),
                                     .length = (HUGE / 2 + 1) * PAGE_SIZE,
                                     .advice = MEM_ADVISE_REMOVE,
                                     .is_linux = true};
    const uint32_t end = BLOCK + HUGE / 2;
    struct core *core;
    uint32_t steps = 0;
    enum err error;

    begin(0);
    core = &huge_world.world->core;
    core->has_turns = true;
    while ((error = op_remove(core, huge_world.space, &request)) == ERR_WAIT && steps < HUGE) {
        EXPECT(core->need.has_hole);
        request.address = world_address((uint32_t)core->need.progress);
        request.length = (end - core->need.progress) * PAGE_SIZE;
        request.has_hole = core->need.has_hole;
        core->need = (struct need){0};
        steps++;
    }
    core->has_turns = false;
    EXPECT_ERR(error, ERR_NOMEM);
    EXPECT_U64(steps, HUGE / 2 / 32 - 1);
    expect_zeros(0, HUGE / 2);
    huge_world_end();
}

TAP_TEST(r19_only_shared_huge_pages_that_may_be_written_are_taken_out)
{
    begin(0);
    huge_world_map(BLOCK + 8 * HUGE, 1, PRIVATE);
    huge_world_write_of(huge_world.space, BLOCK + 8 * HUGE, 5);
    EXPECT_ERR(take(BLOCK + 8 * HUGE, HUGE, false), ERR_ACCES);
    EXPECT_U64(huge_world_read_of(huge_world.space, BLOCK + 8 * HUGE), 5);
    /* Another before it, and a hole: STRICT does nothing, LINUX what comes first, over holes. */
    EXPECT_ERR(huge_world_unmap(BLOCK + 2 * HUGE, HUGE), ERR_OK);
    EXPECT_ERR(take(BLOCK, 9 * HUGE, false), ERR_NOMEM);
    expect_zeros(0, 0);
    EXPECT_ERR(take(BLOCK + HUGE, 8 * HUGE, true), ERR_ACCES);
    expect_zeros(HUGE, 2 * HUGE);
    EXPECT_ERR(take(BLOCK + HUGE, 3 * HUGE, true), ERR_NOMEM);
    EXPECT_ERR(take(BLOCK + HUGE, 0, false), ERR_OK);
    EXPECT_ERR(huge_world_protect(BLOCK, 2 * HUGE, MEM_PROT_READ), ERR_OK);
    EXPECT_ERR(take(BLOCK, HUGE, false), ERR_OK); /* it could become writable */
    expect_zeros(0, 2 * HUGE);
    huge_world_end();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(r19_whole_huge_pages_go_back_to_the_pool_for_everyone_who_maps_them),
        TAP(r19_a_page_that_was_taken_out_is_promised_no_longer_but_the_others_are),
        TAP(r19_what_is_taken_out_of_noreserve_is_nobodys),
        TAP(r19_parts_of_huge_pages_become_zero_and_the_pages_stay),
        TAP(r19_parts_become_zero_in_steps),
        TAP(r19_parts_behind_a_hole_become_zero_in_steps_too),
        TAP(r19_only_shared_huge_pages_that_may_be_written_are_taken_out),
    };

    return TAP_RUN(argc, argv, tests);
}
