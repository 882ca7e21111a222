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
