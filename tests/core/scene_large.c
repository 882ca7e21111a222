/* SPDX-License-Identifier: MIT */
#include "scene_large.h"

#include <base/assert.h>
#include <mem/prot.h>

static struct space *first(const struct scene *scene)
{
    return world_find(scene->world, scene->first);
}

void scene_make_large(struct world *world, struct space *space)
{
    const struct advise_request request = {.address = world_address(SCENE_LARGE),
                                           .length = 1024 * PAGE_SIZE,
                                           .advice = MEM_ADVISE_HUGEPAGE};

    world_map(world, space, SCENE_LARGE, 1024, 3);
    enum err error = op_advise(&world->core, space, &request);

    ASSERT(error == ERR_OK);
    enum fault_outcome outcome = world_write(world, space, SCENE_LARGE + 5, 15);

    ASSERT(outcome == FAULT_READY);
    ASSERT(space->larges == 1);
}

enum err unmap_part_of_a_large_leaf(const struct scene *scene)
{
    return op_unmap(&scene->world->core, first(scene), world_address(SCENE_LARGE + 7), PAGE_SIZE);
}

enum err unmap_a_large_leaf(const struct scene *scene)
{
    return op_unmap(&scene->world->core, first(scene), world_address(SCENE_LARGE), 600 * PAGE_SIZE);
}

enum err protect_part_of_a_large_leaf(const struct scene *scene)
{
    const struct protect_request request = {
        .address = world_address(SCENE_LARGE + 3), .length = 600 * PAGE_SIZE, .prot = 1};

    return op_protect(&scene->world->core, first(scene), &request);
}

enum err map_over_part_of_a_large_leaf(const struct scene *scene)
{
    const struct map_request request = {
        .address = world_address(SCENE_LARGE + 100),
        .length = 500 * PAGE_SIZE,
        .prot = 1,
        .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_FIXED,
    };
    uaddr_t address;

    return op_map(&scene->world->core, first(scene), &request, &address);
}

enum err give_back_part_of_a_large_leaf(const struct scene *scene)
{
    const struct advise_request request = {.address = world_address(SCENE_LARGE + 4),
                                           .length = 2 * PAGE_SIZE,
                                           .advice = MEM_ADVISE_DONTNEED};

    return op_advise(&scene->world->core, first(scene), &request);
}

enum err move_a_large_leaf(const struct scene *scene)
{
    const struct remap_request request = {
        .address = world_address(SCENE_LARGE),
        .length_old = 512 * PAGE_SIZE,
        .length_new = 512 * PAGE_SIZE,
        .flags = MEM_REMAP_MAYMOVE | MEM_REMAP_FIXED,
        .target = world_address(SCENE_LARGE + 5000),
    };
    uaddr_t address;

    return op_remap(&scene->world->core, first(scene), &request, &address);
}

enum err fault_in_a_large_leaf(const struct scene *scene)
{
    enum fault_outcome outcome = world_write(scene->world, first(scene), SCENE_LARGE + 530, 16);

    ASSERT(outcome == FAULT_READY || outcome == FAULT_NO_FRAME);
    return outcome == FAULT_READY ? ERR_OK : ERR_NOMEM;
}

enum err take_part_of_a_large_leaf_in_a_batch(const struct scene *scene)
{
    struct batch_op ops[] = {
        {.sort = BATCH_UNMAP, .unmap = {world_address(SCENE_LARGE + 40), 512 * PAGE_SIZE}},
        {.sort = BATCH_PROTECT,
         .protect = {.address = world_address(SCENE_LARGE + 9), .length = PAGE_SIZE, .prot = 1}},
    };
    uint32_t refused;

    return op_batch(&scene->world->core, first(scene), ops, sizeof ops / sizeof ops[0], &refused);
}
