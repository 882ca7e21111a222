/* SPDX-License-Identifier: MIT */
/*
 * How threads and spaces end, from whatever they were doing, and what their partners get to know.
 *
 *   callers queued at, or received through, an endpoint of the space     PEER_GONE
 *   threads that wait for a notification of the space                    STALE
 *   holders of tokens for a thread that ended                            STALE when they answer
 *   holders of handles to anything that ended                            STALE
 *   the memory server, unless it did it                                  a death notice
 *
 * Notices wait in a queue until the memory server asks for them.
 *
 * Ending takes nothing away from the memory server: frames stay what they are until it releases
 * them. The end of the memory server, or of its last thread, is the kernel's: it panics.
 *
 * I1  A notice is in the queue at most once. One whose frame is released, or whose space ends, is
 *     taken out.
 * I2  EVENT_DEATH is set in the memory server's notification after each notice that is queued.
 * Lock: task_lock.
 */
#pragma once

#include <stdint.h>

#include <abi/fault.h>

#include "task/thread.h"

struct notification;
struct space;

/* Once, at boot: the notification of the memory server that is told of notices. */
void end_set_events(struct notification *events);

/* Take the oldest notice; NULL: there is none. */
struct death *end_take_notice(void) REQUIRES(task_lock);

/* End `thread` and announce it. An ended one: nothing happens. */
void end_thread(struct thread *thread, enum cause cause, uint64_t detail, uint64_t access)
    REQUIRES(task_lock);

/* End an endpoint or notification in a slab of `space`; other cells are left alone. */
void end_object(struct space *space, struct object *object) REQUIRES(task_lock);

/*
 * End `space`, its threads and its objects, without a notice. An ended one: nothing happens.
 *
 * Work: in proportion to its threads, slabs and slots, and to the thread numbers of the system.
 */
void end_space(struct space *space) REQUIRES(task_lock);

/* The same, announced as done by `thread`, one of its own. */
void end_space_by(struct thread *thread, enum cause cause, uint64_t detail) REQUIRES(task_lock);
