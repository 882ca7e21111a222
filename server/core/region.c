/* SPDX-License-Identifier: MIT */
#include "server/core/region.h"

#include <base/assert.h>

STATIC_ASSERT(sizeof(struct region) == 64, "63 records to an arena page");

enum err region_reserve_slow(struct core *core, uint32_t count)
{
    struct worker *worker = core->worker;

    ASSERT(count <= ARENA_SPARES);
    while (worker->spares < count) {
        uint32_t link = slab_take(core, &core->head->regions);

        if (link == 0) {
            return ERR_NOMEM;
        }
        worker->spare[worker->spares++] = link;
    }
    return ERR_OK;
}

void region_free(struct core *core, struct region *region)
{
    struct worker *worker = core->worker;
    uint32_t link = arena_link(core, region);

    if (worker->spares < ARENA_SPARES) {
        *region = (struct region){0};
        worker->spare[worker->spares++] = link;
    } else {
        slab_give(core, &core->head->regions, link);
    }
}

void region_drain(struct core *core)
{
    struct worker *worker = core->worker;

    while (worker->spares > 0) {
        slab_give(core, &core->head->regions, worker->spare[--worker->spares]);
    }
}
