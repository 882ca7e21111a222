/* SPDX-License-Identifier: MIT */
#include "scene_advise.h"

#include <mem/prot.h>

static struct space *first(const struct scene *scene)
{
    return world_find(scene->world, scene->first);
}

static struct core *core_of(const struct scene *scene)
{
    return &scene->world->core;
}

static enum err advise(const struct scene *scene, uint32_t advice)
{
    const struct advise_request request = {
        .address = world_address(scene_page(1)), .length = 3 * PAGE_SIZE, .advice = advice};

    return op_advise(core_of(scene), first(scene), &request);
}

enum err advise_dontneed(const struct scene *scene)
{
    return advise(scene, MEM_ADVISE_DONTNEED);
}

enum err advise_dontfork(const struct scene *scene)
{
    return advise(scene, MEM_ADVISE_DONTFORK);
}

enum err advise_populate_write(const struct scene *scene)
{
    const struct advise_request request = {world_address(scene_page(0)), 3 * PAGE_SIZE,
                                           MEM_ADVISE_POPULATE_WRITE, false, false};

    return op_advise(core_of(scene), first(scene), &request);
}

enum err advise_willneed(const struct scene *scene)
{
    return advise(scene, MEM_ADVISE_WILLNEED);
}

enum err advise_hugepage(const struct scene *scene)
{
    return advise(scene, MEM_ADVISE_HUGEPAGE);
}

enum err advise_pageout(const struct scene *scene)
{
    const struct advise_request request = {.address = world_address(scene_page(1)),
                                           .length = 3 * PAGE_SIZE,
                                           .advice = MEM_ADVISE_PAGEOUT};

    return op_pageout(core_of(scene), first(scene), &request);
}

enum err advise_in_the_linux_form(const struct scene *scene)
{
    const struct advise_request request = {.address = world_address(scene_page(1)),
                                           .length = 3 * PAGE_SIZE,
                                           .advice = MEM_ADVISE_RANDOM,
                                           .is_linux = true};

    return op_advise(core_of(scene), first(scene), &request);
}

enum err protect_in_the_linux_form(const struct scene *scene)
{
    const struct protect_request request = {.address = world_address(scene_page(1)),
                                            .length = 3 * PAGE_SIZE,
                                            .prot = MEM_PROT_READ | MEM_PROT_EXEC,
                                            .is_linux = true};

    return op_protect(core_of(scene), first(scene), &request);
}

enum err lock_in_the_linux_form(const struct scene *scene)
{
    const struct lock_request request = {.address = world_address(scene_page(1)),
                                         .length = 3 * PAGE_SIZE,
                                         .flags = MEM_LOCK_ONFAULT,
                                         .is_linux = true};
    enum err error = op_lock(core_of(scene), first(scene), &request);

    return error == ERR_AGAIN ? ERR_NOMEM : error;
}
