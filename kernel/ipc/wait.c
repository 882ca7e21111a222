/* SPDX-License-Identifier: MIT */
#include "ipc/wait.h"

#include "ipc/notify.h"
#include "task/sched.h"

bool wait_detach(struct thread *thread)
{
    switch ((enum thread_state)thread->state) {
    case THREAD_SENDING:
    case THREAD_TRAPPED:
    case THREAD_RECEIVING:
        list_remove(&thread->link);
        return true;
    case THREAD_CALLING:
    case THREAD_FAULTING:
        thread->serial = 0;
        return true;
    case THREAD_WAITING:
        ((struct notification *)(void *)thread->waits_on)->waiter = NULL;
        return true;
    case THREAD_NEW:
    case THREAD_STOPPED:
    case THREAD_RUNNABLE:
    case THREAD_RUNNING:
    case THREAD_ENDED:
        return false;
    }
    UNREACHABLE();
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
