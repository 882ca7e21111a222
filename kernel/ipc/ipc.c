/* SPDX-License-Identifier: MIT */
#include "ipc/ipc.h"

#include "debug/trace.h"
#include "ipc/end.h"
#include "ipc/fault.h"
#include "ipc/notify.h"
#include "ipc/transfer.h"
#include "ipc/wait.h"
#include "task/sched.h"
#include "task/space.h"

#define SERVER_NONE UINT64_MAX /* endpoint.server: nobody has received here */

static struct thread *ipc_first(const struct list *queue)
{
    return LIST_ENTRY(queue->next, struct thread, link);
}

static struct endpoint *ipc_endpoint(struct object *object)
{
    return (struct endpoint *)(void *)object;
}

/* Write a message into the registers of `to`. */
static void ipc_write_message(struct thread *to, uint64_t badge, uint64_t tag,
                              const uint64_t words[IPC_WORDS])
{
    thread_clear_results(to);
    to->x[REG_T1] = badge;
    to->x[REG_T2] = tag;
    for (int i = 0; i < IPC_WORDS; i++) {
        to->x[REG_A0 + i] = words[i];
    }
}

static void ipc_write_notification(struct thread *to, uint64_t bits)
{
    const uint64_t words[IPC_WORDS] = {bits, 0, 0, 0, 0, 0, 0, 0};
    ipc_write_message(to, 0, IPC_NOTIFY, words);
}

/* The message of `from` as it arrives at `to`, which takes the handles in it. */
static enum err ipc_take_message(struct thread *from, struct thread *to, bool is_fault,
                                 uint64_t *badge, uint64_t *tag, uint64_t words[IPC_WORDS])
{
    for (int i = 0; i < IPC_WORDS; i++) {
        words[i] = is_fault ? 0 : from->x[REG_A0 + i];
    }
    if (is_fault) {
        words[0] = from->fault_address;
        words[1] = from->fault_access;
        words[2] = from->x[REG_PC];
        *badge = from->space->fault_badge;
        *tag = IPC_FAULT;
        return ERR_OK;
    }
    *badge = from->call_badge;
    *tag = from->x[REG_T2] & ~IPC_TAG_KIND;
    return *tag == 0 ? ERR_OK : transfer_handles(from, to, tag, words);
}

/*
 * Give the message of `from` to `to`, and `from` the state in which it awaits the answer.
 *
 * Returns: ERR_OK, or the errors of transfer_handles(), with nothing changed.
 */
static enum err ipc_hand_over(struct endpoint *endpoint, struct thread *from, struct thread *to,
                              bool is_fault)
{
    uint64_t words[IPC_WORDS];
    uint64_t badge;
    uint64_t tag;
    const enum err error = ipc_take_message(from, to, is_fault, &badge, &tag, words);

    if (error != ERR_OK) {
        return error;
    }

    /* Point of no return: nothing below may fail. */
    struct hart *hart = hart_self();
    const uint64_t serial = hart->token + HARTS_MAX;
    hart->token = serial;
    ipc_write_message(to, badge, tag, words);
    to->x[REG_T3] = serial;
    to->x[REG_T4] = from->number;
    endpoint->server = to->number;
    thread_set_state(from, is_fault ? THREAD_FAULTING : THREAD_CALLING);
    from->partner = to->satp;
    from->serial = serial;
    return ERR_OK;
}

/*
 * Put `self` among the senders, before those of lower priority. Bounded by the number of threads.
 */
static void ipc_queue_sender(struct endpoint *endpoint, struct thread *self, bool is_fault)
{
    struct list *before = endpoint->senders.prev;

    while (before != &endpoint->senders &&
           LIST_ENTRY(before, struct thread, link)->priority < self->priority) {
        before = before->prev;
    }
    thread_set_state(self, is_fault ? THREAD_TRAPPED : THREAD_SENDING);
    self->waits_on = &endpoint->object;
    list_push_front(before, &self->link);
}

/* Let the thread that serves `endpoint` run with at least `priority`. */
static void ipc_lend(const struct endpoint *endpoint, uint32_t priority)
{
    const struct hart *hart = hart_self();
    const uint64_t number = endpoint->server;

    if (number >= hart->thread_max || hart->threads[number] == NULL) {
        return;
    }
    struct thread *server = hart->threads[number];
    if (server->space == endpoint->owner && server->priority < priority) {
        sched_set_priority(server, priority);
    }
}

