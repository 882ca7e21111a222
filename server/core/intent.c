/* SPDX-License-Identifier: MIT */
#include "server/core/intent.h"

#include <base/assert.h>

#include "server/core/arena.h"
#include "server/core/space.h"

void intent_open(struct core *core, const struct space *space, struct range range)
{
    struct intent *intent = &core->worker->intent;

    ASSERT(intent->phase == INTENT_IDLE);
    ASSERT(intent->step == STEP_NONE);
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
