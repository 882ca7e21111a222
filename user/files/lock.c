/* SPDX-License-Identifier: MIT */
#include "lock.h"

#include <stddef.h>
#include <string.h>

#include <base/assert.h>

struct lock *lock_find(struct lock_table *table, uint64_t id)
{
    ASSERT(id != 0);
    for (uint32_t i = 0; i < LOCKS_MAX; i++) {
        if (table->locks[i].id == id) {
            return &table->locks[i];
        }
    }
    return NULL;
}

struct lock *lock_against(struct lock_table *table, uint64_t file, bool is_exclusive,
                          const struct lock *after_opt)
{
    const uint32_t first = after_opt == NULL ? 0 : (uint32_t)(after_opt - table->locks) + 1;
    for (uint32_t i = first; i < LOCKS_MAX; i++) {
        struct lock *lock = &table->locks[i];
        if (lock->id != 0 && lock->file == file && (is_exclusive || lock->is_exclusive)) {
            return lock;
        }
    }
    return NULL;
}

bool lock_take(struct lock_table *table, const struct lock *lock)
{
    ASSERT(lock->id != 0 && lock_against(table, lock->file, lock->is_exclusive, NULL) == NULL);
    for (uint32_t i = 0; i < LOCKS_MAX; i++) {
        if (table->locks[i].id == 0) {
            table->locks[i] = *lock;
            return true;
        }
    }
    return false;
}

uint32_t lock_count(const struct lock_table *table, uint32_t owner)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < LOCKS_MAX; i++) {
        count += table->locks[i].id != 0 && table->locks[i].owner == owner ? 1 : 0;
    }
    return count;
}

void lock_drop(struct lock *lock)
{
    ASSERT(lock->id != 0);
    *lock = (struct lock){.id = 0};
}

bool lock_wait(struct lock_table *table, const struct lock_waiter *waiter)
{
    if (table->waiters_count == LOCK_WAITERS_MAX) {
        return false;
    }
    table->waiters[table->waiters_count] = *waiter;
    table->waiters_count++;
    return true;
}

bool lock_next_waiter(struct lock_table *table, struct lock_waiter *waiter)
{
    for (uint32_t i = 0; i < table->waiters_count; i++) {
        const struct lock_waiter *one = &table->waiters[i];
        if (lock_against(table, one->file, one->is_exclusive, NULL) == NULL) {
            *waiter = *one;
            table->waiters_count--;
            memmove(&table->waiters[i], &table->waiters[i + 1],
                    (table->waiters_count - i) * sizeof(*one));
            return true;
        }
    }
    return false;
}
