/* SPDX-License-Identifier: MIT */
#include "threads_stage.h"

#include <pthread.h>

#include <base/assert.h>

#include "threads_turns.h"
#include "world.h"

static struct world *world;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void gate_close(void)
{
    int failed = pthread_mutex_lock(&gate);

    ASSERT(failed == 0);
}

static void gate_open(void)
{
    int failed = pthread_mutex_unlock(&gate);

    ASSERT(failed == 0);
}

void stage_start(struct core *core)
{
    static const struct model_threads threads = {gate_close, gate_open, turns_wait, turns_wake};

    turns_start();
    world = world_make(STAGE_FRAMES, COMMIT_NEVER);
    world->port->threads_opt = &threads;
    *core = world->core;
}

void stage_stop(struct core *core)
{
    *core = (struct core){0};
    world_free(world);
    turns_stop();
}

pfn_t stage_wired(void)
{
    return (pfn_t){MODEL_BASE + WORLD_ARCHIVE};
}

void stage_audit(const struct core *core)
{
    ASSERT(core->base == world->arena);
    world_audit(world);
}
