/* SPDX-License-Identifier: MIT */
/*
 * What keeps an object: holds of spaces, regions, names.
 */
#include <stdio.h>
#include <string.h>

#include <tap.h>

#include "server/core/shared.h"
#include "world.h"

#define AT     0x1000u
#define RW     (MEM_PROT_READ | MEM_PROT_WRITE)
#define R_READ (MAP_RIGHT_READ | MAP_RIGHT_MAPPABLE)

static struct world *world;
static struct space *space;
static struct object *object;

/* A world with an object of one page, which the space holds. */
static void start(void)
{
    const struct object_request request = {.bytes = PAGE_SIZE};

    world = world_make(WORLD_FRAMES, COMMIT_NEVER);
    space = world_space(world);
    EXPECT_ERR(op_object_make(&world->core, space, &request, &object), ERR_OK);
}

static void finish(void)
{
    world_audit(world);
    world_free(world);
}

static enum err map(void)
{
    const struct map_request request = {
        .address = world_address(AT),
        .length = PAGE_SIZE,
        .prot = RW,
        .flags = MEM_MAP_SHARED | MEM_MAP_FIXED,
        .object = object,
        .rights = R_READ | MAP_RIGHT_WRITE,
    };
    uaddr_t address;

    return op_map(&world->core, space, &request, &address);
}

static struct name_text name_of(const char *text)
{
    return (struct name_text){(const uint8_t *)text, (uint32_t)strlen(text)};
}

TAP_TEST(who_holds_an_object_gets_a_handle_again_with_the_rights_it_is_held_by)
{
    start();
    struct core *core = &world->core;
    const uint64_t number = object->number;
    struct space *other = world_space(world);
    EXPECT_ERR(op_object_again(core, space, number, R_READ | MAP_RIGHT_WRITE), ERR_OK);
    EXPECT_ERR(op_object_again(core, other, number, R_READ), ERR_NOENT);
    shared_enter(core);
    REQUIRE(EXPECT(arena_page_reserve(core, hold_needs(core))));
    hold_take(core, other, object);
    hold_add_rights(core, other, object, MAP_RIGHT_READ);
    shared_leave(core);
    EXPECT_ERR(op_object_again(core, other, number, MAP_RIGHT_READ), ERR_OK);
    EXPECT_ERR(op_object_again(core, other, number, R_READ), ERR_ACCES);
    EXPECT_ERR(op_object_again(core, other, number, MAP_RIGHT_WRITE), ERR_ACCES);
    shared_enter(core);
    hold_take(core, other, object);
    hold_add_rights(core, other, object, MAP_RIGHT_MAPPABLE);
    shared_leave(core);
    EXPECT_ERR(op_object_again(core, other, number, R_READ), ERR_OK);
    EXPECT_ERR(op_object_again(core, other, number, R_READ | MAP_RIGHT_WRITE), ERR_ACCES);
    /* It outlives its maker's hold; what was let go is had no more. */
    EXPECT(hold_drop(core, space, object));
    EXPECT_ERR(op_object_again(core, space, number, MAP_RIGHT_READ), ERR_NOENT);
    EXPECT_ERR(op_object_again(core, other, number, R_READ), ERR_OK);
    EXPECT(hold_drop(core, other, object));
    EXPECT(hold_drop(core, other, object));
    EXPECT_ERR(op_object_again(core, other, number, MAP_RIGHT_READ), ERR_NOENT);
    finish();
}

TAP_TEST(an_object_stays_while_it_is_held_mapped_or_named)
{
    const struct name_text text = name_of("/one");
    struct core *core;

    start();
    core = &world->core;
    const uint64_t number = object->number;
    struct space *other = world_space(world);
    shared_enter(core);
    REQUIRE(EXPECT(arena_page_reserve(core, hold_needs(core))));
    hold_take(core, other, object);
    hold_take(core, other, object);
    shared_leave(core);
    EXPECT_U64(hold_count(core, other, object), 2);
    EXPECT(hold_is_maker(core, space, object));
    EXPECT(!hold_is_maker(core, other, object));
    EXPECT(hold_drop(core, space, object));
    EXPECT(!hold_drop(core, space, object));
    EXPECT(object_find(core, number) == object);
    EXPECT_ERR(map(), ERR_OK);
    EXPECT_ERR(name_add(core, space, &text, object, R_READ), ERR_OK);
    EXPECT(hold_drop(core, other, object));
    world_audit(world);
    space_end(core, other);
    EXPECT(object_find(core, number) == object);
    EXPECT_ERR(op_unmap(core, space, world_address(AT), PAGE_SIZE), ERR_OK);
    EXPECT(object_find(core, number) == object);
    EXPECT_ERR(name_remove(core, space, &text), ERR_OK);
    EXPECT(object_find(core, number) == NULL);
    EXPECT_U64(core->head->objects.records, 0);
    EXPECT_U64(core->head->commit.used, 0);
    EXPECT_U64(core->head->holds.records, 0);
    finish();
}

