/* SPDX-License-Identifier: MIT */
#include "server/core/op_huge.h"

#include "server/core/arena.h"
#include "server/core/huge_pool.h"
#include "server/core/limit.h"
#include "server/core/shared.h"

/* The level of leaves of so many bytes; 0: there are none. */
static uint32_t level_of(uint64_t bytes)
{
    for (uint32_t level = 1; level <= HUGE_SIZES; level++) {
        if (bytes == (uint64_t)huge_unit(level) * PAGE_SIZE) {
            return level;
        }
    }
    return 0;
}

/* Set pages aside. */
static enum err open_pool(struct core *core, struct space *space, uint32_t level, uint64_t pages)
{
    const uint64_t total = core->head->pool.total;

    if (pages == 0) {
        return limit_refuse(space, ERR_INVAL);
    }
    if (core->head->huge[level - 1].total != 0) {
        return limit_refuse(space, ERR_EXIST);
    }
    if (pages > total / huge_unit(level)) {
        const uint64_t most = UINT64_MAX / huge_unit(level);

        return limit_refuse_frames(core, space, (pages < most ? pages : most) * huge_unit(level));
    }
    return huge_pool_open(core, space, level, (uint32_t)pages);
}

enum err op_huge(struct core *core, struct space *space, const struct huge_request *request,
                 struct huge_view *view)
{
    const uint32_t level = level_of(request->bytes);

    limit_begin(space);
    if (level == 0) {
        return limit_refuse(space, ERR_INVAL);
    }
    if (request->is_set) {
        const enum err error = open_pool(core, space, level, request->pages);

        if (error != ERR_OK) {
            return error;
        }
    }
    shared_enter(core);
    const struct huge_pool *pool = &core->head->huge[level - 1];

    *view = (struct huge_view){pool->total, pool->free, pool->reserved};
    shared_leave(core);
    return ERR_OK;
}
