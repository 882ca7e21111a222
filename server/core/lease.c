/* SPDX-License-Identifier: MIT */
#include "server/core/lease.h"

#include <stddef.h>

#include <base/assert.h>

#include "server/core/shared.h"
#include "server/core/thread.h"
#include "server/core/wait.h"

static struct pin_table *table(const struct core *core)
{
    return &core->head->pins;
}

static bool is_untold(const struct pin *pin)
{
    return pin->lease_ms != 0 && pin->is_told == 0 && pin->state == PIN_STANDING;
}

/* The first pin to be looked at; the owner's pins are in the order of their numbers, last first. */
static uint32_t first_link(const struct core *core, const struct space *space,
                           struct lease_look *look)
{
    const struct pin *pin = look->before == 0 ? NULL : pin_find(core, look->before);

    if (pin != NULL && pin->state != PIN_QUARANTINED && pin->owner == space->number) {
        return pin->next;
    }
    *look = (struct lease_look){0}; /* from the start, also if it has gone meanwhile */
    return space->pin_first;
}

/* Go on looking. Returns: as lease_next(). */
static enum err look_on(struct core *core, const struct space *space, struct lease_look *look,
                        struct pin **found)
{
    uint32_t link = first_link(core, space, look);

    for (uint32_t looks = 0; link != 0; looks++) {
        struct pin *pin = pin_at(core, link);

        if (core->has_turns && looks == LEASE_LOOKS) {
            wait_need(core, &(struct need){.kind = NEED_TURN});
            return ERR_WAIT;
        }
        if (is_untold(pin)) {
            if (pin->due <= core->time) {
                pin->is_told = 1;
                *found = pin;
                return ERR_OK;
            }
            look->earliest =
                look->earliest == 0 || pin->due < look->earliest ? pin->due : look->earliest;
        }
        look->before = pin->number;
        link = pin->next;
    }
    return ERR_WOULD_BLOCK;
}

enum err lease_next(struct core *core, struct space *space, struct lease_look *look,
                    struct pin **pin)
{
    shared_enter(core);
    const enum err error = space->lessee != 0 ? ERR_BUSY : look_on(core, space, look, pin);

    shared_leave(core);
    return error;
}

void lease_take_back(struct core *core, struct pin *pin)
{
    shared_enter(core);
    pin->is_told = 0;
    shared_leave(core);
}

void lease_begin(struct core *core, const struct pin *pin)
{
    ASSERT(pin->lease_ms != 0);
    shared_enter(core);
    const struct space *owner = arena_page(core, pin->owner);

    if (owner->lessee != 0) {
        struct wait *wait = &wait_thread(core, owner->lessee)->wait;

        wait->deadline = pin->due < wait->deadline ? pin->due : wait->deadline;
        table(core)->lease_at = pin->due < table(core)->lease_at ? pin->due : table(core)->lease_at;
    }
    shared_leave(core);
}

void lease_expire(struct core *core)
{
    uint64_t next = UINT64_MAX;

    ASSERT(core->depth != 0);
    if (core->time < table(core)->lease_at) {
        return;
    }
    for (uint32_t link = table(core)->lessees.first; link != 0;) {
        struct thread *thread = wait_thread(core, link);
        const uint64_t deadline = thread->wait.deadline;

        link = thread->wait.next;
        if (deadline <= core->time) {
            wait_wake(core, thread, ERR_OK);
        } else {
            next = deadline < next ? deadline : next;
        }
    }
    table(core)->lease_at = next;
}

void lease_audit(const struct core *core, const struct space *space)
{
    const struct thread *thread = space->lessee == 0 ? NULL : wait_thread(core, space->lessee);

    if (thread == NULL) {
        return;
    }
    ASSERT(thread->wait.state == WAIT_LEASE && thread->space == space->number);
    ASSERT(thread->wait.deadline >= table(core)->lease_at);
}
