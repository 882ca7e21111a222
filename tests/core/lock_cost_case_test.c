/* SPDX-License-Identifier: MIT */
/*
 * The dry run of LOCK where a few pages do not show it: each refusal, large leaves, huge pages,
 * pages ahead, swapped ones, others' budgets, turns.
 */
#include <tap.h>

#include <base/assert.h>

#include "huge_world.h"
#include "swapper.h"

#include "server/core/budget.h"
#include "server/core/page.h"

#define LARGE UINT32_C(512)
#define AT    (BLOCK - 2)

static struct world *world;
static struct space *space;

static void begin(uint32_t frames)
{
    world = world_make(frames, COMMIT_ALWAYS);
    space = world_space_with_records(world);
}

static void end(void)
{
    world_end(world, space);
}

static void advise(uint32_t page, uint32_t pages, uint32_t advice)
{
    const struct advise_request request = {
        .address = world_address(page), .length = (uint64_t)pages * PAGE_SIZE, .advice = advice};

    ASSERT(op_advise(&world->core, space, &request) == ERR_OK);
}

static struct lock_request request_of(uint32_t page, uint32_t pages, uint32_t flags)
{
    return (struct lock_request){world_address(page), (uint64_t)pages * PAGE_SIZE, flags, false};
}

static enum err dry(struct lock_request request, struct lock_cost *cost)
{
    request.flags |= MEM_LOCK_DRY;
    *cost = (struct lock_cost){0};
    return op_lock_cost(&world->core, space, &request, cost);
}

/* The dry run, then LOCK, which must agree. Returns: what both say. */
static enum err both(struct lock_request request, struct lock_cost *cost)
{
    const uint64_t locked = space->locked;
    const uint64_t frames = pool_free(&world->core);
    const enum err said = dry(request, cost);
    const struct refusal refusal = space->refusal;

    EXPECT_U64(space->locked, locked);
    EXPECT_U64(pool_free(&world->core), frames);
    const enum err done = op_lock(&world->core, space, &request);

    core_done(&world->core);
    EXPECT_ERR(said, done);
    EXPECT_U64(refusal.error, space->refusal.error);
    EXPECT_U64(refusal.limit, space->refusal.limit);
    if (done == ERR_OK) {
        EXPECT_U64(space->locked - locked, cost->pages);
        EXPECT_U64(frames - pool_free(&world->core), cost->frames);
    }
    world_audit(world);
    return done;
}

TAP_TEST(each_refusal_is_that_of_the_real_call)
{
    struct lock_cost cost;

    begin(400);
    world_map(world, space, 0x2000, 8, RW);
    world_map(world, space, 0x2009, 1, 0);
    space->settings.locked_max = 9 * PAGE_SIZE;
    EXPECT_ERR(both(request_of(0x2000, 1, 0x800), &cost), ERR_INVAL);
    EXPECT_ERR(both((struct lock_request){world_address(0x2000), UINT64_MAX, 0, false}, &cost),
               ERR_INVAL);
    EXPECT_ERR(both((struct lock_request){{UINT64_MAX & ~(uint64_t)PAGE_MASK}, PAGE_SIZE, 0, false},
                    &cost),
               ERR_INVAL);
    EXPECT_ERR(both(request_of(0x2000, 0, 0), &cost), ERR_OK);
    EXPECT_U64(cost.frames, 0);
    EXPECT_ERR(both(request_of(0x2000, 10, 0), &cost), ERR_NOMEM);
    EXPECT_U64(space->refusal.limit, MEM_LIMIT_LOCKED);
    EXPECT_U64(space->refusal.asked, 10);
    EXPECT_ERR(both(request_of(0x2007, 2, 0), &cost), ERR_NOMEM); /* a hole */
    EXPECT_ERR(both(request_of(0x2009, 1, 0), &cost), ERR_NOMEM); /* nobody may see it */
    EXPECT_ERR(both(request_of(0x2009, 1, MEM_LOCK_ONFAULT), &cost), ERR_OK);
    space->settings.regions_max = space->tree.count;
    EXPECT_ERR(both(request_of(0x2002, 2, 0), &cost), ERR_NOMEM); /* two splits */
    EXPECT_U64(space->refusal.limit, MEM_LIMIT_REGIONS);
    space->settings.locked_max = 0;
    EXPECT_ERR(both(request_of(0x2000, 1, 0), &cost), ERR_PERM);
    space->settings.privileges = SPACE_PRIVILEGE_LOCK;
    EXPECT_ERR(both(request_of(0x2000, 8, 0), &cost), ERR_OK);
    EXPECT_U64(cost.limit, MEM_UNLIMITED);
    EXPECT_U64(cost.pages, 8);
    end();
}

