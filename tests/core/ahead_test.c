/* SPDX-License-Identifier: MIT */
/*
 * Fault-ahead: what the first write to a page makes present beside it where SEQUENTIAL was advised.
 */
#include <tap.h>

#include "server/core/budget.h"
#include "world.h"

#define AHEAD 7u
#define TURN  4u
/* Three pages before the end of a leaf. */
#define PAGE (UINT32_C(0x20000) - 3)

static struct world *world;
static struct space *space;

static void begin(uint32_t pages, uint32_t prot)
{
    world = world_make(1000, COMMIT_NEVER);
    world->core.head->fault_ahead = AHEAD;
    space = world_space(world);
    world_map(world, space, PAGE, pages, prot);
}

static void advise(uint32_t page, uint32_t pages, uint32_t advice)
{
    const struct advise_request request = {
        .address = world_address(page), .length = (uint64_t)pages * PAGE_SIZE, .advice = advice};

    EXPECT_ERR(op_advise(&world->core, space, &request), ERR_OK);
}

static void end(void)
{
    world_end(world, space);
}

TAP_TEST(the_first_write_makes_the_pages_after_it_present)
{
    uint64_t word = 1;

    begin(40, 3);
    advise(PAGE, 40, MEM_ADVISE_SEQUENTIAL);
    EXPECT_U64(world_write(world, space, PAGE + 5, 9), FAULT_READY);
    EXPECT_U64(space->own, 1 + AHEAD);
    for (uint32_t i = 1; i <= AHEAD; i++) {
        EXPECT_U64(model_leaf(world->port, space->kernel, PAGE + 5 + i)->prot, 3);
        EXPECT_U64(world_read(world, space, PAGE + 5 + i, &word), FAULT_READY);
        EXPECT_U64(word, 0);
    }
    EXPECT(model_leaf(world->port, space->kernel, PAGE + 6 + AHEAD) == NULL);
    end();
}

TAP_TEST(without_advice_a_page_comes_alone)
{
    begin(40, 3);
    advise(PAGE, 40, MEM_ADVISE_SEQUENTIAL);
    advise(PAGE, 40, MEM_ADVISE_NORMAL);
    EXPECT_U64(world_write(world, space, PAGE + 5, 9), FAULT_READY);
    EXPECT_U64(space->own, 1);
    end();
}

TAP_TEST(a_machine_that_is_set_to_none_does_as_linux)
{
    begin(40, 3);
    world->core.head->fault_ahead = 0;
    advise(PAGE, 40, MEM_ADVISE_SEQUENTIAL);
    EXPECT_U64(world_write(world, space, PAGE + 5, 9), FAULT_READY);
    EXPECT_U64(space->own, 1);
    end();
}

TAP_TEST(it_ends_with_the_region_the_leaf_and_at_pages_that_are_there)
{
    begin(40, 3);
    advise(PAGE, 40, MEM_ADVISE_SEQUENTIAL);
    EXPECT_U64(world_write(world, space, PAGE, 9), FAULT_READY);
    EXPECT_U64(space->own, 3);
    EXPECT_U64(world_write(world, space, PAGE + 38, 9), FAULT_READY);
    EXPECT_U64(space->own, 5);
    advise(PAGE + 20, 1, MEM_ADVISE_POPULATE_WRITE);
    EXPECT_U64(world_write(world, space, PAGE + 18, 9), FAULT_READY);
    EXPECT_U64(space->own, 8);
    end();
}

TAP_TEST(it_ends_with_the_leaf_where_the_next_one_has_pages_too)
{
    uint64_t word = 1;

    begin(600, 3);
    /* The same place of the next leaf, which must not be taken for that of the fault. */
    EXPECT_U64(world_write(world, space, PAGE + 512, 7), FAULT_READY);
    advise(PAGE, 600, MEM_ADVISE_SEQUENTIAL);
    EXPECT_U64(world_write(world, space, PAGE, 9), FAULT_READY);
    EXPECT_U64(space->own, 1 + 3);
    EXPECT_U64(world_read(world, space, PAGE, &word), FAULT_READY);
    EXPECT_U64(word, 9);
    EXPECT_U64(world_read(world, space, PAGE + 512, &word), FAULT_READY);
    EXPECT_U64(word, 7);
    end();
}

TAP_TEST(a_region_that_grows_below_does_not_grow_ahead)
{
    begin(1, 3);
    advise(PAGE, 1, MEM_ADVISE_SEQUENTIAL);
    EXPECT_U64(world_write(world, space, PAGE, 9), FAULT_READY);
    EXPECT_U64(space->own, 1);
    EXPECT_U64(space->pages, 1);
    end();
}

TAP_TEST(it_leaves_the_last_frames_to_who_asks_for_them)
{
    begin(40, 3);
    advise(PAGE, 40, MEM_ADVISE_SEQUENTIAL);
    EXPECT_U64(world_write(world, space, PAGE, 9), FAULT_READY);
    world_starve(world, 2 * AHEAD + 1);
    EXPECT_U64(world_write(world, space, PAGE + 3, 9), FAULT_READY); /* its leaf takes frames */
    EXPECT_U64(space->own, 4);
    EXPECT_U64(world_write(world, space, PAGE + 3 + 1, 9), FAULT_READY);
    EXPECT_U64(space->own, 5);
    end();
}

