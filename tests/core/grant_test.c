/* SPDX-License-Identifier: MIT */
/*
 * Frames that a pager is given to fill: whose they are, and that nobody else's are among them.
 */
#include <mem/prot.h>
#include <tap.h>

#include "stall.h"

#define PAGES 8u
#define FAR   (FROM + 64) /* of the pager's memory, where nothing is present */

static uint32_t taken[WORLD_FRAMES];

/* Take all frames that are not promised. Returns: how many. */
static uint32_t take_frames(void)
{
    uint32_t count = 0;

    core_settle(stall_core());
    while ((taken[count] = pool_take(stall_core(), FRAME_OBJECT, 0, 0)) != 0) {
        count++;
    }
    return count;
}

static uint32_t grant(uint32_t page, uint32_t pages)
{
    return op_pager_grant(stall_core(), stall.server, world_address(page), pages);
}

/* All pages of a window are asked for. */
static void start_asked(struct pager_work *work)
{
    stall_start(PAGES, 4);
    stall_sequential();
    EXPECT(!stall_read(0, AT));
    EXPECT_ERR(stall_next(work), ERR_OK);
    EXPECT_U64(work->pages, 4);
}

TAP_TEST(granted_frames_are_zeros_and_become_the_pages)
{
    struct pager_work work;
    uint64_t word = 1;

    start_asked(&work);
    EXPECT_U64(grant(FROM, 4), 4);
    EXPECT_U64(stall.server->own, 4);
    for (uint32_t i = 0; i < 4; i++) {
        EXPECT(model_leaf(stall.patient.world->port, stall.server->kernel, FROM + i) != NULL);
        EXPECT_U64(world_read(stall.patient.world, stall.server, FROM + i, &word), FAULT_READY);
        EXPECT_U64(word, 0);
    }
    EXPECT_ERR(stall_supply(&work, SUPPLY_MOVE), ERR_OK);
    EXPECT_U64(stall.server->own, 0);
    EXPECT_U64(stall.object->resident, 4);
    stall_expect_read(0, stall_word(0));
    stall_finish();
}

TAP_TEST(pages_that_are_there_are_granted_as_they_are)
{
    struct pager_work work;
    uint64_t word = 0;

    start_asked(&work);
    stall_fill(1);
    EXPECT_U64(grant(FROM, 4), 4);
    EXPECT_U64(stall.server->own, 4);
    EXPECT_U64(world_read(stall.patient.world, stall.server, FROM + 1, &word), FAULT_READY);
    EXPECT_U64(word, stall_word(1));
    EXPECT_U64(grant(FROM, 4), 4);
    EXPECT_U64(stall.server->own, 4);
    stall_finish();
}

TAP_TEST(without_frames_to_spare_none_are_granted_and_what_was_promised_is_there)
{
    struct pager_work work;

    start_asked(&work);
    for (uint64_t i = 0; i < 4; i++) {
        stall_fill(i);
    }
    uint32_t count = take_frames();
    EXPECT_U64(pool_free(stall_core()), 4);
    EXPECT_U64(grant(FAR, 4), 0);
    EXPECT_U64(pool_free(stall_core()), 4);
    EXPECT_ERR(stall_supply_raw(&work, 0, 4, SUPPLY_COPY), ERR_OK);
    stall_expect_read(0, stall_word(0));
    while (count > 0) {
        pool_give(stall_core(), taken[--count]);
    }
    stall_finish();
}

TAP_TEST(as_many_frames_as_there_are_to_spare_are_granted_and_the_rest_is_copied)
{
    struct pager_work work;

    start_asked(&work);
    stall_fill(2);
    stall_fill(3);
    uint32_t count = take_frames();
    for (int i = 0; i < 2; i++) {
        pool_give(stall_core(), taken[--count]);
    }
    EXPECT_U64(grant(FROM, 4), 4); /* two are there already */
    EXPECT_U64(grant(FAR, 4), 0);
    EXPECT_U64(pool_free(stall_core()), 4);
    EXPECT_ERR(stall_supply_raw(&work, 0, 2, SUPPLY_MOVE), ERR_OK);
    EXPECT_ERR(stall_supply_raw(&work, 2, 2, SUPPLY_COPY), ERR_OK);
    EXPECT_U64(stall.object->resident, 4);
    while (count > 0) {
        pool_give(stall_core(), taken[--count]);
    }
    stall_finish();
}

