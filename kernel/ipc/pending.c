/* SPDX-License-Identifier: MIT */
#include "ipc/pending.h"

#include "debug/trace.h"
#include "mm/aspace.h"
#include "mm/fill.h"
#include "task/harts.h"
#include "task/sched.h"
#include "task/space.h"

static struct list pending_threads = {&pending_threads, &pending_threads};

/* Change the number of threads in the queue, of which every hart keeps its own. */
static void pending_tell(uint64_t change)
{
    for (uint64_t i = 0; i < harts_count; i++) {
        harts[i].fault_look += change;
    }
}

void pending_add(struct thread *thread, const struct map_entry *entries, uint64_t count)
{
    ASSERT(thread->pending_count == 0);
    ASSERT(count != 0 && count <= THREAD_PENDING_MAX);
    for (uint64_t i = 0; i < count; i++) {
        thread->pending[i] = entries[i];
    }
    thread->pending_count = count;
    thread->pending_progress = (struct map_progress){0, 0};
    thread_set_flags(thread, THREAD_PENDING);
    list_push_back(&pending_threads, &thread->pending_link);
    pending_tell(1);
}

/* Carry out entries of one thread. Returns: whether that was all, but for what is to be filled. */
static bool pending_apply(struct thread *thread)
{
    struct aspace *aspace = &thread->space->aspace;
    struct map_progress *progress = &thread->pending_progress;

    lock_take(&memory_lock);
    const enum err error = aspace_apply(aspace, thread->pending, thread->pending_count, progress);
    lock_release(&memory_lock);
    if (error == ERR_INTR) {
        return progress->entries == thread->pending_count;
    }
    if (error != ERR_OK) {
        hart_self()->refused_count++;
        trace_emit(TRACE_FAULT_REFUSED, thread->number, error);
    }
    return true;
}

bool pending_carry_out(void)
{
    const struct hart *hart = hart_self();
    const struct thread *self = hart->current;

    /* A hart whose thread was ended has no tables to be in while it fills: the rest is others'. */
    while (!list_is_empty(&pending_threads) && hart->current == self) {
        struct thread *thread = LIST_ENTRY(pending_threads.next, struct thread, pending_link);
        const bool is_done = pending_apply(thread);
        if (is_done) {
            thread->pending_count = 0;
            thread_clear_flags(thread, THREAD_PENDING);
            list_remove(&thread->pending_link);
            pending_tell(UINT64_MAX);
        }
        if (!is_done || fill_is_open()) {
            harts_cut(); /* others may go on with the queue meanwhile */
        }
    }
    return hart->current == self;
}
