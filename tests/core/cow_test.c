/* SPDX-License-Identifier: MIT */
/*
 * Copy-on-write pages: who writes where, who keeps the frame, who ends first.
 */
#include <tap.h>

#include "server/core/shadow.h"
#include "world.h"

#define PAGE UINT32_C(0x20000)

static struct world *world;
static struct space *space;

static void begin(void)
{
    world = world_make(2500, COMMIT_NEVER);
    space = world_space(world);
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

static uint64_t free_frames(void)
{
    core_settle(&world->core);
    return pool_free(&world->core);
}

TAP_TEST(parent_and_clone_write_separately)
{
    begin();
    world_map(world, space, PAGE, 3, 3);
    write_word(space, PAGE, 10);
    write_word(space, PAGE + 1, 11);
    struct space *child = clone(space);

    EXPECT_U64(word_at(child, PAGE), 10);
    write_word(child, PAGE, 20);
    write_word(space, PAGE + 1, 31);
    write_word(child, PAGE + 2, 22);
    EXPECT_U64(word_at(space, PAGE), 10);
    EXPECT_U64(word_at(child, PAGE), 20);
    EXPECT_U64(word_at(space, PAGE + 1), 31);
    EXPECT_U64(word_at(child, PAGE + 1), 11);
    EXPECT_U64(word_at(space, PAGE + 2), 0);
    world_audit(world);
    space_end(&world->core, child);
    end();
}

TAP_TEST(the_write_right_goes_from_the_leaves_of_the_parent)
{
    begin();
    world_map(world, space, PAGE, 1, 3);
    write_word(space, PAGE, 10);
    EXPECT_U64(model_leaf(world->port, space->kernel, PAGE)->prot, 3);
    struct space *child = clone(space);

    EXPECT_U64(model_leaf(world->port, space->kernel, PAGE)->prot, MEM_PROT_READ);
    EXPECT(model_leaf(world->port, child->kernel, PAGE) == NULL);
    space_end(&world->core, child);
    end();
}

TAP_TEST(the_last_who_has_a_frame_writes_without_a_copy)
{
    begin();
    world_map(world, space, PAGE, 1, 3);
    write_word(space, PAGE, 10);
    struct space *child = clone(space);
    const uint64_t entry = *shadow_find(&world->core, space, PAGE);

    write_word(child, PAGE, 20);
    EXPECT_U64(shadow_entry_state(*shadow_find(&world->core, space, PAGE)), SHADOW_SHARED);
    write_word(space, PAGE, 30);
    EXPECT_U64(*shadow_find(&world->core, space, PAGE),
               shadow_entry(SHADOW_OWN, shadow_entry_frame(entry)));
    EXPECT_U64(space->shared, 0);
    EXPECT_U64(word_at(child, PAGE), 20);
    space_end(&world->core, child);
    end();
}

TAP_TEST(pages_on_the_zero_frame_stay_there_in_both)
{
    begin();
    world_map(world, space, PAGE, 2, 3);
    write_word(space, PAGE, 10);
    EXPECT_U64(word_at(space, PAGE + 1), 0);
    struct space *child = clone(space);

    EXPECT_U64(child->zero, 1);
    EXPECT_U64(space->zero, 1);
    EXPECT_U64(child->own, 1);
    EXPECT_U64(child->shared, 1);
    write_word(child, PAGE + 1, 21);
    EXPECT_U64(word_at(space, PAGE + 1), 0);
    space_end(&world->core, child);
    end();
}

/* A chain of clones, each of which writes one page more. */
static void end_a_chain(bool ends_eldest_first)
{
    enum { DEPTH = 6 };
    struct space *chain[DEPTH];

    begin();
    const uint64_t before = free_frames();
    world_map(world, space, PAGE, DEPTH, 3);
    for (uint32_t i = 0; i < DEPTH; i++) {
        write_word(space, PAGE + i, 100);
    }
    chain[0] = clone(space);
    for (uint32_t i = 1; i < DEPTH; i++) {
        chain[i] = clone(chain[i - 1]);
        write_word(chain[i], PAGE + i, 100 + i);
        world_audit(world);
    }
    for (uint32_t i = 0; i < DEPTH; i++) {
        struct space *ends = chain[ends_eldest_first ? i : DEPTH - 1 - i];

        for (uint32_t j = 0; j < DEPTH; j++) {
            const uint32_t age = ends_eldest_first ? i : DEPTH - 1 - i;

            EXPECT_U64(word_at(ends, PAGE + j), j <= age && j != 0 ? 100 + j : 100);
        }
        space_end(&world->core, ends);
        world_audit(world);
    }
    EXPECT_U64(space->own, DEPTH);
    EXPECT_ERR(op_unmap(&world->core, space, world_address(PAGE), DEPTH * PAGE_SIZE), ERR_OK);
    EXPECT_U64(free_frames(), before);
    end();
}

TAP_TEST(clones_of_clones_keep_their_pages_when_the_eldest_ends_first)
{
    end_a_chain(true);
}

TAP_TEST(clones_of_clones_keep_their_pages_when_the_youngest_ends_first)
{
    end_a_chain(false);
}

TAP_TEST(a_parent_that_ends_first_leaves_its_pages_to_the_clone)
{
    begin();
    world_map(world, space, PAGE, 700, 3);
    for (uint32_t i = 0; i < 700; i++) {
        write_word(space, PAGE + i, i + 1);
    }
    struct space *child = clone(space);

    space_end(&world->core, space);
    space = child;
    for (uint32_t i = 0; i < 700; i++) {
        EXPECT_U64(word_at(space, PAGE + i), i + 1);
    }
    EXPECT_U64(space->shared, 0); /* nobody else has them */
    end();
}

TAP_TEST(shared_pages_move_and_go_as_others_do)
{
    begin();
    world_map(world, space, PAGE, 4, 3);
    for (uint32_t i = 0; i < 4; i++) {
        write_word(space, PAGE + i, 10 + i);
    }
    struct space *child = clone(space);
    const struct remap_request request = {.address = world_address(PAGE),
                                          .length_old = PAGE_SIZE,
                                          .length_new = PAGE_SIZE,
                                          .flags = MEM_REMAP_MAYMOVE | MEM_REMAP_FIXED,
                                          .target = world_address(PAGE + 600)};
    const struct protect_request protect = {
        .address = world_address(PAGE + 3), .length = PAGE_SIZE, .prot = MEM_PROT_READ};
    const struct advise_request discard = {
        .address = world_address(PAGE + 1), .length = PAGE_SIZE, .advice = MEM_ADVISE_DONTNEED};
    uaddr_t address;
    uint64_t word = 0;

    EXPECT_ERR(op_remap(&world->core, space, &request, &address), ERR_OK);
    EXPECT_ERR(op_advise(&world->core, space, &discard), ERR_OK);
    EXPECT_ERR(op_unmap(&world->core, space, world_address(PAGE + 2), PAGE_SIZE), ERR_OK);
    EXPECT_ERR(op_protect(&world->core, space, &protect), ERR_OK);
    EXPECT_U64(word_at(space, PAGE + 600), 10);
    write_word(space, PAGE + 600, 30);
    EXPECT_U64(word_at(space, PAGE + 1), 0);
    EXPECT_U64(world_write(world, space, PAGE + 3, word), FAULT_DENIED);
    for (uint32_t i = 0; i < 4; i++) {
        EXPECT_U64(word_at(child, PAGE + i), 10 + i);
    }
    space_end(&world->core, child);
    end();
}

TAP_TEST(copying_to_a_shared_page_leaves_the_clone_alone)
{
    begin();
    world_map(world, space, PAGE, 2, 3);
    write_word(space, PAGE, 10);
    write_word(space, PAGE + 1, 11);
    struct space *child = clone(space);
    const struct copy_request request = {.to = child,
                                         .from = space,
                                         .to_address = world_address(PAGE),
                                         .from_address = world_address(PAGE + 1),
                                         .length = PAGE_SIZE};
    uint64_t copied = 0;

    EXPECT_ERR(op_copy(&world->core, &request, &copied), ERR_OK);
    EXPECT_U64(word_at(child, PAGE), 11);
    EXPECT_U64(word_at(space, PAGE), 10);
    space_end(&world->core, child);
    end();
}

TAP_TEST(a_copy_that_finds_no_frame_is_refused_and_both_keep_the_page)
{
    begin();
    world_map(world, space, PAGE, 1, 3);
    write_word(space, PAGE, 10);
    struct space *child = clone(space);

    world_starve(world, 0);
    EXPECT_U64(world_write(world, child, PAGE, 20), FAULT_NO_FRAME);
    EXPECT_U64(word_at(child, PAGE), 10);
    EXPECT_U64(word_at(space, PAGE), 10);
    EXPECT_U64(child->shared, 1);
    space_end(&world->core, child);
    end();
}

TAP_TEST(many_clones_at_a_time_count_each_of_them)
{
    enum { CLONES = 50 };
    struct space *clones[CLONES];

    begin();
    world_map(world, space, PAGE, 2, 3);
    write_word(space, PAGE, 10);
    for (uint32_t i = 0; i < CLONES; i++) {
        clones[i] = clone(i % 2 == 0 ? space : clones[i / 2]);
    }
    const uint32_t frame = shadow_entry_frame(*shadow_find(&world->core, space, PAGE));

    EXPECT_U64(pool_record(&world->core, frame)->references, CLONES + 1);
    world_audit(world);
    for (uint32_t i = 0; i < CLONES; i++) {
        space_end(&world->core, clones[i]);
    }
    end();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(parent_and_clone_write_separately),
        TAP(the_write_right_goes_from_the_leaves_of_the_parent),
        TAP(the_last_who_has_a_frame_writes_without_a_copy),
        TAP(pages_on_the_zero_frame_stay_there_in_both),
        TAP(clones_of_clones_keep_their_pages_when_the_eldest_ends_first),
        TAP(clones_of_clones_keep_their_pages_when_the_youngest_ends_first),
        TAP(a_parent_that_ends_first_leaves_its_pages_to_the_clone),
        TAP(shared_pages_move_and_go_as_others_do),
        TAP(copying_to_a_shared_page_leaves_the_clone_alone),
        TAP(a_copy_that_finds_no_frame_is_refused_and_both_keep_the_page),
        TAP(many_clones_at_a_time_count_each_of_them),
    };

    return TAP_RUN(argc, argv, tests);
}