TAP_TEST(an_object_whose_last_reference_has_gone_is_not_found_by_its_number)
{
    start();
    struct core *core = &world->core;
    const uint64_t number = object->number;

    EXPECT(object_find_get(core, number) == object);
    object_put(core, object);
    EXPECT(object_find_get(core, number + 1) == NULL);
    /* As another server thread sees it that comes before the one that lets it go: in a commit what
     * has no references is put aside. */
    core->worker->intent.phase = INTENT_WRITING;
    EXPECT(hold_drop(core, space, object));
    EXPECT_U64(object->references, 0);
    EXPECT(object_find_get(core, number) == NULL);
    EXPECT_U64(object->references, 0);
    core->worker->intent.phase = INTENT_IDLE;
    object_bury(core);
    EXPECT_U64(core->head->objects.records, 0);
    EXPECT(object_find_get(core, number) == NULL);
    finish();
}

TAP_TEST(mapping_over_the_last_region_of_an_object_that_nobody_holds_keeps_it)
{
    start();
    EXPECT_ERR(map(), ERR_OK);
    EXPECT_U64(world_write(world, space, AT, 7), FAULT_READY);
    EXPECT(hold_drop(&world->core, space, object));
    EXPECT_ERR(map(), ERR_OK);
    uint64_t word = 0;
    EXPECT_U64(world_read(world, space, AT, &word), FAULT_READY);
    EXPECT_U64(word, 7);
    finish();
}

TAP_TEST(a_name_is_found_until_it_is_removed_and_given_once)
{
    uint32_t rights = 0;
    char text[8] = {0};

    start();
    struct core *core = &world->core;
    /* More names than there are chains, so that some share one. */
    for (uint32_t i = 0; i < 1500; i++) {
        (void)snprintf(text, sizeof text, "/%u", i);
        const struct name_text name = name_of(text);
        EXPECT(name_find(core, &name, &rights) == NULL);
        EXPECT_ERR(name_add(core, space, &name, object, i % 16), ERR_OK);
    }
    (void)name_audit(core);
    for (uint32_t i = 0; i < 1500; i++) {
        const uint32_t number = i * 7 % 1500;
        (void)snprintf(text, sizeof text, "/%u", number);
        const struct name_text name = name_of(text);
        EXPECT_ERR(name_add(core, space, &name, object, 0), ERR_EXIST);
        EXPECT(name_find(core, &name, &rights) == object);
        EXPECT_U64(rights, number % 16);
        EXPECT_ERR(name_remove(core, space, &name), ERR_OK);
        EXPECT_ERR(name_remove(core, space, &name), ERR_NOENT);
        if (i % 100 == 0) {
            (void)name_audit(core);
        }
    }
    EXPECT_U64(core->head->names_by_hash.root, 0);
    EXPECT_U64(object->names, 0);
    finish();
}

TAP_TEST(names_beyond_the_limit_are_refused_with_the_numbers)
{
    char text[8] = {0};
    enum err error = ERR_OK;
    uint32_t count = 0;

    start();
    while (error == ERR_OK) {
        (void)snprintf(text, sizeof text, "/%u", count);
        const struct name_text name = name_of(text);
        error = name_add(&world->core, space, &name, object, 0);
        count += error == ERR_OK ? 1 : 0;
    }
    EXPECT_ERR(error, ERR_NOSPC);
    EXPECT_U64(count, NAME_MAX);
    EXPECT_U64(space->refusal.value, NAME_MAX);
    EXPECT_U64(space->refusal.used, NAME_MAX);
    finish();
}

/* A space that `maker` made. */
static struct space *child_of(const struct space *maker)
{
    struct space_settings settings = world_settings();
    struct space *child = NULL;

    settings.maker = maker->number;
    EXPECT_ERR(space_make(&world->core, &settings, &child), ERR_OK);
    return child;
}

