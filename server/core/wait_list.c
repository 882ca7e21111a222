/* SPDX-License-Identifier: MIT */
#include "server/core/wait_list.h"

#include "server/core/arena.h"
#include "server/core/thread.h"

void wait_list_append(struct core *core, struct wait_list *list, struct thread *thread)
{
    const uint32_t link = arena_link(core, thread);

    thread->wait.next = 0;
    thread->wait.prev = list->last;
    if (list->last != 0) {
        wait_thread(core, list->last)->wait.next = link;
    } else {
        list->first = link;
    }
    list->last = link;
}

void wait_list_remove(struct core *core, struct wait_list *list, struct thread *thread)
{
    struct wait *wait = &thread->wait;

    if (wait->prev != 0) {
        wait_thread(core, wait->prev)->wait.next = wait->next;
    } else {
        list->first = wait->next;
    }
    if (wait->next != 0) {
        wait_thread(core, wait->next)->wait.prev = wait->prev;
    } else {
        list->last = wait->prev;
    }
    wait->next = 0;
    wait->prev = 0;
}