/*
 * The receiver to take: one of this hart if one of the first is (fastpath.S looks as far), else one
 * that may come here, else the first.
 */
static struct thread *ipc_choose_receiver(const struct endpoint *endpoint)
{
    struct thread *chosen = ipc_first(&endpoint->receivers);
    const struct list *link = endpoint->receivers.next;

    for (unsigned i = 0; i < HARTS_MAX && link != &endpoint->receivers; i++) {
        struct thread *thread = LIST_ENTRY(link, struct thread, link);
        if (thread_hart(thread) == hart_self()) {
            return thread;
        }
        if (thread->kept == NULL && chosen->kept != NULL) {
            chosen = thread;
        }
        link = link->next;
    }
    return chosen;
}

enum err ipc_send(struct thread *self, const struct handle_slot *slot, bool is_fault)
{
    struct endpoint *endpoint = ipc_endpoint(slot->object);

    if (list_is_empty(&endpoint->receivers)) {
        ipc_queue_sender(endpoint, self, is_fault);
        ipc_lend(endpoint, self->priority);
    } else {
        struct thread *to = ipc_choose_receiver(endpoint);
        const enum err error = ipc_hand_over(endpoint, self, to, is_fault);
        if (error != ERR_OK) {
            return error;
        }
        list_remove(&to->link);
        to->priority = self->priority;
        sched_adopt(to);
        sched_wake_first(to);
    }
    sched_block();
    return ERR_OK;
}

static void ipc_call_until(struct thread *self, uint64_t latest)
{
    struct handle_slot *slot;
    enum err error = handle_find(self->space, self->x[REG_T1], OBJECT_ENDPOINT, RIGHT_CALL, &slot);

    if (error == ERR_OK) {
        const bool is_to_server = ipc_endpoint(slot->object)->owner->aspace.is_server;
        if (!transfer_is_legal_tag(self->x[REG_T2] & ~IPC_TAG_KIND) ||
            (is_to_server && latest != 0)) {
            error = ERR_INVAL;
        } else {
            self->call_badge = slot->badge;
            if (latest != 0) {
                wait_set_timeout(self, latest);
            }
            error = ipc_send(self, slot, false);
        }
    }
    if (error != ERR_OK) {
        wait_cancel_timeout(self);
        thread_set_results(self, error, 0);
    }
}

void ipc_call(struct thread *self)
{
    ipc_call_until(self, 0);
}

void ipc_call_timed(struct thread *self)
{
    ipc_call_until(self, self->x[REG_T3]);
}

struct thread *ipc_find_waiter(struct thread *self)
{
    const struct hart *hart = hart_self();
    const uint64_t serial = self->x[REG_T3];
    const uint64_t number = self->x[REG_T4];

    if (serial == 0 || number >= hart->thread_max || hart->threads[number] == NULL) {
        return NULL;
    }
    struct thread *waiter = hart->threads[number];
    return waiter->serial == serial && waiter->partner == self->satp ? waiter : NULL;
}

/* Answer the call that the token of `self` names with what is in its registers. */
static enum err ipc_answer(struct thread *self, struct thread *caller)
{
    uint64_t tag = self->x[REG_T2] & ~IPC_TAG_KIND;
    uint64_t words[IPC_WORDS];

    if (!transfer_is_legal_tag(tag)) {
        return ERR_INVAL;
    }
    for (int i = 0; i < IPC_WORDS; i++) {
        words[i] = self->x[REG_A0 + i];
    }
    if (tag != 0) {
        const enum err error = transfer_handles(self, caller, &tag, words);
        if (error != ERR_OK) {
            return error;
        }
    }

    /* Point of no return: nothing below may fail. */
    caller->serial = 0;
    wait_cancel_timeout(caller);
    ipc_write_message(caller, 0, tag, words);
    sched_wake_first(caller);
    return ERR_OK;
}

/* The same for a call or a fault, of a thread that ipc_find_waiter() found or did not. */
static enum err ipc_answer_any(struct thread *self, struct thread *waiter_opt)
{
    if (waiter_opt == NULL) {
        return ERR_STALE;
    }
    return thread_is_in(waiter_opt, THREAD_FAULTING) ? fault_answer(self, waiter_opt)
                                                     : ipc_answer(self, waiter_opt);
}

