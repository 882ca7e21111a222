/* SPDX-License-Identifier: MIT */
/*
 * Large leaves: when they come, what a request about part of one leaves, where runs come from.
 */
#include <tap.h>

#include "server/core/page.h"
#include "world.h"

/* Two pages into a block of 512; BLOCK is the first aligned stretch behind it. */
#define PAGE  UINT32_C(0x20002)
#define BLOCK UINT32_C(0x20200)
#define LARGE UINT32_C(512)

static struct world *world;
static struct space *space;

static void advise(uint32_t page, uint32_t pages, uint32_t advice)
{
    const struct advise_request request = {
        .address = world_address(page), .length = (uint64_t)pages * PAGE_SIZE, .advice = advice};

    EXPECT_ERR(op_advise(&world->core, space, &request), ERR_OK);
}

/* Two whole blocks and parts of those beside them, with HUGEPAGE. */
static void begin(uint32_t frames)
{
    world = world_make(frames, COMMIT_ALWAYS);
    space = world_space(world);
    world_map(world, space, PAGE, 3 * LARGE, 3);
    advise(PAGE, 3 * LARGE, MEM_ADVISE_HUGEPAGE);
}

static void end(void)
{
    world_end(world, space);
}

static void write_word(uint32_t page, uint64_t word)
{
    EXPECT_U64(world_write(world, space, page, word), FAULT_READY);
}

static uint64_t word_at(uint32_t page)
{
    uint64_t word = 0;

    EXPECT_U64(world_read(world, space, page, &word), FAULT_READY);
    return word;
}

/* Whether one large leaf maps the page. */
static bool is_large(uint32_t page)
{
    const struct model_entry *leaf = model_leaf(world->port, space->kernel, page);

    return leaf != NULL && leaf->pages == LARGE;
}

/* Write words that tell pages apart to one large leaf. */
static void fill_block(void)
{
    for (uint32_t i = 0; i < LARGE; i += 17) {
        write_word(BLOCK + i, 1000 + i);
    }
    EXPECT(is_large(BLOCK));
    EXPECT_U64(space->larges, 1);
}

/* The pages from `first` to `end` of that leaf hold what was written. */
static void expect_block(uint32_t first, uint32_t end_page)
{
    for (uint32_t i = 0; i < LARGE; i++) {
        if (i >= first && i < end_page) {
            EXPECT_U64(word_at(BLOCK + i), i % 17 == 0 ? 1000 + i : 0);
        }
    }
}

TAP_TEST(the_first_write_in_an_advised_stretch_gets_one_large_leaf)
{
    begin(2500);
    const uint64_t faults = world->port->calls;

    write_word(BLOCK + 5, 7);
    EXPECT(is_large(BLOCK));
    EXPECT(is_large(BLOCK + 511));
    EXPECT_U64(model_leaf(world->port, space->kernel, BLOCK)->frame % LARGE, 0);
    EXPECT(model_leaf(world->port, space->kernel, BLOCK + LARGE) == NULL);
    EXPECT_U64(space->own, LARGE);
    EXPECT_U64(space->larges, 1);
    const uint64_t calls = world->port->calls;

    EXPECT(calls > faults);
    for (uint32_t i = 0; i < LARGE; i++) {
        EXPECT_U64(word_at(BLOCK + i), i == 5 ? 7 : 0);
    }
    EXPECT_U64(world->port->calls, calls);
    end();
}

TAP_TEST(a_large_leaf_that_was_dropped_comes_back_with_one_fault)
{
    begin(2500);
    fill_block();
    port_remove(world->port, space->kernel, page_to_vpn(BLOCK + 3), (npages_t){1});
    EXPECT(model_leaf(world->port, space->kernel, BLOCK + 400) == NULL);
    EXPECT_U64(word_at(BLOCK + 17), 1017);
    EXPECT(is_large(BLOCK + 400));
    expect_block(0, LARGE);
    end();
}