TAP_TEST(the_linux_form_does_not_know_the_flag)
{
    struct lock_request request = request_of(0x2000, 1, MEM_LOCK_DRY);

    begin(400);
    world_map(world, space, 0x2000, 1, RW);
    request.is_linux = true;
    EXPECT_ERR(op_lock(&world->core, space, &request), ERR_INVAL);
    request.flags |= MEM_LOCK_ONFAULT;
    EXPECT_ERR(op_lock(&world->core, space, &request), ERR_INVAL);
    EXPECT_U64(space->locked, 0);
    EXPECT_U64(space->own, 0);
    end();
}

/* Its budget has no frame for the records of two regions more. */
TAP_TEST(the_charge_for_records_is_judged_too)
{
    struct lock_cost cost;

    begin(400);
    struct space *other = world_space(world);

    for (uint32_t i = 0; i < 20; i++) {
        world_map(world, other, 0x3000 + 2 * i, 1, RW); /* so that there is a page with room */
    }
    world_map(world, space, 0x2000, 4, RW);
    for (uint32_t i = 0; space->tree.count < space->region_room; i++) {
        world_map(world, space, 0x3000 + 2 * i, 1, MEM_PROT_READ);
    }
    EXPECT_ERR(dry(request_of(0x2001, 2, 0), &cost), ERR_OK);
    world_budget(space, cost.frames);
    EXPECT_ERR(both(request_of(0x2001, 2, 0), &cost), ERR_NOMEM);
    EXPECT_U64(space->refusal.limit, MEM_LIMIT_BUDGET);
    world_budget(space, cost.frames + 1);
    EXPECT_ERR(both(request_of(0x2001, 2, 0), &cost), ERR_OK);
    end();
}

/* How a stretch that may become large stands before. */
enum stretch {
    EMPTY,
    IS_LARGE,
    HAS_PAGE,
    STRETCHES,
};

/* Two whole blocks and parts of those beside them, all advised; the first one as `stretch` says. */
static void begin_large(enum stretch stretch)
{
    begin(2500);
    world_map(world, space, AT, 3 * LARGE, RW);
    if (stretch == HAS_PAGE) {
        EXPECT_U64(world_write(world, space, BLOCK + 9, 1), FAULT_READY);
    }
    advise(AT, 3 * LARGE, MEM_ADVISE_HUGEPAGE);
    if (stretch == IS_LARGE) {
        EXPECT_U64(world_write(world, space, BLOCK + 9, 1), FAULT_READY);
        EXPECT_U64(space->larges, 1);
    }
}

TAP_TEST(large_leaves_are_counted_whole_and_what_their_splits_take)
{
    static const uint32_t firsts[] = {AT, BLOCK, BLOCK + 1, BLOCK + LARGE - 1};
    static const uint32_t ends[] = {BLOCK + LARGE, BLOCK + LARGE + 1, BLOCK + 2 * LARGE,
                                    BLOCK + 2 * LARGE + 5};
    struct lock_cost cost;

    for (unsigned i = 0; i < STRETCHES * 4 * 4 * 2; i++) {
        const uint32_t first = firsts[i % 4];
        const uint32_t pages = ends[i / 4 % 4] - first;

        begin_large((enum stretch)(i / 32));
        EXPECT_ERR(both(request_of(first, pages, i / 16 % 2), &cost), ERR_OK);
        EXPECT_U64(cost.pages, pages);
        end();
    }
}

TAP_TEST(without_a_run_or_the_budget_for_one_pages_are_counted_singly)
{
    static const uint64_t left[] = {0,   2,   3,   4,   400,  511,  512,  513,  514,
                                    516, 517, 600, 900, 1100, 1200, 1300, 1400, 1500};
    static const uint32_t pages[] = {1, LARGE, 2 * LARGE};
    struct lock_cost cost;

    for (unsigned i = 0; i < 2 * sizeof(left) / sizeof(left[0]); i++) {
        for (unsigned j = 0; j < 3; j++) {
            begin_large(EMPTY);
            if (i % 2 == 0) {
                world_budget(space, left[i / 2]);
            } else {
                world_starve(world, left[i / 2]);
            }
            (void)both(request_of(BLOCK, pages[j], 0), &cost);
            end();
        }
    }
}

