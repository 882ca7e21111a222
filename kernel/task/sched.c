/* SPDX-License-Identifier: MIT */
#include "task/sched.h"

#include <base/bits.h>
#include <riscv/csr.h>
#include <riscv/timer.h>

#include "debug/trace.h"
#include "mm/aspace.h"
#include "task/fpu.h"

struct run_queue {
    struct lock lock;
    uint32_t ready; /* bit p: levels[p] has members */
    struct list levels[PRIORITY_COUNT];
};

STATIC_ASSERT(PRIORITY_COUNT == 32, "run_queue.ready has a bit for each");

static struct run_queue run_queues[HARTS_MAX];
static uint64_t sched_slice; /* constant after init */

static struct run_queue *sched_queue_of(const struct thread *thread)
{
    const struct hart *hart =
        (const struct hart *)(uintptr_t)(atomic_load_explicit(&thread->home, memory_order_relaxed) &
                                         ~THREAD_FLAGS);
    return &run_queues[hart->index];
}

static void sched_enqueue(struct run_queue *queue, struct thread *thread, bool is_first)
    REQUIRES(queue->lock)
{
    struct list *level = &queue->levels[thread->priority];

    if (is_first) {
        list_push_front(level, &thread->link);
    } else {
        list_push_back(level, &thread->link);
    }
    queue->ready |= UINT32_C(1) << thread->priority;
}

static void sched_dequeue(struct run_queue *queue, struct thread *thread) REQUIRES(queue->lock)
{
    list_remove(&thread->link);
    if (list_is_empty(&queue->levels[thread->priority])) {
        queue->ready &= ~(UINT32_C(1) << thread->priority);
    }
}

/* Leave a note if a thread of `priority` that became runnable goes before current. */
static void sched_consider(uint32_t priority)
{
    struct hart *hart = hart_self();
    const struct thread *current = hart->current;

    if (current == NULL || !thread_is_in(current, THREAD_RUNNING) || current->priority < priority) {
        if (hart->reschedule == RESCHEDULE_NOT) {
            hart->reschedule = RESCHEDULE;
        }
    } else if (current->priority == priority) {
        sched_arm();
    }
}

static void sched_wake_at(struct thread *thread, bool is_first)
{
    struct run_queue *queue = sched_queue_of(thread);

    lock_take(&queue->lock);
    thread_set_state(thread, THREAD_RUNNABLE);
    sched_enqueue(queue, thread, is_first);
    lock_release(&queue->lock);
    sched_consider(thread->priority);
}

/* The most urgent runnable thread, out of the queue; NULL: none. */
static struct thread *sched_pick(struct run_queue *queue)
{
    struct thread *thread = NULL;

    lock_take(&queue->lock);
    if (queue->ready != 0) {
        const unsigned level = bits_highest(queue->ready);
        thread = LIST_ENTRY(queue->levels[level].next, struct thread, link);
        sched_dequeue(queue, thread);
        thread_set_state(thread, THREAD_RUNNING);
    }
    lock_release(&queue->lock);
    return thread;
}

/* Sleep until an interrupt has made a thread runnable. */
static struct thread *sched_idle(struct hart *hart, struct run_queue *queue)
{
    struct thread *thread = sched_pick(queue);

    hart->current = NULL;
    while (thread == NULL) {
        sched_arm();
        csr_wfi();
        if (csr_has_interrupt()) {
            sched_tick();
        }
        thread = sched_pick(queue);
    }
    return thread;
}

void sched_init(struct hart *hart, uint64_t slice)
{
    struct run_queue *queue = &run_queues[hart->index];

    for (size_t i = 0; i < PRIORITY_COUNT; i++) {
        list_init(&queue->levels[i]);
    }
    sched_slice = slice;
    hart->timer_armed = TIMER_NEVER;
    timer_set(TIMER_NEVER);
    csr_set_sie(SIE_TIMER | SIE_EXTERNAL);
}

void sched_wake(struct thread *thread)
{
    sched_wake_at(thread, false);
}

void sched_wake_first(struct thread *thread)
{
    sched_wake_at(thread, true);
}

void sched_remove(struct thread *thread)
{
    struct run_queue *queue = sched_queue_of(thread);

    ASSERT(thread_is_in(thread, THREAD_RUNNABLE));
    lock_take(&queue->lock);
    sched_dequeue(queue, thread);
    lock_release(&queue->lock);
}

void sched_set_priority(struct thread *thread, uint32_t priority)
{
    struct run_queue *queue = sched_queue_of(thread);

    ASSERT(priority < PRIORITY_COUNT);
    if (thread->priority == priority) {
        return;
    }
    lock_take(&queue->lock);
    if (thread_is_in(thread, THREAD_RUNNABLE)) {
        sched_dequeue(queue, thread);
        thread->priority = priority;
        sched_enqueue(queue, thread, false);
    } else {
        thread->priority = priority;
    }
    const uint32_t ready = queue->ready;
    lock_release(&queue->lock);
    if (ready != 0) {
        sched_consider(bits_highest(ready));
    }
}

void sched_yield(void)
{
    hart_self()->reschedule = RESCHEDULE_BEHIND;
}

void sched_tick(void)
{
    struct hart *hart = hart_self();
    const uint64_t now = timer_now();
    struct timeout *due = timeout_take_due(now);

    attend_interrupts();
    while (due != NULL) {
        attend_timeout(due);
        due = timeout_take_due(now);
    }
    if (hart->slice_end != 0 && hart->slice_end <= now) {
        hart->slice_end = 0;
        hart->reschedule = RESCHEDULE_BEHIND;
    }
    sched_arm();
}

void sched_arm(void)
{
    struct hart *hart = hart_self();
    uint64_t time = timeout_next();

    if (hart->current != NULL &&
        (run_queues[hart->index].ready >> hart->current->priority & 1) != 0) {
        if (hart->slice_end == 0) {
            hart->slice_end = timer_now() + sched_slice;
        }
        if (hart->slice_end < time) {
            time = hart->slice_end;
        }
    }
    /* A time that has come must be set again: setting it is what takes the interrupt back. */
    if (time != hart->timer_armed || time <= timer_now()) {
        hart->timer_armed = time;
        timer_set(time);
    }
}

void sched_switch(void)
{
    struct hart *hart = hart_self();
    struct run_queue *queue = &run_queues[hart->index];
    struct thread *last = hart->current;

    if (last != NULL && thread_is_in(last, THREAD_RUNNING)) {
        lock_take(&queue->lock);
        thread_set_state(last, THREAD_RUNNABLE);
        sched_enqueue(queue, last, hart->reschedule != RESCHEDULE_BEHIND);
        lock_release(&queue->lock);
    }
    struct thread *next;
    do {
        hart->reschedule = RESCHEDULE_NOT;
        next = sched_idle(hart, queue);
        hart->current = next;
    } while (thread_has_flags(next, THREAD_FLAGS) && !attend_thread(next));

    if (next != last) {
        hart->slice_end = 0;
        hart->switch_count++;
        trace_emit(TRACE_SWITCH, last == NULL ? UINT64_MAX : last->number, next->number);
        fpu_switch(hart, next);
        csr_write_satp(next->satp);
    }
    tlb_flush();
    sched_arm();
}
