/* SPDX-License-Identifier: MIT */
/*
 * Locks between server threads.
 *
 * A lock is one word with a bit for each server thread: one atomic instruction sets the own bit
 * and tells whether there were others, another takes it out again and tells whether somebody waits.
 * Who finds others looks a few times, then gives the hart away until the lock is handed to him; who
 * gives a lock back hands it to the next one that waits, by number, so that everybody's turn comes.
 *
 * A server thread runs with the priority of the client that it serves. One that has to wait first
 * has all who are at the same lock, itself included, run before all clients (port_wait): so no
 * client can keep the owner of a lock that somebody waits for from running, on whatever hart.
 *
 * I1  A server thread waits for one lock at a time.
 * I2  If bits are set, exactly one of their threads has the lock, or is being handed it.
 * What is locked, and in which order: shared.h.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include <base/attr.h>

#include "server/core/arena.h"

/* How often a waiting thread looks before it gives its hart away. */
#define MUTEX_LOOKS 64u

/* Wait until the lock is handed over; `before` is what the word was. Makes port calls. */
void mutex_wait(struct core *core, uint32_t before);

/* Hand a lock to one of the threads that wait for it. Makes a port call. */
void mutex_hand_over(struct core *core, uint32_t waiting);

/* Take a lock that the calling server thread does not have. May make port calls. */
static inline void mutex_take(struct core *core, struct mutex *mutex)
{
    const uint32_t before =
        atomic_fetch_or_explicit(&mutex->takers, core->bit, memory_order_acquire);

    if (UNLIKELY(before != 0)) {
        mutex_wait(core, before);
    }
}

/* Give it back. */
static inline void mutex_give(struct core *core, struct mutex *mutex)
{
    const uint32_t before =
        atomic_fetch_and_explicit(&mutex->takers, ~core->bit, memory_order_release);

    if (UNLIKELY(before != core->bit)) {
        mutex_hand_over(core, before & ~core->bit);
    }
}
