/* SPDX-License-Identifier: MIT */
/*
 * Queues of waiters by a hash of the address. The lock of a queue is held for a few instructions;
 * who finds it taken looks again, yields, and then sleeps for a moment, so that a holder of lower
 * priority comes to run.
 */
#include <hf/wait.h>

#include <stdbool.h>
#include <stddef.h>

#include <base/assert.h>
#include <hf/env.h>
#include <hf/mem.h>

#define QUEUES          32u
#define BIT_SLEEP       0x2u /* never set: a wait for it ends by its time */
#define LOOKS_MAX       16u
#define YIELDS_MAX      32u
#define NAP_MICROS      50u
#define MICROS_A_SECOND 1000000u

struct queue {
    atomic_flag lock;
    struct hf_waiter *first;
    struct hf_waiter *last;
    uint64_t tickets; /* of the next who queues; those in the queue have lower ones, in order */
};

static struct queue queues[QUEUES];
static struct hf_waiter first_waiter; /* of the first thread */
static _Thread_local struct hf_waiter *own_waiter;

static struct hf_waiter *self(void)
{
    return own_waiter != NULL ? own_waiter : &first_waiter;
}

void hf_waiter_set(struct hf_waiter *waiter)
{
    own_waiter = waiter;
}

void hf_waiter_forget(void)
{
    self()->notification = 0;
}

static enum err waiter_init(struct hf_waiter *waiter)
{
    uint64_t slot = waiter->slot;
    enum err error = ERR_OK;
    while (error == ERR_OK) {
        error = hf_object_make(OBJECT_NOTIFICATION, slot, &waiter->notification);
        if (error == ERR_OK) {
            break;
        }
        if (error == ERR_EXIST) {
            slot = 0;
            error = ERR_OK;
        } else if (error == ERR_NO_OBJECT) {
            error = hf_donate(HF_OWN_SPACE, OBJECT_NOTIFICATION);
        } else if (error == ERR_NO_SLOT) {
            error = hf_donate(HF_OWN_SPACE, OBJECT_HANDLES);
        }
    }
    return error;
}

/* Sleep a little, or at least let others run. */
static void nap(void)
{
    uint64_t bits = 0;
    const uint64_t ticks = hf_env()->timebase_hz * NAP_MICROS / MICROS_A_SECOND + 1;
    if (self()->notification == 0 ||
        hf_wait(self()->notification, BIT_SLEEP, hf_time_now() + ticks, &bits) != ERR_TIMEDOUT) {
        (void)hf_yield();
    }
}

static struct queue *queue_take(const atomic_uint *address)
{
    const uint64_t hash = (uint64_t)address * UINT64_C(0x9e3779b97f4a7c15);
    struct queue *queue = &queues[hash >> 59];
    STATIC_ASSERT(QUEUES == 1u << (64 - 59), "the hash names every queue");
    for (unsigned tries = 0; atomic_flag_test_and_set_explicit(&queue->lock, memory_order_acquire);
         tries++) {
        if (tries > LOOKS_MAX + YIELDS_MAX) {
            nap();
        } else if (tries > LOOKS_MAX) {
            (void)hf_yield();
        }
    }
    return queue;
}

static void queue_leave(struct queue *queue)
{
    atomic_flag_clear_explicit(&queue->lock, memory_order_release);
}

static void queue_append(struct queue *queue, struct hf_waiter *waiter)
{
    waiter->next = NULL;
    waiter->prev = queue->last;
    waiter->ticket = queue->tickets++;
    if (queue->last != NULL) {
        queue->last->next = waiter;
    } else {
        queue->first = waiter;
    }
    queue->last = waiter;
    atomic_store(&waiter->is_queued, 1);
}

static void queue_remove(struct queue *queue, struct hf_waiter *waiter)
{
    if (waiter->prev != NULL) {
        waiter->prev->next = waiter->next;
    } else {
        queue->first = waiter->next;
    }
    if (waiter->next != NULL) {
        waiter->next->prev = waiter->prev;
    } else {
        queue->last = waiter->prev;
    }
    atomic_store(&waiter->is_queued, 0);
}

