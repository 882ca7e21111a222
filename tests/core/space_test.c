/* SPDX-License-Identifier: MIT */
/*
 * Spaces, threads, faults and COPY: what is taken comes back, to the frame.
 */
#include <string.h>

#include <tap.h>

#include "world.h"

#define PAGE 0x1000u

static struct world *world;

static uint64_t settled_free(void)
{
    core_settle(&world->core);
    world_audit(world);
    return pool_free(&world->core);
}

TAP_TEST(a_space_that_ends_gives_back_every_frame)
{
    world = world_make(2000, COMMIT_NEVER);
    struct space *keeper = world_space(world);
    struct thread *thread = NULL;

    /* The table of thread numbers stays with the first thread. */
    EXPECT_ERR(thread_make(&world->core, keeper, 0, 1, &thread), ERR_OK);
    uint64_t before = settled_free();

    for (uint32_t round = 0; round < 3; round++) {
        struct space *space = world_space(world);

        for (uint32_t i = 0; i < 40; i++) {
            world_map(world, space, PAGE + i * 700, 2 + i % 3, 3);
            EXPECT_U64(world_write(world, space, PAGE + i * 700, i), FAULT_READY);
        }
        EXPECT_ERR(thread_make(&world->core, space, 0, 1, &thread), ERR_OK);
        EXPECT_ERR(thread_make(&world->core, space, 1, 1, &thread), ERR_OK);
        EXPECT_ERR(thread_make(&world->core, space, 1, 1, &thread), ERR_EXIST);
        EXPECT_ERR(space_donate(&world->core, space, PORT_SLAB_OBJECTS), ERR_OK);
        world_audit(world);
        space_end(&world->core, space);
        EXPECT_U64(settled_free(), before);
    }
    EXPECT_U64(world->core.head->commit.used, 0);
    space_end(&world->core, keeper);
    world_free(world);
}

TAP_TEST(unmapping_gives_back_pages_and_tables_but_keeps_tables_that_neighbours_need)
{
    world = world_make(1000, COMMIT_ALWAYS);
    struct space *space = world_space(world);
    uint64_t before = settled_free();

    world_map(world, space, PAGE, 2, 3);
    world_map(world, space, PAGE + 5, 1, 1);
    EXPECT_U64(world_write(world, space, PAGE, 1), FAULT_READY);
    EXPECT_U64(space->shadows, 2);
    EXPECT_ERR(op_unmap(&world->core, space, world_address(PAGE), 2 * PAGE_SIZE), ERR_OK);
    EXPECT_U64(space->shadows, 2);
    EXPECT_U64(space->own, 0);
    EXPECT_ERR(op_unmap(&world->core, space, world_address(PAGE + 5), PAGE_SIZE), ERR_OK);
    EXPECT_U64(space->shadows, 0);
    EXPECT_U64(settled_free(), before);
    space_end(&world->core, space);
    world_free(world);
}

TAP_TEST(reads_share_the_zero_frame_until_they_are_written)
{
    world = world_make(1000, COMMIT_ALWAYS);
    struct space *space = world_space(world);
    uint64_t word = 9;

    world_map(world, space, PAGE, 2, 3);
    EXPECT_U64(world_read(world, space, PAGE, &word), FAULT_READY);
    EXPECT_U64(word, 0);
    EXPECT_U64(world_read(world, space, PAGE + 1, &word), FAULT_READY);
    EXPECT_U64(space->zero, 2);
    EXPECT_U64(space->own, 0);
    const struct model_entry *one = model_leaf(world->port, space->kernel, PAGE);
    const struct model_entry *two = model_leaf(world->port, space->kernel, PAGE + 1);

    EXPECT_U64(one->frame, two->frame);
    EXPECT_U64(world_write(world, space, PAGE, 5), FAULT_READY);
    EXPECT_U64(space->zero, 1);
    EXPECT_U64(space->own, 1);
    EXPECT_U64(world_read(world, space, PAGE + 1, &word), FAULT_READY);
    EXPECT_U64(word, 0);
    world_audit(world);
    space_end(&world->core, space);
    world_free(world);
}

