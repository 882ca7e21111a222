/* SPDX-License-Identifier: MIT */
/*
 * Shared memory by handle: size, pages past the end, seals, append-only, COPY, holds and names.
 */
#include <string.h>

#include <tap.h>

#include "world.h"

#include "server/core/content.h"
#include "server/core/hold.h"
#include "server/core/shared.h"

#define AT     0x1000u
#define TO     0x2000u
#define RW     (MEM_PROT_READ | MEM_PROT_WRITE)
#define R_READ (MAP_RIGHT_READ | MAP_RIGHT_MAPPABLE)
#define R_BOTH (R_READ | MAP_RIGHT_WRITE)

static struct world *world;
static struct space *space;
static struct object *object;

static enum err make(uint64_t bytes, uint32_t flags, uint32_t seals)
{
    const struct object_request request = {bytes, flags, seals};

    return op_object_make(&world->core, space, &request, &object);
}

/* A world with an object of so many bytes. */
static void start(uint32_t mode, uint64_t bytes)
{
    world = world_make(WORLD_FRAMES, mode);
    space = world_space(world);
    EXPECT_ERR(make(bytes, 0, 0), ERR_OK);
}

static void finish(void)
{
    world_audit(world);
    world_free(world);
}

static enum err map_as(struct space *client, uint32_t page, uint32_t pages, uint32_t prot,
                       uint32_t type, uint64_t offset, uint32_t rights)
{
    const struct map_request request = {
        .address = world_address(page),
        .length = (uint64_t)pages * PAGE_SIZE,
        .prot = prot,
        .flags = type | MEM_MAP_FIXED,
        .offset = offset * PAGE_SIZE,
        .object = object,
        .rights = rights,
    };
    uaddr_t address;

    return op_map(&world->core, client, &request, &address);
}

static enum err map(uint32_t page, uint32_t pages, uint32_t prot, uint32_t type)
{
    return map_as(space, page, pages, prot, type, 0, R_BOTH);
}

static enum err resize(uint64_t bytes)
{
    return op_object_resize(&world->core, space, object, R_BOTH, bytes);
}

static enum err seal(uint32_t seals)
{
    return op_object_seal(&world->core, space, object, R_BOTH, seals);
}

static enum err protect(uint32_t page, uint32_t prot)
{
    const struct protect_request request = {
        .address = world_address(page), .length = PAGE_SIZE, .prot = prot};