/* Have a space give names until it is refused. Returns: how many it gave. */
static uint32_t name_all(struct space *giver, char prefix)
{
    uint32_t count = 0;
    char text[16];
    enum err error;

    do {
        (void)snprintf(text, sizeof text, "/%c%u", prefix, count);
        const struct name_text name = name_of(text);

        error = name_add(&world->core, giver, &name, object, R_READ);
        count += error == ERR_OK ? 1 : 0;
    } while (error == ERR_OK);
    EXPECT_ERR(error, ERR_NOSPC);
    EXPECT_U64(giver->refusal.limit, MEM_LIMIT_NAMES);
    return count;
}

TAP_TEST(a_space_and_its_descendants_give_half_as_many_names_as_its_maker)
{
    start();
    struct space *child = child_of(space);
    struct space *grandchild = child_of(child);
    struct space *other = child_of(space);

    EXPECT_U64(name_all(grandchild, 'g'), NAME_MAX / 4);
    EXPECT_U64(grandchild->refusal.value, NAME_MAX / 4);
    EXPECT_U64(grandchild->refusal.used, NAME_MAX / 4);
    EXPECT_U64(name_all(child, 'c'), NAME_MAX / 4);
    EXPECT_U64(child->names, NAME_MAX / 2);
    EXPECT_U64(child->refusal.value, NAME_MAX / 2);
    EXPECT_U64(name_all(other, 'o'), NAME_MAX / 2);
    EXPECT_U64(space->names, NAME_MAX);
    world_audit(world);
    /* A name that is taken back, by whomever, makes room for who gave it. */
    const struct name_text one = name_of("/g0");

    EXPECT_ERR(name_remove(&world->core, other, &one), ERR_OK);
    EXPECT_U64(grandchild->names, NAME_MAX / 4 - 1);
    EXPECT_U64(space->names, NAME_MAX - 1);
    EXPECT_ERR(name_add(&world->core, grandchild, &one, object, R_READ), ERR_OK);
    space_end(&world->core, grandchild);
    world_audit(world);
    EXPECT_U64(child->names, NAME_MAX / 2);
    EXPECT_ERR(name_remove(&world->core, other, &one), ERR_OK);
    EXPECT_U64(child->names, NAME_MAX / 2 - 1);
    space_end(&world->core, child);
    space_end(&world->core, other);
    world_audit(world);
    EXPECT_U64(space->names, NAME_MAX - 1);
    finish();
}

TAP_TEST(frames_of_shared_memory_are_counted_with_all_that_they_take)
{
    char text[16];

    start();
    core_settle(&world->core);
    const uint64_t free = pool_free(&world->core);
    const uint64_t frames = name_frames(&world->core);

    for (uint32_t i = 0; i < 100; i++) {
        const struct object_request request = {.bytes = 3 * PAGE_SIZE};
        struct object *made;

        EXPECT_ERR(op_object_make(&world->core, space, &request, &made), ERR_OK);
        (void)snprintf(text, sizeof text, "/%u", i);
        const struct name_text name = name_of(text);

        EXPECT_ERR(name_add(&world->core, space, &name, made, R_READ), ERR_OK);
        object = made;
        EXPECT_ERR(map(), ERR_OK);
        core_done(&world->core);
        EXPECT_U64(world_write(world, space, AT, i), FAULT_READY);
        EXPECT(hold_drop(&world->core, space, made));
    }
    EXPECT_ERR(op_unmap(&world->core, space, world_address(AT), PAGE_SIZE), ERR_OK);
    core_done(&world->core);
    core_settle(&world->core);
    EXPECT(name_frames(&world->core) >= frames + 100);
    EXPECT_U64(free - pool_free(&world->core), name_frames(&world->core) - frames);
    for (uint32_t i = 0; i < 100; i++) {
        (void)snprintf(text, sizeof text, "/%u", i);
        const struct name_text name = name_of(text);

        EXPECT_ERR(name_remove(&world->core, space, &name), ERR_OK);
    }
    core_settle(&world->core);
    EXPECT_U64(free - pool_free(&world->core), name_frames(&world->core) - frames);
    finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(who_holds_an_object_gets_a_handle_again_with_the_rights_it_is_held_by),
        TAP(an_object_stays_while_it_is_held_mapped_or_named),
        TAP(an_object_whose_last_reference_has_gone_is_not_found_by_its_number),
        TAP(mapping_over_the_last_region_of_an_object_that_nobody_holds_keeps_it),
        TAP(a_name_is_found_until_it_is_removed_and_given_once),
        TAP(names_beyond_the_limit_are_refused_with_the_numbers),
        TAP(a_space_and_its_descendants_give_half_as_many_names_as_its_maker),
        TAP(frames_of_shared_memory_are_counted_with_all_that_they_take),
    };

    return TAP_RUN(argc, argv, tests);
}
