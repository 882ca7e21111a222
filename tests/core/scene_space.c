/* SPDX-License-Identifier: MIT */
#include "scene_space.h"

static enum err make_by(const struct scene *scene, uint32_t maker, uint64_t frames)
{
    struct space_settings settings = world_settings();
    struct space *space;

    settings.maker = maker;
    settings.frames_max = frames;
    return space_make(&scene->world->core, &settings, &space);
}

enum err make_a_space(const struct scene *scene)
{
    return make_by(scene, 0, 0);
}

enum err make_a_space_within_a_budget(const struct scene *scene)
{
    return make_by(scene, (uint32_t)scene->first, 0);
}

enum err make_a_space_with_a_budget(const struct scene *scene)
{
    return make_by(scene, (uint32_t)scene->first, 9);
}

enum err run_a_batch(const struct scene *scene)
{
    struct space *space = world_find(scene->world, scene->first);
    struct batch_op ops[] = {
        {.sort = BATCH_UNMAP, .unmap = {world_address(scene_page(1)), 3 * PAGE_SIZE}},
        {.sort = BATCH_MAP,
         .map = {.address = world_address(scene_page(2)),
                 .length = 2 * PAGE_SIZE,
                 .prot = 3,
                 .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_FIXED}},
        {.sort = BATCH_PROTECT,
         .protect = {.address = world_address(scene_page(10)), .length = PAGE_SIZE, .prot = 1}},
        {.sort = BATCH_UNMAP, .unmap = {world_address(scene_page(13) + 20), 560 * PAGE_SIZE}},
    };
    uint32_t refused;

    return op_batch(&scene->world->core, space, ops, sizeof ops / sizeof ops[0], &refused);
}

enum err end_a_space(const struct scene *scene)
{
    space_end(&scene->world->core, world_find(scene->world, scene->first));
    return ERR_OK;
}

enum err end_a_space_with_objects(const struct scene *scene)
{
    space_end(&scene->world->core, world_find(scene->world, scene->second));
    return ERR_OK;
}
