/* SPDX-License-Identifier: MIT */
/*
 * Locks between harts.
 *
 * One lock is real: kernel_lock. A hart takes it when it enters the kernel (trap.S, fastpath.S) and
 * gives it back when it leaves, or sleeps for want of a thread (task/harts.h). Kernel calls are
 * short; what the harts do at the same time is user code.
 *
 * struct lock names a part of what kernel_lock guards. Taking one costs nothing; it lets clang see
 * that every function that touches the part is called by somebody who says so, in the order that
 * kernel/README.md gives.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include <base/attr.h>

/* 1 while a hart is in the kernel; assembly takes it too. */
extern atomic_uint kernel_lock;

struct CAPABILITY("lock") lock {
    uint32_t unused;
};

static inline void lock_take(struct lock *lock) ACQUIRE(lock) NO_LOCK_CHECK
{
    (void)lock;
}

static inline void lock_release(struct lock *lock) RELEASE(lock) NO_LOCK_CHECK
{
    (void)lock;
}
