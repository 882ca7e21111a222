/* SPDX-License-Identifier: MIT */
#include "server/core/op_commit.h"

#include <mem/limits.h>

#include "server/core/arena.h"
#include "server/core/limit.h"
#include "server/core/name.h"
#include "server/core/shared.h"
#include "server/core/swap.h"

/* Pages that may be promised in a mode. */
static uint64_t commit_limit(const struct core *core, enum commit_mode mode)
{
    switch (mode) {
    case COMMIT_HEURISTIC:
        return core->head->pool.total;
    case COMMIT_ALWAYS:
        return MEM_UNLIMITED;
    case COMMIT_NEVER:
        return atomic_load_explicit(&core->head->commit.limit, memory_order_relaxed);
    }
    UNREACHABLE();
}

enum err op_commit(struct core *core, struct space *space, const struct commit_request *request,
                   struct commit_view *view)
{
    struct commit *commit = &core->head->commit;

    limit_begin(space);
    if (request->is_set) {
        if (request->mode > COMMIT_NEVER || request->percent == 0 ||
            request->percent > COMMIT_PERCENT_MAX) {
            return limit_refuse(space, ERR_INVAL);
        }
        commit->percent = (uint32_t)request->percent;
        atomic_store_explicit(&commit->limit,
                              core->head->pool.total * request->percent / 100 + swap_slots(core),
                              memory_order_relaxed);
        atomic_store_explicit(&commit->mode, (uint32_t)request->mode, memory_order_relaxed);
    }
    const enum commit_mode mode = limit_mode(&core->head->commit);

    shared_enter(core);
    const uint64_t shared = name_frames(core);
    const uint64_t names = core->head->names.records;

    shared_leave(core);
    *view = (struct commit_view){
        .mode = mode,
        .percent = commit->percent,
        .limit = commit_limit(core, mode),
        .used = atomic_load_explicit(&commit->used, memory_order_relaxed),
        .frames = core->head->pool.total,
        .names = names,
        .shared = shared,
    };
    return ERR_OK;
}
