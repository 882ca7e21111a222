/* SPDX-License-Identifier: MIT */
#include "ipc/notify.h"

#include <riscv/timer.h>

#include "syscall/syscall.h"
#include "task/sched.h"

static enum err sys_find_notification(uint64_t rights, struct notification **notification)
{
    struct handle_slot *slot;
    const enum err error = sys_find(OBJECT_NOTIFICATION, rights, &slot);

    if (error == ERR_OK) {
        *notification = (struct notification *)(void *)slot->object;
    }
    return error;
}

struct sys_result sys_notify(uint64_t bits)
{
    struct notification *notification;
    const enum err error = sys_find_notification(RIGHT_SIGNAL, &notification);

    if (error != ERR_OK) {
        return sys_make_error(error);
    }
    if (bits == 0) {
        return sys_make_error(ERR_INVAL);
    }
    notify_set(notification, bits);
    return sys_make_error(ERR_OK);
}

struct sys_result sys_bind(void)
{
    struct thread *self = thread_current();
    struct notification *notification;
    enum err error = ERR_OK;

    if (sys_handle() == HANDLE_NONE) {
        lock_take(&task_lock);
        notify_unbind(self);
        lock_release(&task_lock);
        return sys_make_error(ERR_OK);
    }
    error = sys_find_notification(RIGHT_WAIT, &notification);
    if (error == ERR_OK) {
        lock_take(&task_lock);
        error = notify_bind(notification, self);
        lock_release(&task_lock);
    }
    return sys_make_error(error);
}

struct sys_result sys_timer(uint64_t time, uint64_t bits)
{
    struct thread *self = thread_current();

    if (self->bound == NULL || (time != 0 && bits == 0)) {
        return sys_make_error(ERR_INVAL);
    }
    if (time == 0) {
        timeout_cancel(&self->timer);
    } else {
        self->timer_bits = bits;
        timeout_set(&self->timer, time);
    }
    sched_arm();
    return sys_make_error(ERR_OK);
}
