/* SPDX-License-Identifier: MIT */
#include "ipc/pending.h"

#include "debug/trace.h"
#include "mm/aspace.h"
#include "task/harts.h"
#include "task/sched.h"
#include "task/space.h"

static struct lock pending_lock;
static struct list pending_threads GUARDED_BY(pending_lock) = {&pending_threads, &pending_threads};

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
    thread_set_flags(thread, THREAD_PENDING);
    lock_take(&pending_lock);
    list_push_back(&pending_threads, &thread->pending_link);
    pending_tell(1);
    lock_release(&pending_lock);
}

/* Carry out the entries of one thread: one ready or zeroed page is by far the most frequent. */
static void pending_apply(struct thread *thread)
{
    struct aspace *aspace = &thread->space->aspace;
    struct map_progress progress = {0, 0};
    enum err error = ERR_INTR;

    while (error == ERR_INTR) {
        lock_take(&memory_lock);
        error = thread->pending_count == 1 && aspace_install_page(aspace, thread->pending[0])
                    ? ERR_OK
                    : aspace_apply(aspace, thread->pending, thread->pending_count, &progress);
        lock_release(&memory_lock);
        if (error == ERR_INTR) {
            sched_tick(); /* somebody else may have to run after this; the rest goes on first */
        }
    }
    if (error != ERR_OK) {
        hart_self()->refused_count++;
        trace_emit(TRACE_FAULT_REFUSED, thread->number, error);
    }
}

void pending_flush(void)
{
    lock_take(&pending_lock);
    while (!list_is_empty(&pending_threads)) {
        struct thread *thread = LIST_ENTRY(pending_threads.next, struct thread, pending_link);
        pending_apply(thread);
        thread->pending_count = 0;
        thread_clear_flags(thread, THREAD_PENDING);
        list_remove(&thread->pending_link);
        pending_tell(UINT64_MAX);
    }
    lock_release(&pending_lock);
}
