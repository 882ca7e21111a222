/* SPDX-License-Identifier: MIT */
/*
 * Advisory locks of whole files (flock(2)), and who waits for one.
 *
 *   (none) -> TAKEN    [lock_take]              TAKEN -> (none)   [lock_drop]
 *   asked  -> WAITS    [lock_wait]              WAITS -> asked    [lock_next_waiter] try again
 *
 * A lock names a memory object, its token: while somebody holds that, the lock lasts. Its `id` is
 * drawn at random, so that nobody gives back what another has.
 *
 * I1  Locks of one file are one exclusive one, or any number of shared ones.
 * I2  Waiters are in the order in which they came.
 * Pure C: tested on the host.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>

#define LOCKS_MAX        128u
#define LOCK_WAITERS_MAX 64u

struct lock {
    uint64_t id; /* 0: free */
    uint64_t file;
    uint64_t token; /* number of the memory object */
    uint32_t owner; /* who pays */
    bool is_exclusive;
};

struct lock_waiter {
    uint64_t file;
    uint64_t serial; /* token of the call */
    uint64_t thread;
    uint32_t owner;
    bool is_exclusive;
};

struct lock_table {
    struct lock locks[LOCKS_MAX];
    struct lock_waiter waiters[LOCK_WAITERS_MAX];
    uint32_t waiters_count;
};

/* The lock with this id, which is not 0; NULL: there is none. */
struct lock *lock_find(struct lock_table *table, uint64_t id);

/*
 * The first lock behind `after_opt` (NULL: of all) that stands against one of this kind on the
 * file;
 * NULL: none does.
 */
struct lock *lock_against(struct lock_table *table, uint64_t file, bool is_exclusive,
                          const struct lock *after_opt);

/* Enter a lock that nothing stands against. Returns: whether there was room. */
MUST_USE bool lock_take(struct lock_table *table, const struct lock *lock);

/* How many locks the owner has. */
uint32_t lock_count(const struct lock_table *table, uint32_t owner);

/* Forget a lock. */
void lock_drop(struct lock *lock);

/* Have somebody wait. Returns: whether there was room. */
MUST_USE bool lock_wait(struct lock_table *table, const struct lock_waiter *waiter);

/*
 * Take the first waiter that nothing stands against. Returns: whether there is one.
 */
MUST_USE bool lock_next_waiter(struct lock_table *table, struct lock_waiter *waiter);
