/* SPDX-License-Identifier: MIT */
/*
 * Anonymous shared memory: an object of its own behind each mapping (R21), and what it costs (R24).
 */
#include <tap.h>

#include "world.h"

#include "server/core/content.h"

#define AT 0x1000u
#define TO 0x2000u
#define RW (MEM_PROT_READ | MEM_PROT_WRITE)

static struct world *world;
static struct space *space;

static void start(uint32_t mode)
{
    world = world_make(WORLD_FRAMES, mode);
    space = world_space(world);
}

static void finish(void)
{
    world_audit(world);
    world_free(world);
}

static enum err map(uint32_t page, uint32_t pages, uint32_t prot, uint32_t flags)
{
    const struct map_request request = {
        .address = world_address(page),
        .length = (uint64_t)pages * PAGE_SIZE,
        .prot = prot,
        .flags = flags | MEM_MAP_SHARED | MEM_MAP_ANONYMOUS | MEM_MAP_FIXED,
        .offset = 7 * PAGE_SIZE,
    };
    uaddr_t address;

    return op_map(&world->core, space, &request, &address);
}

static enum err unmap(uint32_t page, uint32_t pages)
{
    return op_unmap(&world->core, space, world_address(page), (uint64_t)pages * PAGE_SIZE);
}

static enum err remap(uint32_t from, uint32_t old_pages, uint32_t to, uint32_t new_pages,
                      uint32_t flags)
{
    const struct remap_request request = {
        .address = world_address(from),
        .length_old = (uint64_t)old_pages * PAGE_SIZE,
        .length_new = (uint64_t)new_pages * PAGE_SIZE,
        .flags = flags | MEM_REMAP_MAYMOVE | MEM_REMAP_FIXED,
        .target = world_address(to),
    };
    uaddr_t address;

    return op_remap(&world->core, space, &request, &address);
}

static void expect_word(uint32_t page, uint64_t expected)
{
    uint64_t word = ~expected;

    EXPECT_U64(world_read(world, space, page, &word), FAULT_READY);
    EXPECT_U64(word, expected);
}

static uint64_t committed(void)
{
    return world->core.head->commit.used;
}

TAP_TEST(r21_two_anonymous_shared_mappings_never_merge_and_parts_of_one_do)
{
    start(COMMIT_NEVER);
    EXPECT_ERR(map(AT, 4, RW, 0), ERR_OK);
    EXPECT_ERR(map(AT + 4, 4, RW, 0), ERR_OK);
    EXPECT_U64(space->tree.count, 2);
    const struct protect_request apart = {
        .address = world_address(AT + 1), .length = PAGE_SIZE, .prot = MEM_PROT_READ};
    const struct protect_request together = {
        .address = world_address(AT + 1), .length = PAGE_SIZE, .prot = RW};
    EXPECT_ERR(op_protect(&world->core, space, &apart), ERR_OK);
    EXPECT_U64(space->tree.count, 4);
    EXPECT_ERR(op_protect(&world->core, space, &together), ERR_OK);
    EXPECT_U64(space->tree.count, 2);
    finish();
}

TAP_TEST(r21_the_offset_is_ignored)
{
    start(COMMIT_NEVER);
    EXPECT_ERR(map(AT, 4, RW, 0), ERR_OK);
    EXPECT_U64(tree_first(&world->core, &space->tree)->offset, 0);
    EXPECT_U64(world_write(world, space, AT + 3, 5), FAULT_READY);
    finish();
}

TAP_TEST(r21_a_second_mapping_of_the_same_object_shows_the_same_pages)
{
    start(COMMIT_NEVER);
    EXPECT_ERR(map(AT, 4, RW, 0), ERR_OK);
    EXPECT_U64(world_write(world, space, AT + 1, 5), FAULT_READY);
    EXPECT_ERR(remap(AT, 0, TO, 4, 0), ERR_OK);
    expect_word(TO + 1, 5);
    EXPECT_U64(world_write(world, space, TO + 2, 6), FAULT_READY);
    expect_word(AT + 2, 6);
    EXPECT_ERR(unmap(AT, 4), ERR_OK);
    expect_word(TO + 1, 5);
    EXPECT_U64(space->wired, 2);
    EXPECT_U64(world->core.head->object_table.frames, 2);
    finish();
}

TAP_TEST(r21_a_clone_sees_the_same_pages)
{
    struct space *clone = NULL;
    uint64_t word;

    start(COMMIT_NEVER);
    EXPECT_ERR(map(AT, 4, RW, 0), ERR_OK);
    EXPECT_U64(world_write(world, space, AT + 1, 5), FAULT_READY);
    REQUIRE(EXPECT_ERR(
        op_clone(&world->core, space, &(struct clone_request){.priority = 10}, &clone), ERR_OK));
    EXPECT_U64(committed(), 4);
    EXPECT_U64(world_read(world, clone, AT + 1, &word), FAULT_READY);
    EXPECT_U64(word, 5);
    EXPECT_U64(world_write(world, clone, AT + 2, 6), FAULT_READY);
    expect_word(AT + 2, 6);
    space_end(&world->core, space);
    EXPECT_U64(world_read(world, clone, AT + 2, &word), FAULT_READY);
    EXPECT_U64(word, 6);
    finish();
}

