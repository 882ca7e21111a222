/* SPDX-License-Identifier: MIT */
/*
 * Mutexes and conditions for the threads of a process, made of a word and hf_wait_on().
 *
 * Nobody's priority is lent: a thread that waits for a mutex waits as long as the holder takes. All
 * are ready when they are zero. A thread that ends while it holds one leaves it taken.
 *
 *   mutex:  FREE -> TAKEN -> FREE            by one thread at a time, no kernel call
 *           TAKEN -> CONTENDED               [hf_mutex_lock] somebody is about to sleep
 *           CONTENDED -> FREE                [hf_mutex_unlock] and one who sleeps is woken
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#define HF_MUTEX_FREE      0u
#define HF_MUTEX_TAKEN     1u
#define HF_MUTEX_CONTENDED 2u

struct hf_mutex {
    atomic_uint state;
};

/* One that its holder may take again; it is free when it was left as often. */
struct hf_recursive_mutex {
    struct hf_mutex mutex;
    _Atomic(uint64_t) owner; /* its thread pointer; 0: nobody */
    unsigned count;          /* owner only */
};

struct hf_condition {
    atomic_uint sequence;
};

/* Take it, asleep until it is free. Not for the holder himself: he would wait for ever. */
void hf_mutex_lock(struct hf_mutex *mutex);
/* Take it if it is free. Returns: whether it was. */
MUST_USE bool hf_mutex_try(struct hf_mutex *mutex);
/* Leave it; who waits is woken. */
void hf_mutex_unlock(struct hf_mutex *mutex);

/* The same for one that its holder may take again. */
void hf_recursive_lock(struct hf_recursive_mutex *mutex);
/* Take it if it is free or the caller's. Returns: whether it was. */
MUST_USE bool hf_recursive_try(struct hf_recursive_mutex *mutex);
/* Leave it once. */
void hf_recursive_unlock(struct hf_recursive_mutex *mutex);

/*
 * Leave the mutex, which the caller holds, sleep until the condition is signalled or `latest` (time
 * CSR; 0: no limit), and take the mutex again. May return without a reason: look at what was waited
 * for.
 *
 * Returns: ERR_OK; ERR_TIMEDOUT; what hf_wait_on() refuses.
 */
MUST_USE enum err hf_condition_wait(struct hf_condition *condition, struct hf_mutex *mutex,
                                    uint64_t latest);

/* Wake one who waits, or all. */
void hf_condition_signal(struct hf_condition *condition);
void hf_condition_broadcast(struct hf_condition *condition);
