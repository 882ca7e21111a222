/* SPDX-License-Identifier: MIT */
/*
 * Which thread runs where: a queue a hart, 32 priorities, round robin within one.
 *
 * A thread starts on the hart with the least to do, and stays on its hart while that has time for
 * it. A hart without anything to do takes a thread from another's queue; it is poked when a queue
 * holds more than its hart can run. A thread that waits for a message wakes up on the hart of the
 * one who sends it, so that call and answer are switches on one hart; one that waits there already
 * is taken first. None of this moves a thread that is kept on a hart.
 *
 * Nothing switches in the middle of the kernel. Whoever makes a thread runnable or blocks the
 * current one leaves a note in hart->reschedule; the exit from the kernel calls sched_switch() if
 * there is one. A call that meets its receiver (fastpath.S) switches without asking here: the
 * receiver takes over priority and time slice, so that nothing in the queue can be more urgent than
 * before.
 *
 * I1  A thread is in the queue of its hart exactly while RUNNABLE.
 * I2  At the return to user mode no thread in the queue has a higher priority than current, or the
 *     hart was poked.
 * I3  The timer is set to the earliest time-out, or earlier, if others of current's priority wait,
 *     to the end of the slice; else to never.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>

#include "task/thread.h"

/* Prepare the queue of `hart`; a slice lasts `slice` ticks of the time CSR. */
COLD void sched_init(struct hart *hart, uint64_t slice);

/* Let `hart`, the one that calls, be interrupted: by its timer and by other harts. */
COLD void sched_start(struct hart *hart);

/* End a wait: NEW, STOPPED or waiting -> RUNNABLE, behind those of its priority. */
void sched_wake(struct thread *thread);

/* The same before those of its priority: it continues what has run up to now. */
void sched_wake_first(struct thread *thread);

/* Take a RUNNABLE thread out of the queue; the caller gives it its next state. */
COLD void sched_remove(struct thread *thread);

/* Let `thread` run with `priority` from now on. */
COLD void sched_set_priority(struct thread *thread, uint32_t priority);

/* Let current take its turn behind those of its priority. */
void sched_yield(void);

/* The current thread has left RUNNING. */
static inline void sched_block(void)
{
    hart_self()->reschedule = RESCHEDULE;
}

/* `thread` is RUNNING and is to run no longer, here or elsewhere; the caller gives it its next
 * state. */
COLD void sched_evict(const struct thread *thread);

/* Flags of `thread` were set: have them seen soon. */
void sched_attend(const struct thread *thread);

/* Keep `thread` on `hart` from now on, or let it run anywhere (NULL). */
COLD void sched_keep(struct thread *thread, struct hart *hart_opt);

/* Let `thread`, which neither runs nor could, wake up on this hart if it may. */
void sched_adopt(struct thread *thread);

/* An interrupt: serve devices, end what is due, and the slice if it is over. */
void sched_tick(void);

/*
 * Make hart->current the thread that has to run now, sleeping until there is one; enter its space.
 *
 * On return: hart->reschedule is RESCHEDULE_NOT, current is RUNNING and has nothing due.
 */
void sched_switch(void);

/* Set the timer as I3 says. */
void sched_arm(void);

/*
 * Provided by ipc/attend.c. Do what is due before `thread`, RUNNING, returns to user mode: its
 * flags.
 *
 * Returns: whether it is still RUNNING.
 */
bool attend_thread(struct thread *thread);

/* Provided by ipc/attend.c. Act on a time-out that has come. */
void attend_timeout(struct timeout *timeout);

/* Provided by ipc/attend.c. Pass on what devices have to say. */
void attend_interrupts(void);
