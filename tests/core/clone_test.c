/* SPDX-License-Identifier: MIT */
/*
 * CLONE: which regions a clone gets, its totals and limits, what it costs.
 */
#include <tap.h>

#include "world.h"

#define PAGE UINT32_C(0x20000)

static struct world *world;
static struct space *space;

static void begin_in_mode(uint32_t commit_mode)
{
    world = world_make(2500, commit_mode);
    space = world_space(world);
}

static void begin(void)
{
    begin_in_mode(COMMIT_NEVER);
}

static void end(void)
{
    world_end(world, space);
}

static struct space *clone(struct space *from)
{
    return world_clone(world, from);
}

static void write_word(struct space *where, uint32_t page, uint64_t word)
{
    EXPECT_U64(world_write(world, where, page, word), FAULT_READY);
}

static uint64_t word_at(struct space *where, uint32_t page)
{
    uint64_t word = 0;

    EXPECT_U64(world_read(world, where, page, &word), FAULT_READY);
    return word;
}

static void advise(uint32_t page, uint32_t pages, uint32_t advice)
{
    const struct advise_request request = {
        .address = world_address(page), .length = (uint64_t)pages * PAGE_SIZE, .advice = advice};

    EXPECT_ERR(op_advise(&world->core, space, &request), ERR_OK);
}

static uint64_t free_frames(void)
{
    core_settle(&world->core);
    return pool_free(&world->core);
}

TAP_TEST(untouched_regions_cost_a_record_each_and_no_table)
{
    begin_in_mode(COMMIT_ALWAYS);
    world_map(world, space, PAGE, 1, 3);
    write_word(space, PAGE, 10);
    struct space *small = clone(space);
    const uint32_t shadows = small->shadows;

    space_end(&world->core, small);
    world_map(world, space, UINT32_C(1) << 20, UINT32_C(1) << 20, 3);
    const uint64_t calls = world->port->calls;
    struct space *large = clone(space);

    EXPECT_U64(large->shadows, shadows);
    EXPECT_U64(large->tree.count, 2);
    EXPECT_U64(large->pages, (UINT32_C(1) << 20) + 1);
    EXPECT(world->port->calls - calls < 40);
    space_end(&world->core, large);
    end();
}

TAP_TEST(dontfork_regions_are_left_out)
{
    begin();
    world_map(world, space, PAGE, 6, 3);
    write_word(space, PAGE + 2, 10);
    advise(PAGE + 2, 2, MEM_ADVISE_DONTFORK);
    struct space *child = clone(space);
    uint64_t word;

    EXPECT_U64(world_read(world, child, PAGE + 2, &word), FAULT_NO_REGION);
    EXPECT_U64(child->pages, 4);
    EXPECT_U64(child->committed, 4);
    EXPECT_U64(child->tree.count, 2);
    EXPECT_U64(word_at(space, PAGE + 2), 10);
    EXPECT_U64(space->shared, 0);
    space_end(&world->core, child);
    end();
}

TAP_TEST(wipeonfork_regions_start_empty_and_stay_so_marked)
{
    begin();
    world_map(world, space, PAGE, 2, 3);
    write_word(space, PAGE, 10);
    write_word(space, PAGE + 1, 11);
    advise(PAGE, 1, MEM_ADVISE_WIPEONFORK);
    struct space *child = clone(space);

    EXPECT_U64(word_at(child, PAGE), 0);
    EXPECT_U64(word_at(child, PAGE + 1), 11);
    EXPECT_U64(child->tree.count, 2);
    EXPECT_U64(tree_first(&world->core, &child->tree)->flags & (REGION_WIPEONFORK | REGION_TOUCHED),
               REGION_WIPEONFORK);
    space_end(&world->core, child);
    end();
}

TAP_TEST(locks_are_not_inherited_and_what_they_kept_apart_joins)
{
    const struct lock_request locked = {.address = world_address(PAGE), .length = PAGE_SIZE};

    begin();
    world_map(world, space, PAGE, 3, 3);
    EXPECT_ERR(op_lock(&world->core, space, &locked), ERR_OK);
    EXPECT_ERR(op_lock_all(&world->core, space, MEM_LOCK_FUTURE), ERR_OK);
    EXPECT_U64(space->tree.count, 2);
    struct space *child = clone(space);

    EXPECT_U64(child->tree.count, 1);
    EXPECT_U64(child->locked, 0);
    EXPECT_U64(child->future, 0);
    EXPECT_U64(space->locked, 1);
    space_end(&world->core, child);
    end();
}

TAP_TEST(limits_and_ceilings_are_inherited)
{
    begin();
    const struct limits_request request = {
        .which = MEM_LIMIT_PAGES, .is_set = true, .value = 77, .ceiling = 99};
    struct limits_view view;

    EXPECT_ERR(op_limits(&world->core, space, &request, &view), ERR_OK);
    struct space *child = clone(space);

    EXPECT_U64(child->settings.pages_max, 77);
    EXPECT_U64(child->ceilings.pages, 99);
    EXPECT_U64(child->settings.regions_max, space->settings.regions_max);
    space_end(&world->core, child);
    end();
}

