/* SPDX-License-Identifier: MIT */
#include "task/timeout.h"

#include <stddef.h>

#include <base/assert.h>
#include <riscv/lock.h>

static struct lock timeout_lock;
static struct list timeout_queue GUARDED_BY(timeout_lock) = {&timeout_queue, &timeout_queue};

void timeout_init(struct timeout *timeout, enum timeout_kind kind)
{
    list_init(&timeout->link);
    timeout->time = 0;
    timeout->kind = kind;
}

void timeout_set(struct timeout *timeout, uint64_t time)
{
    ASSERT(time != 0);
    lock_take(&timeout_lock);
    list_remove(&timeout->link);
    timeout->time = time;
    /* From the late end: new time-outs are mostly later than old ones. Bounded by two a thread. */
    struct list *before = timeout_queue.prev;
    while (before != &timeout_queue && LIST_ENTRY(before, struct timeout, link)->time > time) {
        before = before->prev;
    }
    list_push_front(before, &timeout->link);
    lock_release(&timeout_lock);
}

void timeout_cancel(struct timeout *timeout)
{
    lock_take(&timeout_lock);
    list_remove(&timeout->link);
    timeout->time = 0;
    lock_release(&timeout_lock);
}

uint64_t timeout_next(void)
{
    lock_take(&timeout_lock);
    const uint64_t time = list_is_empty(&timeout_queue)
                              ? UINT64_MAX
                              : LIST_ENTRY(timeout_queue.next, struct timeout, link)->time;
    lock_release(&timeout_lock);
    return time;
}

struct timeout *timeout_take_due(uint64_t now)
{
    struct timeout *due = NULL;

    lock_take(&timeout_lock);
    if (!list_is_empty(&timeout_queue)) {
        struct timeout *first = LIST_ENTRY(timeout_queue.next, struct timeout, link);
        if (first->time <= now) {
            list_remove(&first->link);
            first->time = 0;
            due = first;
        }
    }
    lock_release(&timeout_lock);
    return due;
}
