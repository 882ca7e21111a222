/* SPDX-License-Identifier: MIT */
#include "ipc/notify.h"

#include <riscv/timer.h>

#include "ipc/ipc.h"
#include "ipc/wait.h"
#include "task/sched.h"
#include "task/space.h"

/* Take from `notification` those of the wanted bits that are set. */
static uint64_t notify_take(struct notification *notification, uint64_t wanted)
{
    const uint64_t taken = notification->bits & wanted;
    notification->bits &= ~taken;
    return taken;
}

void notify_set(struct notification *notification, uint64_t bits)
{
    struct thread *waiter = notification->waiter;

    notification->bits |= bits;
    if (notification->bound != NULL) {
        thread_set_flags(notification->bound, THREAD_SIGNALLED);
        ipc_poke(notification->bound);
    } else if (waiter != NULL && (bits & waiter->wanted) != 0) {
        notification->waiter = NULL;
        wait_finish(waiter, ERR_OK, notify_take(notification, waiter->wanted));
    }
}

uint64_t notify_take_bound(struct thread *thread)
{
    thread_clear_flags(thread, THREAD_SIGNALLED);
    return thread->bound == NULL ? 0 : notify_take(thread->bound, UINT64_MAX);
}

enum err notify_bind(struct notification *notification, struct thread *thread)
{
    if (thread->bound == notification) {
        return ERR_OK;
    }
    if (notification->bound != NULL) {
        return ERR_EXIST;
    }
    if (notification->waiter != NULL) {
        return ERR_BUSY;
    }
    notify_unbind(thread);
    notification->bound = thread;
    thread->bound = notification;
    if (notification->bits != 0) {
        thread_set_flags(thread, THREAD_SIGNALLED);
    }
    return ERR_OK;
}

void notify_unbind(struct thread *thread)
{
    if (thread->bound != NULL) {
        thread->bound->bound = NULL;
        thread->bound = NULL;
    }
    thread_clear_flags(thread, THREAD_SIGNALLED);
    timeout_cancel(&thread->timer);
}

void notify_fini(struct notification *notification)
{
    struct thread *waiter = notification->waiter;

    if (waiter != NULL) {
        notification->waiter = NULL;
        wait_finish(waiter, ERR_STALE, 0);
    }
    if (notification->bound != NULL) {
        notify_unbind(notification->bound);
    }
}

/* Take the bits that `self` wants, or wait for them. */
static void notify_take_or_wait(struct thread *self, struct notification *notification,
                                uint64_t latest)
{
    if (notification->waiter != NULL || notification->bound != NULL) {
        thread_set_results(self, ERR_BUSY, 0);
        return;
    }
    const uint64_t taken = notify_take(notification, self->wanted);
    if (taken != 0 || (latest != 0 && latest <= timer_now())) {
        thread_set_results(self, taken != 0 ? ERR_OK : ERR_TIMEDOUT, taken);
        return;
    }
    notification->waiter = self;
    self->waits_on = &notification->object;
    thread_set_state(self, THREAD_WAITING);
    if (latest != 0) {
        wait_set_timeout(self, latest);
    }
    sched_block();
}

void notify_wait(struct thread *self)
{
    struct handle_slot *slot;
    const enum err error =
        handle_find(self->space, self->x[REG_T1], OBJECT_NOTIFICATION, RIGHT_WAIT, &slot);

    if (error != ERR_OK) {
        thread_set_results(self, error, 0);
        return;
    }
    self->wanted = self->x[REG_A0] == 0 ? UINT64_MAX : self->x[REG_A0];
    notify_take_or_wait(self, (struct notification *)(void *)slot->object, self->x[REG_A0 + 1]);
}