TAP_TEST(a_fault_says_why_it_is_refused)
{
    world = world_make(1000, COMMIT_ALWAYS);
    struct space *space = world_space(world);
    struct object *object = world_object(world, 2);
    struct fault_answer answer;
    uint64_t word;
    const struct map_request request = {
        .address = world_address(PAGE + 10),
        .length = 3 * PAGE_SIZE,
        .prot = 1,
        .flags = MEM_MAP_SHARED | MEM_MAP_FIXED,
        .object = object,
        .rights = MAP_RIGHT_READ | MAP_RIGHT_MAPPABLE,
    };
    uaddr_t address;

    world_map(world, space, PAGE, 1, 1);
    world_map(world, space, PAGE + 1, 1, 0);
    world_map(world, space, PAGE + 2, 1, 4);
    EXPECT_ERR(op_map(&world->core, space, &request, &address), ERR_OK);
    EXPECT_U64(world_read(world, space, PAGE + 3, &word), FAULT_NO_REGION);
    EXPECT_U64(world_write(world, space, PAGE, 1), FAULT_DENIED);
    EXPECT_U64(world_read(world, space, PAGE + 1, &word), FAULT_DENIED);
    EXPECT_U64(world_read(world, space, PAGE + 2, &word), FAULT_DENIED); /* execute only */
    EXPECT_U64(world_touch(world, space, PAGE + 2, MEM_PROT_EXEC, &word), FAULT_READY);
    EXPECT_U64(world_read(world, space, PAGE + 11, &word), FAULT_READY);
    EXPECT_U64(word, WORLD_WORD + 1);
    EXPECT_U64(world_read(world, space, PAGE + 12, &word), FAULT_PAST_END);
    EXPECT_U64(fault_handle(&world->core, space, (vpn_t){UINT64_MAX}, 1, &answer), FAULT_NO_REGION);
    EXPECT_U64(fault_handle(&world->core, space, (vpn_t){UINT64_C(1) << 32 | PAGE}, 1, &answer),
               FAULT_NO_REGION);
    object_put(&world->core, object);
    space_end(&world->core, space);
    EXPECT_U64(world->core.head->objects.records, 0);
    world_free(world);
}

TAP_TEST(a_dropped_leaf_costs_a_fault_and_nothing_else)
{
    world = world_make(1000, COMMIT_ALWAYS);
    struct space *space = world_space(world);
    uint64_t word = 0;

    world_map(world, space, PAGE, 1, 3);
    EXPECT_U64(world_write(world, space, PAGE, 77), FAULT_READY);
    port_remove(world->port, space->kernel, page_to_vpn(PAGE), (npages_t){1});
    EXPECT_U64(world_read(world, space, PAGE, &word), FAULT_READY);
    EXPECT_U64(word, 77);
    EXPECT_U64(space->own, 1);
    space_end(&world->core, space);
    world_free(world);
}

TAP_TEST(copy_moves_bytes_across_page_edges_and_stops_at_the_first_bad_page)
{
    world = world_make(1000, COMMIT_ALWAYS);
    struct space *from = world_space(world);
    struct space *to = world_space(world);
    uint64_t copied = 0;

    world_map(world, from, PAGE, 2, 3);
    world_map(world, to, PAGE, 2, 3);
    EXPECT_U64(world_write(world, from, PAGE, 1), FAULT_READY);
    const struct model_entry *leaf = model_leaf(world->port, from->kernel, PAGE);
    unsigned char *bytes = model_bytes(world->port, leaf->frame);

    for (uint32_t i = 0; i < PAGE_SIZE; i++) {
        bytes[i] = (unsigned char)(i * 7);
    }
    struct copy_request request = {
        .to = to,
        .from = from,
        .to_address = {page_to_address(PAGE) + PAGE_SIZE - 10},
        .from_address = {page_to_address(PAGE) + 100},
        .length = 50,
    };

    EXPECT_ERR(op_copy(&world->core, &request, &copied), ERR_OK);
    EXPECT_U64(copied, 50);
    uint32_t one = model_leaf(world->port, to->kernel, PAGE)->frame;
    uint32_t two = model_leaf(world->port, to->kernel, PAGE + 1)->frame;

    EXPECT(memcmp(model_bytes(world->port, one) + PAGE_SIZE - 10, bytes + 100, 10) == 0);
    EXPECT(memcmp(model_bytes(world->port, two), bytes + 110, 40) == 0);
    request.to_address.v += PAGE_SIZE;
    EXPECT_ERR(op_copy(&world->core, &request, &copied), ERR_FAULT);
    EXPECT_U64(copied, 10);
    world_audit(world);
    space_end(&world->core, from);
    space_end(&world->core, to);
    world_free(world);
}