TAP_TEST(what_a_page_held_before_is_never_seen)
{
    start(COMMIT_NEVER);
    world_map(world, space, AT, 8, RW);
    for (uint32_t i = 0; i < 8; i++) {
        EXPECT_U64(world_write(world, space, AT + i, 99), FAULT_READY);
    }
    EXPECT_ERR(unmap(AT, 8), ERR_OK);
    EXPECT_ERR(map(AT, 8, RW, 0), ERR_OK);
    for (uint32_t i = 0; i < 8; i++) {
        struct fault_answer answer;

        /* As if whoever touched it had ended before the page was installed. */
        EXPECT_U64(fault_handle(&world->core, space, page_to_vpn(AT + i), MEM_PROT_READ, &answer),
                   FAULT_READY);
        expect_word(AT + i, 0);
    }
    finish();
}

TAP_TEST(dontneed_drops_leaves_and_no_contents)
{
    const struct advise_request request = {
        .address = world_address(AT), .length = 4 * PAGE_SIZE, .advice = MEM_ADVISE_DONTNEED};

    start(COMMIT_NEVER);
    EXPECT_ERR(map(AT, 4, RW, 0), ERR_OK);
    EXPECT_U64(world_write(world, space, AT, 5), FAULT_READY);
    EXPECT_ERR(op_advise(&world->core, space, &request), ERR_OK);
    EXPECT(model_leaf(world->port, space->kernel, AT) == NULL);
    EXPECT_U64(space->wired, 0);
    expect_word(AT, 5);
    finish();
}

TAP_TEST(pages_past_the_end_of_the_object_are_a_bus_error)
{
    start(COMMIT_NEVER);
    EXPECT_ERR(map(AT, 2, RW, 0), ERR_OK);
    EXPECT_ERR(remap(AT, 2, TO, 4, 0), ERR_OK);
    EXPECT_U64(world_write(world, space, TO + 1, 5), FAULT_READY);
    EXPECT_U64(world_write(world, space, TO + 2, 5), FAULT_PAST_END);
    uint64_t word;
    EXPECT_U64(world_read(world, space, TO + 3, &word), FAULT_PAST_END);
    finish();
}

TAP_TEST(incore_tells_of_pages_of_the_object_that_are_mapped_nowhere)
{
    uint8_t pages[4];
    uint32_t count;

    start(COMMIT_NEVER);
    EXPECT_ERR(map(AT, 4, RW, 0), ERR_OK);
    EXPECT_U64(world_write(world, space, AT + 1, 5), FAULT_READY);
    EXPECT_ERR(remap(AT, 0, TO, 4, 0), ERR_OK);
    EXPECT_ERR(op_incore(&world->core, space, world_address(TO), 4 * PAGE_SIZE, 4, pages, &count),
               ERR_OK);
    EXPECT_U64(count, 4);
    EXPECT(pages[0] == 0 && pages[1] == 1 && pages[2] == 0 && pages[3] == 0);
    finish();
}

TAP_TEST(query_says_shared_and_anonymous_and_which_object)
{
    struct query_region regions[2];

    start(COMMIT_NEVER);
    EXPECT_ERR(map(AT, 2, RW, 0), ERR_OK);
    EXPECT_ERR(map(AT + 2, 2, RW, 0), ERR_OK);
    EXPECT_U64(world_write(world, space, AT + 2, 5), FAULT_READY);
    REQUIRE(EXPECT_U64(op_query(&world->core, space, world_address(AT), 2, regions), 2));
    EXPECT_U64(regions[0].flags, MEM_MAP_SHARED | MEM_MAP_ANONYMOUS);
    EXPECT(regions[0].object != 0 && regions[0].object != regions[1].object);
    EXPECT_U64(regions[0].wired, 0);
    EXPECT_U64(regions[1].wired, 1);
    EXPECT_U64(regions[0].dirty, 0);
    EXPECT_U64(regions[1].dirty, 1);
    finish();
}

TAP_TEST(locked_shared_memory_is_present_at_once)
{
    start(COMMIT_NEVER);
    EXPECT_ERR(map(AT, 3, RW, MEM_MAP_LOCKED), ERR_OK);
    EXPECT_U64(space->wired, 3);
    EXPECT_U64(space->locked, 3);
    EXPECT(model_leaf(world->port, space->kernel, AT + 2) != NULL);
    finish();
}

