/* SPDX-License-Identifier: MIT */
/*
 * ADVISE(REMOVE), and OBJECT_RESIZE in steps: what shared memory held is gone for everyone.
 */
#include <tap.h>

#include "server/core/content.h"
#include "world.h"

#define AT     UINT32_C(0x20000)
#define PAGES  8u
#define RW     (MEM_PROT_READ | MEM_PROT_WRITE)
#define RIGHTS (MAP_RIGHT_READ | MAP_RIGHT_WRITE | MAP_RIGHT_MAPPABLE)

static struct world *world;
static struct space *space;
static struct space *other;
static struct object *object;
static uint64_t frames_before;

static enum err map_in(struct space *in, uint32_t page, uint32_t pages, uint32_t prot,
                       uint32_t type, uint32_t rights)
{
    const struct map_request request = {
        .address = world_address(page),
        .length = (uint64_t)pages * PAGE_SIZE,
        .prot = prot,
        .flags = type | MEM_MAP_FIXED,
        .object = object,
        .rights = rights,
    };
    uaddr_t address;
    enum err error = op_map(&world->core, in, &request, &address);

    core_done(&world->core);
    return error;
}

/* Two spaces that map the object, shared; its pages hold 100, 101, ... */
static void begin(void)
{
    const struct object_request request = {.bytes = PAGES * PAGE_SIZE};

    world = world_make(1500, COMMIT_NEVER);
    space = world_space(world);
    other = world_space(world);
    EXPECT_ERR(op_object_make(&world->core, space, &request, &object), ERR_OK);
    core_done(&world->core);
    EXPECT_ERR(map_in(space, AT, PAGES, RW, MEM_MAP_SHARED, RIGHTS), ERR_OK);
    EXPECT_ERR(map_in(other, AT, PAGES, RW, MEM_MAP_SHARED, RIGHTS), ERR_OK);
    for (uint32_t i = 0; i < PAGES; i++) {
        uint64_t word = 0;

        EXPECT_U64(world_write(world, space, AT + i, 100 + i), FAULT_READY);
        EXPECT_U64(world_read(world, other, AT + i, &word), FAULT_READY);
    }
    core_settle(&world->core);
    frames_before = pool_free(&world->core);
}

static void end(void)
{
    world_audit(world);
    space_end(&world->core, other);
    space_end(&world->core, space);
    world_audit(world);
    world_free(world);
}

static enum err take(uint32_t page, uint32_t pages, bool is_linux)
{
    const struct advise_request request = {.address = world_address(page),
                                           .length = (uint64_t)pages * PAGE_SIZE,
                                           .is_linux = is_linux};
    enum err error = op_remove(&world->core, space, &request);

    core_done(&world->core);
    world_audit(world);
    return error;
}

static void expect_word(struct space *in, uint32_t page, uint64_t expected)
{
    uint64_t word = ~expected;

    EXPECT_U64(world_read(world, in, page, &word), FAULT_READY);
    EXPECT_U64(word, expected);
}

TAP_TEST(pages_are_gone_in_every_space_and_their_frames_come_back)
{
    begin();
    EXPECT_ERR(take(AT + 2, 3, false), ERR_OK);
    core_settle(&world->core);
    EXPECT_U64(pool_free(&world->core), frames_before + 3);
    for (uint32_t i = 0; i < PAGES; i++) {
        const bool is_gone = i >= 2 && i < 5;

        EXPECT_U64(content_frame(&world->core, object, i) == 0, is_gone);
        EXPECT_U64(model_leaf(world->port, other->kernel, AT + i) == NULL, is_gone);
    }
    expect_word(other, AT + 1, 101);
    expect_word(other, AT + 2, 0);
    expect_word(space, AT + 4, 0);
    expect_word(space, AT + 5, 105);
    EXPECT_U64(object->pages.v, PAGES);
    end();
}