/* The first who sleeps at the word with a ticket below `before`, taken out; NULL: nobody. */
static struct hf_waiter *queue_find(struct queue *queue, const atomic_uint *address,
                                    uint64_t before)
{
    struct hf_waiter *waiter = queue->first;
    while (waiter != NULL && waiter->address != address) {
        waiter = waiter->next;
    }
    if (waiter == NULL || waiter->ticket >= before) {
        return NULL;
    }
    queue_remove(queue, waiter);
    return waiter;
}

void hf_waiter_fini(struct hf_waiter *waiter)
{
    if (atomic_load(&waiter->is_queued) != 0) {
        /* Its thread was ended while it slept. */
        struct queue *queue = queue_take(waiter->address);
        if (atomic_load(&waiter->is_queued) != 0) {
            queue_remove(queue, waiter);
        }
        queue_leave(queue);
    }
    if (waiter->notification != 0) {
        (void)hf_object_destroy(waiter->notification);
        (void)hf_handle_close(waiter->notification);
        waiter->notification = 0;
    }
}

enum err hf_wait_on(const atomic_uint *address, unsigned expected, uint64_t latest)
{
    struct hf_waiter *waiter = self();
    uint64_t bits = 0;
    if (waiter->notification == 0) {
        enum err error = waiter_init(waiter);
        if (error != ERR_OK) {
            return error;
        }
    }
    struct queue *queue = queue_take(address);
    if (atomic_load(address) != expected) {
        queue_leave(queue);
        return ERR_AGAIN;
    }
    waiter->address = address;
    queue_append(queue, waiter);
    queue_leave(queue);

    enum err error;
    do {
        error = hf_wait(waiter->notification, HF_WAKE_BIT, latest, &bits);
        /* Still queued: the bit was meant for a thread that was ended, whose slot is ours now. */
    } while (error == ERR_OK && atomic_load(&waiter->is_queued) != 0);
    if (error == ERR_OK) {
        return ERR_OK;
    }
    queue = queue_take(address);
    const bool is_queued = atomic_load(&waiter->is_queued) != 0;
    if (is_queued) {
        queue_remove(queue, waiter);
    }
    queue_leave(queue);
    if (!is_queued) {
        /* Woken at the last moment: the bit is set, or will be by him who took us out. */
        while (error != ERR_OK) {
            error = hf_wait(waiter->notification, HF_WAKE_BIT, 0, &bits);
        }
    }
    /* An upcall cuts a wait short: the caller looks again. */
    return error == ERR_INTR ? ERR_OK : error;
}

unsigned hf_wake(const atomic_uint *address, unsigned count)
{
    unsigned woken = 0;
    uint64_t before = 0;
    while (woken < count) {
        struct queue *queue = queue_take(address);
        /* One that was woken may sleep at the word again already. */
        before = woken == 0 ? queue->tickets : before;
        const struct hf_waiter *waiter = queue_find(queue, address, before);
        const uint64_t notification = waiter != NULL ? waiter->notification : 0;
        queue_leave(queue);
        if (waiter == NULL) {
            break;
        }
        /* It waits for this bit for good now. Refused only if it is being ended at this moment. */
        (void)hf_notify(notification, HF_WAKE_BIT);
        woken++;
    }
    return woken;
}

uint64_t hf_wake_later(atomic_uint *address, unsigned value)
{
    struct queue *queue = queue_take(address);
    atomic_store(address, value);
    const struct hf_waiter *waiter = queue_find(queue, address, queue->tickets);
    const uint64_t notification = waiter != NULL ? waiter->notification : 0;
    queue_leave(queue);
    return notification;
}

enum err hf_sleep_until(uint64_t latest)
{
    struct hf_waiter *waiter = self();
    uint64_t bits = 0;
    enum err error = waiter->notification == 0 ? waiter_init(waiter) : ERR_OK;
    while (error == ERR_OK || error == ERR_INTR) {
        error = hf_wait(waiter->notification, BIT_SLEEP, latest == 0 ? 1 : latest, &bits);
    }
    return error == ERR_TIMEDOUT ? ERR_OK : error;
}
