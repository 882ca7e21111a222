/* SPDX-License-Identifier: MIT */
/*
 * The queue of death notices (task/death.h): how the memory server learns who ended, and why.
 *
 * I1  A notice is in the queue at most once. One whose frame is released, or whose space ends, is
 *     taken out.
 * I2  EVENT_DEATH is set in the memory server's notification after each notice that is queued.
 * Lock: task_lock.
 */
#pragma once

#include "ipc/notify.h"
#include "task/death.h"

/* Once, at boot: the notification that is told. */
void death_set_events(struct notification *events);

/* Queue `death`, whose fields are filled, and tell the memory server. */
void death_queue(struct death *death) REQUIRES(task_lock);

/* Take `death` out of the queue if it is there. */
void death_drop(struct death *death) REQUIRES(task_lock);

/* Take the oldest notice; NULL: there is none. */
struct death *death_take(void) REQUIRES(task_lock);
