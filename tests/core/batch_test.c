/* SPDX-License-Identifier: MIT */
/*
 * BATCH: the last operation refused, and nothing changed; all done, and the same as one by one.
 */
#include <tap.h>

#include "batch_ops.h"
#include "snapshot.h"
#include "world.h"

#define PAGE UINT32_C(0x20000)

static struct world *world;
static struct space *space;
static struct snapshot before;
static struct snapshot after;

static void begin(void)
{
    world = world_make(1200, COMMIT_NEVER);
    space = world_space(world);
    world_map(world, space, PAGE, 8, 3);
    for (uint32_t i = 0; i < 8; i++) {
        EXPECT_U64(world_write(world, space, PAGE + i, 100 + i), FAULT_READY);
    }
    snapshot_take(world, &before);
}

static void end(void)
{
    world_audit(world);
    space_end(&world->core, space);
    world_audit(world);
    EXPECT_U64(world->core.head->commit.used, 0);
    world_free(world);
}

static struct batch_op map_op(uint32_t page, uint32_t pages, uint32_t prot, uint32_t flags)
{
    return (struct batch_op){.sort = BATCH_MAP,
                             .map = {.address = world_address(page),
                                     .length = (uint64_t)pages * PAGE_SIZE,
                                     .prot = prot,
                                     .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | flags}};
}

static struct batch_op lock_op(uint32_t page, uint32_t pages, uint32_t flags)
{
    return (struct batch_op){.sort = BATCH_LOCK,
                             .lock = {.address = world_address(page),
                                      .length = (uint64_t)pages * PAGE_SIZE,
                                      .flags = flags}};
}

static enum err run(struct batch_op *ops, uint32_t count, uint32_t *refused)
{
    enum err error = op_batch(&world->core, space, ops, count, refused);

    core_done(&world->core);
    snapshot_take(world, &after);
    world_audit(world);
    return error;
}

static void expect_word(uint32_t page, uint64_t expected)
{
    uint64_t word = 0;

    EXPECT_U64(world_read(world, space, page, &word), FAULT_READY);
    EXPECT_U64(word, expected);
}

TAP_TEST(operations_see_what_those_before_them_did)
{
    struct batch_op ops[] = {
        unmap_op(PAGE, 2),           map_op(PAGE, 1, 1, MEM_MAP_FIXED_NOREPLACE),
        protect_op(PAGE + 4, 2, 1),  advise_op(PAGE + 6, 1, MEM_ADVISE_DONTNEED),
        remap_op(PAGE + 6, 2, 1, 0), lock_op(PAGE + 2, 1, MEM_LOCK_ONFAULT),
    };
    uint32_t refused = 0;
    uint64_t word = 1;

    begin();
    EXPECT_ERR(run(ops, 6, &refused), ERR_OK);
    EXPECT_U64(ops[1].address.v, world_address(PAGE).v);
    EXPECT_U64(space->pages, 6);
    EXPECT_U64(space->locked, 1);
    expect_word(PAGE, 0);
    EXPECT_U64(world_read(world, space, PAGE + 1, &word), FAULT_NO_REGION);
    expect_word(PAGE + 2, 102);
    expect_word(PAGE + 4, 104);
    EXPECT_U64(world_write(world, space, PAGE + 4, 1), FAULT_DENIED);
    expect_word(PAGE + 6, 0);
    EXPECT_U64(world_read(world, space, PAGE + 7, &word), FAULT_NO_REGION);
    EXPECT_U64(world_write(world, space, PAGE + 3, 9), FAULT_READY);
    end();
}

