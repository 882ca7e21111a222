/* SPDX-License-Identifier: MIT */
#include "scene.h"

#include <base/assert.h>

void scene_lock(const struct scene *scene, enum scene_locks locks)
{
    struct core *core = &scene->world->core;

    switch (locks) {
    case SCENE_NONE:
        return;
    case SCENE_FIRST:
        space_lock(core, (uint32_t)scene->first);
        return;
    case SCENE_SECOND:
        space_lock(core, (uint32_t)scene->second);
        return;
    case SCENE_BOTH:
        mutex_take(core, &core->head->processes);
        space_lock_two(core, (uint32_t)scene->first, (uint32_t)scene->second);
        return;
    case SCENE_PROCESSES:
    case SCENE_ALL:
        mutex_take(core, &core->head->processes);
        return;
    case SCENE_PROCESSES_FIRST:
        mutex_take(core, &core->head->processes);
        space_lock(core, (uint32_t)scene->first);
        return;
    case SCENE_PROCESSES_SECOND:
        mutex_take(core, &core->head->processes);
        space_lock(core, (uint32_t)scene->second);
        return;
    }
    UNREACHABLE();
}
