/* SPDX-License-Identifier: MIT */
#include "ipc/end.h"

#include "debug/panic.h"
#include "debug/trace.h"
#include "ipc/ipc.h"
#include "ipc/notify.h"
#include "ipc/wait.h"
#include "task/fpu.h"
#include "task/sched.h"
#include "task/slab.h"
#include "task/space.h"

static struct list end_notices GUARDED_BY(task_lock) = {&end_notices, &end_notices};
static struct notification *end_events; /* constant after boot */

void end_set_events(struct notification *events)
{
    ASSERT(end_events == NULL);
    end_events = events;
}

struct death *end_take_notice(void)
{
    if (list_is_empty(&end_notices)) {
        return NULL;
    }
    struct death *death = LIST_ENTRY(end_notices.next, struct death, link);
    list_remove(&death->link);
    return death;
}

/* Take `thread` out of everything; it never runs again. Returns: false if it had ended before. */
static bool end_quietly(struct thread *thread) REQUIRES(task_lock)
{
    if (thread_is_in(thread, THREAD_ENDED)) {
        return false;
    }
    if (thread_is_in(thread, THREAD_RUNNABLE)) {
        sched_remove(thread);
    } else if (thread_is_in(thread, THREAD_RUNNING)) {
        sched_evict(thread);
    } else {
        (void)wait_detach(thread);
    }
    wait_cancel_timeout(thread);
    notify_unbind(thread);
    fpu_drop(thread);
    object_end(&thread->object);
    thread_set_state(thread, THREAD_ENDED);
    return true;
}

/* Queue the notice that tells of `thread`, and tell the memory server. */
static void end_announce(struct death *death, const struct thread *thread, enum cause cause,
                         uint64_t detail, uint64_t access) REQUIRES(task_lock)
{
    death->cause = (uint64_t)cause;
    death->detail = detail;
    death->pc = thread->x[REG_PC];
    death->access = access;
    death->thread_number = thread->number;
    ASSERT(list_is_empty(&death->link));
    list_push_back(&end_notices, &death->link);
    notify_set(end_events, EVENT_DEATH);
}

/* A thread of `space` is left that has not ended. */
static bool end_is_survived(const struct space *space) REQUIRES(task_lock)
{
    for (const struct list *link = space->threads.next; link != &space->threads;
         link = link->next) {
        if (!thread_is_in(LIST_ENTRY(link, struct thread, space_link), THREAD_ENDED)) {
            return true;
        }
    }
    return false;
}

void end_thread(struct thread *thread, enum cause cause, uint64_t detail, uint64_t access)
{
    if (!end_quietly(thread)) {
        return;
    }
    if (thread->space->aspace.is_server && !end_is_survived(thread->space)) {
        panic("the last thread of the memory server ended");
    }
    trace_emit(TRACE_THREAD_END, thread->number, cause);
    end_announce(&thread->death, thread, cause, detail, access);
}

void end_object(struct space *space, struct object *object)
{
    const enum object_kind kind = object_id_kind(object->id);

    if (kind != OBJECT_ENDPOINT && kind != OBJECT_NOTIFICATION) {
        return;
    }
    object_end(object); /* first: nobody may queue up while the queues are emptied */
    if (kind == OBJECT_ENDPOINT) {
        endpoint_fini((struct endpoint *)(void *)object);
    } else {
        notify_fini((struct notification *)(void *)object);
    }
    slab_free(space, object);
}

/* Whoever waits for an answer from `space` learns that none will come. */
static void end_promises(const struct space *space) REQUIRES(task_lock)
{
    const struct hart *hart = hart_self();

    for (uint64_t i = 0; i < hart->thread_max; i++) {
        struct thread *thread = hart->threads[i];
        if (thread == NULL || thread->serial == 0 || thread->partner != space->aspace.satp) {
            continue;
        }
        if (thread_is_in(thread, THREAD_FAULTING)) {
            end_thread(thread, CAUSE_BUS, thread->fault_address, thread->fault_access);
        } else if (wait_detach(thread)) {
            wait_finish(thread, ERR_PEER_GONE, 0);
        }
    }
}

static void end_slots(struct space *space)
{
    lock_take(&handle_lock);
    const uint64_t count = space_slot_count(space);
    for (uint64_t i = 0; i < count; i++) {
        if (i % SLOTS_FIRST != 0) {
            handle_clear(space, i);
        }
    }
    lock_release(&handle_lock);
}

void end_space(struct space *space)
{
    if (space->aspace.is_server) {
        panic("the memory server ended");
    }
    if (space->state == SPACE_ENDED) {
        list_remove(&space->death.link);
        return;
    }
    space->state = SPACE_ENDED;
    object_end(&space->object);
    for (struct list *link = space->threads.next; link != &space->threads; link = link->next) {
        struct thread *thread = LIST_ENTRY(link, struct thread, space_link);
        (void)end_quietly(thread);
        list_remove(&thread->death.link);
    }
    for (uint64_t i = 0; i < space->slab_count; i++) {
        for (size_t j = 0; j < SLAB_CELLS; j++) {
            end_object(space, &space->slabs[i][j].object);
        }
    }
    end_promises(space);
    end_slots(space);
}

void end_space_by(struct thread *thread, enum cause cause, uint64_t detail)
{
    struct space *space = thread->space;

    trace_emit(TRACE_SPACE_END, space->fault_badge, cause);
    end_space(space);
    end_announce(&space->death, thread, cause, detail, 0);
}
