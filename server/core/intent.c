/* SPDX-License-Identifier: MIT */
#include "server/core/intent.h"

#include <base/assert.h>

#include "server/core/arena.h"
#include "server/core/object.h"
#include "server/core/port.h"
#include "server/core/region.h"
#include "server/core/shared.h"
#include "server/core/space.h"

/* Records that the commit set free beyond what is kept in hand. */
NOINLINE static void intent_give_back(struct core *core)
{
    region_trim(core, ARENA_SPARES);
    object_bury(core);
}

void intent_open(struct core *core, const struct space *space, struct range range)
{
    struct intent *intent = &core->worker->intent;

    ASSERT(intent->phase == INTENT_IDLE);
    ASSERT(intent->step == STEP_NONE);
    /* A space has less than 2^32 pages. */
    core->commits_shared = ((uint32_t)space->shared |
                            atomic_load_explicit(&space->together, memory_order_relaxed)) != 0;
    if (UNLIKELY(core->commits_shared)) {
        shared_enter(core);
    }
    intent->space = space->number;
    intent->range = range;
    intent->phase = INTENT_READY;
}

void intent_write(struct core *core)
{
    struct intent *intent = &core->worker->intent;

    ASSERT(intent->phase == INTENT_READY);
    intent->phase = INTENT_WRITING;
}

void intent_close(struct core *core)
{
    struct intent *intent = &core->worker->intent;

    ASSERT(intent->phase == INTENT_WRITING);
    intent->phase = INTENT_IDLE;
    const struct worker *worker = core->worker;

    if (worker->promised != 0) {
        limit_settle(core);
    }
    if (UNLIKELY(worker->dead_first != 0 || worker->spares > ARENA_SPARES)) {
        intent_give_back(core);
    }
    if (UNLIKELY(core->commits_shared)) {
        core->commits_shared = false;
        port_hand_over(core->port); /* whoever else has pages of these may free them from now on */
        shared_leave(core);
    }
}

void intent_step(struct core *core, enum intent_step step, uint32_t where, uint32_t frame)
{
    struct intent *intent = &core->worker->intent;

    ASSERT(intent->phase != INTENT_WRITING);
    ASSERT(intent->step == STEP_NONE);
    intent->where = where;
    intent->frame = frame;
    intent->step = (uint32_t)step;
}

void intent_step_space(struct core *core, enum intent_step step, const struct space *space,
                       uint32_t level, uint32_t where, uint32_t frame, uint32_t page)
{
    struct intent *intent = &core->worker->intent;

    intent->step_space = space->number;
    intent->level = level;
    intent->page = page;
    intent_step(core, step, where, frame);
}

void intent_step_done(struct core *core)
{
    core->worker->intent.step = STEP_NONE;
}
