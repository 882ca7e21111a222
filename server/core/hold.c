/* SPDX-License-Identifier: MIT */
#include "server/core/hold.h"

#include <stddef.h>

#include <base/assert.h>

#include "server/core/arena.h"
#include "server/core/orphan.h"
#include "server/core/shared.h"

STATIC_ASSERT(sizeof(struct hold) == 32, "126 records to an arena page");

#define HOLD_RIGHTS 0x1fu /* what fits */

static struct hold *hold_at_opt(const struct core *core, uint32_t link)
{
    return link == 0 ? NULL : arena_at(core, link);
}

/* The hold that the space has of the object; NULL if none. Few spaces hold the same object. */
static struct hold *hold_find(const struct core *core, const struct space *space,
                              const struct object *object)
{
    struct hold *hold = hold_at_opt(core, object->hold_first);

    while (hold != NULL && hold->space != space->number) {
        hold = hold_at_opt(core, hold->object_next);
    }
    return hold;
}

uint32_t hold_needs(const struct core *core)
{
    return slab_needs(&core->head->holds);
}

void hold_take(struct core *core, struct space *space, struct object *object)
{
    ASSERT(core->depth != 0);
    struct hold *hold = hold_find(core, space, object);

    if (hold == NULL) {
        const uint32_t link = slab_take(core, &core->head->holds);

        ASSERT(link != 0);
        hold = arena_at(core, link);
        hold->space = space->number;
        hold->object = arena_link(core, object);
        hold->next = space->hold_first;
        hold->object_next = object->hold_first;
        if (hold->next != 0) {
            hold_at_opt(core, hold->next)->prev = link;
        }
        if (hold->object_next != 0) {
            hold_at_opt(core, hold->object_next)->object_prev = link;
        }
        space->hold_first = link;
        object->hold_first = link;
        object_get(object);
    }
    hold->count++;
}

/* Take a hold out of its lists and give back its reference. */
static void hold_free(struct core *core, struct space *space, struct hold *hold)
{
    struct object *object = object_at(core, hold->object);
    struct hold *next = hold_at_opt(core, hold->next);
    struct hold *object_next = hold_at_opt(core, hold->object_next);

    if (next != NULL) {
        next->prev = hold->prev;
    }
    if (hold->prev != 0) {
        hold_at_opt(core, hold->prev)->next = hold->next;
    } else {
        space->hold_first = hold->next;
    }
    if (object_next != NULL) {
        object_next->object_prev = hold->object_prev;
    }
    if (hold->object_prev != 0) {
        hold_at_opt(core, hold->object_prev)->object_next = hold->object_next;
    } else {
        object->hold_first = hold->object_next;
    }
    slab_give(core, &core->head->holds, arena_link(core, hold));
    const uint32_t pager = object->kind == OBJECT_PAGER ? object->pager : 0;

    object_put(core, object);
    orphan_look_after(core, pager);
}

bool hold_drop(struct core *core, struct space *space, struct object *object)
{
    shared_enter(core);
    struct hold *hold = hold_find(core, space, object);
    const bool is_held = hold != NULL;

    if (is_held) {
        hold->count--;
        if (hold->count == 0) {
            hold_free(core, space, hold);
        }
    }
    shared_leave(core);
    return is_held;
}

uint64_t hold_count(const struct core *core, const struct space *space, const struct object *object)
{
    const struct hold *hold = hold_find(core, space, object);

    return hold == NULL ? 0 : hold->count;
}

void hold_mark_maker(const struct core *core, const struct space *space,
                     const struct object *object)
{
    struct hold *hold = hold_find(core, space, object);

    ASSERT(hold != NULL);
    hold->is_maker = 1;
}

void hold_add_rights(const struct core *core, const struct space *space,
                     const struct object *object, uint32_t rights)
{
    struct hold *hold = hold_find(core, space, object);

    ASSERT(hold != NULL);
    ASSERT(rights <= HOLD_RIGHTS);
    hold->rights |= rights & HOLD_RIGHTS;
}

bool hold_has_rights(const struct core *core, const struct space *space,
                     const struct object *object, uint32_t rights, bool *is_held)
{
    const struct hold *hold = hold_find(core, space, object);

    *is_held = hold != NULL;
    return hold != NULL && (hold->is_maker != 0 || (rights & ~(uint32_t)hold->rights) == 0);
}

bool hold_is_maker(const struct core *core, const struct space *space, const struct object *object)
{
    const struct hold *hold = hold_find(core, space, object);

    return hold != NULL && hold->is_maker != 0;
}

void hold_end_some(struct core *core, struct space *space, uint32_t most)
{
    for (; most > 0 && space->hold_first != 0; most--) {
        shared_enter(core);
        hold_free(core, space, arena_at(core, space->hold_first));
        shared_leave(core);
    }
}

void hold_end(struct core *core, struct space *space)
{
    while (space->hold_first != 0) {
        hold_end_some(core, space, UINT32_MAX);
    }
}

uint64_t hold_pages(struct core *core, const struct space *space, uint64_t most)
{
    uint64_t pages = 0;

    shared_enter(core);
    for (const struct hold *hold = hold_at_opt(core, space->hold_first);
         hold != NULL && pages <= most; hold = hold_at_opt(core, hold->next)) {
        const struct object *object = object_at(core, hold->object);

        pages += object->kind == OBJECT_MEMORY ? object->frames.count + 1 : 1;
    }
    shared_leave(core);
    return pages;
}

uint32_t hold_audit(const struct core *core, const struct object *object)
{
    const struct hold *prev = NULL;
    uint32_t holds = 0;

    for (const struct hold *hold = hold_at_opt(core, object->hold_first); hold != NULL; holds++) {
        const struct space *space = arena_page(core, hold->space);

        ASSERT(object_at(core, hold->object) == object && hold->count > 0);
        ASSERT(space->number == hold->space);
        ASSERT(hold->object_prev == (prev == NULL ? 0 : arena_link(core, prev)));
        ASSERT(hold->prev != 0 || space->hold_first == arena_link(core, hold));
        prev = hold;
        hold = hold_at_opt(core, hold->object_next);
    }
    return holds;
}
