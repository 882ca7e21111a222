/* SPDX-License-Identifier: MIT */
#include "task/timeout.h"

#include <stddef.h>

#include <base/assert.h>

static struct list timeout_queue = {&timeout_queue, &timeout_queue};

void timeout_init(struct timeout *timeout, enum timeout_kind kind)
{
    list_init(&timeout->link);
    timeout->time = 0;
    timeout->kind = kind;
}

void timeout_set(struct timeout *timeout, uint64_t time)
{
    ASSERT(time != 0);
    list_remove(&timeout->link);
    timeout->time = time;
    /* From the late end: new time-outs are mostly later than old ones. Bounded by two a thread. */
    struct list *before = timeout_queue.prev;
    while (before != &timeout_queue && LIST_ENTRY(before, struct timeout, link)->time > time) {
        before = before->prev;
    }
    list_push_front(before, &timeout->link);
}

void timeout_cancel(struct timeout *timeout)
{
    list_remove(&timeout->link);
    timeout->time = 0;
}

uint64_t timeout_next(void)
{
    return list_is_empty(&timeout_queue)
               ? UINT64_MAX
               : LIST_ENTRY(timeout_queue.next, struct timeout, link)->time;
}

struct timeout *timeout_take_due(uint64_t now)
{
    if (timeout_next() > now || list_is_empty(&timeout_queue)) {
        return NULL;
    }
    struct timeout *due = LIST_ENTRY(timeout_queue.next, struct timeout, link);
    timeout_cancel(due);
    return due;
}