/* With turns, as in the system: so many pages a message, and the rest with the next. */
TAP_TEST(much_is_taken_out_in_steps_and_what_was_never_there_takes_none)
{
    const uint32_t pages = 1024;
    const uint32_t first = 3;
    const struct object_request request = {.bytes = (uint64_t)pages * PAGE_SIZE};
    struct advise_request rest = {.address = world_address(AT + first),
                                  .length = (uint64_t)(pages - first) * PAGE_SIZE,
                                  .is_linux = true};
    struct core *core;
    uint32_t steps = 0;

    begin();
    core = &world->core;
    EXPECT_ERR(op_object_make(core, space, &request, &object), ERR_OK);
    core_done(core);
    EXPECT_ERR(map_in(space, AT, pages, RW, MEM_MAP_SHARED, RIGHTS), ERR_OK);
    EXPECT_ERR(map_in(other, AT, pages, RW, MEM_MAP_SHARED, RIGHTS), ERR_OK);
    for (uint32_t i = 0; i < 200; i++) {
        EXPECT_U64(world_write(world, space, AT + i, 100 + i), FAULT_READY);
        expect_word(other, AT + i, 100 + i);
    }
    EXPECT_U64(world_write(world, space, AT + pages - 1, 7), FAULT_READY);
    core->has_turns = true;
    for (uint64_t before = object->frames.count; op_remove(core, space, &rest) == ERR_WAIT;
         before = object->frames.count) {
        const uint32_t page = (uint32_t)core->need.progress;

        EXPECT_U64(core->need.kind, NEED_TURN);
        EXPECT(before - object->frames.count <= CONTENT_TURN);
        EXPECT(page > AT + first && page < AT + pages);
        core->need = (struct need){0};
        world_audit(world);
        rest.address = world_address(page);
        rest.length = (uint64_t)(AT + pages - page) * PAGE_SIZE;
        steps++;
    }
    core->has_turns = false;
    core_done(core);
    EXPECT(steps >= 6 && steps <= 8);
    EXPECT_U64(object->frames.count, first);
    expect_word(other, AT + first - 1, 100 + first - 1);
    expect_word(other, AT + first, 0);
    expect_word(space, AT + pages - 1, 0);
    end();
}

TAP_TEST(private_copies_stay_and_what_private_regions_only_showed_goes)
{
    begin();
    EXPECT_ERR(map_in(other, AT + 100, PAGES, RW, MEM_MAP_PRIVATE, RIGHTS), ERR_OK);
    EXPECT_U64(world_write(world, other, AT + 103, 9), FAULT_READY);
    expect_word(other, AT + 102, 102);
    EXPECT_ERR(take(AT, PAGES, false), ERR_OK);
    expect_word(other, AT + 103, 9);
    expect_word(other, AT + 102, 0);
    end();
}

TAP_TEST(the_offset_of_the_region_counts)
{
    const struct map_request request = {.address = world_address(AT + 200),
                                        .length = 2 * PAGE_SIZE,
                                        .prot = RW,
                                        .flags = MEM_MAP_SHARED | MEM_MAP_FIXED,
                                        .offset = 6 * PAGE_SIZE,
                                        .rights = RIGHTS};
    struct map_request map;
    uaddr_t address;

    begin();
    map = request;
    map.object = object;
    EXPECT_ERR(op_map(&world->core, space, &map, &address), ERR_OK);
    core_done(&world->core);
    EXPECT_ERR(take(AT + 201, 1, false), ERR_OK);
    expect_word(other, AT + 6, 106);
    expect_word(other, AT + 7, 0);
    end();
}

