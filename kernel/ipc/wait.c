/* SPDX-License-Identifier: MIT */
#include "ipc/wait.h"

#include "ipc/notify.h"
#include "task/sched.h"

bool wait_detach(struct thread *thread)
{
    if (thread_is_in(thread, THREAD_SENDING) || thread_is_in(thread, THREAD_TRAPPED) ||
        thread_is_in(thread, THREAD_RECEIVING)) {
        list_remove(&thread->link);
    } else if (thread_is_in(thread, THREAD_CALLING) || thread_is_in(thread, THREAD_FAULTING)) {
        thread->serial = 0;
    } else if (thread_is_in(thread, THREAD_WAITING)) {
        ((struct notification *)(void *)thread->waits_on)->waiter = NULL;
    } else {
        return false;
    }
    return true;
}

void wait_set_timeout(struct thread *thread, uint64_t latest)
{
    thread_set_flags(thread, THREAD_TIMED);
    timeout_set(&thread->wait_timeout, latest);
}

void wait_cancel_timeout(struct thread *thread)
{
    if (thread_has_flags(thread, THREAD_TIMED)) {
        timeout_cancel(&thread->wait_timeout);
        thread_clear_flags(thread, THREAD_TIMED);
    }
}

void wait_finish(struct thread *thread, enum err error, uint64_t value)
{
    wait_cancel_timeout(thread);
    thread_set_results(thread, error, value);
    sched_wake(thread);
}
