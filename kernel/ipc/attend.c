/* SPDX-License-Identifier: MIT */
/*
 * What the scheduler finds due at a thread or at a time (declared in task/sched.h), and where
 * interrupts go (irq/irq.h).
 */
#include "irq/irq.h"

#include <riscv/csr.h>

#include "ipc/notify.h"
#include "ipc/pending.h"
#include "ipc/upcall.h"
#include "ipc/wait.h"
#include "task/sched.h"

bool attend_thread(struct thread *thread)
{
    if (thread_has_flags(thread, THREAD_PENDING)) {
        if (!pending_flush()) {
            return false;
        }
    }
    if (thread_has_flags(thread, THREAD_STOP)) {
        thread_set_state(thread, THREAD_STOPPED);
        return false;
    }
    if (thread_has_flags(thread, THREAD_UPCALL)) {
        thread_clear_flags(thread, THREAD_UPCALL);
        return upcall_enter(thread, CAUSE_REQUEST, thread->upcall_detail, 0);
    }
    return true;
}

void attend_timeout(struct timeout *timeout)
{
    struct thread *thread;

    switch (timeout->kind) {
    case TIMEOUT_WAIT:
        thread = LIST_ENTRY(timeout, struct thread, wait_timeout);
        if (wait_detach(thread)) {
            wait_finish(thread, ERR_TIMEDOUT, 0);
        }
        return;
    case TIMEOUT_TIMER:
        thread = LIST_ENTRY(timeout, struct thread, timer);
        if (thread->bound != NULL) {
            notify_set(thread->bound, thread->timer_bits);
        }
        return;
    }
    UNREACHABLE();
}

void attend_interrupts(void)
{
    if ((csr_read_sip() & SIE_EXTERNAL) != 0) {
        irq_take();
    }
}

void irq_signal(const struct handle_slot *target, uint64_t bits)
{
    if (bits != 0 && handle_is_live(target)) {
        notify_set((struct notification *)(void *)target->object, bits);
    }
}
