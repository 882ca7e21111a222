/* SPDX-License-Identifier: MIT */
#include "server/shell/trial.h"

#include <base/assert.h>
#include <mem/limits.h>

#include "server/shell/call.h"
#include "server/shell/process.h"
#include "server/shell/shell.h"
#include "server/shell/swaps.h"

bool trial_lacks_frames(const struct space *space, enum err error)
{
    return space->refusal.error == (uint32_t)error && space->refusal.limit == MEM_LIMIT_FRAMES;
}

bool trial_lacks_budget(const struct space *space, enum err error)
{
    return space->refusal.error == (uint32_t)error && space->refusal.limit == MEM_LIMIT_BUDGET;
}

/* Whether what ends in steps has frames still, or a share of the commit account. */
static bool is_on_its_way(const struct shell *shell)
{
    return shell->head->dying_first != 0 || burial_is_due(&shell->core);
}

static bool lacks_memory(const struct space *space, enum err error)
{
    return trial_lacks_frames(space, error) ||
           (space->refusal.error == (uint32_t)error && space->refusal.limit == MEM_LIMIT_COMMIT);
}

enum trial trial_judge(struct call *call, enum err error, unsigned tries)
{
    if (tries == 0 &&
        (trial_lacks_budget(call->own, error) || trial_lacks_budget(call->target, error))) {
        return TRIAL_BUDGET;
    }
    if (tries == 0 && is_on_its_way(call->shell) &&
        (lacks_memory(call->own, error) || lacks_memory(call->target, error))) {
        return TRIAL_BUDGET;
    }
    return tries < GATHER_MAX && swaps_may_retry(call, error) ? TRIAL_FRAMES : TRIAL_OVER;
}

void trial_help(struct shell *shell, enum trial trial)
{
    ASSERT(trial != TRIAL_OVER);
    (trial == TRIAL_FRAMES ? shell_gather : process_take_deaths)(shell);
}
