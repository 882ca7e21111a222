/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L /* recursive mutexes, for -std=c11 */
#include "threads_stage.h"

#include <pthread.h>

#include <base/assert.h>

#include "threads_turns.h"
#include "world.h"

static struct world *world;
static pthread_mutex_t gate;            /* may be closed again by who has closed it */
static uint64_t waiting[ARENA_WORKERS]; /* tokens of faults without an answer; 0: none */

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

/* What a server thread has removed and not handed over, as in the kernel's vector. */
#define GATHERED_MAX 16u

struct removal {
    pfn_t space;
    vpn_t vpn;
    npages_t pages;
};

static _Thread_local struct removal gathered[GATHERED_MAX];
static _Thread_local uint32_t gathered_count;

static bool gather(pfn_t space, vpn_t vpn, npages_t pages)
{
    if (gathered_count == GATHERED_MAX) {
        return false;
    }
    gathered[gathered_count] = (struct removal){space, vpn, pages};
    gathered_count++;
    return true;
}

static void enter(void)
{
    gate_close();
    for (uint32_t i = 0; i < gathered_count; i++) {
        model_restrict(world->port, gathered[i].space, gathered[i].vpn, gathered[i].pages, 0);
    }
    gathered_count = 0;
}

/* Map what an answer says, unless it is there. Whoever calls has closed the gate. */
static void carry_out(struct port *port, pfn_t space, const struct space_answer *answer)
{
    const pfn_t frame = {answer->what >> 16};
    const struct model_entry *leaf = model_leaf(port, space, answer->where);

    if (leaf == NULL || leaf->frame != model_index(frame)) {
        port_install(port, space, (vpn_t){answer->where}, (npages_t){1}, frame,
                     answer->what >> 8 & 0xff, (enum port_how)(answer->what & 0xff),
                     (pfn_t){answer->source});
    }
}

/* As the kernel: a token is good once. */
static bool answer_once(struct port *port, pfn_t space, const struct space_answer *answer)
{
    const bool is_waiting = waiting[answer->worker] == answer->serial;

    if (is_waiting) {
        waiting[answer->worker] = 0;
        carry_out(port, space, answer);
    }
    return is_waiting;
}

static void settle(struct port *port, pfn_t space, const struct space_answer *answer)
{
    gate_close();
    if (!answer_once(port, space, answer)) {
        carry_out(port, space, answer);
    }
    gate_open();
}

void stage_fault(struct core *core, struct space *space, vpn_t vpn,
                 const struct fault_answer *ready, uint64_t serial)
{
    space->answer.serial = serial;
    space->answer.where = vpn.v;
    space->answer.what = ready->frame.v << 16 | (uint64_t)ready->prot << 8 | ready->how;
    space->answer.source = ready->how == PORT_COPY ? ready->source.v : 0;
    gate_close();
    waiting[core->number] = serial;
    gate_open();
}

void stage_end_faulted(const struct core *core)
{
    gate_close();
    waiting[core->number] = 0;
    gate_open();
}

bool stage_answer(struct core *core, pfn_t space, const struct space_answer *answer)
{
    gate_close();
    const bool is_given = answer_once(core->port, space, answer);

    gate_open();
    return is_given;
}

void stage_carry_out(struct core *core, pfn_t space, const struct space_answer *answer)
{
    gate_close();
    carry_out(core->port, space, answer);
    gate_open();
}

/* Several server threads come to it, and each may be in it more than once. */
static void gate_make(void)
{
    pthread_mutexattr_t attributes;
    int failed = pthread_mutexattr_init(&attributes);

    failed |= pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    failed |= pthread_mutex_init(&gate, &attributes);
    failed |= pthread_mutexattr_destroy(&attributes);
    ASSERT(failed == 0);
}

void stage_start(struct core *core)
{
    static const struct model_threads threads = {enter,      gate_open, turns_wait,
                                                 turns_wake, gather,    settle};

    gate_make();
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
