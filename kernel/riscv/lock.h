/* SPDX-License-Identifier: MIT */
/*
 * Locks between harts. Taken with interrupts off and never across a return to user mode.
 *
 * The order in which locks may be taken is in kernel/README.md. Zero-initialised is free.
 */
#pragma once

#include <stdatomic.h>

#include <base/attr.h>

struct CAPABILITY("lock") lock {
    atomic_uint is_taken;
};

static inline void lock_take(struct lock *lock) ACQUIRE(lock) NO_LOCK_CHECK
{
    while (UNLIKELY(atomic_exchange_explicit(&lock->is_taken, 1, memory_order_acquire) != 0)) {
        while (atomic_load_explicit(&lock->is_taken, memory_order_relaxed) != 0) {
        }
    }
}

static inline void lock_release(struct lock *lock) RELEASE(lock) NO_LOCK_CHECK
{
    atomic_store_explicit(&lock->is_taken, 0, memory_order_release);
}
