/* SPDX-License-Identifier: MIT */
#include "server/core/wait.h"

#include <stddef.h>

#include <base/assert.h>

#include "server/core/arena.h"
#include "server/core/number.h"
#include "server/core/pin.h"
#include "server/core/pull.h"
#include "server/core/shared.h"
#include "server/core/space.h"
#include "server/core/thread.h"
#include "server/core/wait_list.h"

#define TO(state) (1u << (state))

static const uint8_t transitions[WAIT_STATES] = {
    [WAIT_NONE] = TO(WAIT_FIRST) | TO(WAIT_SECOND) | TO(WAIT_QUEUED) | TO(WAIT_WORK) |
                  TO(WAIT_READY) | TO(WAIT_LEASE),
    [WAIT_FIRST] = TO(WAIT_READY) | TO(WAIT_NONE),
    [WAIT_SECOND] = TO(WAIT_READY) | TO(WAIT_NONE),
    [WAIT_QUEUED] = TO(WAIT_READY) | TO(WAIT_NONE),
    [WAIT_WORK] = TO(WAIT_READY) | TO(WAIT_NONE),
    [WAIT_READY] = TO(WAIT_NONE),
    [WAIT_LEASE] = TO(WAIT_READY) | TO(WAIT_NONE),
};

/* The only place where a wait changes its state. */
static void wait_set_state(struct thread *thread, enum wait_state to)
{
    ASSERT((transitions[thread->wait.state] & TO(to)) != 0);
    thread->wait.state = (uint8_t)to;
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

struct wait_list *wait_list_of(const struct core *core, const struct thread *thread)
{
    const struct wait *wait = &thread->wait;

    switch ((enum wait_state)wait->state) {
    case WAIT_FIRST:
    case WAIT_SECOND: {
        if (wait->slot == WAIT_FRAME) {
            return &core->head->reclaim.waiters;
        }
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
    case WAIT_LEASE:
        return &core->head->pins.lessees;
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

/* The thread keeps its space no longer. */
static void wait_let_go(struct core *core, const struct thread *thread)
{
    struct space *space = space_of(core, thread->space);

    ASSERT(space->kept > 0);
    space->kept--;
    if (space->kept == 0) {
        wait_dequeue(core, space);
    }
}

/* The thread leaves the list that it is in, and the state that it has, for `to`. */
static void wait_leave(struct core *core, struct thread *thread, enum wait_state to)
{
    const bool keeps = thread->wait.state == WAIT_SECOND && !thread->wait.holds;

    if (thread->wait.state == WAIT_LEASE) {
        space_of(core, thread->space)->lessee = 0;
    }
    wait_list_remove(core, wait_list_of(core, thread), thread);
    wait_set_state(thread, to);
    if (to == WAIT_READY) {
        wait_list_append(core, &table_of(core)->ready, thread);
    }
    if (keeps) {
        wait_let_go(core, thread);
    }
}

/* A request that kept its space throughout is over, or waits anew. */
static void wait_unhold(struct core *core, struct thread *thread)
{
    if (thread->wait.holds) {
        thread->wait.holds = false;
        wait_let_go(core, thread);
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

/* It has waited for a frame in vain. */
static bool wait_has_no_frame(const struct wait *wait)
{
    return wait->kind == NEED_FRAME && wait->outcome != ERR_OK;
}

static void wait_keep_request(struct wait *wait, const struct wait_request *request)
{
    if (&wait->request != request) {
        wait->request = *request;
    }
}

/* What a request starts over with. Returns: whether it has got further since it last waited. */
static bool wait_keep(struct wait *wait, const struct wait_request *request,
                      const struct need *need)
{
    uint64_t further = wait->progress ^ need->progress;

    for (uint32_t i = 0; i < WAIT_WORDS; i++) {
        further |= wait->request.words[i] ^ request->words[i]; /* what populates says it there */
    }
    wait->tries = further == 0 ? wait->tries : 0;
    wait_keep_request(wait, request);
    wait->progress = need->progress;
    wait->making = need->making;
    return further != 0;
}

/* Enter the list of a pull, or the backlog. */
static void wait_enter(struct core *core, struct space *space, struct thread *thread, bool keeps,
                       bool is_again)
{
    struct wait_counts *count = &table_of(core)->count;

    count->first += !is_again && !keeps ? 1 : 0;
    count->second += keeps ? 1 : 0;
    count->again += is_again && !keeps ? 1 : 0;
    wait_set_state(thread, keeps ? WAIT_SECOND : WAIT_FIRST);
    space->kept += keeps ? 1 : 0;
    struct wait_list *list = wait_list_of(core, thread);

    count->joined += thread->wait.slot < WAIT_FRAME && list->first != 0 ? 1 : 0;
    wait_list_append(core, list, thread);
}

/* It need not wait: it goes on behind those that are READY. */
static void wait_pass(struct core *core, struct thread *thread)
{
    thread->wait.outcome = ERR_OK;
    wait_set_state(thread, WAIT_READY);
    wait_list_append(core, &table_of(core)->ready, thread);
}

/*
 * It waits for a frame. No frame is promised to anybody, so keeping the space would bring none: a
 * second try (`is_again`) keeps it only if the request has it kept throughout (P9).
 */
static void wait_for_frame(struct core *core, struct space *space, struct thread *thread,
                           bool keeps, bool is_again)
{
    struct wait *wait = &thread->wait;

    if (wait->kind == NEED_FRAME) {
        core->head->reclaim.insists = 1;
    }
    wait->object = 0;
    wait->page = 0;
    wait->pages = 0;
    wait->kind = NEED_FRAME;
    wait->hint = HINT_NONE;
    wait->slot = WAIT_FRAME;
    wait->holds = keeps;
    wait->is_dropped = wait->is_dropped || !keeps;
    wait_enter(core, space, thread, keeps, is_again);
    core->head->reclaim.count.waits++;
    reclaim_want(core);
}

/* wait_begin() when nothing speaks against it. */
static enum err wait_for(struct core *core, struct space *space, struct thread *thread,
                         struct object *object, const struct need *need, bool is_again)
{
    struct wait *wait = &thread->wait;
    const bool may_keep = object->patience != UINT64_MAX && !need->is_foreign;
    const bool keeps = may_keep && (is_again || need->keeps);
    uint32_t slot = WAIT_BACKLOG;

    switch (pull_ask(core, space, object, need, &slot)) {
    case PULL_THERE:
        wait->holds = keeps && need->keeps;
        space->kept += wait->holds ? 1 : 0;
        wait->is_dropped = wait->is_dropped || !wait->holds;
        wait_pass(core, thread);
        return ERR_OK;
    case PULL_FULL:
        wait->deadline = pull_deadline(core, object);
        pull_note_deadline(core, wait->deadline);
        slot = WAIT_BACKLOG;
        break;
    case PULL_JOINED:
        break;
    case PULL_NO_FRAME:
        if (!reclaim_is_possible(core) || wait_has_no_frame(wait)) {
            return ERR_NOMEM;
        }
        wait_for_frame(core, space, thread, may_keep && need->keeps,
                       is_again || wait->kind == NEED_FRAME);
        return ERR_OK;
    case PULL_NO_BUDGET:
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
    wait->holds = keeps && need->keeps;
    wait->is_dropped = wait->is_dropped || !keeps;
    wait_enter(core, space, thread, keeps, is_again);
    return ERR_OK;
}

void wait_forget(struct core *core)
{
    core->resume = 0;
    core->outcome = ERR_OK;
    core->making = 0;
    core->is_restarted = false;
    core->is_dropped = false;
}

/* wait_begin() for a frame. */
static enum err wait_begin_frame(struct core *core, struct space *space, struct thread *thread,
                                 const struct wait_request *request, const struct need *need)
{
    enum err error = ERR_OK;

    shared_enter(core);
    if (wait_has_no_frame(&thread->wait)) {
        error = (enum err)thread->wait.outcome;
    } else {
        const bool was_held = thread->wait.holds;
        const bool has_got_further = wait_keep(&thread->wait, request, need);
        const bool is_again = thread->wait.kind == NEED_FRAME && !has_got_further;

        wait_for_frame(core, space, thread, need->keeps && !need->is_foreign, is_again);
        if (was_held) {
            wait_let_go(core, thread);
        }
    }
    shared_leave(core);
    return error;
}

enum err wait_begin(struct core *core, struct space *space, struct thread *thread,
                    const struct wait_request *request)
{
    const struct need need = core->need;
    struct wait *wait = &thread->wait;

    ASSERT(need.kind != NEED_NOTHING && need.kind != NEED_TURN);
    ASSERT(thread->space == space->number);
    ASSERT(wait->state == WAIT_NONE);
    core->need = (struct need){0};
    wait_forget(core);
    if (need.kind == NEED_FRAME) {
        return wait_begin_frame(core, space, thread, request, &need);
    }
    shared_enter(core);
    struct object *object = object_at(core, need.object);
    const bool is_again = wait_is_again(wait, &need, object->number);
    enum err error = is_again ? (enum err)wait->outcome : ERR_OK;

    if (error == ERR_OK && pager_of(core, object)->space == space->number) {
        error = ERR_DEADLK;
    }
    if (error == ERR_OK) {
        const bool was_held = wait->holds;

        (void)wait_keep(wait, request, &need);
        wait->holds = false;
        error = wait_for(core, space, thread, object, &need, is_again);
        /* What it held for the page before, now that it is counted for this one. */
        if (was_held) {
            wait_let_go(core, thread);
        }
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
        wait_list_append(core, &space->queue, thread);
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
    wait_list_append(core, wait_list_of(core, thread), thread);
    pager_recall(core, pager); /* work may have come since it was looked for */
    shared_leave(core);
}

void wait_lease(struct core *core, struct space *space, struct thread *thread,
                const struct wait_request *request, uint64_t deadline)
{
    struct pin_table *pins = &core->head->pins;

    ASSERT(thread->space == space->number && space->lessee == 0);
    shared_enter(core);
    wait_keep_request(&thread->wait, request);
    wait_forget(core);
    thread->wait.deadline = deadline;
    wait_set_state(thread, WAIT_LEASE);
    wait_list_append(core, &pins->lessees, thread);
    space->lessee = arena_link(core, thread);
    pins->lease_at = deadline < pins->lease_at ? deadline : pins->lease_at;
    shared_leave(core);
}

void wait_move(struct core *core, struct thread *thread, uint32_t slot)
{
    struct pager *pager = arena_page(core, thread->wait.pager);

    ASSERT(thread->wait.slot == WAIT_BACKLOG);
    wait_list_remove(core, &pager->backlog, thread);
    thread->wait.slot = slot;
    wait_list_append(core, &pager->pulls[slot].waiters, thread);
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
        core->making = thread->wait.making;
        core->is_restarted = true;
        core->is_dropped = thread->wait.is_dropped;
    }
    shared_leave(core);
    return thread;
}

/* A pin that is being made and that nobody will be told of goes (P18). */
static void wait_unmake(struct core *core, uint64_t making)
{
    shared_enter(core);
    struct pin *pin = making == 0 ? NULL : pin_find(core, making);

    if (pin != NULL && pin->state == PIN_MAKING) {
        pin_drop(core, pin);
    }
    shared_leave(core);
}

/* Nothing is left of a request, at the end of shared_enter(): a pin that nobody knows goes. */
static void wait_clear(struct core *core, struct thread *thread)
{
    const uint64_t making = thread->wait.making;

    wait_unhold(core, thread);
    thread->wait = (struct wait){0};
    shared_leave(core);
    wait_unmake(core, making);
}

void wait_give_up(struct core *core)
{
    const uint64_t making = core->need.making;

    core->need = (struct need){0};
    wait_forget(core);
    wait_unmake(core, making);
}

void wait_finish(struct core *core, struct thread *thread)
{
    shared_enter(core);
    ASSERT(thread->wait.state == WAIT_NONE);
    wait_forget(core);
    wait_clear(core, thread);
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
    wait_clear(core, thread);
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
        space->lessee = 0;
        space->queue = (struct wait_list){0};
    }
    table_of(core)->ready = (struct wait_list){0};
    core->head->reclaim.waiters = (struct wait_list){0};
    core->head->pins.lessees = (struct wait_list){0};
    core->head->pins.lease_at = UINT64_MAX;
}
