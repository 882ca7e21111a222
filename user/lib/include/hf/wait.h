/* SPDX-License-Identifier: MIT */
/*
 * Waiting until a word of memory is changed by another thread of the process.
 *
 * hf_wait_on() goes to sleep only if the word still has the value that the caller saw; whoever
 * changes it calls hf_wake() afterwards. No wake-up is lost between the two, since both take the
 * lock of the word's queue. Each thread sleeps at a notification of its own, made when it first
 * sleeps; the kernel knows nothing of words. What is not contended never comes here: see
 * hf/mutex.h.
 *
 * I1  A waiter is in at most one queue; one that is, sleeps or is about to.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

/* A thread as one that waits. Owner: its thread; fields after the first under the queue's lock. */
struct hf_waiter {
    uint64_t notification; /* 0: not made yet */
    uint64_t slot;         /* where it is to be made, if that is free; 0: anywhere */
    const atomic_uint *address;
    struct hf_waiter *next;
    struct hf_waiter *prev;
    uint64_t ticket; /* its place among all who ever slept in its queue */
    atomic_uint is_queued;
};

/*
 * Sleep while `*address` is `expected`, until woken or `latest` (time CSR; 0: no limit).
 *
 * Returns:   ERR_OK: woken, perhaps for another reason than hoped: look again;
 *            ERR_AGAIN: the word had another value; ERR_TIMEDOUT;
 *            ERR_NOMEM...: what making the thread's notification refuses.
 */
MUST_USE enum err hf_wait_on(const atomic_uint *address, unsigned expected, uint64_t latest);

/*
 * Wake up to `count` of the threads that sleep at the word when it is called, first come first.
 * One that sleeps there again before the call has ended is not woken a second time.
 *
 * Returns: how many.
 */
unsigned hf_wake(const atomic_uint *address, unsigned count);

/* Sleep until `latest` (time CSR). Returns: ERR_OK; as above for the notification. */
MUST_USE enum err hf_sleep_until(uint64_t latest);

/* For hf/thread.h: take a waiter's notification away; make a waiter the calling thread's. */
void hf_waiter_fini(struct hf_waiter *waiter);
void hf_waiter_set(struct hf_waiter *waiter);

/* For hf/clone.h, in the child: the notification of the calling thread is the parent's. */
void hf_waiter_forget(void);

/*
 * For a thread that ends: change the word and take the thread that sleeps at it, if any.
 *
 * Returns: the notification, at which HF_WAKE_BIT is to be set as the last thing of all; 0: nobody
 * sleeps.
 */
uint64_t hf_wake_later(atomic_uint *address, unsigned value);

#define HF_WAKE_BIT 0x1u
