/* SPDX-License-Identifier: MIT */
#include "task/thread.h"

#include "debug/trace.h"
#include "task/space.h"

#define TO(state) (1u << (state))
#define WAITS     (TO(THREAD_RUNNABLE) | TO(THREAD_ENDED))

struct lock task_lock;

/* The states that may follow each state: the diagram in thread.h. */
static const uint16_t thread_next_states[] = {
    [THREAD_NEW] = TO(THREAD_RUNNABLE) | TO(THREAD_ENDED),
    [THREAD_STOPPED] = TO(THREAD_RUNNABLE) | TO(THREAD_ENDED),
    [THREAD_RUNNABLE] = TO(THREAD_RUNNING) | TO(THREAD_ENDED),
    [THREAD_RUNNING] = TO(THREAD_RUNNABLE) | TO(THREAD_STOPPED) | TO(THREAD_SENDING) |
                       TO(THREAD_CALLING) | TO(THREAD_TRAPPED) | TO(THREAD_FAULTING) |
                       TO(THREAD_RECEIVING) | TO(THREAD_WAITING) | TO(THREAD_ENDED),
    [THREAD_SENDING] = WAITS | TO(THREAD_CALLING),
    [THREAD_CALLING] = WAITS,
    [THREAD_FAULTING] = WAITS,
    [THREAD_RECEIVING] = WAITS | TO(THREAD_RUNNING),
    [THREAD_WAITING] = WAITS,
    [THREAD_TRAPPED] = WAITS | TO(THREAD_FAULTING),
    [THREAD_ENDED] = 0,
};

void thread_init(struct thread *thread, struct space *space, uint64_t number, void *message,
                 uint64_t window_page, uint32_t priority)
{
    struct hart *hart = hart_self();

    ASSERT(number < hart->thread_max && hart->threads[number] == NULL);
    ASSERT(priority <= space->priority_max);
    thread->object.id = object_id_make(1, OBJECT_THREAD);
    thread->slots = space->slot_frames[0];
    thread->satp = space->aspace.satp;
    thread->space = space;
    atomic_store(&thread->home, (uint64_t)(uintptr_t)hart);
    thread->state = THREAD_NEW;
    thread->priority = priority;
    thread->priority_own = priority;
    thread->number = number;
    thread->message = message;
    thread->window_page = window_page;
    list_init(&thread->link);
    timeout_init(&thread->wait_timeout, TIMEOUT_WAIT);
    timeout_init(&thread->timer, TIMEOUT_TIMER);
    list_init(&thread->pending_link);
    list_init(&thread->death.link);
    thread->death.kind = OBJECT_THREAD;
    thread->death.thread_number = number;
    list_push_back(&space->threads, &thread->space_link);
    hart->threads[number] = thread;
}

void thread_fini(struct thread *thread)
{
    ASSERT(thread_is_in(thread, THREAD_ENDED));
    ASSERT(thread->pending_count == 0);
    list_remove(&thread->space_link);
    hart_self()->threads[thread->number] = NULL;
}

void thread_set_state(struct thread *thread, enum thread_state to)
{
    const uint32_t from = thread->state;

    ASSERT((thread_next_states[from] & TO(to)) != 0);
    trace_emit(TRACE_THREAD_STATE, thread->number, (uint64_t)from << 32 | to);
    thread->state = (uint32_t)to;
}

void thread_clear_results(struct thread *thread)
{
    for (int i = REG_T0; i <= REG_T2; i++) {
        thread->x[i] = 0;
    }
    for (int i = REG_A0; i < REG_A0 + IPC_WORDS; i++) {
        thread->x[i] = 0;
    }
    for (int i = REG_T3; i <= REG_T6; i++) {
        thread->x[i] = 0;
    }
    thread->x[REG_RA] = 0;
}

void thread_set_results(struct thread *thread, enum err error, uint64_t value)
{
    thread_clear_results(thread);
    thread->x[REG_T0] = error;
    thread->x[REG_A0] = value;
}