TAP_TEST(a_bad_last_operation_leaves_everything_as_it_was)
{
    struct batch_op ops[BATCH_MAX];
    uint32_t refused = 0;

    begin();
    for (uint32_t i = 0; i + 1 < BATCH_MAX; i++) {
        ops[i] = i % 3 == 0   ? map_op(PAGE + 2 * i, 1, 1, MEM_MAP_FIXED)
                 : i % 3 == 1 ? protect_op(PAGE + 2, 2, i % 2 == 0 ? 1 : 3)
                              : advise_op(PAGE + 2, 2, MEM_ADVISE_DONTNEED);
    }
    ops[BATCH_MAX - 1] = protect_op(PAGE + 500, 1, 1);
    EXPECT_ERR(run(ops, BATCH_MAX, &refused), ERR_NOMEM);
    EXPECT_U64(refused, BATCH_MAX - 1);
    EXPECT_U64(space->refusal.error, ERR_NOMEM);
    EXPECT(snapshot_is_equal(&before, &after));
    ops[BATCH_MAX - 1] = unmap_op(PAGE + 3, 1);
    EXPECT_ERR(run(ops, BATCH_MAX, &refused), ERR_OK);
    end();
}

TAP_TEST(a_limit_that_refuses_is_told_with_its_figures)
{
    const uint64_t limit = 20;
    struct batch_op ops[] = {
        unmap_op(PAGE, 4),
        map_op(PAGE + 100, 16, 3, MEM_MAP_FIXED),
        map_op(PAGE + 200, 1, 3, MEM_MAP_FIXED),
    };
    uint32_t refused = 0;

    begin();
    space->settings.pages_max = limit;
    snapshot_take(world, &before);
    EXPECT_ERR(run(ops, 3, &refused), ERR_NOMEM);
    EXPECT_U64(refused, 2);
    EXPECT_U64(space->refusal.limit, MEM_LIMIT_PAGES);
    EXPECT_U64(space->refusal.value, limit);
    EXPECT_U64(space->refusal.used, 20);
    EXPECT_U64(space->refusal.asked, 1);
    EXPECT(snapshot_is_equal(&before, &after));
    EXPECT_ERR(run(ops, 2, &refused), ERR_OK);
    EXPECT_U64(space->pages, 20);
    end();
}

TAP_TEST(the_commit_account_counts_each_page_once)
{
    const uint64_t total = 1200;
    uint32_t refused = 0;

    begin();
    const uint64_t limit = world->core.head->commit.limit;
    struct batch_op ops[] = {
        unmap_op(PAGE, 8),
        map_op(PAGE + 1000, (uint32_t)limit, 3, MEM_MAP_FIXED),
        map_op(PAGE + 4000, 1, 3, MEM_MAP_FIXED),
    };

    EXPECT(limit <= total);
    EXPECT_ERR(run(ops, 3, &refused), ERR_NOMEM);
    EXPECT_U64(refused, 2);
    EXPECT_U64(space->refusal.limit, MEM_LIMIT_COMMIT);
    EXPECT_U64(world->core.head->commit.used, 8);
    EXPECT_ERR(run(ops, 2, &refused), ERR_OK);
    EXPECT_U64(world->core.head->commit.used, limit);
    end();
}

TAP_TEST(what_cannot_be_taken_back_is_refused_before_anything_runs)
{
    struct batch_op ops[] = {unmap_op(PAGE, 1), remap_op(PAGE + 1, 1, 2, MEM_REMAP_MAYMOVE)};
    uint32_t refused = 0;

    begin();
    EXPECT_ERR(run(ops, 2, &refused), ERR_OPNOTSUPP);
    EXPECT_U64(refused, 1);
    ops[1] = advise_op(PAGE + 1, 1, MEM_ADVISE_POPULATE_WRITE);
    EXPECT_ERR(run(ops, 2, &refused), ERR_OPNOTSUPP);
    ops[1] = lock_op(PAGE + 1, 1, 0);
    EXPECT_ERR(run(ops, 2, &refused), ERR_OPNOTSUPP);
    EXPECT(snapshot_is_equal(&before, &after));
    end();
}

TAP_TEST(pages_that_were_asked_for_are_present_afterwards)
{
    struct batch_op ops[] = {
        map_op(PAGE + 100, 3, 3, MEM_MAP_FIXED | MEM_MAP_POPULATE),
        map_op(PAGE + 200, 2, 3, MEM_MAP_FIXED | MEM_MAP_LOCKED),
        unmap_op(PAGE + 101, 1),
    };
    uint32_t refused = 0;

    begin();
    EXPECT_ERR(run(ops, 3, &refused), ERR_OK);
    EXPECT(model_leaf(world->port, space->kernel, PAGE + 100) != NULL);
    EXPECT(model_leaf(world->port, space->kernel, PAGE + 101) == NULL);
    EXPECT(model_leaf(world->port, space->kernel, PAGE + 102) != NULL);
    EXPECT(model_leaf(world->port, space->kernel, PAGE + 201) != NULL);
    EXPECT_U64(space->own, 8 + 4);
    end();
}

