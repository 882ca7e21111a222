/* SPDX-License-Identifier: MIT */
#include "task/sched.h"

#include <base/bits.h>
#include <riscv/csr.h>
#include <riscv/timer.h>

#include "debug/trace.h"
#include "mm/aspace.h"
#include "task/fpu.h"
#include "task/harts.h"

struct run_queue {
    uint32_t ready; /* bit p: levels[p] has members */
    uint64_t count; /* of members */
    struct list levels[PRIORITY_COUNT];
};

STATIC_ASSERT(PRIORITY_COUNT == 32, "run_queue.ready has a bit for each");

/* Threads of one level that a hart looks at which wants to take one from another. */
#define PICK_LOOKS 8u

static struct run_queue run_queues[HARTS_MAX];
static uint64_t sched_slice; /* constant after init */

static struct run_queue *sched_queue_of(const struct thread *thread)
{
    return &run_queues[thread_hart(thread)->index];
}

/* Not inline: what they cost is less than the room they would take in four places. */
NOINLINE static void sched_enqueue(struct run_queue *queue, struct thread *thread, bool is_first)
{
    struct list *level = &queue->levels[thread->priority];

    if (is_first) {
        list_push_front(level, &thread->link);
    } else {
        list_push_back(level, &thread->link);
    }
    queue->ready |= UINT32_C(1) << thread->priority;
    queue->count++;
}

NOINLINE static void sched_dequeue(struct run_queue *queue, struct thread *thread)
{
    list_remove(&thread->link);
    if (list_is_empty(&queue->levels[thread->priority])) {
        queue->ready &= ~(UINT32_C(1) << thread->priority);
    }
    queue->count--;
}

/* Make `thread`, which no queue has, one of this hart's. */
static void sched_move(struct thread *thread, struct hart *hart)
{
    const struct hart *old = thread_hart(thread);

    if (old != hart) {
        fpu_put_back(thread);
        atomic_fetch_add(&thread->home, (uint64_t)(uintptr_t)hart - (uint64_t)(uintptr_t)old);
    }
}

/* The hart with the least to do; this one if it is among them. */
static struct hart *sched_least(void)
{
    struct hart *least = hart_self();
    uint64_t least_load = UINT64_MAX;

    for (uint64_t i = 0; i < harts_count; i++) {
        struct hart *hart = &harts[(hart_self()->index + i) % harts_count];
        const uint64_t load = run_queues[hart->index].count + (hart->current != NULL);
        if (hart->is_online && load < least_load) {
            least = hart;
            least_load = load;
        }
    }
    return least;
}

/* There is more to do here than one hart can: poke one that sleeps. */
NOINLINE static void sched_spread(void)
{
    for (uint64_t i = 0; i < harts_count; i++) {
        if (harts[i].is_idle) {
            harts_poke(&harts[i]);
            return;
        }
    }
}

/* Have it noticed that a thread of `priority` became runnable on `hart`. */
static void sched_consider(struct hart *hart, uint32_t priority)
{
    const struct thread *current = hart->current;
    const bool is_due =
        current == NULL || !thread_is_in(current, THREAD_RUNNING) || current->priority < priority;

    if (hart != hart_self()) {
        if (is_due || current->priority == priority) {
            harts_poke(hart);
        } else {
            sched_spread();
        }
        return;
    }
    if (is_due) {
        if (hart->reschedule == RESCHEDULE_NOT) {
            hart->reschedule = RESCHEDULE;
        }
        return;
    }
    if (current->priority == priority) {
        sched_arm();
    }
    sched_spread();
}

/* Put `thread`, RUNNABLE, into the queue of the hart that it belongs to. */
static void sched_insert(struct thread *thread, bool is_first)
{
    if (thread->kept != NULL) {
        sched_move(thread, thread->kept);
    }
    sched_enqueue(sched_queue_of(thread), thread, is_first);
    sched_consider(thread_hart(thread), thread->priority);
}

static void sched_wake_at(struct thread *thread, bool is_first)
{
    if (thread_is_in(thread, THREAD_NEW) && thread->kept == NULL) {
        sched_move(thread, sched_least());
    }
    thread_set_state(thread, THREAD_RUNNABLE);
    sched_insert(thread, is_first);
}

/* One of the first threads of a level that may run on `hart`; NULL: none of them. */
static struct thread *sched_pick_from(const struct list *level, const struct hart *hart)
{
    const struct list *link = level->next;

    for (unsigned i = 0; i < PICK_LOOKS && link != level; i++) {
        struct thread *thread = LIST_ENTRY(link, struct thread, link);
        if (thread->kept == NULL || thread->kept == hart) {
            return thread;
        }
        link = link->next;
    }
    return NULL;
}

/* The most urgent runnable thread that may run on `hart`, out of the queue; NULL: none. */
static struct thread *sched_pick(struct run_queue *queue, const struct hart *hart)
{
    struct thread *thread = NULL;

    for (uint32_t ready = queue->ready; ready != 0 && thread == NULL;) {
        const unsigned level = bits_highest(ready);
        ready &= ~(UINT32_C(1) << level);
        thread = sched_pick_from(&queue->levels[level], hart);
    }
    if (thread != NULL) {
        sched_dequeue(queue, thread);
        thread_set_state(thread, THREAD_RUNNING);
    }
    return thread;
}

