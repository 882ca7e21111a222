/* SPDX-License-Identifier: MIT */
/*
 * A notification: 64 bits that anybody with the right sets and one thread waits for.
 *
 * A cell of a slab of the space that made it. Either a thread waits for it with SYS_WAIT, or it is
 * bound to a thread, whose REPLY_WAIT then ends with a message of kind IPC_NOTIFY.
 *
 * I1  waiter is in WAITING with waits_on this notification, and none of the bits it wants is set.
 * I2  bound has the flag THREAD_SIGNALLED whenever bits != 0 and bits were set while it was bound.
 * I3  Not both waiter and bound are set.
 * Lock: bound changes under task_lock.
 */
#pragma once

#include <stdint.h>

#include <abi/error.h>
#include <base/assert.h>
#include <base/attr.h>

#include "task/object.h"
#include "task/thread.h"

struct space;

struct notification {
    struct object object;
    uint64_t bits;
    struct thread *waiter;
    struct thread *bound;
    uint64_t unused[3];
    struct space *owner; /* constant while it lives; slab_take() sets it */
};

STATIC_ASSERT(sizeof(struct notification) == 64, "a notification is a cell");

/* Set `bits` and wake who waits for one of them. */
void notify_set(struct notification *notification, uint64_t bits);

/*
 * Take the bits of the notification that is bound to `thread`.
 *
 * Returns: the bits, now cleared; 0: there are none.
 */
uint64_t notify_take_bound(struct thread *thread);

/*
 * Bind `notification` to `thread`.
 *
 * Returns:   ERR_OK; ERR_EXIST: it is bound to another thread; ERR_BUSY: somebody waits for it.
 * On error:  nothing changed.
 */
MUST_USE enum err notify_bind(struct notification *notification, struct thread *thread)
    REQUIRES(task_lock);

/* Bind `thread` to no notification. */
void notify_unbind(struct thread *thread) REQUIRES(task_lock);

/* The notification is about to end: its waiter gets STALE, and it is bound to none any longer. */
void notify_fini(struct notification *notification) REQUIRES(task_lock);

/* SYS_WAIT: see abi/calls.h. Results go to the registers of `self`. */
void notify_wait(struct thread *self);
