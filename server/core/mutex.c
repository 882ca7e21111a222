/* SPDX-License-Identifier: MIT */
#include "server/core/mutex.h"

#include <base/assert.h>

#include "server/core/port.h"

/* Values of worker.wait. */
enum mutex_turn {
    MUTEX_LOOKING = 0,  /* not waiting, or not asleep yet */
    MUTEX_SLEEPING = 1, /* has to be woken */
    MUTEX_HANDED = 2,   /* the lock that it waits for is its own */
};

static bool mutex_is_handed(struct worker *worker)
{
    return atomic_load_explicit(&worker->wait, memory_order_acquire) == MUTEX_HANDED;
}

void mutex_wait(struct core *core, uint32_t before)
{
    struct worker *worker = core->worker;
    uint32_t looking = MUTEX_LOOKING;

    ASSERT((before & core->bit) == 0);
    /* Others only read it. */
    atomic_store_explicit(&worker->waits,
                          atomic_load_explicit(&worker->waits, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    for (unsigned i = 0; i < MUTEX_LOOKS && !mutex_is_handed(worker); i++) {
    }
    if (atomic_compare_exchange_strong(&worker->wait, &looking, MUTEX_SLEEPING)) {
        while (!mutex_is_handed(worker)) {
            port_wait(core->port, core->number, before | core->bit);
        }
    }
    /* Nobody may see it wait for another lock before this, and have what he hands over undone. */
    atomic_store_explicit(&worker->wait, MUTEX_LOOKING, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
}

/* The first of `waiting` behind the calling server thread, by number, all in a ring. */
static uint32_t mutex_next(const struct core *core, uint32_t waiting)
{
    uint32_t number = core->number;

    ASSERT(waiting != 0 && (waiting & core->bit) == 0);
    do {
        number = (number + 1) % ARENA_WORKERS;
    } while ((waiting >> number & 1) == 0);
    return number;
}

void mutex_hand_over(struct core *core, uint32_t waiting)
{
    const uint32_t next = mutex_next(core, waiting);
    struct worker *worker = &core->head->workers[next];

    atomic_thread_fence(memory_order_acquire); /* with that of mutex_wait() */
    if (atomic_exchange(&worker->wait, MUTEX_HANDED) == MUTEX_SLEEPING) {
        port_wake(core->port, next);
    }
}
