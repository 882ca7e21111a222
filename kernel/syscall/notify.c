/* SPDX-License-Identifier: MIT */
#include "ipc/notify.h"

#include <riscv/timer.h>

#include "syscall/syscall.h"
#include "task/sched.h"

struct sys_result sys_notify(uint64_t bits)
{
    struct handle_slot *slot;
    const enum err error = sys_find(OBJECT_NOTIFICATION, RIGHT_SIGNAL, &slot);

    if (error != ERR_OK) {
        return sys_make_error(error);
    }
    if (bits == 0) {
        return sys_make_error(ERR_INVAL);
    }
    notify_set((struct notification *)(void *)slot->object, bits);
    return sys_make_error(ERR_OK);
}

struct sys_result sys_bind(void)
{
    struct thread *self = thread_current();
    struct handle_slot *slot;

    if (sys_handle() == HANDLE_NONE) {
        lock_take(&task_lock);
        notify_unbind(self);
        lock_release(&task_lock);
        return sys_make_error(ERR_OK);
    }
    enum err error = sys_find(OBJECT_NOTIFICATION, RIGHT_WAIT, &slot);
    if (error == ERR_OK) {
        lock_take(&task_lock);
        error = notify_bind((struct notification *)(void *)slot->object, self);
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