TAP_TEST(query_lists_regions_with_what_is_resident)
{
    world = world_make(1000, COMMIT_ALWAYS);
    struct space *space = world_space(world);
    struct query_region regions[4];
    uint64_t word;

    world_map(world, space, PAGE, 3, 3);
    world_map(world, space, PAGE + 3, 1, 1);
    EXPECT_U64(world_write(world, space, PAGE, 1), FAULT_READY);
    EXPECT_U64(world_read(world, space, PAGE + 1, &word), FAULT_READY);
    EXPECT_U64(op_query(&world->core, space, world_address(PAGE + 1), 4, regions), 2);
    EXPECT_U64(regions[0].start, page_to_address(PAGE));
    EXPECT_U64(regions[0].own, 1);
    EXPECT_U64(regions[0].zero, 1);
    EXPECT_U64(regions[1].start, page_to_address(PAGE + 3));
    EXPECT_U64(regions[1].prot, 1);
    EXPECT_U64(op_query(&world->core, space, (uaddr_t){UINT64_MAX}, 4, regions), 0);
    space_end(&world->core, space);
    world_free(world);
}

TAP_TEST(boot_refuses_frames_that_make_no_sense)
{
    struct core core;
    const struct core_range empty = {{MODEL_BASE + 5}, {0}};
    const struct core_range outside = {{MODEL_BASE + MODEL_FRAMES - 1}, {2}};
    struct core_boot boot = {
        .lowest = {MODEL_BASE}, .end = {MODEL_BASE + MODEL_FRAMES}, .range_count = 1};

    boot.ranges = &empty;
    EXPECT_ERR(core_init(&boot, &core), ERR_INVAL);
    boot.ranges = &outside;
    EXPECT_ERR(core_init(&boot, &core), ERR_INVAL);
    boot.range_count = 0;
    EXPECT_ERR(core_init(&boot, &core), ERR_INVAL);
}

TAP_TEST(boot_sets_up_core_wherever_the_free_frames_begin)
{
    /* Frame records fill pages of 256: what core takes for itself crosses the border of one. */
    for (uint32_t start = 1; start <= POOL_RECORDS; start++) {
        world = world_make_at(start, 64, COMMIT_NEVER);

        world_audit(world);
        struct space *space = world_space(world);
        world_map(world, space, PAGE, 1, 3);
        EXPECT_U64(world_write(world, space, PAGE, start), FAULT_READY);
        world_audit(world);
        world_free(world);
    }
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_space_that_ends_gives_back_every_frame),
        TAP(unmapping_gives_back_pages_and_tables_but_keeps_tables_that_neighbours_need),
        TAP(reads_share_the_zero_frame_until_they_are_written),
        TAP(a_fault_says_why_it_is_refused),
        TAP(a_dropped_leaf_costs_a_fault_and_nothing_else),
        TAP(copy_moves_bytes_across_page_edges_and_stops_at_the_first_bad_page),
        TAP(query_lists_regions_with_what_is_resident),
        TAP(boot_refuses_frames_that_make_no_sense),
        TAP(boot_sets_up_core_wherever_the_free_frames_begin),
    };

    return TAP_RUN(argc, argv, tests);
}