TAP_TEST(pages_come_one_by_one_where_a_stretch_is_not_all_of_the_region)
{
    begin(2500);
    write_word(BLOCK - 1, 1);
    write_word(BLOCK + 2 * LARGE + 1, 2);
    EXPECT_U64(space->larges, 0);
    EXPECT_U64(space->own, 2);
    end();
}

TAP_TEST(pages_come_one_by_one_without_advice_or_against_it)
{
    begin(2500);
    advise(PAGE, 3 * LARGE, MEM_ADVISE_NOHUGEPAGE);
    write_word(BLOCK, 1);
    world_map(world, space, BLOCK + 8 * LARGE, LARGE, 3);
    write_word(BLOCK + 8 * LARGE, 1);
    EXPECT_U64(space->own, 2);
    end();
}

TAP_TEST(pages_come_one_by_one_where_one_was_read_or_written_before)
{
    begin(2500);
    EXPECT_U64(word_at(BLOCK + 3), 0);
    write_word(BLOCK, 1);
    EXPECT_U64(space->own, 1);
    advise(PAGE, 3 * LARGE, MEM_ADVISE_DONTNEED);
    write_word(BLOCK, 1);
    EXPECT_U64(space->own, LARGE);
    EXPECT_U64(space->larges, 1);
    end();
}

TAP_TEST(pages_come_one_by_one_where_the_region_may_not_be_written_or_shows_an_object)
{
    begin(2500);
    const struct protect_request request = {
        .address = world_address(PAGE), .length = 3 * LARGE * PAGE_SIZE, .prot = MEM_PROT_READ};

    EXPECT_ERR(op_protect(&world->core, space, &request), ERR_OK);
    EXPECT_U64(word_at(BLOCK), 0);
    uint64_t word = 0;
    EXPECT_U64(world_touch(world, space, BLOCK, MEM_PROT_WRITE, &word), FAULT_DENIED);
    EXPECT_U64(space->own, 0);
    end();
}

TAP_TEST(pages_come_one_by_one_where_no_run_is_free)
{
    begin(700);
    for (uint32_t i = 0; i < 60; i++) {
        write_word(BLOCK - 1 - i, 1);
    }
    write_word(BLOCK, 1);
    write_word(BLOCK + LARGE, 1);
    EXPECT(space->larges <= 1);
    EXPECT(!is_large(BLOCK + LARGE));
    EXPECT_U64(word_at(BLOCK + LARGE), 1);
    end();
}

TAP_TEST(pages_come_one_by_one_where_the_budget_has_no_room_and_nothing_is_charged)
{
    begin(2500);
    write_word(BLOCK - 1, 1);
    world_budget(space, LARGE - 1);
    write_word(BLOCK, 1);
    EXPECT_U64(space->own, 2);
    EXPECT_U64(space->budget_asked, 0);
    world_budget(space, LARGE + 1);
    write_word(BLOCK + LARGE, 1);
    EXPECT_U64(space->own, 2 + LARGE);
    EXPECT_U64(budget_view(&world->core, space).limit - budget_view(&world->core, space).used, 1);
    end();
}

TAP_TEST(populate_and_lock_make_large_leaves)
{
    begin(2500);
    advise(PAGE, 3 * LARGE, MEM_ADVISE_POPULATE_WRITE);
    EXPECT_U64(space->larges, 2);
    EXPECT_U64(space->own, 3 * LARGE);
    EXPECT(is_large(BLOCK) && is_large(BLOCK + LARGE));
    const struct lock_request request = {.address = world_address(BLOCK),
                                         .length = LARGE * PAGE_SIZE};

    EXPECT_ERR(op_lock(&world->core, space, &request), ERR_OK);
    EXPECT_U64(space->locked, LARGE);
    EXPECT_U64(space->larges, 2);
    end();
}

