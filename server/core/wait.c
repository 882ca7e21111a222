/* SPDX-License-Identifier: MIT */
#include "server/core/wait.h"

#include <stddef.h>

#include <base/assert.h>
#include <base/checked.h>

#include "server/core/arena.h"
#include "server/core/number.h"
#include "server/core/pull.h"
#include "server/core/shared.h"
#include "server/core/space.h"
#include "server/core/thread.h"

#define TO(state) (1u << (state))

static const uint8_t transitions[WAIT_STATES] = {
    [WAIT_NONE] =
        TO(WAIT_FIRST) | TO(WAIT_SECOND) | TO(WAIT_QUEUED) | TO(WAIT_WORK) | TO(WAIT_READY),
    [WAIT_FIRST] = TO(WAIT_READY) | TO(WAIT_NONE),
    [WAIT_SECOND] = TO(WAIT_READY) | TO(WAIT_NONE),
    [WAIT_QUEUED] = TO(WAIT_READY) | TO(WAIT_NONE),
    [WAIT_WORK] = TO(WAIT_READY) | TO(WAIT_NONE),
    [WAIT_READY] = TO(WAIT_NONE),
};

/* The only place where a wait changes its state. */
static void wait_set_state(struct thread *thread, enum wait_state to)
{
    ASSERT((transitions[thread->wait.state] & TO(to)) != 0);
    thread->wait.state = (uint32_t)to;
}

static struct pager_table *table_of(const struct core *core)
{
    return &core->head->pagers;
}

struct thread *wait_thread(const struct core *core, uint32_t link)
{
    return arena_at(core, link);
}

static struct space *space_of(const struct core *core, uint32_t number)
{
    return arena_page(core, number);
}

static void wait_append(struct core *core, struct wait_list *list, struct thread *thread)
{
    const uint32_t link = arena_link(core, thread);

    thread->wait.next = 0;
    thread->wait.prev = list->last;
    if (list->last != 0) {
        wait_thread(core, list->last)->wait.next = link;
    } else {
        list->first = link;
    }
    list->last = link;
}

static void wait_remove(struct core *core, struct wait_list *list, struct thread *thread)
{
    struct wait *wait = &thread->wait;

    if (wait->prev != 0) {
        wait_thread(core, wait->prev)->wait.next = wait->next;
    } else {
        list->first = wait->next;
    }
    if (wait->next != 0) {
        wait_thread(core, wait->next)->wait.prev = wait->prev;
    } else {
        list->last = wait->prev;
    }
    wait->next = 0;
    wait->prev = 0;
}

/* The list that a thread is in. */
static struct wait_list *wait_list_of(const struct core *core, const struct thread *thread)
{
    const struct wait *wait = &thread->wait;

    switch ((enum wait_state)wait->state) {
    case WAIT_FIRST:
    case WAIT_SECOND: {
        struct pager *pager = arena_page(core, wait->pager);

        return wait->slot == WAIT_BACKLOG ? &pager->backlog : &pager->pulls[wait->slot].waiters;
    }
    case WAIT_QUEUED:
        return &space_of(core, wait->pager)->queue;
    case WAIT_WORK: {
        struct pager *pager = arena_page(core, wait->pager);

        return &pager->workers;
    }
    case WAIT_READY:
        return &table_of(core)->ready;
    case WAIT_NONE:
        break;
    }
    UNREACHABLE();
}

/* What queues for a space goes on, in its order. */
static void wait_dequeue(struct core *core, struct space *space)
{
    while (space->queue.first != 0) {
        wait_wake(core, wait_thread(core, space->queue.first), ERR_OK);
    }
}

/* The thread leaves the list that it is in, and the state that it has, for `to`. */
static void wait_leave(struct core *core, struct thread *thread, enum wait_state to)
{
    const bool keeps = thread->wait.state == WAIT_SECOND;

    wait_remove(core, wait_list_of(core, thread), thread);
    wait_set_state(thread, to);
    if (to == WAIT_READY) {
        wait_append(core, &table_of(core)->ready, thread);
    }
    if (keeps) {
        struct space *space = space_of(core, thread->space);

        ASSERT(space->kept > 0);
        space->kept--;
        if (space->kept == 0) {
            wait_dequeue(core, space);
        }
    }
}

void wait_wake(struct core *core, struct thread *thread, enum err outcome)
{
    ASSERT(core->depth != 0);
    thread->wait.outcome = (uint32_t)outcome;
    wait_leave(core, thread, WAIT_READY);
}

