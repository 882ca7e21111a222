/* SPDX-License-Identifier: MIT */
/*
 * Slices of the boot archive: the same frames, bounded by bytes, paid for by who makes them.
 */
#include <tap.h>

#include "world.h"

#include "server/core/hold.h"
#include "server/core/shared.h"

#define AT    0x1000u
#define TO    0x2000u
#define RW    (MEM_PROT_READ | MEM_PROT_WRITE)
#define PAGES 16u /* of the whole */
#define FIRST 2u  /* where the slice begins */
#define BYTES 5000u

static struct world *world;
static struct space *space;
static struct object *whole;
static struct object *slice;

static enum err make_of(const struct object *from, uint32_t rights, uint64_t offset, uint64_t bytes)
{
    return op_object_slice(&world->core, space, from, rights, offset, bytes, &slice);
}

static void start(void)
{
    world = world_make(WORLD_FRAMES, COMMIT_NEVER);
    space = world_space(world);
    whole = world_object(world, PAGES);
    EXPECT_ERR(make_of(whole, SLICE_RIGHTS, FIRST * PAGE_SIZE, BYTES), ERR_OK);
}

static void finish(void)
{
    world_audit(world);
    world_free(world);
}

static uint64_t objects(void)
{
    return world->core.head->objects.records;
}

static enum err map_in(struct space *client, uint32_t page, uint32_t pages, uint32_t prot,
                       uint32_t type)
{
    const struct map_request request = {
        .address = world_address(page),
        .length = (uint64_t)pages * PAGE_SIZE,
        .prot = prot,
        .flags = type | MEM_MAP_FIXED,
        .object = slice,
        .rights = SLICE_RIGHTS,
    };
    uaddr_t address;

    return op_map(&world->core, client, &request, &address);
}

TAP_TEST(a_slice_shows_its_part_and_behind_it_is_a_bus_error)
{
    uint64_t word = 0;

    start();
    EXPECT_ERR(map_in(space, AT, 4, RW, MEM_MAP_PRIVATE), ERR_OK);
    for (uint32_t i = 0; i < 2; i++) {
        EXPECT_U64(world_read(world, space, AT + i, &word), FAULT_READY);
        EXPECT_U64(word, WORLD_WORD + FIRST + i);
    }
    EXPECT_U64(world_read(world, space, AT + 2, &word), FAULT_PAST_END);
    EXPECT_U64(world_write(world, space, AT + 3, 1), FAULT_PAST_END);
    EXPECT_U64(object_bytes(slice), BYTES);
    finish();
}

TAP_TEST(who_writes_to_a_private_page_has_a_copy_and_nobody_else_sees_it)
{
    uint64_t word = 0;

    start();
    struct space *other = world_space(world);
    EXPECT_ERR(map_in(space, AT, 1, RW, MEM_MAP_PRIVATE), ERR_OK);
    EXPECT_ERR(map_in(other, TO, 1, MEM_PROT_READ, MEM_MAP_SHARED), ERR_OK);
    EXPECT_U64(world_write(world, space, AT, 77), FAULT_READY);
    EXPECT_U64(world_read(world, space, AT, &word), FAULT_READY);
    EXPECT_U64(word, 77);
    EXPECT_U64(world_read(world, other, TO, &word), FAULT_READY);
    EXPECT_U64(word, WORLD_WORD + FIRST);
    EXPECT_ERR(map_in(other, TO, 1, RW, MEM_MAP_SHARED), ERR_ACCES);
    finish();
}

TAP_TEST(copies_of_a_slice_end_with_its_last_byte)
{
    uint64_t copied = 0;

    start();
    world_map(world, space, AT, 3, RW);
    struct copy_object_request request = {
        .space = space,
        .object = slice,
        .rights = SLICE_RIGHTS,
        .address = world_address(AT),
        .length = 3 * PAGE_SIZE,
    };
    EXPECT_ERR(op_copy_object(&world->core, &request, &copied), ERR_OK);
    EXPECT_U64(copied, BYTES);
    request.offset = BYTES - 1;
    EXPECT_ERR(op_copy_object(&world->core, &request, &copied), ERR_OK);
    EXPECT_U64(copied, 1);
    request.is_to_object = true;
    request.rights |= MAP_RIGHT_WRITE;
    EXPECT_ERR(op_copy_object(&world->core, &request, &copied), ERR_ACCES);
    finish();
}

TAP_TEST(a_slice_of_a_slice_is_bounded_by_it)
{
    uint64_t word = 0;

    start();
    const struct object *outer = slice;
    EXPECT_ERR(make_of(outer, SLICE_RIGHTS, PAGE_SIZE, BYTES - PAGE_SIZE + 1), ERR_RANGE);
    REQUIRE(EXPECT_ERR(make_of(outer, SLICE_RIGHTS, PAGE_SIZE, BYTES - PAGE_SIZE), ERR_OK));
    EXPECT_ERR(map_in(space, AT, 2, MEM_PROT_READ, MEM_MAP_PRIVATE), ERR_OK);
    EXPECT_U64(world_read(world, space, AT, &word), FAULT_READY);
    EXPECT_U64(word, WORLD_WORD + FIRST + 1);
    EXPECT_U64(world_read(world, space, AT + 1, &word), FAULT_PAST_END);
    finish();
}