TAP_TEST(incore_query_and_copy_see_every_page_of_a_large_leaf)
{
    uint8_t pages[LARGE];
    uint32_t count = 0;
    struct query_region region;
    uint64_t copied = 0;

    begin(2500);
    fill_block();
    EXPECT_ERR(op_incore(&world->core, space, world_address(BLOCK - 1), LARGE * PAGE_SIZE, LARGE,
                         pages, &count),
               ERR_OK);
    EXPECT_U64(count, LARGE);
    EXPECT_U64(pages[0], 0);
    for (uint32_t i = 1; i < LARGE; i++) {
        EXPECT_U64(pages[i], 1);
    }
    EXPECT_U64(op_query(&world->core, space, world_address(BLOCK), 1, &region), 1);
    EXPECT_U64(region.own, LARGE);
    const struct copy_request request = {
        .to = space,
        .from = space,
        .to_address = world_address(BLOCK + 100),
        .from_address = world_address(BLOCK + 17),
        .length = 8,
    };

    EXPECT_ERR(op_copy(&world->core, &request, &copied), ERR_OK);
    EXPECT_U64(word_at(BLOCK + 100), 1017);
    EXPECT_U64(space->larges, 1);
    end();
}

/* A copy to a stretch that nothing is in: it gets a large leaf. */
TAP_TEST(a_copy_to_an_advised_stretch_makes_a_large_leaf)
{
    uint64_t copied = 0;

    begin(2500);
    write_word(BLOCK - 1, 77);
    const struct copy_request request = {
        .to = space,
        .from = space,
        .to_address = world_address(BLOCK + 100),
        .from_address = world_address(BLOCK - 1),
        .length = 8,
    };

    EXPECT_ERR(op_copy(&world->core, &request, &copied), ERR_OK);
    EXPECT(is_large(BLOCK));
    EXPECT_U64(word_at(BLOCK + 100), 77);
    end();
}

TAP_TEST(a_large_leaf_goes_and_comes_as_a_whole_with_whole_ranges)
{
    begin(2500);
    fill_block();
    const struct protect_request request = {
        .address = world_address(PAGE), .length = 3 * LARGE * PAGE_SIZE, .prot = MEM_PROT_READ};

    EXPECT_ERR(op_protect(&world->core, space, &request), ERR_OK);
    EXPECT(is_large(BLOCK));
    EXPECT_U64(model_leaf(world->port, space->kernel, BLOCK)->prot, MEM_PROT_READ);
    expect_block(0, LARGE);
    EXPECT_ERR(op_unmap(&world->core, space, world_address(BLOCK), LARGE * PAGE_SIZE), ERR_OK);
    EXPECT_U64(space->larges, 0);
    EXPECT_U64(space->own, 0);
    end();
}

TAP_TEST(unmapping_part_of_a_large_leaf_leaves_the_rest)
{
    begin(2500);
    fill_block();
    EXPECT_ERR(op_unmap(&world->core, space, world_address(BLOCK + 100), 7 * PAGE_SIZE), ERR_OK);
    EXPECT_U64(space->larges, 0);
    EXPECT_U64(space->own, LARGE - 7);
    EXPECT(model_leaf(world->port, space->kernel, BLOCK + 99) != NULL);
    EXPECT(model_leaf(world->port, space->kernel, BLOCK + 100) == NULL);
    expect_block(0, 100);
    expect_block(107, LARGE);
    end();
}

TAP_TEST(giving_back_part_of_a_large_leaf_leaves_zeros_there_alone)
{
    begin(2500);
    fill_block();
    advise(BLOCK + 34, 17, MEM_ADVISE_DONTNEED);
    EXPECT_U64(space->own, LARGE - 17);
    EXPECT_U64(word_at(BLOCK + 34), 0);
    expect_block(0, 34);
    expect_block(51, LARGE);
    end();
}

TAP_TEST(protecting_locking_and_advising_part_of_a_large_leaf_splits_it)
{
    begin(2500);
    fill_block();
    const struct protect_request protect = {
        .address = world_address(BLOCK + 17), .length = PAGE_SIZE, .prot = MEM_PROT_READ};
    uint64_t word = 1;

    EXPECT_ERR(op_protect(&world->core, space, &protect), ERR_OK);
    EXPECT_U64(world_touch(world, space, BLOCK + 17, MEM_PROT_WRITE, &word), FAULT_DENIED);
    expect_block(0, LARGE);
    write_word(BLOCK + LARGE, 5);
    EXPECT_U64(space->larges, 1);
    advise(BLOCK + LARGE, 3, MEM_ADVISE_DONTFORK);
    EXPECT_U64(space->larges, 0);
    EXPECT_U64(word_at(BLOCK + LARGE), 5);
    EXPECT_U64(space->own, 2 * LARGE);
    end();
}

