/* SPDX-License-Identifier: MIT */
/*
 * Sources: U. Drepper, "Futexes Are Tricky", 2011, mutex2 of section 5 and its remarks on
 * conditions.
 */
#include <hf/mutex.h>

#include <limits.h>

#include <base/assert.h>
#include <hf/env.h>
#include <hf/kernel.h>
#include <hf/wait.h>

static uint64_t self(void)
{
    uint64_t tp;
    __asm__("mv %0, tp" : "=r"(tp));
    return tp;
}

bool hf_mutex_try(struct hf_mutex *mutex)
{
    unsigned free = HF_MUTEX_FREE;
    return atomic_compare_exchange_strong_explicit(&mutex->state, &free, HF_MUTEX_TAKEN,
                                                   memory_order_acquire, memory_order_relaxed);
}

void hf_mutex_lock(struct hf_mutex *mutex)
{
    if (hf_mutex_try(mutex)) {
        return;
    }
    while (atomic_exchange_explicit(&mutex->state, HF_MUTEX_CONTENDED, memory_order_acquire) !=
           HF_MUTEX_FREE) {
        enum err error = hf_wait_on(&mutex->state, HF_MUTEX_CONTENDED, 0);
        if (error != ERR_OK && error != ERR_AGAIN) {
            (void)hf_yield(); /* no memory to sleep with */
        }
    }
}

void hf_mutex_unlock(struct hf_mutex *mutex)
{
    const unsigned was =
        atomic_exchange_explicit(&mutex->state, HF_MUTEX_FREE, memory_order_release);
    ASSERT(was != HF_MUTEX_FREE);
    if (was == HF_MUTEX_CONTENDED) {
        (void)hf_wake(&mutex->state, 1);
    }
}

void hf_recursive_lock(struct hf_recursive_mutex *mutex)
{
    if (atomic_load_explicit(&mutex->owner, memory_order_relaxed) != self()) {
        hf_mutex_lock(&mutex->mutex);
        atomic_store_explicit(&mutex->owner, self(), memory_order_relaxed);
    }
    mutex->count++;
}

bool hf_recursive_try(struct hf_recursive_mutex *mutex)
{
    if (atomic_load_explicit(&mutex->owner, memory_order_relaxed) != self()) {
        if (!hf_mutex_try(&mutex->mutex)) {
            return false;
        }
        atomic_store_explicit(&mutex->owner, self(), memory_order_relaxed);
    }
    mutex->count++;
    return true;
}

void hf_recursive_unlock(struct hf_recursive_mutex *mutex)
{
    ASSERT(atomic_load_explicit(&mutex->owner, memory_order_relaxed) == self());
    mutex->count--;
    if (mutex->count == 0) {
        atomic_store_explicit(&mutex->owner, 0, memory_order_relaxed);
        hf_mutex_unlock(&mutex->mutex);
    }
}

enum err hf_condition_wait(struct hf_condition *condition, struct hf_mutex *mutex, uint64_t latest)
{
    const unsigned seen = atomic_load(&condition->sequence);
    hf_mutex_unlock(mutex);
    enum err error = hf_wait_on(&condition->sequence, seen, latest);
    hf_mutex_lock(mutex);
    return error == ERR_AGAIN ? ERR_OK : error;
}

void hf_condition_signal(struct hf_condition *condition)
{
    atomic_fetch_add(&condition->sequence, 1);
    (void)hf_wake(&condition->sequence, 1);
}

void hf_condition_broadcast(struct hf_condition *condition)
{
    atomic_fetch_add(&condition->sequence, 1);
    (void)hf_wake(&condition->sequence, UINT_MAX);
}
