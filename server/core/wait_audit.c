/* SPDX-License-Identifier: MIT */
#include "server/core/wait_audit.h"

#include <stddef.h>

#include <base/assert.h>

#include "server/core/arena.h"
#include "server/core/number.h"
#include "server/core/pager.h"
#include "server/core/space.h"
#include "server/core/thread.h"
#include "server/core/wait.h"

/* A list holds threads with the state and the place that it stands for. Returns: how many. */
static uint32_t wait_audit_list(const struct core *core, const struct wait_list *list)
{
    uint32_t prev = 0;
    uint32_t count = 0;

    for (uint32_t link = list->first; link != 0; count++) {
        const struct thread *thread = wait_thread(core, link);

        ASSERT(thread->wait.prev == prev && wait_list_of(core, thread) == list);
        prev = link;
        link = thread->wait.next;
    }
    ASSERT(list->last == prev);
    return count;
}

void wait_audit(const struct core *core)
{
    uint32_t listed = wait_audit_list(core, &core->head->pagers.ready) +
                      wait_audit_list(core, &core->head->reclaim.waiters) +
                      wait_audit_list(core, &core->head->pins.lessees);
    uint32_t waiting = 0;
    uint32_t keeping = 0;
    uint32_t kept = 0;

    for (uint32_t page = core->head->pagers.first; page != 0;) {
        const struct pager *pager = arena_page(core, page);

        listed += wait_audit_list(core, &pager->backlog) + wait_audit_list(core, &pager->workers);
        for (uint32_t slot = 0; slot < PAGER_PULLS; slot++) {
            listed += wait_audit_list(core, &pager->pulls[slot].waiters);
        }
        page = pager->next;
    }
    for (const struct space *space = space_first(core); space != NULL;
         space = space_next(core, space)) {
        ASSERT(space->kept != 0 || space->queue.first == 0);
        listed += wait_audit_list(core, &space->queue);
        kept += space->kept;
    }
    for (uint32_t number = number_next(core, 0); number != NUMBER_END;
         number = number_next(core, number + 1)) {
        const struct thread *thread = arena_at(core, number_link(core, number));

        waiting += thread->wait.state != WAIT_NONE ? 1 : 0;
        keeping += thread->wait.state == WAIT_SECOND || thread->wait.holds ? 1 : 0;
    }
    ASSERT(listed == waiting && keeping == kept);
}

void wait_audit_need(const struct core *core)
{
    ASSERT(core->need.kind == NEED_NOTHING);
}