TAP_TEST(the_commit_account_judges_the_whole_clone)
{
    begin();
    const uint64_t limit = world->core.head->commit.limit;
    struct space *child = NULL;

    world_map(world, space, PAGE, (uint32_t)limit / 2 - 9, 3);
    world_map(world, space, PAGE + 4000, 10, 3);
    const uint64_t used = world->core.head->commit.used;
    const uint32_t spaces = world->core.head->spaces;

    EXPECT_ERR(op_clone(&world->core, space, &(struct clone_request){.priority = 10}, &child),
               ERR_NOMEM);
    EXPECT_U64(space->refusal.error, ERR_NOMEM);
    EXPECT_U64(space->refusal.limit, MEM_LIMIT_COMMIT);
    EXPECT_U64(space->refusal.value, limit);
    EXPECT_U64(space->refusal.used, used);
    EXPECT_U64(space->refusal.asked, used);
    EXPECT_U64(world->core.head->commit.used, used);
    EXPECT_U64(world->core.head->spaces, spaces);
    EXPECT_ERR(op_unmap(&world->core, space, world_address(PAGE), 2 * PAGE_SIZE), ERR_OK);
    child = clone(space);
    EXPECT_U64(world->core.head->commit.used, 2 * (used - 2));
    space_end(&world->core, child);
    EXPECT_U64(world->core.head->commit.used, used - 2);
    end();
}

TAP_TEST(heuristic_commit_lets_clones_promise_more_than_there_is)
{
    begin_in_mode(COMMIT_HEURISTIC);
    const uint32_t total = (uint32_t)world->core.head->pool.total;

    world_map(world, space, PAGE, total, 3);
    struct space *child = clone(space);

    EXPECT_U64(world->core.head->commit.used, 2 * (uint64_t)total);
    space_end(&world->core, child);
    end();
}

TAP_TEST(objects_get_a_reference_more_and_written_private_pages_are_shared)
{
    begin();
    struct object *object = world_object(world, 4);
    struct map_request request = {.address = world_address(PAGE),
                                  .length = 2 * PAGE_SIZE,
                                  .prot = 3,
                                  .flags = MEM_MAP_PRIVATE | MEM_MAP_FIXED,
                                  .object = object,
                                  .rights = MAP_RIGHT_READ | MAP_RIGHT_MAPPABLE};
    uaddr_t address;

    EXPECT_ERR(op_map(&world->core, space, &request, &address), ERR_OK);
    request.address = world_address(PAGE + 10);
    request.prot = 1;
    request.flags = MEM_MAP_SHARED | MEM_MAP_FIXED;
    EXPECT_ERR(op_map(&world->core, space, &request, &address), ERR_OK);
    write_word(space, PAGE, 10);
    EXPECT_U64(word_at(space, PAGE + 1), WORLD_WORD + 1);
    EXPECT_U64(object->references, 3);
    struct space *child = clone(space);

    EXPECT_U64(object->references, 5);
    EXPECT_U64(word_at(child, PAGE), 10);
    EXPECT_U64(word_at(child, PAGE + 1), WORLD_WORD + 1);
    EXPECT_U64(word_at(child, PAGE + 11), WORLD_WORD + 1);
    write_word(child, PAGE, 20);
    EXPECT_U64(word_at(space, PAGE), 10);
    space_end(&world->core, child);
    EXPECT_U64(object->references, 3);
    object_put(&world->core, object);
    end();
}

TAP_TEST(a_thousand_clones_one_after_the_other_leave_every_frame)
{
    begin();
    world_map(world, space, PAGE, 40, 3);
    for (uint32_t i = 0; i < 40; i++) {
        write_word(space, PAGE + i, i);
    }
    const uint64_t before = free_frames();

    for (uint32_t i = 0; i < 1000; i++) {
        struct space *child = clone(space);

        write_word(child, PAGE + i % 40, 1);
        space_end(&world->core, child);
    }
    EXPECT_U64(free_frames(), before);
    end();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(untouched_regions_cost_a_record_each_and_no_table),
        TAP(dontfork_regions_are_left_out),
        TAP(wipeonfork_regions_start_empty_and_stay_so_marked),
        TAP(locks_are_not_inherited_and_what_they_kept_apart_joins),
        TAP(limits_and_ceilings_are_inherited),
        TAP(the_commit_account_judges_the_whole_clone),
        TAP(heuristic_commit_lets_clones_promise_more_than_there_is),
        TAP(objects_get_a_reference_more_and_written_private_pages_are_shared),
        TAP(a_thousand_clones_one_after_the_other_leave_every_frame),
    };

    return TAP_RUN(argc, argv, tests);
}