void wait_need(struct core *core, const struct need *need)
{
    core->need = *need;
}

/* The page that is needed is what this thread has waited for before. */
static bool wait_is_again(const struct wait *wait, const struct need *need, uint64_t object)
{
    return wait->object == object && wait->page == need->page && wait->kind == need->kind;
}

static void wait_keep_request(struct wait *wait, const struct wait_request *request)
{
    if (&wait->request != request) {
        wait->request = *request;
    }
}

/* Enter the list of a pull, or the backlog. */
static void wait_enter(struct core *core, struct space *space, struct thread *thread, bool may_keep,
                       bool is_again)
{
    struct wait_counts *count = &table_of(core)->count;
    const bool keeps = is_again && may_keep;

    count->first += is_again ? 0 : 1;
    count->second += keeps ? 1 : 0;
    count->again += is_again && !may_keep ? 1 : 0;
    wait_set_state(thread, keeps ? WAIT_SECOND : WAIT_FIRST);
    space->kept += keeps ? 1 : 0;
    struct wait_list *list = wait_list_of(core, thread);

    count->joined += thread->wait.slot != WAIT_BACKLOG && list->first != 0 ? 1 : 0;
    wait_append(core, list, thread);
}

/* It need not wait: it goes on behind those that are READY. */
static void wait_pass(struct core *core, struct thread *thread)
{
    thread->wait.outcome = ERR_OK;
    wait_set_state(thread, WAIT_READY);
    wait_append(core, &table_of(core)->ready, thread);
}

/* wait_begin() when nothing speaks against it. */
static enum err wait_for(struct core *core, struct space *space, struct thread *thread,
                         struct object *object, const struct need *need, bool is_again)
{
    struct wait *wait = &thread->wait;
    uint32_t slot = WAIT_BACKLOG;

    switch (pull_ask(core, space, object, need, &slot)) {
    case PULL_THERE:
        wait_pass(core, thread);
        return ERR_OK;
    case PULL_FULL:
        if (!checked_add(core->time, object->patience, &wait->deadline)) {
            wait->deadline = UINT64_MAX;
        }
        pull_note_deadline(core, wait->deadline);
        slot = WAIT_BACKLOG;
        break;
    case PULL_JOINED:
        break;
    case PULL_NO_FRAME:
        return ERR_NOMEM;
    case PULL_NOBODY:
        return ERR_PEER_GONE;
    }
    wait->object = object->number;
    wait->page = need->page;
    wait->pages = need->pages < UINT32_MAX ? (uint32_t)need->pages : UINT32_MAX;
    wait->kind = (uint8_t)need->kind;
    wait->hint = (uint8_t)need->hint;
    wait->pager = object->pager;
    wait->slot = slot;
    wait_enter(core, space, thread, object->patience != UINT64_MAX && need->is_foreign == 0,
               is_again);
    return ERR_OK;
}

void wait_forget(struct core *core)
{
    core->resume = 0;
    core->outcome = ERR_OK;
}

enum err wait_begin(struct core *core, struct space *space, struct thread *thread,
                    const struct wait_request *request)
{
    const struct need need = core->need;
    struct wait *wait = &thread->wait;

    ASSERT(need.kind != NEED_NOTHING && thread->space == space->number);
    ASSERT(wait->state == WAIT_NONE);
    core->need = (struct need){0};
    wait_forget(core);
    shared_enter(core);
    struct object *object = object_at(core, need.object);
    const bool is_again = wait_is_again(wait, &need, object->number);
    enum err error = is_again ? (enum err)wait->outcome : ERR_OK;

    if (error == ERR_OK && pager_of(core, object)->space == space->number) {
        error = ERR_DEADLK;
    }
    if (error == ERR_OK) {
        wait_keep_request(wait, request);
        wait->progress = need.progress;
        error = wait_for(core, space, thread, object, &need, is_again);
    }
    shared_leave(core);
    return error;
}

void wait_queue(struct core *core, struct space *space, struct thread *thread,
                const struct wait_request *request)
{
    shared_enter(core);
    wait_keep_request(&thread->wait, request);
    wait_forget(core);
    table_of(core)->count.queued++;
    if (space->kept == 0) {
        wait_pass(core, thread);
    } else {
        thread->wait.pager = space->number;
        wait_set_state(thread, WAIT_QUEUED);
        wait_append(core, &space->queue, thread);
    }
    shared_leave(core);
}