TAP_TEST(what_is_no_part_or_not_allowed_is_refused_and_nothing_is_made)
{
    const uint64_t bytes = PAGES * PAGE_SIZE;
    const struct object_request request = {PAGE_SIZE, 0, 0};
    struct object *memory;

    start();
    EXPECT_ERR(op_object_make(&world->core, space, &request, &memory), ERR_OK);
    const uint64_t before = objects();
    EXPECT_ERR(make_of(memory, SLICE_RIGHTS, 0, 1), ERR_INVAL);
    EXPECT_ERR(make_of(whole, SLICE_RIGHTS, 1, 1), ERR_INVAL);
    EXPECT_ERR(make_of(whole, SLICE_RIGHTS & ~MAP_RIGHT_READ, 0, 1), ERR_ACCES);
    EXPECT_ERR(make_of(whole, SLICE_RIGHTS & ~MAP_RIGHT_EXEC, 0, 1), ERR_ACCES);
    EXPECT_ERR(make_of(whole, SLICE_RIGHTS & ~MAP_RIGHT_MAPPABLE, 0, 1), ERR_ACCES);
    EXPECT_ERR(make_of(whole, SLICE_RIGHTS, bytes + PAGE_SIZE, 0), ERR_RANGE);
    EXPECT_ERR(make_of(whole, SLICE_RIGHTS, 0, bytes + 1), ERR_RANGE);
    EXPECT_ERR(make_of(whole, SLICE_RIGHTS, PAGE_SIZE, UINT64_MAX - 10), ERR_RANGE);
    EXPECT_U64(objects(), before);
    EXPECT_ERR(make_of(whole, SLICE_RIGHTS, bytes, 0), ERR_OK);
    EXPECT_ERR(make_of(whole, SLICE_RIGHTS, 0, bytes), ERR_OK);
    finish();
}

TAP_TEST(without_budget_or_frames_no_slice_is_made)
{
    start();
    const uint64_t before = objects();
    struct space *poor = world_space(world);
    world_budget(poor, 0);
    EXPECT_ERR(op_object_slice(&world->core, poor, whole, SLICE_RIGHTS, 0, 1, &slice), ERR_NOMEM);
    EXPECT_U64(poor->objects, 0);
    world_starve(world, 0);
    enum err error = ERR_OK;
    uint32_t made = 0;
    while (error == ERR_OK) {
        error = make_of(whole, SLICE_RIGHTS, 0, 1);
        made += error == ERR_OK ? 1 : 0;
    }
    EXPECT_ERR(error, ERR_NOMEM);
    EXPECT_U64(objects(), before + made);
    EXPECT_U64(space->objects, made + 1);
    finish();
}

TAP_TEST(its_maker_alone_gets_a_handle_again_and_never_to_write)
{
    start();
    struct core *core = &world->core;
    struct space *other = world_space(world);
    EXPECT_ERR(op_object_again(core, space, slice->number, SLICE_RIGHTS), ERR_OK);
    EXPECT_ERR(op_object_again(core, space, slice->number, MAP_RIGHT_READ | MAP_RIGHT_WRITE),
               ERR_ACCES);
    EXPECT_ERR(op_object_again(core, other, slice->number, MAP_RIGHT_READ), ERR_NOENT);
    EXPECT_ERR(op_object_again(core, space, whole->number, MAP_RIGHT_READ), ERR_NOENT);
    EXPECT_ERR(op_object_again(core, space, slice->number + 1, MAP_RIGHT_READ), ERR_NOENT);
    finish();
}

TAP_TEST(a_slice_stays_as_long_as_it_is_mapped_and_costs_nothing_after)
{
    uint64_t word = 0;

    start();
    struct core *core = &world->core;
    struct space *other = world_space(world);
    const uint64_t number = slice->number;
    EXPECT_ERR(map_in(other, AT, 1, MEM_PROT_READ, MEM_MAP_PRIVATE), ERR_OK);
    space_end(core, space);
    EXPECT(object_find(core, number) == slice);
    EXPECT_U64(world_read(world, other, AT, &word), FAULT_READY);
    EXPECT_U64(word, WORLD_WORD + FIRST);
    world_audit(world);
    EXPECT_ERR(op_unmap(core, other, world_address(AT), PAGE_SIZE), ERR_OK);
    EXPECT(object_find(core, number) == NULL);
    EXPECT_U64(objects(), 1); /* the whole */
    finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_slice_shows_its_part_and_behind_it_is_a_bus_error),
        TAP(who_writes_to_a_private_page_has_a_copy_and_nobody_else_sees_it),
        TAP(copies_of_a_slice_end_with_its_last_byte),
        TAP(a_slice_of_a_slice_is_bounded_by_it),
        TAP(what_is_no_part_or_not_allowed_is_refused_and_nothing_is_made),
        TAP(without_budget_or_frames_no_slice_is_made),
        TAP(its_maker_alone_gets_a_handle_again_and_never_to_write),
        TAP(a_slice_stays_as_long_as_it_is_mapped_and_costs_nothing_after),
    };
    return TAP_RUN(argc, argv, tests);
}
