/* SPDX-License-Identifier: MIT */
#include "ipc/death.h"

static struct list death_notices GUARDED_BY(task_lock) = {&death_notices, &death_notices};
static struct notification *death_events; /* constant after boot */

void death_set_events(struct notification *events)
{
    ASSERT(death_events == NULL);
    death_events = events;
}

void death_queue(struct death *death)
{
    ASSERT(list_is_empty(&death->link));
    list_push_back(&death_notices, &death->link);
    notify_set(death_events, EVENT_DEATH);
}

void death_drop(struct death *death)
{
    list_remove(&death->link);
}

struct death *death_take(void)
{
    if (list_is_empty(&death_notices)) {
        return NULL;
    }
    struct death *death = LIST_ENTRY(death_notices.next, struct death, link);
    list_remove(&death->link);
    return death;
}
