/* SPDX-License-Identifier: MIT */
#include "scene_object.h"

#include <base/assert.h>

static struct space *first(const struct scene *scene)
{
    return world_find(scene->world, scene->first);
}

static struct core *core_of(const struct scene *scene)
{
    return &scene->world->core;
}

struct object *scene_memory(const struct scene *scene)
{
    struct object *object = object_find(core_of(scene), scene->memory);

    ASSERT(object != NULL);
    return object;
}

enum err make_an_object(const struct scene *scene)
{
    const struct object_request request = {.bytes = 3 * PAGE_SIZE};
    struct object *object;

    return op_object_make(core_of(scene), first(scene), &request, &object);
}

enum err name_an_object(const struct scene *scene)
{
    const struct name_text text = {(const uint8_t *)"/two", 4};

    return name_add(core_of(scene), first(scene), &text, scene_memory(scene), MAP_RIGHT_READ);
}

enum err take_back_a_name(const struct scene *scene)
{
    const struct name_text text = {(const uint8_t *)"/one", 4};

    return name_remove(core_of(scene), first(scene), &text);
}

/* As the shell does for OPEN and HOLD. */
static enum err hold(const struct scene *scene, struct object *object, uint32_t rights)
{
    struct core *core = core_of(scene);

    shared_enter(core);
    const bool has_room = arena_page_reserve(core, hold_needs(core));
    if (has_room) {
        hold_take(core, first(scene), object);
        hold_add_rights(core, first(scene), object, rights);
    }
    shared_leave(core);
    return has_room ? ERR_OK : ERR_NOMEM;
}

enum err open_a_name(const struct scene *scene)
{
    const struct name_text text = {(const uint8_t *)"/one", 4};
    uint32_t rights = 0;

    shared_enter(core_of(scene));
    struct object *object = name_find(core_of(scene), &text, &rights);
    shared_leave(core_of(scene));
    ASSERT(object != NULL);
    return hold(scene, object, rights);
}

enum err hold_an_object(const struct scene *scene)
{
    return hold(scene, scene_memory(scene), MAP_RIGHT_READ);
}

enum err slice_an_object(const struct scene *scene)
{
    struct object *slice;

    return op_object_slice(core_of(scene), first(scene), scene->object, SLICE_RIGHTS, PAGE_SIZE,
                           3 * PAGE_SIZE, &slice);
}