TAP_TEST(pages_that_come_ahead_are_counted)
{
    struct lock_cost cost;

    for (uint32_t pages = 1; pages <= 12; pages++) {
        for (uint64_t left = 0; left < 28; left++) {
            begin(400);
            world->core.head->fault_ahead = 7;
            world_map(world, space, AT, 20, RW);
            advise(AT, 20, MEM_ADVISE_SEQUENTIAL);
            world_starve(world, left);
            (void)both(request_of(AT, pages, 0), &cost);
            end();
        }
    }
}

/* Huge pages are never locked, but brought. */
TAP_TEST(huge_pages_are_judged_by_the_pool)
{
    struct lock_cost cost;

    for (uint32_t pages = 1; pages <= 3; pages++) {
        huge_world_begin();
        world = huge_world.world;
        space = huge_world.space;
        for (uint32_t i = 0; i < 8; i++) {
            world_map(world, space, 0x1000 + 2 * i, 1, RW);
        }
        huge_world_map(BLOCK, 2, PRIVATE);
        huge_world_map(BLOCK + 8 * HUGE, 3, SHARED | MEM_MAP_NORESERVE);
        EXPECT_ERR(both(request_of(BLOCK, 2 * LARGE, MEM_LOCK_ONFAULT), &cost), ERR_OK);
        EXPECT_ERR(both(request_of(BLOCK + 8 * HUGE, pages * LARGE, 0), &cost),
                   pages < 3 ? ERR_OK : ERR_NOMEM);
        EXPECT_ERR(both(request_of(BLOCK, 2 * LARGE, 0), &cost), ERR_OK);
        EXPECT_U64(cost.pages, 0);
        if (pages == 1) {
            /* A clone has the pages too: a copy of one is all that the pool has. */
            struct space *clone = huge_world_clone();

            EXPECT_ERR(both(request_of(BLOCK, LARGE, 0), &cost), ERR_OK);
            EXPECT_ERR(both(request_of(BLOCK, 2 * LARGE, 0), &cost), ERR_NOMEM);
            space_end(&world->core, clone);
            EXPECT_ERR(both(request_of(BLOCK, 2 * LARGE, 0), &cost), ERR_OK);
        }
        huge_world_end();
    }
}

/* What was taken out is promised no longer, though the object has promises left. */
TAP_TEST(a_huge_page_that_was_taken_out_is_judged_by_what_is_nobodys)
{
    const struct advise_request taken_out = {.address = world_address(BLOCK),
                                             .length = (uint64_t)LARGE * PAGE_SIZE};
    struct lock_cost cost;

    huge_world_begin();
    world = huge_world.world;
    space = huge_world.space;
    huge_world_map(BLOCK, 3, SHARED);
    huge_world_map(BLOCK + 8 * HUGE, 2, SHARED | MEM_MAP_NORESERVE);
    huge_world_write_of(space, BLOCK, 1);
    huge_world_write_of(space, BLOCK + HUGE, 2);
    EXPECT_ERR(op_remove(&world->core, space, &taken_out), ERR_OK);
    huge_world_write_of(space, BLOCK + 8 * HUGE, 3);
    huge_world_write_of(space, BLOCK + 9 * HUGE, 4);
    EXPECT_ERR(both(request_of(BLOCK, LARGE, 0), &cost), ERR_NOMEM);
    EXPECT_ERR(both(request_of(BLOCK + 2 * HUGE, LARGE, 0), &cost), ERR_OK);
    huge_world_end();
}

/* Who made an object pays for its pages. */
TAP_TEST(the_budget_of_who_made_an_object_is_judged)
{
    const struct object_request wanted = {.bytes = 8 * PAGE_SIZE};
    struct object *object;
    struct lock_cost cost;

    for (uint64_t left = 0; left <= 5; left++) {
        begin(400);
        struct space *maker = world_space(world);

        ASSERT(op_object_make(&world->core, maker, &wanted, &object) == ERR_OK);
        const struct map_request request = {
            .address = world_address(AT),
            .length = 4 * PAGE_SIZE,
            .prot = RW,
            .flags = MEM_MAP_SHARED | MEM_MAP_FIXED,
            .object = object,
            .rights = MAP_RIGHT_READ | MAP_RIGHT_WRITE | MAP_RIGHT_MAPPABLE,
        };
        uaddr_t address;

        ASSERT(op_map(&world->core, space, &request, &address) == ERR_OK);
        world_budget(maker, left);
        /* 4 pages and one of the table. */
        EXPECT_ERR(both(request_of(AT, 4, 0), &cost), left < 5 ? ERR_AGAIN : ERR_OK);
        end();
    }
}

