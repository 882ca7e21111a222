/* SPDX-License-Identifier: MIT */
#include "scene.h"
#include "scene_pin.h"

#include <base/assert.h>
#include <mem/prot.h>

#include "scene_large.h"

#define SCENE_FRAMES 2300u
#define MIDDLE       (UINT32_C(3) << 18)

uint32_t scene_page(uint32_t index)
{
    /* Letters 3 and 7 start a new GiB and a new 2 MiB. */
    return MIDDLE - 3 + index + (index >= 7 ? 512 - 4 : 0);
}

static struct space *first(const struct scene *scene)
{
    return world_find(scene->world, scene->first);
}

static struct core *core_of(const struct scene *scene)
{
    return &scene->world->core;
}

enum err scene_map(const struct scene *scene, uint32_t index, uint32_t pages, uint32_t prot,
                   uint32_t flags, bool has_object)
{
    const struct map_request request = {
        .address = flags & MEM_MAP_FIXED ? world_address(scene_page(index)) : (uaddr_t){0},
        .length = (uint64_t)pages * PAGE_SIZE,
        .prot = prot,
        .flags = flags | (has_object ? 0 : MEM_MAP_ANONYMOUS),
        .object = has_object ? scene->object : NULL,
        .rights = MAP_RIGHT_READ | MAP_RIGHT_MAPPABLE,
    };
    uaddr_t address;

    return op_map(core_of(scene), first(scene), &request, &address);
}

void scene_use_up_records(struct world *world)
{
    struct space *space = world_space(world);
    uint32_t page = MIDDLE;

    do {
        world_map(world, space, page, 1, 0);
        page += 2;
        core_settle(&world->core);
    } while (world->core.head->regions.partial != 0);
}

/* Page 1 of the space, written, has its frame from a clone. */
static void scene_share_a_page(struct world *world, struct space *space)
{
    struct space *clone = NULL;
    enum fault_outcome outcome = world_write(world, space, scene_page(1), 31);

    ASSERT(outcome == FAULT_READY);
    enum err error = op_clone(&world->core, space, &(struct clone_request){.priority = 10}, &clone);

    ASSERT(error == ERR_OK);
}

/* Four shared pages, the first and the third of which were written. */
static void scene_share(const struct scene *scene, struct space *space)
{
    const struct map_request request = {
        .address = world_address(scene_page(20)),
        .length = 4 * PAGE_SIZE,
        .prot = MEM_PROT_READ | MEM_PROT_WRITE,
        .flags = MEM_MAP_SHARED | MEM_MAP_ANONYMOUS | MEM_MAP_FIXED,
    };
    uaddr_t address;
    enum err error = op_map(core_of(scene), space, &request, &address);

    ASSERT(error == ERR_OK);
    for (uint32_t index = 20; index <= 22; index += 2) {
        enum fault_outcome outcome = world_write(scene->world, space, scene_page(index), index);

        ASSERT(outcome == FAULT_READY);
    }
}

/* An object of 5 pages with a name: shared at 30, private at 40, where two pages were copied. */
static void scene_make_memory(struct scene *scene, struct space *space)
{
    const struct object_request made = {.bytes = 5 * PAGE_SIZE};
    const struct name_text text = {(const uint8_t *)"/one", 4};
    struct object *object = NULL;
    enum err error = op_object_make(core_of(scene), space, &made, &object);

    ASSERT(error == ERR_OK);
    scene->memory = object->number;
    error = name_add(core_of(scene), space, &text, object, MAP_RIGHT_READ);
    ASSERT(error == ERR_OK);
    for (uint32_t index = 30; index <= 40; index += 10) {
        const struct map_request request = {
            .address = world_address(scene_page(index)),
            .length = 5 * PAGE_SIZE,
            .prot = MEM_PROT_READ | MEM_PROT_WRITE,
            .flags = MEM_MAP_FIXED | (index == 30 ? MEM_MAP_SHARED : MEM_MAP_PRIVATE),
            .object = object,
            .rights = MAP_RIGHT_READ | MAP_RIGHT_WRITE | MAP_RIGHT_MAPPABLE,
        };
        uaddr_t address;

        error = op_map(core_of(scene), space, &request, &address);
        ASSERT(error == ERR_OK);
    }
    static const uint32_t written[] = {30, 31, 33, 40, 43};

    for (size_t i = 0; i < sizeof written / sizeof written[0]; i++) {
        enum fault_outcome outcome =
            world_write(scene->world, space, scene_page(written[i]), written[i]);

        ASSERT(outcome == FAULT_READY);
    }
}

void scene_make(struct scene *scene)
{
    scene->world = world_make(SCENE_FRAMES, COMMIT_NEVER);
    scene->world->core.head->commit.limit *= 2; /* room for a clone */
    scene->object = world_object(scene->world, 8);
    struct space *one = world_space(scene->world);
    struct space *two = world_space(scene->world);
    struct thread *thread = NULL;
    uint64_t word;

    scene->first = one->number;
    scene->second = two->number;
    world_map(scene->world, one, scene_page(0), 3, 3);
    world_map(scene->world, one, scene_page(3), 2, 1);
    world_map(scene->world, one, scene_page(9), 3, 3);
    world_map(scene->world, one, scene_page(13), 600, 3);
    const struct lock_request locked = {.address = world_address(scene_page(13) + 10),
                                        .length = 30 * PAGE_SIZE,
                                        .flags = MEM_LOCK_ONFAULT};
    enum err error = scene_map(scene, 6, 2, 3, MEM_MAP_PRIVATE | MEM_MAP_FIXED, true);

    ASSERT(error == ERR_OK);
    error = op_lock(&scene->world->core, one, &locked);
    ASSERT(error == ERR_OK);
    enum fault_outcome outcome = world_write(scene->world, one, scene_page(0), 10);

    ASSERT(outcome == FAULT_READY);
    outcome = world_write(scene->world, one, scene_page(1), 11);
    ASSERT(outcome == FAULT_READY);
    outcome = world_read(scene->world, one, scene_page(2), &word);
    ASSERT(outcome == FAULT_READY);
    outcome = world_read(scene->world, one, scene_page(3), &word);
    ASSERT(outcome == FAULT_READY);
    outcome = world_write(scene->world, one, scene_page(6), 16);
    ASSERT(outcome == FAULT_READY);
    outcome = world_write(scene->world, one, scene_page(10), 20);
    ASSERT(outcome == FAULT_READY);
    scene_make_large(scene->world, one);
    world_map(scene->world, two, scene_page(0), 4, 3);
    scene_share_a_page(scene->world, two);
    scene_share(scene, two);
    scene_make_memory(scene, two);
    error = thread_make(&scene->world->core, one, 0, 10, &thread);
    ASSERT(error == ERR_OK);
    scene->thread = thread->number;
    error = space_donate(&scene->world->core, one, PORT_SLAB_HANDLES);
    ASSERT(error == ERR_OK);
    scene_make_pins(scene);
    scene_use_up_records(scene->world);
    world_audit(scene->world);
}

void scene_copy(struct scene *to, const struct scene *from)
{
    struct world *world = to->world;

    world_copy(world, from->world);
    *to = *from;
    to->world = world;
    to->object = object_at(&world->core, arena_link(&from->world->core, from->object));
}

void scene_free(struct scene *scene)
{
    world_free(scene->world);
}
