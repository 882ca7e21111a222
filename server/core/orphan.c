/* SPDX-License-Identifier: MIT */
#include "server/core/orphan.h"

#include <stddef.h>

#include "server/core/arena.h"
#include "server/core/pull.h"
#include "server/core/reserve.h"
#include "server/core/saving.h"
#include "server/core/shared.h"
#include "server/core/space.h"

static struct pager_table *table_of(const struct core *core)
{
    return &core->head->pagers;
}

bool orphan_is_abandoned(const struct core *core, const struct pager *pager)
{
    const struct object *named = object_at(core, pager->object);

    return pager->space == 0 && named->hold_first == 0 && named->names == 0;
}

void orphan_release(struct core *core, struct object *object)
{
    if ((object->flags & OBJECT_KEPT) != 0) {
        object->flags &= ~OBJECT_KEPT;
        object_put(core, object);
    }
}

/*
 * If nobody can serve it any longer, tell who waits, and let go of what it keeps. The server may
 * die on the way: each step leaves it so that it can be begun anew.
 */
static void orphan_abandon(struct core *core, struct pager *pager)
{
    uint32_t link = orphan_is_abandoned(core, pager) ? pager->object_first : 0;

    if (link != 0) {
        reserve_settle(core, pager); /* nobody is awaited any longer */
    }
    /* An object has a reference of the pager, which may go with the last one. */
    while (link != 0) {
        struct object *object = object_at(core, link);

        link = object->pager_next;
        pull_end_all(core, pager, object, ERR_PEER_GONE);
        orphan_release(core, object);
    }
}

void orphan_look_after(struct core *core, uint32_t page)
{
    struct pager *pager = page == 0 ? NULL : pager_find(core, page);

    if (pager != NULL) {
        orphan_abandon(core, pager);
    }
}

/*
 * The objects that wait for another process stay as they are for it. No port call: the server may
 * die in each.
 */
static void orphan_keep_objects(const struct core *core, const struct pager *pager)
{
    for (uint32_t link = pager->object_first; link != 0;) {
        struct object *object = object_at(core, link);

        if ((object->flags & (OBJECT_WAITS | OBJECT_KEPT)) == OBJECT_WAITS) {
            object->flags |= OBJECT_KEPT;
            object_get(object);
        }
        link = object->pager_next;
    }
}

/* What the pulls of an object do whose pager has ended. */
static void orphan_settle(struct core *core, struct pager *pager, struct object *object)
{
    if ((object->flags & OBJECT_WAITS) == 0) {
        pull_end_all(core, pager, object, ERR_PEER_GONE);
        return;
    }
    for (uint32_t slot = 0; slot < PAGER_PULLS; slot++) {
        struct pull *pull = &pager->pulls[slot];

        if (pull->object == arena_link(core, object) && pull->is_given != 0) {
            /* What the one that ended knew of it is worth nothing. */
            pull->generation = ++table_of(core)->pulls << PAGER_SLOT_BITS | slot;
            if (pull->kind == NEED_SAVED) {
                saving_reopen(core, object, pull);
            }
            pager_queue(core, pager, slot);
        }
    }
}

void orphan_begin(struct core *core, const struct space *space)
{
    reserve_keep(core, space);
    shared_enter(core);
    for (uint32_t page = table_of(core)->first; page != 0;) {
        struct pager *pager = arena_page(core, page);

        page = pager->next;
        if (pager->space == space->number) {
            orphan_keep_objects(core, pager);
            pager->space = 0;
            reserve_await(core, pager);
            for (uint32_t link = pager->object_first; link != 0;) {
                struct object *object = object_at(core, link);

                orphan_settle(core, pager, object);
                link = object->pager_next;
            }
            pager_forget_gone(core, pager);
            orphan_abandon(core, pager);
        }
    }
    shared_leave(core);
}

void orphan_recover(struct core *core)
{
    for (uint32_t page = table_of(core)->first; page != 0;) {
        struct pager *pager = arena_page(core, page);

        page = pager->next;
        orphan_abandon(core, pager);
    }
}