TAP_TEST(swapped_pages_come_back_into_frames_that_may_be_waited_for)
{
    const uint64_t words[WAIT_WORDS] = {ASK_LOCK, SWAPPER_AT, 6};
    struct lock_cost cost;

    swapper_start_away(8);
    world = swapper.patient.world;
    space = swapper.client;
    EXPECT_ERR(dry(request_of(SWAPPER_AT, 6, 0), &cost), ERR_OK);
    EXPECT_U64(cost.pages, 6);
    EXPECT_U64(cost.frames, 6);
    EXPECT_U64(cost.charged, 0); /* they were paid for all along */
    EXPECT_U64(space->swapped, 8);
    const uint64_t swapped = space->swapped;

    EXPECT_ERR(swapper_ask(swapper.threads[0], words)->error, ERR_OK);
    EXPECT_U64(space->locked, 6);
    EXPECT_U64(swapped - space->swapped, cost.frames);
    EXPECT_ERR(dry(request_of(SWAPPER_AT, 6, 0), &cost), ERR_OK);
    EXPECT_U64(cost.frames, 0);
    swapper_finish();
}

/* Turns of a dry run over `pages` pages from AT on. Returns: how many there were. */
static unsigned in_turns(uint32_t pages, struct lock_cost *cost)
{
    struct lock_request request = request_of(AT, pages, MEM_LOCK_DRY);
    struct core *core = &world->core;
    unsigned turns = 1;

    *cost = (struct lock_cost){0};
    core->has_turns = true;
    while (op_lock_cost(core, space, &request, cost) == ERR_WAIT) {
        EXPECT_U64(core->need.kind, NEED_TURN);
        EXPECT(core->need.progress > core->resume);
        core->resume = core->need.progress;
        core->need = (struct need){0};
        turns++;
    }
    core->resume = 0;
    core->has_turns = false;
    return turns;
}

TAP_TEST(a_long_dry_run_goes_in_turns_that_add_up)
{
    struct lock_cost cost;
    struct lock_cost whole;
    const uint32_t pages = 6 * LARGE;

    begin(2900);
    world_map(world, space, AT, pages, RW);
    for (uint32_t page = AT; page < AT + pages; page += 3) {
        EXPECT_U64(world_read(world, space, page, &(uint64_t){0}), FAULT_READY);
    }
    for (uint32_t page = AT; page < AT + pages; page += 40) {
        advise(page, 1, MEM_ADVISE_DONTFORK); /* many regions */
    }
    world_map(world, space, AT + LARGE, LARGE, RW); /* a leaf with nothing in it */
    EXPECT_ERR(dry(request_of(AT, 4 * LARGE, 0), &whole), ERR_OK);
    EXPECT(in_turns(4 * LARGE, &cost) >= 4);
    EXPECT_U64(cost.pages, whole.pages);
    EXPECT_U64(cost.frames, whole.frames);
    EXPECT_U64(cost.charged, whole.charged);
    EXPECT_ERR(both(request_of(AT, 4 * LARGE, 0), &cost), ERR_OK);
    EXPECT_U64(in_turns(1, &cost), 1);
    EXPECT_U64(cost.frames, 0);
    end();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(each_refusal_is_that_of_the_real_call),
        TAP(the_linux_form_does_not_know_the_flag),
        TAP(the_charge_for_records_is_judged_too),
        TAP(large_leaves_are_counted_whole_and_what_their_splits_take),
        TAP(without_a_run_or_the_budget_for_one_pages_are_counted_singly),
        TAP(pages_that_come_ahead_are_counted),
        TAP(huge_pages_are_judged_by_the_pool),
        TAP(a_huge_page_that_was_taken_out_is_judged_by_what_is_nobodys),
        TAP(the_budget_of_who_made_an_object_is_judged),
        TAP(swapped_pages_come_back_into_frames_that_may_be_waited_for),
        TAP(a_long_dry_run_goes_in_turns_that_add_up),
    };
    return TAP_RUN(argc, argv, tests);
}