/* The next thread of this hart's queue or, if that is empty, of another's; NULL: none. */
static struct thread *sched_find(struct hart *hart)
{
    for (uint64_t i = 0; i < harts_count; i++) {
        struct thread *thread = sched_pick(&run_queues[(hart->index + i) % harts_count], hart);
        if (thread != NULL) {
            sched_move(thread, hart);
            return thread;
        }
    }
    return NULL;
}

/* Sleep until an interrupt has made a thread runnable. Current is NULL if it came to that. */
static struct thread *sched_idle(struct hart *hart)
{
    struct thread *thread = sched_find(hart);

    if (thread == NULL) {
        hart->current = NULL;
        csr_write_satp(hart->idle_satp);
        tlb_flush();
    }
    while (thread == NULL) {
        hart->reschedule = RESCHEDULE_NOT;
        sched_arm();
        hart->is_idle = true;
        harts_leave();
        csr_wfi();
        harts_enter();
        hart->is_idle = false;
        if (csr_has_interrupt()) {
            sched_tick();
        }
        thread = sched_find(hart);
    }
    return thread;
}

void sched_init(struct hart *hart, uint64_t slice)
{
    struct run_queue *queue = &run_queues[hart->index];

    for (size_t i = 0; i < PRIORITY_COUNT; i++) {
        list_init(&queue->levels[i]);
    }
    queue->count = 0;
    queue->ready = 0;
    sched_slice = slice;
    hart->timer_armed = TIMER_NEVER;
}

void sched_start(struct hart *hart)
{
    hart->timer_armed = TIMER_NEVER;
    timer_set(TIMER_NEVER);
    csr_set_sie(SIE_TIMER | SIE_EXTERNAL | SIE_SOFTWARE);
}

void sched_evict(const struct thread *thread)
{
    struct hart *hart = thread_hart(thread);

    if (hart == hart_self()) {
        sched_block();
    } else {
        harts_have_done(hart, REQUEST_EVICT);
    }
}

void sched_attend(const struct thread *thread)
{
    struct hart *hart = thread_hart(thread);

    if (thread != hart->current) {
        return;
    }
    if (hart == hart_self()) {
        sched_block();
    } else {
        harts_poke(hart);
    }
}

void sched_keep(struct thread *thread, struct hart *hart_opt)
{
    thread->kept = hart_opt;
    if (hart_opt == NULL) {
        return;
    }
    if (thread_is_in(thread, THREAD_RUNNABLE)) {
        sched_remove(thread);
        sched_insert(thread, false);
    } else if (!thread_is_in(thread, THREAD_RUNNING)) {
        sched_move(thread, hart_opt);
    } else if (thread_hart(thread) != hart_opt) {
        sched_attend(thread);
    }
}

void sched_adopt(struct thread *thread)
{
    if (thread->kept == NULL) {
        sched_move(thread, hart_self());
    }
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
    ASSERT(thread_is_in(thread, THREAD_RUNNABLE));
    sched_dequeue(sched_queue_of(thread), thread);
}

void sched_set_priority(struct thread *thread, uint32_t priority)
{
    struct run_queue *queue = sched_queue_of(thread);

    ASSERT(priority < PRIORITY_COUNT);
    if (thread->priority == priority) {
        return;
    }
    if (thread_is_in(thread, THREAD_RUNNABLE)) {
        sched_dequeue(queue, thread);
        thread->priority = priority;
        sched_enqueue(queue, thread, false);
    } else {
        thread->priority = priority;
    }
    if (queue->ready != 0) {
        sched_consider(thread_hart(thread), bits_highest(queue->ready));
    }
}

void sched_yield(void)
{
    struct hart *hart = hart_self();

    hart->slice_end = 0; /* whoever comes now has a slice of his own */
    hart->reschedule = RESCHEDULE_BEHIND;
}

void sched_tick(void)
{
    struct hart *hart = hart_self();
    const uint64_t now = timer_now();
    struct timeout *due = timeout_take_due(now);

    csr_clear_sip(SIE_SOFTWARE); /* what it was for is noted in reschedule */
    if ((csr_read_sip() & SIE_TIMER) != 0) {
        /* Some emulators raise it once more after the timer was set anew: set it whatever it is. */
        hart->timer_armed = 0;
    }

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

/* Make `next`, which nobody runs, current in place of `last`; the hart may have slept. */
static void sched_enter(struct hart *hart, const struct thread *last, struct thread *next)
{
    hart->switch_count++;
    trace_emit(TRACE_SWITCH, last == NULL ? UINT64_MAX : last->number, next->number);
    fpu_switch(hart, next);
}

void sched_switch(void)
{
    struct hart *hart = hart_self();
    struct run_queue *queue = &run_queues[hart->index];
    struct thread *last = hart->current;

    if (last != NULL && thread_is_in(last, THREAD_RUNNING)) {
        thread_set_state(last, THREAD_RUNNABLE);
        sched_insert(last, hart->reschedule != RESCHEDULE_BEHIND);
    }
    struct thread *next;
    bool has_slept = false;
    do {
        hart->reschedule = RESCHEDULE_NOT;
        next = sched_idle(hart);
        has_slept = has_slept || hart->current == NULL;
        hart->current = next;
    } while (thread_has_flags(next, THREAD_FLAGS) && !attend_thread(next));

    if (next != last || has_slept) {
        sched_enter(hart, last, next);
    }
    csr_write_satp(next->satp); /* attend_thread() may have changed it for others */
    if (hart->is_fetch_stale) {
        hart->is_fetch_stale = false;
        tlb_flush_fetch();
    }
    tlb_flush();
    sched_arm();
    if (queue->count != 0) {
        sched_spread();
    }
}
