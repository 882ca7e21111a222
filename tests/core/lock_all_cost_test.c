/* SPDX-License-Identifier: MIT */
/*
 * The dry run of LOCK_ALL where a few pages do not show it (lock_cost_test): each refusal, pages
 * that cannot be present or have no frame, turns.
 */
#include <tap.h>

#include <base/assert.h>
#include <mem/prot.h>

#include "world.h"

#define LARGE UINT32_C(512)
#define AT    UINT32_C(0x201fe)
#define RW    (MEM_PROT_READ | MEM_PROT_WRITE)

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

/* The dry run of LOCK_ALL, then LOCK_ALL, which must agree. Returns: what both say. */
static enum err both_all(uint32_t flags, struct lock_cost *cost)
{
    const uint64_t locked = space->locked;
    const uint64_t frames = pool_free(&world->core);

    *cost = (struct lock_cost){0};
    const enum err said = op_lock_all_cost(&world->core, space, flags | MEM_LOCK_DRY, cost);
    const struct refusal refusal = space->refusal;

    EXPECT_U64(space->locked, locked);
    EXPECT_U64(pool_free(&world->core), frames);
    const enum err done = op_lock_all(&world->core, space, flags);

    core_done(&world->core);
    EXPECT_ERR(said, done);
    EXPECT_U64(refusal.error, space->refusal.error);
    EXPECT_U64(refusal.limit, space->refusal.limit);
    EXPECT_U64(refusal.asked, space->refusal.asked);
    if (done == ERR_OK) {
        EXPECT_U64(space->locked - locked, cost->pages);
        EXPECT_U64(frames - pool_free(&world->core), cost->frames);
    }
    world_audit(world);
    return done;
}

TAP_TEST(that_of_lock_all_is_refused_as_lock_all_and_passes_over_what_cannot_be_present)
{
    struct lock_cost cost;

    begin(400);
    world_map(world, space, 0x2000, 8, RW);
    world_map(world, space, 0x2008, 2, 0); /* nobody may see it */
    world_map(world, space, 0x2010, 3, RW);
    EXPECT_U64(world_write(world, space, 0x2001, 1), FAULT_READY);
    EXPECT_ERR(both_all(0, &cost), ERR_INVAL);
    EXPECT_ERR(both_all(MEM_LOCK_ALL_ONFAULT, &cost), ERR_INVAL);
    EXPECT_ERR(both_all(MEM_LOCK_CURRENT | 8, &cost), ERR_INVAL);
    space->settings.locked_max = 12 * PAGE_SIZE;
    EXPECT_ERR(both_all(MEM_LOCK_CURRENT, &cost), ERR_NOMEM);
    EXPECT_U64(space->refusal.limit, MEM_LIMIT_LOCKED);
    EXPECT_ERR(both_all(MEM_LOCK_FUTURE, &cost), ERR_OK);
    EXPECT_U64(cost.pages + cost.frames, 0);
    EXPECT_U64(cost.limit, 12);
    space->future = 0;
    space->settings.locked_max = 0;
    EXPECT_ERR(both_all(MEM_LOCK_FUTURE, &cost), ERR_PERM);
    space->settings.locked_max = 13 * PAGE_SIZE;
    EXPECT_ERR(both_all(MEM_LOCK_CURRENT | MEM_LOCK_ALL_ONFAULT, &cost), ERR_OK);
    EXPECT_U64(cost.pages, 13);
    EXPECT_U64(cost.frames, 0);
    EXPECT_ERR(both_all(MEM_LOCK_CURRENT | MEM_LOCK_FUTURE, &cost), ERR_OK);
    EXPECT_U64(cost.used, 13);
    EXPECT_U64(cost.pages, 0);
    EXPECT_U64(cost.frames, 10);
    EXPECT_ERR(op_lock_all(&world->core, space, MEM_LOCK_CURRENT | MEM_LOCK_DRY), ERR_INVAL);
    end();
}

TAP_TEST(that_of_lock_all_counts_pages_for_which_there_is_no_frame)
{
    struct lock_cost cost = {0};

    begin(400);
    world_map(world, space, 0x2000, 300, RW);
    EXPECT_U64(world_write(world, space, 0x2000, 1), FAULT_READY);
    core_settle(&world->core);
    world_starve(world, 20);
    EXPECT_ERR(op_lock_all_cost(&world->core, space, MEM_LOCK_CURRENT, &cost), ERR_OK);
    EXPECT_U64(cost.frames, 299);
    EXPECT_U64(cost.pages, 300);
    EXPECT_ERR(op_lock_all(&world->core, space, MEM_LOCK_CURRENT), ERR_OK);
    EXPECT_U64(space->locked, 300);
    EXPECT_U64(pool_free(&world->core), 0);
    end();
}

TAP_TEST(that_of_lock_all_goes_in_turns_that_add_up)
{
    struct lock_cost cost = {0};
    struct lock_cost whole;
    struct core *core;
    unsigned turns = 1;

    begin(2900);
    core = &world->core;
    world_map(world, space, AT, 4 * LARGE, RW);
    for (uint32_t page = AT; page < AT + 4 * LARGE; page += 3) {
        EXPECT_U64(world_read(world, space, page, &(uint64_t){0}), FAULT_READY);
    }
    core->has_turns = true;
    while (op_lock_all_cost(core, space, MEM_LOCK_CURRENT, &cost) == ERR_WAIT) {
        EXPECT_U64(core->need.kind, NEED_TURN);
        EXPECT_U64(core->need.end, 0); /* the message comes again, with what was found */
        EXPECT(core->need.progress > core->resume);
        core->resume = core->need.progress;
        core->need = (struct need){0};
        turns++;
    }
    core->resume = 0;
    core->has_turns = false;
    EXPECT(turns >= 4);
    EXPECT_ERR(both_all(MEM_LOCK_CURRENT, &whole), ERR_OK);
    EXPECT_U64(cost.frames, whole.frames);
    EXPECT_U64(cost.pages, whole.pages);
    end();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(that_of_lock_all_is_refused_as_lock_all_and_passes_over_what_cannot_be_present),
        TAP(that_of_lock_all_counts_pages_for_which_there_is_no_frame),
        TAP(that_of_lock_all_goes_in_turns_that_add_up),
    };

    return TAP_RUN(argc, argv, tests);
}