    return op_protect(&world->core, space, &request);
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

static uint64_t objects(void)
{
    return world->core.head->objects.records;
}

TAP_TEST(two_spaces_that_map_an_object_see_the_same_pages)
{
    uint64_t word;

    start(COMMIT_NEVER, 4 * PAGE_SIZE);
    struct space *other = world_space(world);
    EXPECT_ERR(map(AT, 4, RW, MEM_MAP_SHARED), ERR_OK);
    EXPECT_ERR(map_as(other, TO, 2, RW, MEM_MAP_SHARED, 2, R_BOTH), ERR_OK);
    EXPECT_U64(world_write(world, space, AT + 3, 5), FAULT_READY);
    EXPECT_U64(world_read(world, other, TO + 1, &word), FAULT_READY);
    EXPECT_U64(word, 5);
    finish();
}

TAP_TEST(a_private_page_is_the_objects_until_it_is_written)
{
    start(COMMIT_NEVER, 4 * PAGE_SIZE);
    EXPECT_ERR(map(AT, 4, RW, MEM_MAP_SHARED), ERR_OK);
    EXPECT_ERR(map(TO, 4, RW, MEM_MAP_PRIVATE), ERR_OK);
    EXPECT_U64(world_write(world, space, AT, 5), FAULT_READY);
    expect_word(TO, 5);
    EXPECT_U64(world_write(world, space, AT, 6), FAULT_READY);
    expect_word(TO, 6);
    EXPECT_U64(world_write(world, space, TO, 7), FAULT_READY);
    expect_word(AT, 6);
    EXPECT_U64(world_write(world, space, AT, 8), FAULT_READY);
    expect_word(TO, 7);
    const struct advise_request dontneed = {
        .address = world_address(TO), .length = PAGE_SIZE, .advice = MEM_ADVISE_DONTNEED};
    EXPECT_ERR(op_advise(&world->core, space, &dontneed), ERR_OK);
    expect_word(TO, 8);
    finish();
}

TAP_TEST(a_private_copy_starts_with_what_the_object_holds)
{
    start(COMMIT_NEVER, 4 * PAGE_SIZE);
    EXPECT_ERR(map(AT, 4, RW, MEM_MAP_SHARED), ERR_OK);
    EXPECT_ERR(map(TO, 4, RW, MEM_MAP_PRIVATE), ERR_OK);
    EXPECT_U64(world_write(world, space, AT + 1, 5), FAULT_READY);
    const struct copy_request copy = {.to = space,
                                      .from = space,
                                      .to_address = {page_to_address(TO + 1) + 8},
                                      .from_address = world_address(AT + 1),
                                      .length = 8};
    uint64_t copied;
    EXPECT_ERR(op_copy(&world->core, &copy, &copied), ERR_OK);
    expect_word(TO + 1, 5);
    EXPECT_U64(space->own, 1);
    finish();
}

TAP_TEST(shrinking_takes_pages_past_the_end_from_everyone)
{
    uint64_t word;

    start(COMMIT_NEVER, 6 * PAGE_SIZE);
    struct space *other = world_space(world);
    EXPECT_ERR(map(AT, 6, RW, MEM_MAP_SHARED), ERR_OK);
    EXPECT_ERR(map_as(other, TO, 4, RW, MEM_MAP_PRIVATE, 2, R_BOTH), ERR_OK);
    for (uint32_t i = 0; i < 6; i++) {
        EXPECT_U64(world_write(world, space, AT + i, 10 + i), FAULT_READY);
    }
    EXPECT_U64(world_write(world, other, TO, 20), FAULT_READY);     /* page 2 of the object */
    EXPECT_U64(world_write(world, other, TO + 2, 22), FAULT_READY); /* page 4 */
    EXPECT_U64(world_read(world, other, TO + 3, &word), FAULT_READY);
    EXPECT_ERR(resize(3 * PAGE_SIZE), ERR_OK);
    world_audit(world);
    expect_word(AT + 2, 12);
    EXPECT_U64(world_read(world, space, AT + 3, &word), FAULT_PAST_END);
    EXPECT_U64(world_write(world, space, AT + 5, 1), FAULT_PAST_END);
    EXPECT_U64(world_read(world, other, TO, &word), FAULT_READY);
    EXPECT_U64(word, 20);
    EXPECT_U64(world_read(world, other, TO + 2, &word), FAULT_PAST_END);
    EXPECT_U64(world_write(world, other, TO + 3, 1), FAULT_PAST_END);
    EXPECT_U64(other->own, 1);
    EXPECT_U64(world->core.head->object_table.frames, 3);
    EXPECT_ERR(resize(6 * PAGE_SIZE), ERR_OK);
    expect_word(AT + 4, 0);
    EXPECT_U64(world_read(world, other, TO + 2, &word), FAULT_READY);
    EXPECT_U64(word, 0);
    finish();
}

TAP_TEST(shrinking_takes_copy_on_write_copies_of_clones_too)
{
    struct space *clone = NULL;
    uint64_t word;

    start(COMMIT_NEVER, 2 * PAGE_SIZE);
    EXPECT_ERR(map(TO, 2, RW, MEM_MAP_PRIVATE), ERR_OK);
    EXPECT_U64(world_write(world, space, TO + 1, 7), FAULT_READY);
    REQUIRE(EXPECT_ERR(
        op_clone(&world->core, space, &(struct clone_request){.priority = 10}, &clone), ERR_OK));
    EXPECT_ERR(resize(PAGE_SIZE), ERR_OK);
    EXPECT_U64(world_read(world, clone, TO + 1, &word), FAULT_PAST_END);
    EXPECT_U64(world_read(world, space, TO + 1, &word), FAULT_PAST_END);
    EXPECT_U64(clone->own + space->own, 0);
    finish();
}

TAP_TEST(shrinking_into_a_page_fills_its_rest_with_zeros)
{
    start(COMMIT_NEVER, 2 * PAGE_SIZE);
    EXPECT_ERR(map(AT, 2, RW, MEM_MAP_SHARED), ERR_OK);
    EXPECT_U64(world_write(world, space, AT + 1, 7), FAULT_READY);
    const uint32_t frame = content_frame(&world->core, object, 1);
    const uint32_t index = (uint32_t)(pool_pfn(&world->core, frame).v - MODEL_BASE);
    unsigned char *bytes = model_bytes(world->port, index);

    memset(bytes, 0xee, PAGE_SIZE);
    EXPECT_ERR(resize(PAGE_SIZE + 100), ERR_OK);
    EXPECT_U64(object->bytes, PAGE_SIZE + 100);
    EXPECT(bytes[99] == 0xee && bytes[100] == 0 && bytes[PAGE_SIZE - 1] == 0);
    expect_word(AT + 1, UINT64_C(0xeeeeeeeeeeeeeeee));
    finish();
}

TAP_TEST(growing_shows_zeros_and_charges_the_account)
{
    start(COMMIT_NEVER, 100);
    EXPECT_U64(committed(), 1);
    EXPECT_ERR(map(AT, 3, RW, MEM_MAP_SHARED), ERR_OK);
    EXPECT_U64(world_write(world, space, AT + 1, 7), FAULT_PAST_END);
    EXPECT_ERR(resize(2 * PAGE_SIZE + 1), ERR_OK);
    EXPECT_U64(committed(), 3);
    expect_word(AT + 2, 0);
    const uint64_t limit = world->core.head->commit.limit;
    EXPECT_ERR(resize((limit + 1) * PAGE_SIZE), ERR_NOMEM);
    EXPECT_U64(space->refusal.limit, MEM_LIMIT_COMMIT);
    EXPECT_U64(space->refusal.asked, limit - 2);
    EXPECT_U64(object->bytes, 2 * PAGE_SIZE + 1);
    EXPECT_ERR(resize(0), ERR_OK);
    EXPECT_U64(committed(), 0);
    finish();
}

TAP_TEST(sizes_that_no_object_can_have_are_refused)
{
    start(COMMIT_ALWAYS, 0);
    EXPECT_ERR(resize(OBJECT_BYTES_MAX), ERR_OK);
    EXPECT_ERR(resize(OBJECT_BYTES_MAX + 1), ERR_FBIG);
    EXPECT_ERR(make(OBJECT_BYTES_MAX + 1, 0, 0), ERR_FBIG);
    EXPECT_ERR(make(0, MEM_OBJECT_FLAGS + 1, 0), ERR_INVAL);
    EXPECT_ERR(make(0, 0, MEM_SEAL_ALL + 1), ERR_INVAL);
    EXPECT_U64(objects(), 1);
    EXPECT_ERR(map_as(space, AT, 1, RW, MEM_MAP_SHARED, OBJECT_PAGES_MAX - 1, R_BOTH), ERR_OK);
    EXPECT_U64(world_write(world, space, AT, 7), FAULT_READY);
    expect_word(AT, 7);
    finish();
}

TAP_TEST(r3_an_offset_past_the_largest_page_of_shared_memory_is_refused)
{
    start(COMMIT_NEVER, PAGE_SIZE);
    EXPECT_ERR(map_as(space, AT, 2, RW, MEM_MAP_SHARED, OBJECT_PAGES_MAX - 1, R_BOTH),
               ERR_OVERFLOW);
    finish();
}

TAP_TEST(r13_r16_a_handle_without_write_maps_what_never_becomes_writable)
{
    start(COMMIT_NEVER, PAGE_SIZE);
    EXPECT_ERR(map_as(space, AT, 1, RW, MEM_MAP_SHARED, 0, R_READ), ERR_ACCES);
    EXPECT_ERR(map_as(space, AT, 1, MEM_PROT_READ, MEM_MAP_SHARED, 0, R_READ), ERR_OK);
    EXPECT_ERR(protect(AT, RW), ERR_ACCES);
    EXPECT_ERR(map_as(space, TO, 1, RW, MEM_MAP_PRIVATE, 0, R_READ), ERR_OK);
    EXPECT_ERR(op_object_resize(&world->core, space, object, R_READ, 0), ERR_ACCES);
    finish();
}

TAP_TEST(r14_append_only_memory_is_not_mapped_shared_by_who_may_write)
{
    start(COMMIT_NEVER, PAGE_SIZE);
    EXPECT_ERR(make(PAGE_SIZE, MEM_OBJECT_APPEND, 0), ERR_OK);
    EXPECT_ERR(map(AT, 1, MEM_PROT_READ, MEM_MAP_SHARED), ERR_ACCES);
    EXPECT_ERR(map_as(space, AT, 1, RW, MEM_MAP_SHARED, 0, R_READ), ERR_ACCES);
    EXPECT_ERR(map_as(space, AT, 1, MEM_PROT_READ, MEM_MAP_SHARED, 0, R_READ), ERR_OK);
    EXPECT_ERR(map(TO, 1, RW, MEM_MAP_PRIVATE), ERR_OK);
    /* Before R17: who may write but not read. */
    EXPECT_ERR(map_as(space, AT, 1, MEM_PROT_READ, MEM_MAP_SHARED, 0,
                      MAP_RIGHT_WRITE | MAP_RIGHT_MAPPABLE),
               ERR_ACCES);
    EXPECT_ERR(resize(0), ERR_PERM);
    finish();
}

TAP_TEST(r15_memory_under_a_mandatory_lock_is_not_mapped_shared)
{
    start(COMMIT_NEVER, PAGE_SIZE);
    EXPECT_ERR(make(PAGE_SIZE, MEM_OBJECT_MANDATORY, 0), ERR_OK);
    EXPECT_ERR(map(AT, 1, RW, MEM_MAP_SHARED), ERR_AGAIN);
    EXPECT_ERR(map_as(space, AT, 1, MEM_PROT_READ, MEM_MAP_SHARED, 0, R_READ), ERR_AGAIN);
    EXPECT_ERR(map(TO, 1, RW, MEM_MAP_PRIVATE), ERR_OK);
    /* After R13 and R14, before R17. */
    EXPECT_ERR(map_as(space, AT, 1, RW, MEM_MAP_SHARED, 0, R_READ), ERR_ACCES);
    EXPECT_ERR(map_as(space, AT, 1, MEM_PROT_READ, MEM_MAP_SHARED, 0,
                      MAP_RIGHT_WRITE | MAP_RIGHT_MAPPABLE),
               ERR_AGAIN);
    EXPECT_ERR(make(PAGE_SIZE, MEM_OBJECT_MANDATORY | MEM_OBJECT_APPEND, 0), ERR_OK);
    EXPECT_ERR(map(AT, 1, MEM_PROT_READ, MEM_MAP_SHARED), ERR_ACCES);
    finish();
}

TAP_TEST(r17_r18_r20_a_handle_without_the_right_does_not_map)
{
    start(COMMIT_NEVER, PAGE_SIZE);
    EXPECT_ERR(map_as(space, AT, 1, MEM_PROT_READ, MEM_MAP_PRIVATE, 0, MAP_RIGHT_MAPPABLE),
               ERR_ACCES);
    EXPECT_ERR(map_as(space, AT, 1, MEM_PROT_EXEC, MEM_MAP_PRIVATE, 0, R_BOTH), ERR_PERM);
    EXPECT_ERR(map_as(space, AT, 1, MEM_PROT_READ, MEM_MAP_PRIVATE, 0, R_BOTH), ERR_OK);
    EXPECT_ERR(protect(AT, MEM_PROT_EXEC), ERR_ACCES);
    EXPECT_ERR(map_as(space, TO, 1, MEM_PROT_READ, MEM_MAP_PRIVATE, 0, MAP_RIGHT_READ), ERR_NODEV);
    finish();
}

TAP_TEST(seals_of_size_refuse_the_change_that_they_name)
{
    start(COMMIT_NEVER, 2 * PAGE_SIZE);
    EXPECT_ERR(seal(MEM_SEAL_SHRINK), ERR_OK);
    EXPECT_ERR(resize(PAGE_SIZE), ERR_PERM);
    EXPECT_ERR(resize(3 * PAGE_SIZE), ERR_OK);
    EXPECT_ERR(seal(MEM_SEAL_GROW), ERR_OK);
    EXPECT_ERR(resize(4 * PAGE_SIZE), ERR_PERM);
    EXPECT_ERR(resize(3 * PAGE_SIZE), ERR_OK);
    EXPECT_U64(object->seals, MEM_SEAL_SHRINK | MEM_SEAL_GROW);
    EXPECT_ERR(seal(MEM_SEAL_SEAL), ERR_OK);
    EXPECT_ERR(seal(0), ERR_PERM);
    EXPECT_ERR(seal(MEM_SEAL_ALL + 1), ERR_INVAL);
    EXPECT_ERR(op_object_seal(&world->core, space, object, R_READ, 0), ERR_PERM);
    EXPECT_U64(object->seals, MEM_SEAL_SHRINK | MEM_SEAL_GROW | MEM_SEAL_SEAL);
    finish();
}

TAP_TEST(a_write_seal_waits_for_writable_mappings_and_then_forbids_them)
{
    start(COMMIT_NEVER, PAGE_SIZE);
    EXPECT_ERR(map(AT, 1, MEM_PROT_READ, MEM_MAP_SHARED), ERR_OK);
    EXPECT_ERR(seal(MEM_SEAL_WRITE), ERR_BUSY);
    EXPECT_ERR(op_unmap(&world->core, space, world_address(AT), PAGE_SIZE), ERR_OK);
    EXPECT_ERR(map_as(space, AT, 1, MEM_PROT_READ, MEM_MAP_SHARED, 0, R_READ), ERR_OK);
    EXPECT_ERR(map(TO, 1, RW, MEM_MAP_PRIVATE), ERR_OK);
    EXPECT_ERR(seal(MEM_SEAL_WRITE), ERR_OK);
    EXPECT_ERR(seal(MEM_SEAL_WRITE), ERR_OK);
    EXPECT_ERR(map(AT, 1, RW, MEM_MAP_SHARED), ERR_PERM);
    EXPECT_ERR(map(AT, 1, MEM_PROT_READ, MEM_MAP_SHARED), ERR_OK);
    EXPECT_ERR(protect(AT, RW), ERR_ACCES);
    EXPECT_ERR(map(TO, 1, RW, MEM_MAP_PRIVATE), ERR_OK);
    EXPECT_U64(world_write(world, space, TO, 7), FAULT_READY);
    finish();
}

TAP_TEST(a_seal_of_future_writes_leaves_mappings_that_may_write)
{
    start(COMMIT_NEVER, PAGE_SIZE);
    EXPECT_ERR(map(AT, 1, RW, MEM_MAP_SHARED), ERR_OK);
    EXPECT_ERR(seal(MEM_SEAL_FUTURE_WRITE), ERR_OK);
    EXPECT_U64(world_write(world, space, AT, 7), FAULT_READY);
    EXPECT_ERR(map(TO, 1, RW, MEM_MAP_SHARED), ERR_PERM);
    EXPECT_ERR(map(TO, 1, MEM_PROT_READ, MEM_MAP_SHARED), ERR_OK);
    EXPECT_ERR(protect(TO, RW), ERR_ACCES);
    expect_word(TO, 7);
    finish();
}

/* Copy between page TO of the space and the object. */
static enum err copy(bool is_to_object, uint64_t offset, uint64_t length, uint32_t rights,
                     uint64_t *copied)
{
    const struct copy_object_request request = {
        .space = space,
        .object = object,
        .rights = rights,
        .is_to_object = is_to_object,
        .address = world_address(TO),
        .offset = offset,
        .length = length,
    };

    return op_copy_object(&world->core, &request, copied);
}

TAP_TEST(copy_reads_and_writes_an_object_up_to_its_end)
{
    uint64_t copied;

    start(COMMIT_NEVER, 2 * PAGE_SIZE + 8);
    world_map(world, space, TO, 4, RW);
    EXPECT_U64(world_write(world, space, TO, 5), FAULT_READY);
    EXPECT_ERR(copy(true, PAGE_SIZE, 4 * PAGE_SIZE, R_BOTH, &copied), ERR_OK);
    EXPECT_U64(copied, PAGE_SIZE + 8);
    EXPECT_ERR(map(AT, 3, RW, MEM_MAP_SHARED), ERR_OK);
    expect_word(AT + 1, 5);
    EXPECT_U64(world_write(world, space, TO, 6), FAULT_READY);
    EXPECT_ERR(copy(false, 0, 8, R_BOTH, &copied), ERR_OK);
    EXPECT_U64(copied, 8);
    expect_word(TO, 0); /* a page that nobody touched, and still has none */
    EXPECT_U64(content_frame(&world->core, object, 0), 0);
    EXPECT_ERR(copy(false, 2 * PAGE_SIZE + 8, 8, R_BOTH, &copied), ERR_OK);
    EXPECT_U64(copied, 0);
    EXPECT_ERR(copy(false, UINT64_MAX, UINT64_MAX, R_BOTH, &copied), ERR_OK);
    EXPECT_U64(copied, 0);
    finish();
}

TAP_TEST(copy_is_refused_by_rights_seals_and_bad_addresses)
{
    uint64_t copied;

    start(COMMIT_NEVER, 2 * PAGE_SIZE);
    EXPECT_ERR(copy(false, 0, 8, R_BOTH, &copied), ERR_FAULT);
    EXPECT_U64(copied, 0);
    world_map(world, space, TO, 1, RW);
    EXPECT_ERR(copy(true, 0, 2 * PAGE_SIZE, R_BOTH, &copied), ERR_FAULT);
    EXPECT_U64(copied, PAGE_SIZE);
    EXPECT_ERR(copy(true, 0, 8, R_READ, &copied), ERR_ACCES);
    EXPECT_ERR(copy(false, 0, 8, MAP_RIGHT_WRITE, &copied), ERR_ACCES);
    EXPECT_ERR(seal(MEM_SEAL_FUTURE_WRITE), ERR_OK);
    EXPECT_ERR(copy(true, 0, 8, R_BOTH, &copied), ERR_PERM);
    EXPECT_ERR(copy(false, 0, 8, R_BOTH, &copied), ERR_OK);
    struct object *wired = world_object(world, 1);
    object = wired;
    EXPECT_ERR(copy(false, 0, 8, R_BOTH, &copied), ERR_OK);
    expect_word(TO, WORLD_WORD);
    EXPECT_ERR(copy(true, 0, 8, R_BOTH, &copied), ERR_ACCES);
    EXPECT_ERR(resize(0), ERR_INVAL);
    EXPECT_ERR(seal(0), ERR_INVAL);
    finish();
}

TAP_TEST(an_owned_object_is_resized_by_who_made_it_alone)
{
    struct core *core;

    start(COMMIT_NEVER, 0);
    core = &world->core;
    EXPECT_ERR(make(PAGE_SIZE, MEM_OBJECT_OWNED, 0), ERR_OK);
    struct space *other = world_space(world);
    shared_enter(core);
    REQUIRE(EXPECT(arena_page_reserve(core, hold_needs(core))));
    hold_take(core, other, object);
    shared_leave(core);
    EXPECT_ERR(op_object_resize(core, other, object, R_BOTH, 0), ERR_ACCES);
    EXPECT_ERR(op_object_resize(core, other, object, R_BOTH, 2 * PAGE_SIZE), ERR_ACCES);
    EXPECT_U64(object->bytes, PAGE_SIZE);
    EXPECT_ERR(resize(2 * PAGE_SIZE), ERR_OK);
    EXPECT_U64(object->bytes, 2 * PAGE_SIZE);
    /* Without the maker nobody can. */
    EXPECT(hold_drop(core, space, object));
    EXPECT_ERR(resize(0), ERR_ACCES);
    EXPECT_ERR(op_object_resize(core, other, object, R_BOTH, 0), ERR_ACCES);
    EXPECT(hold_drop(core, other, object));
    finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(two_spaces_that_map_an_object_see_the_same_pages),
        TAP(a_private_page_is_the_objects_until_it_is_written),
        TAP(a_private_copy_starts_with_what_the_object_holds),
        TAP(shrinking_takes_pages_past_the_end_from_everyone),
        TAP(shrinking_takes_copy_on_write_copies_of_clones_too),
        TAP(shrinking_into_a_page_fills_its_rest_with_zeros),
        TAP(growing_shows_zeros_and_charges_the_account),
        TAP(sizes_that_no_object_can_have_are_refused),
        TAP(r3_an_offset_past_the_largest_page_of_shared_memory_is_refused),
        TAP(r13_r16_a_handle_without_write_maps_what_never_becomes_writable),
        TAP(r14_append_only_memory_is_not_mapped_shared_by_who_may_write),
        TAP(r15_memory_under_a_mandatory_lock_is_not_mapped_shared),
        TAP(r17_r18_r20_a_handle_without_the_right_does_not_map),
        TAP(seals_of_size_refuse_the_change_that_they_name),
        TAP(a_write_seal_waits_for_writable_mappings_and_then_forbids_them),
        TAP(a_seal_of_future_writes_leaves_mappings_that_may_write),
        TAP(copy_reads_and_writes_an_object_up_to_its_end),
        TAP(an_owned_object_is_resized_by_who_made_it_alone),
        TAP(copy_is_refused_by_rights_seals_and_bad_addresses),
    };

    return TAP_RUN(argc, argv, tests);
}
