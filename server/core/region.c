/* SPDX-License-Identifier: MIT */
#include "server/core/region.h"

#include <base/assert.h>

#include "server/core/shared.h"

STATIC_ASSERT(sizeof(struct region) == 64, "63 records to an arena page");

/* Records given back before others get their turn. */
#define TRIM_BATCH 16u

enum err region_reserve_slow(struct core *core, uint32_t count)
{
    struct worker *worker = core->worker;

    ASSERT(count <= ARENA_SPARES);
    while (worker->spares < count) {
        uint32_t link = slab_take(core, &core->head->regions);

        if (link == 0) {
            return ERR_NOMEM;
        }
        region_keep(core, region_at(core, link));
    }
    return ERR_OK;
}

void region_trim(struct core *core, uint32_t keep)
{
    struct worker *worker = core->worker;

    while (worker->spares > keep) {
        shared_enter(core);
        for (uint32_t i = 0; i < TRIM_BATCH && worker->spares > keep; i++) {
            slab_give(core, &core->head->regions, arena_link(core, region_alloc(core)));
        }
        shared_leave(core);
    }
}