TAP_TEST(it_leaves_the_last_of_the_budget_too_and_says_nothing)
{
    struct space_settings settings = world_settings();
    struct space *child = NULL;

    begin(1, 3);
    settings.maker = space->number;
    settings.frames_max = 16;
    EXPECT_ERR(space_make(&world->core, &settings, &child), ERR_OK);
    struct space *own = space;

    space = child;
    world_map(world, space, PAGE, 20, 3);
    advise(PAGE, 20, MEM_ADVISE_SEQUENTIAL);
    EXPECT_U64(world_write(world, space, PAGE + 5, 9), FAULT_READY);
    EXPECT_U64(space->own, 1);
    EXPECT_U64(space->budget_asked, 0);
    space_end(&world->core, child);
    space = own;
    end();
}

TAP_TEST(willneed_brings_absent_pages_that_may_be_written)
{
    uint64_t word = 1;

    begin(40, 3);
    EXPECT_U64(world_write(world, space, PAGE + 5, 9), FAULT_READY);
    advise(PAGE + 2, 20, MEM_ADVISE_WILLNEED);
    EXPECT_U64(space->own, 20);
    EXPECT(model_leaf(world->port, space->kernel, PAGE + 1) == NULL);
    EXPECT(model_leaf(world->port, space->kernel, PAGE + 22) == NULL);
    EXPECT_U64(model_leaf(world->port, space->kernel, PAGE + 21)->prot, 3);
    EXPECT_U64(world_read(world, space, PAGE + 5, &word), FAULT_READY);
    EXPECT_U64(word, 9);
    EXPECT_U64(world_read(world, space, PAGE + 6, &word), FAULT_READY);
    EXPECT_U64(word, 0);
    end();
}

/* Also where a turn is less than what is brought at a time. */
TAP_TEST(willneed_goes_on_where_the_turn_before_ended)
{
    uint32_t page = PAGE;
    uint32_t turns = 0;
    enum err error;

    begin(40, 3);
    world->core.has_turns = true;
    do {
        const struct advise_request request = {.address = world_address(page),
                                               .length = (uint64_t)(PAGE + 40 - page) * PAGE_SIZE,
                                               .advice = MEM_ADVISE_WILLNEED};
        const uint64_t own = space->own;

        world->core.left = TURN;
        world->core.need = (struct need){0};
        error = op_advise(&world->core, space, &request);
        EXPECT(space->own > own && space->own - own <= TURN);
        page = (uint32_t)world->core.need.progress;
        turns++;
        REQUIRE(turns <= 40);
    } while (error == ERR_WAIT && world->core.need.kind == NEED_TURN);
    EXPECT_ERR(error, ERR_OK);
    EXPECT_U64(space->own, 40);
    world->core.need = (struct need){0};
    world->core.has_turns = false;
    end();
}

TAP_TEST(willneed_brings_pages_of_shared_memory_too_but_none_past_its_end)
{
    const struct map_request request = {.address = world_address(PAGE + 100),
                                        .length = 10 * PAGE_SIZE,
                                        .prot = 3,
                                        .flags =
                                            MEM_MAP_SHARED | MEM_MAP_ANONYMOUS | MEM_MAP_FIXED};
    const struct remap_request longer = {.address = world_address(PAGE + 100),
                                         .length_old = 10 * PAGE_SIZE,
                                         .length_new = 20 * PAGE_SIZE};
    uaddr_t address;

    begin(4, 3);
    EXPECT_ERR(op_map(&world->core, space, &request, &address), ERR_OK);
    core_done(&world->core);
    EXPECT_ERR(op_remap(&world->core, space, &longer, &address), ERR_OK);
    advise(PAGE + 104, 16, MEM_ADVISE_WILLNEED);
    EXPECT_U64(space->wired, 6);
    EXPECT_U64(world->core.head->object_table.frames, 6);
    end();
}

TAP_TEST(willneed_leaves_frames_budgets_and_what_is_only_read_alone)
{
    begin(40, 3);
    world_map(world, space, PAGE + 50, 4, 1);
    advise(PAGE + 50, 4, MEM_ADVISE_WILLNEED);
    EXPECT_U64(space->own + space->zero, 0);
    EXPECT_U64(world_write(world, space, PAGE + 39, 9), FAULT_READY);
    EXPECT_U64(world_write(world, space, PAGE, 9), FAULT_READY);
    world_starve(world, 3 * AHEAD + 2);
    advise(PAGE, 40, MEM_ADVISE_WILLNEED);
    EXPECT(space->own < 2 + 2 * AHEAD);
    EXPECT(pool_free(&world->core) >= 2 * AHEAD);
    world->core.head->fault_ahead = 0;
    const uint64_t before = space->own;

    advise(PAGE, 40, MEM_ADVISE_WILLNEED);
    EXPECT_U64(space->own, before);
    end();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(the_first_write_makes_the_pages_after_it_present),
        TAP(without_advice_a_page_comes_alone),
        TAP(a_machine_that_is_set_to_none_does_as_linux),
        TAP(it_ends_with_the_region_the_leaf_and_at_pages_that_are_there),
        TAP(it_ends_with_the_leaf_where_the_next_one_has_pages_too),
        TAP(a_region_that_grows_below_does_not_grow_ahead),
        TAP(it_leaves_the_last_frames_to_who_asks_for_them),
        TAP(it_leaves_the_last_of_the_budget_too_and_says_nothing),
        TAP(willneed_brings_absent_pages_that_may_be_written),
        TAP(willneed_goes_on_where_the_turn_before_ended),
        TAP(willneed_brings_pages_of_shared_memory_too_but_none_past_its_end),
        TAP(willneed_leaves_frames_budgets_and_what_is_only_read_alone),
    };

    return TAP_RUN(argc, argv, tests);
}
