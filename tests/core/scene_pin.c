/* SPDX-License-Identifier: MIT */
#include "scene_pin.h"

#include <base/assert.h>

static enum err pin(const struct scene *scene, uint64_t owner, uint64_t space, uint32_t index,
                    uint32_t pages, uint32_t flags, uint64_t device, uint64_t *number)
{
    const struct pin_request request = {
        .owner = world_find(scene->world, owner),
        .address = world_address(scene_page(index)),
        .pages = pages,
        .flags = flags | MEM_PIN_GET,
        .device = device,
        .purpose = "scene",
    };
    struct pin_answer answer;
    enum err error =
        op_pin(&scene->world->core, world_find(scene->world, space), &request, &answer);

    if (error != ERR_OK) {
        return error;
    }
    *number = answer.pin_opt->number;
    /* With fewer pages than asked for, frames were short in the middle. */
    if (answer.pages != pages) {
        pin_drop(&scene->world->core, answer.pin_opt);
        return ERR_NOMEM;
    }
    return ERR_OK;
}

void scene_make_pins(struct scene *scene)
{
    struct space *second = world_find(scene->world, scene->second);
    uint64_t number;

    second->settings.privileges = SPACE_PRIVILEGE_DMA;
    enum err error = pin(scene, scene->first, scene->second, 22, 1, MEM_PIN_WRITE, 0, &scene->pin);

    ASSERT(error == ERR_OK);
    error = pin(scene, scene->second, scene->first, 10, 1, MEM_PIN_LONGTERM, SCENE_DEVICE, &number);
    ASSERT(error == ERR_OK);
}

enum err pin_a_row(const struct scene *scene)
{
    uint64_t number;

    return pin(scene, scene->second, scene->first, 13, 16, MEM_PIN_WRITE, 0, &number);
}

enum err pin_once_more(const struct scene *scene)
{
    uint64_t number;

    return pin(scene, scene->first, scene->first, 10, 2, MEM_PIN_WRITE, 0, &number);
}

enum err pin_a_shared_page(const struct scene *scene)
{
    uint64_t number;

    return pin(scene, scene->second, scene->second, 1, 1, 0, 0, &number);
}

enum err unpin(const struct scene *scene)
{
    return op_unpin(&scene->world->core, world_find(scene->world, scene->first), scene->pin, 0);
}