TAP_TEST(of_a_locked_region_only_what_grows_is_made_present)
{
    struct batch_op ops[] = {remap_op(PAGE + 100, 4, 2, 0), protect_op(PAGE + 100, 2, 1)};
    struct batch_op more[] = {remap_op(PAGE + 100, 2, 4, 0)};
    const struct lock_request lock = {
        .address = world_address(PAGE + 100), .length = 5 * PAGE_SIZE, .is_linux = true};
    uint32_t refused = 0;

    begin();
    world_map(world, space, PAGE + 100, 4, 3);
    /* A lock that meets a hole is there, but makes nothing present. */
    EXPECT_ERR(op_lock(&world->core, space, &lock), ERR_NOMEM);
    EXPECT_ERR(run(ops, 2, &refused), ERR_OK);
    EXPECT_U64(space->locked, 2);
    EXPECT_U64(space->own + space->zero, 8);
    EXPECT_ERR(run(more, 1, &refused), ERR_OK);
    EXPECT(model_leaf(world->port, space->kernel, PAGE + 101) == NULL);
    EXPECT(model_leaf(world->port, space->kernel, PAGE + 102) != NULL);
    end();
}

TAP_TEST(empty_spans_anywhere_do_nothing)
{
    struct batch_op ops[] = {protect_op(PAGE, 0, 1), advise_op(PAGE, 0, MEM_ADVISE_DONTNEED)};
    uint32_t refused = 0;

    begin();
    ops[0].protect.address.v = UINT64_C(1) << 63;
    EXPECT_ERR(run(ops, 2, &refused), ERR_OK);
    EXPECT(snapshot_is_equal(&before, &after));
    end();
}

TAP_TEST(shared_objects_of_a_refused_batch_are_gone)
{
    struct batch_op ops[] = {map_op(PAGE + 100, 3, 3, MEM_MAP_FIXED), unmap_op(PAGE, 0)};
    uint32_t refused = 0;

    begin();
    ops[0].map.flags ^= MEM_MAP_PRIVATE | MEM_MAP_SHARED;
    EXPECT_ERR(run(ops, 2, &refused), ERR_INVAL);
    EXPECT_U64(refused, 1);
    EXPECT(snapshot_is_equal(&before, &after));
    EXPECT_ERR(run(ops, 1, &refused), ERR_OK);
    EXPECT_U64(world_write(world, space, PAGE + 101, 5), FAULT_READY);
    end();
}

TAP_TEST(many_regions_are_carried_over)
{
    struct batch_op ops[] = {map_op(PAGE + 1000, 1, 1, MEM_MAP_FIXED), unmap_op(PAGE + 100, 2)};
    uint32_t refused = 0;

    begin();
    for (uint32_t i = 0; i < 150; i++) {
        world_map(world, space, PAGE + 100 + 2 * i, 1, i % 2 == 0 ? 1 : 3);
    }
    EXPECT_ERR(run(ops, 2, &refused), ERR_OK);
    EXPECT_U64(space->tree.count, 1 + 150 + 1 - 1);
    end();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(operations_see_what_those_before_them_did),
        TAP(a_bad_last_operation_leaves_everything_as_it_was),
        TAP(a_limit_that_refuses_is_told_with_its_figures),
        TAP(the_commit_account_counts_each_page_once),
        TAP(what_cannot_be_taken_back_is_refused_before_anything_runs),
        TAP(pages_that_were_asked_for_are_present_afterwards),
        TAP(of_a_locked_region_only_what_grows_is_made_present),
        TAP(empty_spans_anywhere_do_nothing),
        TAP(shared_objects_of_a_refused_batch_are_gone),
        TAP(many_regions_are_carried_over),
    };

    return TAP_RUN(argc, argv, tests);
}