TAP_TEST(what_is_not_shared_writable_and_unlocked_refuses)
{
    begin();
    world_map(world, space, AT + 50, 1, RW);
    EXPECT_ERR(take(AT + 50, 1, false), ERR_INVAL);
    EXPECT_ERR(map_in(space, AT + 50, 1, RW, MEM_MAP_PRIVATE, RIGHTS), ERR_OK);
    EXPECT_ERR(take(AT + 50, 1, false), ERR_ACCES);
    EXPECT_ERR(map_in(space, AT + 50, 1, MEM_PROT_READ, MEM_MAP_SHARED,
                      MAP_RIGHT_READ | MAP_RIGHT_MAPPABLE),
               ERR_OK);
    EXPECT_ERR(take(AT + 50, 1, false), ERR_ACCES);
    const struct lock_request lock = {.address = world_address(AT + 1), .length = PAGE_SIZE};

    EXPECT_ERR(op_lock(&world->core, space, &lock), ERR_OK);
    EXPECT_ERR(take(AT, 2, false), ERR_INVAL);
    EXPECT_ERR(take(AT + 60, 1, false), ERR_NOMEM);
    expect_word(other, AT, 100);
    /* The form of Linux does what comes before, and passes over holes. */
    EXPECT_ERR(take(AT, 2, true), ERR_INVAL);
    expect_word(other, AT, 0);
    expect_word(other, AT + 1, 101);
    EXPECT_ERR(take(AT + 5, 20, true), ERR_NOMEM);
    expect_word(other, AT + 7, 0);
    const struct advise_request odd = {.address = {1}, .length = PAGE_SIZE};

    EXPECT_ERR(op_remove(&world->core, space, &odd), ERR_INVAL);
    end();
}

TAP_TEST(a_seal_against_writing_keeps_what_is_there)
{
    begin();
    EXPECT_ERR(op_object_seal(&world->core, space, object, RIGHTS, MEM_SEAL_FUTURE_WRITE), ERR_OK);
    EXPECT_ERR(take(AT, 1, false), ERR_PERM);
    expect_word(other, AT, 100);
    end();
}

static enum err resize(uint64_t bytes)
{
    return op_object_resize(&world->core, space, object, RIGHTS, bytes);
}

/* With turns, as in the system: so many of the last pages a message. */
TAP_TEST(shrinking_by_much_goes_in_steps_from_the_end)
{
    const uint32_t pages = 300;
    const uint64_t bytes = 3 * PAGE_SIZE + 100;
    const struct object_request request = {.bytes = pages * PAGE_SIZE};
    uint64_t word;
    uint32_t steps = 0;

    begin();
    EXPECT_ERR(op_object_make(&world->core, space, &request, &object), ERR_OK);
    core_done(&world->core);
    EXPECT_ERR(map_in(space, AT, pages, RW, MEM_MAP_SHARED, RIGHTS), ERR_OK);
    for (uint32_t i = 0; i < pages; i++) {
        EXPECT_U64(world_write(world, space, AT + i, 100 + i), FAULT_READY);
    }
    world->core.has_turns = true;
    for (uint64_t before = pages; resize(bytes) == ERR_WAIT; steps++) {
        EXPECT_U64(world->core.need.kind, NEED_TURN);
        world->core.need = (struct need){0};
        EXPECT(object->pages.v < before && before - object->pages.v <= CONTENT_TURN);
        EXPECT_U64(object->frames.count, object->pages.v);
        EXPECT_U64(world_read(world, space, AT + object->pages.v - 1, &word), FAULT_READY);
        EXPECT_U64(word, 100 + object->pages.v - 1);
        EXPECT_U64(world_read(world, space, AT + object->pages.v, &word), FAULT_PAST_END);
        world_audit(world);
        before = object->pages.v;
    }
    world->core.has_turns = false;
    EXPECT_U64(steps, (pages - 4) / CONTENT_TURN);
    EXPECT_U64(object->bytes, bytes);
    EXPECT_U64(object->frames.count, 4);
    end();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(shrinking_by_much_goes_in_steps_from_the_end),
        TAP(pages_are_gone_in_every_space_and_their_frames_come_back),
        TAP(much_is_taken_out_in_steps_and_what_was_never_there_takes_none),
        TAP(private_copies_stay_and_what_private_regions_only_showed_goes),
        TAP(the_offset_of_the_region_counts),
        TAP(what_is_not_shared_writable_and_unlocked_refuses),
        TAP(a_seal_against_writing_keeps_what_is_there),
    };

    return TAP_RUN(argc, argv, tests);
}
