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
                              bool is_fault) REQUIRES(endpoint->lock)
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
    atomic_store(&from->serial, serial);
    return ERR_OK;
}

/*
 * Put `self` among the senders, before those of lower priority. Bounded by the number of threads.
 */
static void ipc_queue_sender(struct endpoint *endpoint, struct thread *self, bool is_fault)
    REQUIRES(endpoint->lock)
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
static void ipc_lend(const struct endpoint *endpoint, uint64_t number, uint32_t priority)
{
    const struct hart *hart = hart_self();

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
static struct thread *ipc_choose_receiver(const struct endpoint *endpoint) REQUIRES(endpoint->lock)
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
    struct thread *to = NULL;
    uint64_t server = SERVER_NONE;
    enum err error = ERR_OK;

    lock_take(&endpoint->lock);
    if (!handle_is_live(slot)) {
        error = ERR_STALE;
    } else if (!list_is_empty(&endpoint->receivers)) {
        struct thread *receiver = ipc_choose_receiver(endpoint);
        error = ipc_hand_over(endpoint, self, receiver, is_fault);
        if (error == ERR_OK) {
            to = receiver;
            list_remove(&to->link);
            to->priority = self->priority;
        }
    } else {
        ipc_queue_sender(endpoint, self, is_fault);
        server = endpoint->server;
    }
    lock_release(&endpoint->lock);

    if (error == ERR_OK) {
        if (to != NULL) {
            sched_adopt(to);
            sched_wake_first(to);
        }
        ipc_lend(endpoint, server, self->priority);
        sched_block();
    }
    return error;
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
    return atomic_load(&waiter->serial) == serial && waiter->partner == self->satp ? waiter : NULL;
}

bool ipc_claim(struct thread *waiter, uint64_t serial)
{
    return atomic_compare_exchange_strong(&waiter->serial, &serial, 0);
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
    if (!ipc_claim(caller, self->x[REG_T3])) {
        return ERR_STALE;
    }

    wait_cancel_timeout(caller);
    ipc_write_message(caller, 0, tag, words);
    sched_wake_first(caller);
    return ERR_OK;
}

void ipc_reply(struct thread *self)
{
    struct thread *waiter = ipc_find_waiter(self);
    enum err error = ERR_STALE;

    if (waiter != NULL) {
        error = thread_is_in(waiter, THREAD_FAULTING) ? fault_answer(self, waiter)
                                                      : ipc_answer(self, waiter);
    }
    thread_set_results(self, error, 0);
}

void ipc_reply_wait(struct thread *self)
{
    if (self->x[REG_T3] != 0) {
        struct thread *waiter = ipc_find_waiter(self);
        enum err error = ERR_STALE;
        if (waiter != NULL) {
            error = thread_is_in(waiter, THREAD_FAULTING) ? ERR_INVAL : ipc_answer(self, waiter);
        }
        if (error != ERR_OK) {
            thread_set_results(self, error, 0);
            return;
        }
    }
    ipc_receive(self);
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
    REQUIRES(endpoint->lock)
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
    REQUIRES(endpoint->lock)
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
    struct endpoint *endpoint = ipc_endpoint(slot->object);
    lock_take(&endpoint->lock);
    if (!handle_is_live(slot)) {
        lock_release(&endpoint->lock);
        thread_set_results(self, ERR_BADF, 0);
        return;
    }
    struct thread *from = ipc_receive_or_wait(endpoint, self);
    lock_release(&endpoint->lock);

    if (from != NULL) {
        sched_set_priority(self, from->priority);
        return;
    }
    sched_block();
}

void ipc_poke(struct thread *thread)
{
    if (!thread_is_in(thread, THREAD_RECEIVING) || !ipc_detach(thread)) {
        return; /* it looks at its flag before it waits again */
    }
    /* Somebody else can have taken the bits meanwhile: then this is a message without bits. */
    ipc_write_notification(thread, notify_take_bound(thread));
    thread->priority = thread->priority_own;
    sched_wake(thread);
}

/* `thread` is in a queue of the endpoint it waits on. */
static bool ipc_is_queued(const struct thread *thread)
{
    return thread_is_in(thread, THREAD_SENDING) || thread_is_in(thread, THREAD_TRAPPED) ||
           thread_is_in(thread, THREAD_RECEIVING);
}

bool ipc_detach(struct thread *thread)
{
    struct object *object = thread->waits_on;
    struct endpoint *endpoint = ipc_endpoint(object);

    lock_take(&endpoint->lock);
    const bool was_there =
        ipc_is_queued(thread) && thread->waits_on == object && !list_is_empty(&thread->link);
    if (was_there) {
        list_remove(&thread->link);
    }
    lock_release(&endpoint->lock);
    return was_there;
}

void endpoint_init(struct endpoint *endpoint, struct space *owner)
{
    list_init(&endpoint->senders);
    list_init(&endpoint->receivers);
    endpoint->server = SERVER_NONE;
    endpoint->owner = owner;
}

/* Take the first thread out of a queue of an endpoint; NULL: it is empty. */
static struct thread *ipc_take_first(struct endpoint *endpoint, struct list *queue)
{
    struct thread *thread = NULL;

    lock_take(&endpoint->lock);
    if (!list_is_empty(queue)) {
        thread = ipc_first(queue);
        list_remove(&thread->link);
    }
    lock_release(&endpoint->lock);
    return thread;
}

void endpoint_fini(struct endpoint *endpoint)
{
    struct thread *thread = ipc_take_first(endpoint, &endpoint->senders);

    while (thread != NULL) {
        if (thread_is_in(thread, THREAD_TRAPPED)) {
            end_thread(thread, CAUSE_BUS, thread->fault_address, thread->fault_access);
        } else {
            wait_finish(thread, ERR_PEER_GONE, 0);
        }
        thread = ipc_take_first(endpoint, &endpoint->senders);
    }
    thread = ipc_take_first(endpoint, &endpoint->receivers);
    while (thread != NULL) {
        wait_finish(thread, ERR_BADF, 0);
        thread = ipc_take_first(endpoint, &endpoint->receivers);
    }
}