TAP_TEST(pages_of_a_large_leaf_move_and_keep_what_they_hold)
{
    uaddr_t address;

    begin(2500);
    fill_block();
    struct remap_request request = {
        .address = world_address(BLOCK),
        .length_old = LARGE * PAGE_SIZE,
        .length_new = LARGE * PAGE_SIZE,
        .flags = MEM_REMAP_MAYMOVE | MEM_REMAP_FIXED,
        .target = world_address(BLOCK + 10 * LARGE + 3),
    };

    EXPECT_ERR(op_remap(&world->core, space, &request, &address), ERR_OK);
    for (uint32_t i = 0; i < LARGE; i += 17) {
        EXPECT_U64(word_at(BLOCK + 10 * LARGE + 3 + i), 1000 + i);
    }
    EXPECT_U64(space->own, LARGE);
    /* Onto another large leaf. */
    write_word(BLOCK + LARGE, 5);
    EXPECT_U64(space->larges, 1);
    request.address = request.target;
    request.target = world_address(BLOCK + LARGE);
    EXPECT_ERR(op_remap(&world->core, space, &request, &address), ERR_OK);
    EXPECT_U64(word_at(BLOCK + LARGE + 17), 1017);
    end();
}

TAP_TEST(a_clone_and_its_parent_write_separately_what_was_a_large_leaf)
{
    struct space *child = NULL;

    begin(2500);
    fill_block();
    EXPECT_ERR(op_clone(&world->core, space, &(struct clone_request){.priority = 10}, &child),
               ERR_OK);
    core_done(&world->core);
    write_word(BLOCK + 17, 1);
    EXPECT_U64(world_write(world, child, BLOCK + 34, 2), FAULT_READY);
    uint64_t word = 0;

    EXPECT_U64(world_read(world, child, BLOCK + 17, &word), FAULT_READY);
    EXPECT_U64(word, 1017);
    EXPECT_U64(word_at(BLOCK + 34), 1034);
    EXPECT_U64(child->own, LARGE);
    space_end(&world->core, child);
    end();
}

TAP_TEST(a_batch_splits_what_it_takes_part_of)
{
    begin(2500);
    fill_block();
    uint32_t refused = 0;
    struct batch_op ops[] = {
        {.sort = BATCH_UNMAP, .unmap = {world_address(BLOCK + 8), PAGE_SIZE}},
        {.sort = BATCH_PROTECT,
         .protect = {.address = world_address(BLOCK + 9), .length = PAGE_SIZE, .prot = 1}},
    };

    EXPECT_ERR(op_batch(&world->core, space, ops, 2, &refused), ERR_OK);
    EXPECT_U64(space->larges, 0);
    EXPECT_U64(space->own, LARGE - 1);
    expect_block(0, 8);
    expect_block(9, LARGE);
    end();
}

TAP_TEST(a_split_without_frames_is_refused_and_changes_nothing)
{
    begin(2500);
    fill_block();
    const uint64_t own = space->own;

    world_starve(world, 1);
    EXPECT_ERR(op_unmap(&world->core, space, world_address(BLOCK + 8), PAGE_SIZE), ERR_NOMEM);
    EXPECT_U64(space->refusal.limit, MEM_LIMIT_FRAMES);
    EXPECT(is_large(BLOCK));
    const struct advise_request request = {
        .address = world_address(BLOCK + 8), .length = PAGE_SIZE, .advice = MEM_ADVISE_DONTNEED};

    EXPECT_ERR(op_advise(&world->core, space, &request), ERR_AGAIN);
    EXPECT_U64(space->own, own);
    expect_block(0, LARGE);
    EXPECT_ERR(op_unmap(&world->core, space, world_address(PAGE), 3 * LARGE * PAGE_SIZE), ERR_OK);
    EXPECT_U64(space->own, 0);
    end();
}

