/* SPDX-License-Identifier: MIT */
#include "task/thread.h"

#include "ipc/end.h"
#include "ipc/endpoint.h"
#include "ipc/wait.h"
#include "syscall/syscall.h"
#include "task/harts.h"
#include "task/sched.h"

#define STACK_ALIGNMENT 16u

/* The thread that the call is about. */
static enum err sys_find_thread(struct thread **thread)
{
    struct handle_slot *slot;
    const enum err error = sys_find(OBJECT_THREAD, RIGHT_CONTROL, &slot);

    if (error == ERR_OK) {
        *thread = (struct thread *)(void *)slot->object;
    }
    return error;
}

struct sys_result sys_thread_exit(uint64_t status)
{
    lock_take(&task_lock);
    end_thread(thread_current(), CAUSE_EXIT, status, 0);
    lock_release(&task_lock);
    return sys_make_error(ERR_OK);
}

struct sys_result sys_exit(uint64_t status)
{
    lock_take(&task_lock);
    end_space_by(thread_current(), CAUSE_EXIT, status);
    lock_release(&task_lock);
    return sys_make_error(ERR_OK);
}

struct sys_result sys_upcall_set(uint64_t entry, uint64_t stack)
{
    struct thread *self = thread_current();

    if (stack % STACK_ALIGNMENT != 0) {
        return sys_make_error(ERR_INVAL);
    }
    self->upcall_entry = entry;
    self->upcall_stack = stack;
    return sys_make_error(ERR_OK);
}

struct sys_result sys_thread_start(uint64_t pc, uint64_t sp, uint64_t tp, uint64_t gp, uint64_t a0,
                                   uint64_t a1)
{
    struct thread *thread;
    const enum err error = sys_find_thread(&thread);

    if (error != ERR_OK) {
        return sys_make_error(error);
    }
    if (!thread_is_in(thread, THREAD_NEW)) {
        return sys_make_error(ERR_BUSY);
    }
    thread->x[REG_PC] = thread_user_pc(pc);
    thread->x[REG_SP] = sp;
    thread->x[REG_TP] = tp;
    thread->x[REG_GP] = gp;
    thread->x[REG_A0] = a0;
    thread->x[REG_A0 + 1] = a1;
    sched_wake(thread);
    return sys_make_error(ERR_OK);
}

struct sys_result sys_thread_stop(void)
{
    struct thread *thread;
    const enum err error = sys_find_thread(&thread);

    if (error == ERR_OK) {
        thread_set_flags(thread, THREAD_STOP);
        sched_attend(thread);
    }
    return sys_make_error(error);
}

struct sys_result sys_thread_continue(void)
{
    struct thread *thread;
    const enum err error = sys_find_thread(&thread);

    if (error == ERR_OK) {
        thread_clear_flags(thread, THREAD_STOP);
        if (thread_is_in(thread, THREAD_STOPPED)) {
            sched_wake(thread);
        }
    }
    return sys_make_error(error);
}

struct sys_result sys_thread_end(uint64_t detail)
{
    struct thread *thread;
    const enum err error = sys_find_thread(&thread);

    if (error == ERR_OK) {
        lock_take(&task_lock);
        end_thread(thread, CAUSE_KILLED, detail, 0);
        lock_release(&task_lock);
    }
    return sys_make_error(error);
}

/* The space that serves the pager endpoint of `space`, which lives, as tokens have it. */
static uint64_t sys_pager_satp(const struct space *space)
{
    const struct endpoint *pager = (const struct endpoint *)(const void *)space->pager.object;
    return pager->owner->aspace.satp;
}

/* `thread` is in a wait that an upcall may cut short. */
static bool sys_can_interrupt(const struct thread *thread)
{
    const struct space *space = thread->space;

    if (thread_is_in(thread, THREAD_SENDING)) {
        return thread->waits_on != space->pager.object;
    }
    if (thread_is_in(thread, THREAD_CALLING)) {
        return !handle_is_live(&space->pager) || thread->partner != sys_pager_satp(space);
    }
    return thread_is_in(thread, THREAD_RECEIVING) || thread_is_in(thread, THREAD_WAITING);
}

struct sys_result sys_thread_upcall(uint64_t detail)
{
    struct thread *thread;
    const enum err error = sys_find_thread(&thread);

    if (error != ERR_OK) {
        return sys_make_error(error);
    }
    if (thread->upcall_entry == 0 || thread->is_in_upcall) {
        return sys_make_error(ERR_INVAL);
    }
    if (thread_has_flags(thread, THREAD_UPCALL)) {
        return sys_make_error(ERR_BUSY);
    }
    thread->upcall_detail = detail;
    thread_set_flags(thread, THREAD_UPCALL);
    if (sys_can_interrupt(thread) && wait_detach(thread)) {
        wait_finish(thread, ERR_INTR, 0);
    }
    sched_attend(thread);
    return sys_make_error(ERR_OK);
}

struct sys_result sys_thread_priority(uint64_t priority)
{
    struct thread *thread;
    const enum err error = sys_find_thread(&thread);

    if (error != ERR_OK) {
        return sys_make_error(error);
    }
    if (priority > thread->space->priority_max) {
        return sys_make_error(ERR_RANGE);
    }
    thread->priority_own = (uint32_t)priority;
    sched_set_priority(thread, (uint32_t)priority);
    return sys_make_error(ERR_OK);
}

struct sys_result sys_thread_hart(uint64_t index)
{
    struct thread *thread = thread_current();
    const enum err error = sys_handle() == 0 ? ERR_OK : sys_find_thread(&thread);

    if (error != ERR_OK) {
        return sys_make_error(error);
    }
    if (index != HART_ANY && index >= harts_count) {
        return sys_make_error(ERR_RANGE);
    }
    sched_keep(thread, index == HART_ANY ? NULL : &harts[index]);
    return sys_make_error(ERR_OK);
}