void ipc_reply(struct thread *self)
{
    thread_set_results(self, ipc_answer_any(self, ipc_find_waiter(self)), 0);
}

/* Answer a thread in `state`, if there is a token, and wait for the next message. */
static void ipc_answer_and_wait(struct thread *self, enum thread_state state)
{
    if (self->x[REG_T3] != 0) {
        struct thread *waiter = ipc_find_waiter(self);
        const bool is_other = waiter != NULL && !thread_is_in(waiter, state);
        const enum err error = is_other ? ERR_INVAL : ipc_answer_any(self, waiter);

        if (error != ERR_OK) {
            thread_set_results(self, error, 0);
            return;
        }
    }
    ipc_receive(self);
}

void ipc_reply_wait(struct thread *self)
{
    ipc_answer_and_wait(self, THREAD_CALLING);
}

void ipc_fault_reply_wait(struct thread *self)
{
    ipc_answer_and_wait(self, THREAD_FAULTING);
}

/*
 * Deliver the bits of the bound notification to `self`, RUNNING. Returns: whether there were any.
 */
static bool ipc_receive_bits(struct thread *self)
{
    if (!thread_has_flags(self, THREAD_SIGNALLED)) {
        return false;
    }
    const uint64_t bits = notify_take_bound(self);
    if (bits == 0) {
        return false;
    }
    ipc_write_notification(self, bits);
    sched_set_priority(self, self->priority_own);
    return true;
}

/*
 * Take the first message from the queue that can be delivered to `self`; who cannot deliver learns
 * why.
 *
 * Returns: who sent it; NULL: none.
 */
static struct thread *ipc_receive_queued(struct endpoint *endpoint, struct thread *self)
{
    while (!list_is_empty(&endpoint->senders)) {
        struct thread *from = ipc_first(&endpoint->senders);
        list_remove(&from->link);
        const enum err error =
            ipc_hand_over(endpoint, from, self, thread_is_in(from, THREAD_TRAPPED));
        if (error == ERR_OK) {
            return from;
        }
        wait_finish(from, error, 0);
    }
    return NULL;
}

/*
 * Take a message from the queue of `endpoint`, or enter RECEIVING.
 *
 * Returns: who sent it; NULL: none.
 */
static struct thread *ipc_receive_or_wait(struct endpoint *endpoint, struct thread *self)
{
    struct thread *from = ipc_receive_queued(endpoint, self);

    self->waits_on = &endpoint->object;
    if (from == NULL) {
        list_push_front(&endpoint->receivers, &self->link);
        thread_set_state(self, THREAD_RECEIVING);
    }
    return from;
}

void ipc_receive(struct thread *self)
{
    struct handle_slot *slot;

    if (handle_find(self->space, self->x[REG_T1], OBJECT_ENDPOINT, RIGHT_RECEIVE, &slot) !=
        ERR_OK) {
        thread_set_results(self, ERR_BADF, 0);
        return;
    }
    if (ipc_receive_bits(self)) {
        return;
    }
    struct thread *from = ipc_receive_or_wait(ipc_endpoint(slot->object), self);
    if (from != NULL) {
        sched_set_priority(self, from->priority);
        return;
    }
    sched_block();
}

void ipc_poke(struct thread *thread)
{
    if (!thread_is_in(thread, THREAD_RECEIVING)) {
        return; /* it looks at its flag before it waits again */
    }
    list_remove(&thread->link);
    ipc_write_notification(thread, notify_take_bound(thread));
    thread->priority = thread->priority_own;
    sched_wake(thread);
}

void endpoint_init(struct endpoint *endpoint)
{
    list_init(&endpoint->senders);
    list_init(&endpoint->receivers);
    endpoint->server = SERVER_NONE;
}

void endpoint_fini(struct endpoint *endpoint)
{
    while (!list_is_empty(&endpoint->senders)) {
        struct thread *thread = ipc_first(&endpoint->senders);
        list_remove(&thread->link);
        if (thread_is_in(thread, THREAD_TRAPPED)) {
            end_thread(thread, CAUSE_BUS, thread->fault_address, thread->fault_access);
        } else {
            wait_finish(thread, ERR_PEER_GONE, 0);
        }
    }
    while (!list_is_empty(&endpoint->receivers)) {
        struct thread *thread = ipc_first(&endpoint->receivers);
        list_remove(&thread->link);
        wait_finish(thread, ERR_BADF, 0);
    }
}