TAP_TEST(a_run_that_comes_back_whole_serves_again)
{
    begin(2500);
    for (int i = 0; i < 20; i++) {
        write_word(BLOCK, 1);
        write_word(BLOCK + LARGE, 1);
        EXPECT_U64(space->larges, 2);
        advise(PAGE, 3 * LARGE, MEM_ADVISE_DONTNEED);
        core_done(&world->core);
    }
    end();
}

TAP_TEST(free_runs_serve_as_single_frames_when_there_are_no_others)
{
    begin(2500);
    advise(PAGE, 3 * LARGE, MEM_ADVISE_POPULATE_WRITE);
    EXPECT_U64(space->larges, 2);
    advise(PAGE, 3 * LARGE, MEM_ADVISE_DONTNEED);
    world_map(world, space, BLOCK + 10 * LARGE, 5 * LARGE, 3);
    const uint64_t free = pool_free(&world->core);

    REQUIRE(free > 4 * LARGE && free < 5 * LARGE);
    for (uint32_t i = 0; i < free - 20; i++) {
        write_word(BLOCK + 10 * LARGE + i, i);
    }
    EXPECT(pool_free(&world->core) <= 20);
    world_audit(world);
    end();
}

TAP_TEST(frames_that_came_back_one_by_one_are_gathered_to_runs)
{
    begin(2500);
    world_map(world, space, BLOCK + 10 * LARGE, 5 * LARGE, 3);
    const uint64_t free = pool_free(&world->core);

    REQUIRE(free > 4 * LARGE && free < 5 * LARGE);
    for (uint32_t i = 0; i < free - 30; i++) {
        write_word(BLOCK + 10 * LARGE + i, i);
    }
    write_word(BLOCK, 1);
    EXPECT_U64(space->larges, 0);
    EXPECT_ERR(
        op_unmap(&world->core, space, world_address(BLOCK + 10 * LARGE), 5 * LARGE * PAGE_SIZE),
        ERR_OK);
    core_settle(&world->core);
    write_word(BLOCK + LARGE, 1);
    EXPECT_U64(space->larges, 1);
    world_audit(world);
    end();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(the_first_write_in_an_advised_stretch_gets_one_large_leaf),
        TAP(a_large_leaf_that_was_dropped_comes_back_with_one_fault),
        TAP(pages_come_one_by_one_where_a_stretch_is_not_all_of_the_region),
        TAP(pages_come_one_by_one_without_advice_or_against_it),
        TAP(pages_come_one_by_one_where_one_was_read_or_written_before),
        TAP(pages_come_one_by_one_where_the_region_may_not_be_written_or_shows_an_object),
        TAP(pages_come_one_by_one_where_no_run_is_free),
        TAP(pages_come_one_by_one_where_the_budget_has_no_room_and_nothing_is_charged),
        TAP(populate_and_lock_make_large_leaves),
        TAP(incore_query_and_copy_see_every_page_of_a_large_leaf),
        TAP(a_copy_to_an_advised_stretch_makes_a_large_leaf),
        TAP(a_large_leaf_goes_and_comes_as_a_whole_with_whole_ranges),
        TAP(unmapping_part_of_a_large_leaf_leaves_the_rest),
        TAP(giving_back_part_of_a_large_leaf_leaves_zeros_there_alone),
        TAP(protecting_locking_and_advising_part_of_a_large_leaf_splits_it),
        TAP(pages_of_a_large_leaf_move_and_keep_what_they_hold),
        TAP(a_clone_and_its_parent_write_separately_what_was_a_large_leaf),
        TAP(a_batch_splits_what_it_takes_part_of),
        TAP(a_split_without_frames_is_refused_and_changes_nothing),
        TAP(a_run_that_comes_back_whole_serves_again),
        TAP(free_runs_serve_as_single_frames_when_there_are_no_others),
        TAP(frames_that_came_back_one_by_one_are_gathered_to_runs),
    };

    return TAP_RUN(argc, argv, tests);
}
