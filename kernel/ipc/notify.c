/* SPDX-License-Identifier: MIT */
#include "ipc/notify.h"

#include <riscv/timer.h>

#include "ipc/ipc.h"
#include "ipc/wait.h"
#include "task/sched.h"
#include "task/space.h"

/* Take from `notification` those of the wanted bits that are set. */
static uint64_t notify_take(struct notification *notification, uint64_t wanted)
    REQUIRES(notification->lock)
{
    const uint64_t taken = notification->bits & wanted;
    notification->bits &= ~taken;
    return taken;
}

void notify_set(struct notification *notification, uint64_t bits)
{
    struct thread *waiter;
    struct thread *bound;
    uint64_t taken = 0;

    lock_take(&notification->lock);
    notification->bits |= bits;
    waiter = notification->waiter;
    bound = notification->bound;
    if (waiter != NULL) {
        taken = notify_take(notification, waiter->wanted);
        if (taken != 0) {
            notification->waiter = NULL;
        }
    }
    if (bound != NULL) {
        thread_set_flags(bound, THREAD_SIGNALLED);
    }
    lock_release(&notification->lock);

    if (taken != 0) {
        wait_finish(waiter, ERR_OK, taken);
    } else if (bound != NULL) {
        ipc_poke(bound);
    }
}

uint64_t notify_take_bound(struct thread *thread)
{
    struct notification *notification = thread->bound;

    if (notification == NULL) {
        thread_clear_flags(thread, THREAD_SIGNALLED);
        return 0;
    }
    lock_take(&notification->lock);
    thread_clear_flags(thread, THREAD_SIGNALLED);
    const uint64_t bits = notify_take(notification, UINT64_MAX);
    lock_release(&notification->lock);
    return bits;
}

enum err notify_bind(struct notification *notification, struct thread *thread)
{
    enum err error = ERR_OK;

    if (thread->bound == notification) {
        return ERR_OK;
    }
    lock_take(&notification->lock);
    if (notification->bound != NULL) {
        error = ERR_EXIST;
    } else if (notification->waiter != NULL) {
        error = ERR_BUSY;
    } else {
        notification->bound = thread;
    }
    lock_release(&notification->lock);
    if (error != ERR_OK) {
        return error;
    }

    notify_unbind(thread);
    thread->bound = notification;
    if (notification->bits != 0) {
        thread_set_flags(thread, THREAD_SIGNALLED);
    }
    return ERR_OK;
}

void notify_unbind(struct thread *thread)
{
    struct notification *notification = thread->bound;

    if (notification != NULL) {
        lock_take(&notification->lock);
        notification->bound = NULL;
        lock_release(&notification->lock);
        thread->bound = NULL;
    }
    thread_clear_flags(thread, THREAD_SIGNALLED);
    timeout_cancel(&thread->timer);
}

bool notify_detach(struct thread *thread)
{
    struct notification *notification = (struct notification *)(void *)thread->waits_on;

    lock_take(&notification->lock);
    const bool was_waiting = notification->waiter == thread;
    if (was_waiting) {
        notification->waiter = NULL;
    }
    lock_release(&notification->lock);
    return was_waiting;
}

void notify_fini(struct notification *notification)
{
    lock_take(&notification->lock);
    struct thread *waiter = notification->waiter;
    notification->waiter = NULL;
    struct thread *bound = notification->bound;
    lock_release(&notification->lock);

    if (waiter != NULL) {
        wait_finish(waiter, ERR_STALE, 0);
    }
    if (bound != NULL) {
        notify_unbind(bound);
    }
}

/* Wait for the bits, or take them. Returns: whether to write `error` and `taken` as results now. */
static bool notify_wait_or_take(struct thread *self, struct notification *notification,
                                uint64_t latest, enum err *error, uint64_t *taken)
{
    bool is_done = true;

    lock_take(&notification->lock);
    if (notification->waiter != NULL || notification->bound != NULL) {
        *error = ERR_BUSY;
    } else {
        *taken = notify_take(notification, self->wanted);
        if (*taken != 0) {
            *error = ERR_OK;
        } else if (latest != 0 && latest <= timer_now()) {
            *error = ERR_TIMEDOUT;
        } else {
            notification->waiter = self;
            self->waits_on = &notification->object;
            thread_set_state(self, THREAD_WAITING);
            is_done = false;
        }
    }
    lock_release(&notification->lock);
    return is_done;
}

void notify_wait(struct thread *self)
{
    const uint64_t latest = self->x[REG_A0 + 1];
    struct handle_slot *slot;
    uint64_t taken = 0;
    enum err error =
        handle_find(self->space, self->x[REG_T1], OBJECT_NOTIFICATION, RIGHT_WAIT, &slot);

    if (error == ERR_OK) {
        self->wanted = self->x[REG_A0] == 0 ? UINT64_MAX : self->x[REG_A0];
        if (!notify_wait_or_take(self, (struct notification *)(void *)slot->object, latest, &error,
                                 &taken)) {
            if (latest != 0) {
                wait_set_timeout(self, latest);
            }
            sched_block();
            return;
        }
    }
    thread_set_results(self, error, taken);
}
