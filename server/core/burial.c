/* SPDX-License-Identifier: MIT */
#include "server/core/burial.h"

#include <base/assert.h>

#include "server/core/arena.h"
#include "server/core/content.h"
#include "server/core/object.h"
#include "server/core/port.h"
#include "server/core/shared.h"
#include "server/core/space.h"

/* What an object itself costs, in pages given back. */
#define BURIAL_OBJECT 4u

static struct burials *burials_of(const struct core *core)
{
    return &core->head->object_table.burials;
}

bool burial_is_long(struct core *core, const struct object *object)
{
    const uint64_t cost = object->frames.count + BURIAL_OBJECT;

    if (!core->has_turns || object->kind != OBJECT_MEMORY) {
        return false;
    }
    if (cost > WORK_PAGES + BURIAL_OBJECT - core->more.buried) {
        return true;
    }
    core->more.buried += (uint32_t)cost;
    return false;
}

void burial_begin(struct core *core, struct object *object)
{
    struct burials *burials = burials_of(core);
    const uint32_t link = arena_link(core, object);

    ASSERT(core->depth != 0 && core->worker->intent.phase != INTENT_WRITING);
    ASSERT(object->references == 0 && object->region_first == 0);
    object->flags |= OBJECT_GONE;
    object->next_dead = 0;
    object->hand = npages_number(object->pages);
    if (burials->last != 0) {
        object_at(core, burials->last)->next_dead = link;
    } else {
        atomic_store_explicit(&burials->first, link, memory_order_relaxed);
    }
    burials->last = link;
    core->more.burial = burials->begun + 1;
    core->more.buried = WORK_PAGES; /* enough for this message */
    atomic_store_explicit(&burials->begun, core->more.burial, memory_order_relaxed);
}

bool burial_is_due(const struct core *core)
{
    return atomic_load_explicit(&burials_of(core)->first, memory_order_relaxed) != 0;
}

/* The first of the queue, which is not empty. */
static struct object *burial_first(const struct core *core)
{
    return object_at(core, atomic_load_explicit(&burials_of(core)->first, memory_order_relaxed));
}

/* It has no pages left. */
static void burial_end(struct core *core)
{
    struct burials *burials = burials_of(core);
    struct object *object = burial_first(core);

    atomic_store_explicit(&burials->first, object->next_dead, memory_order_relaxed);
    if (object->next_dead == 0) {
        burials->last = 0;
    }
    object_forget(core, object);
    atomic_store_explicit(&burials->done, burials->done + 1, memory_order_relaxed);
}

void burial_step(struct core *core)
{
    uint32_t left = WORK_PAGES;

    if (!burial_is_due(core)) {
        return;
    }
    shared_enter(core);
    while (left > 0 && burial_is_due(core)) {
        struct object *object = burial_first(core);
        const uint64_t before = object->frames.count;

        content_drop_some(core, object, left);
        if (object->frames.count != 0) {
            break;
        }
        burial_end(core);
        left -= before + BURIAL_OBJECT < left ? (uint32_t)before + BURIAL_OBJECT : left;
    }
    shared_leave(core);
}

void burial_finish(struct core *core)
{
    while (burial_is_due(core)) {
        burial_step(core);
    }
}

bool burial_is_over(const struct core *core, uint64_t number)
{
    const struct burials *burials = burials_of(core);

    /* Numbers that none has yet are some client's idea. */
    return number <= atomic_load_explicit(&burials->done, memory_order_relaxed) ||
           number > atomic_load_explicit(&burials->begun, memory_order_relaxed);
}

void burial_note(struct core *core, struct space *space)
{
    if (core->more.burial != 0) {
        space->burial = core->more.burial;
        core->more.burial = 0;
    }
    core->more.buried = 0;
}

uint64_t burial_audit(const struct core *core)
{
    const struct burials *burials = burials_of(core);
    uint64_t count = 0;
    uint32_t last = 0;

    for (uint32_t link = burials->first; link != 0; count++) {
        const struct object *object = object_at(core, link);

        ASSERT(object->kind == OBJECT_MEMORY && object->references == 0);
        ASSERT((object->flags & OBJECT_GONE) != 0);
        last = link;
        link = object->next_dead;
    }
    ASSERT(last == burials->last);
    ASSERT(count == burials->begun - burials->done);
    return count;
}