TAP_TEST(copy_writes_shared_memory_as_the_client_would)
{
    uint64_t copied;

    start(COMMIT_NEVER);
    EXPECT_ERR(map(AT, 2, RW, 0), ERR_OK);
    world_map(world, space, TO, 1, RW);
    EXPECT_U64(world_write(world, space, TO, 5), FAULT_READY);
    const struct copy_request request = {.to = space,
                                         .from = space,
                                         .to_address = world_address(AT + 1),
                                         .from_address = world_address(TO),
                                         .length = 8};
    EXPECT_ERR(op_copy(&world->core, &request, &copied), ERR_OK);
    expect_word(AT + 1, 5);
    finish();
}

TAP_TEST(r24_the_object_is_charged_as_a_whole_until_its_last_page_is_unmapped)
{
    start(COMMIT_NEVER);
    EXPECT_ERR(map(AT, 6, RW, 0), ERR_OK);
    EXPECT_U64(committed(), 6);
    EXPECT_U64(space->committed, 0);
    EXPECT_U64(space->data, 0);
    EXPECT_ERR(unmap(AT + 1, 5), ERR_OK);
    EXPECT_U64(committed(), 6);
    EXPECT_ERR(unmap(AT, 1), ERR_OK);
    EXPECT_U64(committed(), 0);
    finish();
}

TAP_TEST(r24_noreserve_is_not_charged_but_in_mode_never)
{
    start(COMMIT_HEURISTIC);
    EXPECT_ERR(map(AT, 6, RW, MEM_MAP_NORESERVE), ERR_OK);
    EXPECT_U64(committed(), 0);
    EXPECT_ERR(map(TO, 6, MEM_PROT_READ, 0), ERR_OK);
    EXPECT_U64(committed(), 6);
    finish();
    start(COMMIT_NEVER);
    EXPECT_ERR(map(AT, 6, RW, MEM_MAP_NORESERVE), ERR_OK);
    EXPECT_U64(committed(), 6);
    finish();
}

TAP_TEST(r24_shared_memory_over_the_limit_of_the_account_is_refused)
{
    start(COMMIT_NEVER);
    const uint64_t limit = world->core.head->commit.limit;

    EXPECT_ERR(map(AT, (uint32_t)limit + 1, RW, 0), ERR_NOMEM);
    EXPECT_U64(space->refusal.limit, MEM_LIMIT_COMMIT);
    EXPECT_U64(space->refusal.value, limit);
    EXPECT_U64(space->refusal.asked, limit + 1);
    EXPECT_U64(world->core.head->objects.records, 0);
    EXPECT_ERR(map(AT, (uint32_t)limit, RW, 0), ERR_OK);
    EXPECT_U64(committed(), limit);
    finish();
}

TAP_TEST(frames_come_back_with_the_last_mapping_and_with_the_space)
{
    start(COMMIT_NEVER);
    core_settle(&world->core);
    const uint64_t free = pool_free(&world->core);

    for (uint32_t round = 0; round < 2; round++) {
        EXPECT_ERR(map(AT, 1500, RW, 0), ERR_OK);
        for (uint32_t i = 0; i < 1500; i += 3) {
            EXPECT_U64(world_write(world, space, AT + i, i), FAULT_READY);
        }
        EXPECT_U64(world->core.head->object_table.frames, 500);
        world_audit(world);
        if (round == 0) {
            EXPECT_ERR(unmap(AT, 1500), ERR_OK);
            core_settle(&world->core);
            EXPECT_U64(pool_free(&world->core), free);
        }
    }
    space_end(&world->core, space);
    EXPECT_U64(world->core.head->object_table.frames, 0);
    EXPECT_U64(world->core.head->objects.records, 0);
    finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(r21_two_anonymous_shared_mappings_never_merge_and_parts_of_one_do),
        TAP(r21_the_offset_is_ignored),
        TAP(r21_a_second_mapping_of_the_same_object_shows_the_same_pages),
        TAP(r21_a_clone_sees_the_same_pages),
        TAP(what_a_page_held_before_is_never_seen),
        TAP(dontneed_drops_leaves_and_no_contents),
        TAP(pages_past_the_end_of_the_object_are_a_bus_error),
        TAP(incore_tells_of_pages_of_the_object_that_are_mapped_nowhere),
        TAP(query_says_shared_and_anonymous_and_which_object),
        TAP(locked_shared_memory_is_present_at_once),
        TAP(copy_writes_shared_memory_as_the_client_would),
        TAP(r24_the_object_is_charged_as_a_whole_until_its_last_page_is_unmapped),
        TAP(r24_noreserve_is_not_charged_but_in_mode_never),
        TAP(r24_shared_memory_over_the_limit_of_the_account_is_refused),
        TAP(frames_come_back_with_the_last_mapping_and_with_the_space),
    };

    return TAP_RUN(argc, argv, tests);
}