TAP_TEST(no_more_is_granted_than_the_pagers_budget_allows)
{
    struct pager_work work;

    start_asked(&work);
    stall_fill(0);
    const uint64_t left = (uint64_t)stall.server->budget.left;
    world_budget(stall.server, 1);
    EXPECT_U64(grant(FROM, 4), 2);
    EXPECT_U64(stall.server->own, 2);
    world_budget(stall.server, left);
    EXPECT_U64(grant(FROM, 4), 4);
    stall_finish();
}

TAP_TEST(what_is_not_the_pagers_own_memory_is_not_granted)
{
    const uint32_t read_only = TO;
    struct pager_work work;

    start_asked(&work);
    world_map(stall.patient.world, stall.server, read_only, 4, MEM_PROT_READ);
    const struct map_request shared = {
        .address = world_address(read_only + 16),
        .length = 4 * PAGE_SIZE,
        .prot = MEM_PROT_READ | MEM_PROT_WRITE,
        .flags = MEM_MAP_SHARED | MEM_MAP_ANONYMOUS | MEM_MAP_FIXED,
    };
    uaddr_t address;
    EXPECT_ERR(op_map(stall_core(), stall.server, &shared, &address), ERR_OK);
    EXPECT_U64(grant(read_only, 4), 0);
    EXPECT_U64(grant(read_only + 16, 4), 0);
    EXPECT_U64(grant(read_only + 32, 4), 0); /* nothing is there */
    EXPECT_U64(grant(FROM + 254, 4), 2);     /* and behind the end */
    EXPECT_U64(op_pager_grant(stall_core(), stall.server, (uaddr_t){UINT64_MAX - PAGE_MASK}, 4), 0);
    EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_OK);
    stall_finish();
}

TAP_TEST(frames_for_work_that_was_withdrawn_stay_the_pagers_and_serve_again)
{
    struct pager_work work;

    stall_start(PAGES, 1);
    EXPECT(!stall_read(0, AT));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(grant(FROM, 1), 1);
    patient_pass(&stall.patient, STALL_PATIENCE);
    stall_expect_signal(0, ERR_TIMEDOUT);
    EXPECT_ERR(stall_supply(&work, SUPPLY_MOVE), ERR_STALE);
    EXPECT_U64(stall.server->own, 1);
    EXPECT(!stall_read(0, AT));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    const uint64_t free = pool_free(stall_core());
    EXPECT_U64(grant(FROM, 1), 1);
    EXPECT_U64(pool_free(stall_core()), free);
    EXPECT_ERR(stall_supply(&work, SUPPLY_MOVE), ERR_OK);
    EXPECT_U64(stall.server->own, 0);
    stall_expect_read(0, stall_word(0));
    /* A second answer finds nothing to move. */
    EXPECT_ERR(stall_supply_raw(&work, 0, 1, SUPPLY_MOVE), ERR_STALE);
    stall_finish();
}

TAP_TEST(granted_frames_go_with_the_pager_that_ends)
{
    struct pager_work work;

    start_asked(&work);
    const uint64_t free = pool_free(stall_core());
    EXPECT_U64(grant(FROM, 4), 4);
    stall_end_server();
    stall_expect_signal(0, ERR_PEER_GONE);
    core_settle(stall_core());
    EXPECT(pool_free(stall_core()) >= free);
    stall_finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(granted_frames_are_zeros_and_become_the_pages),
        TAP(pages_that_are_there_are_granted_as_they_are),
        TAP(without_frames_to_spare_none_are_granted_and_what_was_promised_is_there),
        TAP(as_many_frames_as_there_are_to_spare_are_granted_and_the_rest_is_copied),
        TAP(no_more_is_granted_than_the_pagers_budget_allows),
        TAP(what_is_not_the_pagers_own_memory_is_not_granted),
        TAP(frames_for_work_that_was_withdrawn_stay_the_pagers_and_serve_again),
        TAP(granted_frames_go_with_the_pager_that_ends),
    };

    return TAP_RUN(argc, argv, tests);
}