void wait_work(struct core *core, uint32_t pager, struct thread *thread,
               const struct wait_request *request)
{
    shared_enter(core);
    wait_keep_request(&thread->wait, request);
    wait_forget(core);
    thread->wait.pager = pager;
    thread->wait.slot = WAIT_WORKER;
    wait_set_state(thread, WAIT_WORK);
    wait_append(core, wait_list_of(core, thread), thread);
    shared_leave(core);
}

void wait_move(struct core *core, struct thread *thread, uint32_t slot)
{
    struct pager *pager = arena_page(core, thread->wait.pager);

    ASSERT(thread->wait.slot == WAIT_BACKLOG);
    wait_remove(core, &pager->backlog, thread);
    thread->wait.slot = slot;
    wait_append(core, &pager->pulls[slot].waiters, thread);
}

struct thread *wait_take(struct core *core)
{
    struct thread *thread = NULL;

    shared_enter(core);
    if (table_of(core)->ready.first != 0) {
        thread = wait_thread(core, table_of(core)->ready.first);
        wait_leave(core, thread, WAIT_NONE);
        core->resume = thread->wait.progress;
        core->outcome = (enum err)thread->wait.outcome;
    }
    shared_leave(core);
    return thread;
}

void wait_finish(struct core *core, struct thread *thread)
{
    shared_enter(core);
    ASSERT(thread->wait.state == WAIT_NONE);
    wait_forget(core);
    thread->wait = (struct wait){0};
    shared_leave(core);
}

void wait_cancel(struct core *core, struct thread *thread)
{
    shared_enter(core);
    const bool was_called = thread->wait.state == WAIT_READY && thread->wait.slot == WAIT_WORKER;

    if (thread->wait.state != WAIT_NONE) {
        wait_leave(core, thread, WAIT_NONE);
    }
    if (was_called) {
        pager_recall(core, thread->wait.pager);
    }
    thread->wait = (struct wait){0};
    shared_leave(core);
}

void wait_release(struct core *core, struct space *space)
{
    shared_enter(core);
    ASSERT(space->kept == 0);
    wait_dequeue(core, space);
    shared_leave(core);
}

void wait_recover(struct core *core)
{
    for (uint32_t number = number_next(core, 0); number != NUMBER_END;
         number = number_next(core, number + 1)) {
        struct thread *thread = arena_at(core, number_link(core, number));

        thread->wait = (struct wait){0};
    }
    for (struct space *space = space_first(core); space != NULL; space = space_next(core, space)) {
        space->kept = 0;
        space->queue = (struct wait_list){0};
    }
    table_of(core)->ready = (struct wait_list){0};
}

/* A list holds threads with the state and the place that it stands for. Returns: how many. */
static uint32_t wait_audit_list(const struct core *core, const struct wait_list *list)
{
    uint32_t prev = 0;
    uint32_t count = 0;

    for (uint32_t link = list->first; link != 0; count++) {
        const struct thread *thread = wait_thread(core, link);

        ASSERT(thread->wait.prev == prev && wait_list_of(core, thread) == list);
        prev = link;
        link = thread->wait.next;
    }
    ASSERT(list->last == prev);
    return count;
}

void wait_audit(const struct core *core)
{
    uint32_t listed = wait_audit_list(core, &table_of(core)->ready);
    uint32_t waiting = 0;
    uint32_t keeping = 0;
    uint32_t kept = 0;

    for (uint32_t page = table_of(core)->first; page != 0;) {
        const struct pager *pager = arena_page(core, page);

        listed += wait_audit_list(core, &pager->backlog) + wait_audit_list(core, &pager->workers);
        for (uint32_t slot = 0; slot < PAGER_PULLS; slot++) {
            listed += wait_audit_list(core, &pager->pulls[slot].waiters);
        }
        page = pager->next;
    }
    for (const struct space *space = space_first(core); space != NULL;
         space = space_next(core, space)) {
        ASSERT(space->kept != 0 || space->queue.first == 0);
        listed += wait_audit_list(core, &space->queue);
        kept += space->kept;
    }
    for (uint32_t number = number_next(core, 0); number != NUMBER_END;
         number = number_next(core, number + 1)) {
        const struct thread *thread = arena_at(core, number_link(core, number));

        waiting += thread->wait.state != WAIT_NONE ? 1 : 0;
        keeping += thread->wait.state == WAIT_SECOND ? 1 : 0;
    }
    ASSERT(listed == waiting && keeping == kept);
}
