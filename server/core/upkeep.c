/* SPDX-License-Identifier: MIT */
#include "server/core/upkeep.h"

#include <stddef.h>

#include <base/assert.h>

#include "server/core/arena.h"
#include "server/core/budget.h"
#include "server/core/detain.h"
#include "server/core/pager.h"
#include "server/core/shared.h"
#include "server/core/swap.h"

static struct space *upkeep_payer_opt(const struct core *core, const struct object *object)
{
    return object->payer == 0 ? NULL : arena_page(core, object->payer);
}

/* Frames that stand for the records of so many objects. */
static uint64_t upkeep_shares(uint64_t objects)
{
    return (objects + UPKEEP_OBJECTS - 1) / UPKEEP_OBJECTS;
}

/* What an object costs, its record aside; pages that a pager is asked for are paid already. */
static uint64_t upkeep_cost(const struct core *core, const struct object *object)
{
    if ((object->flags & OBJECT_SWAP) != 0) {
        return swap_cost(npages_number(object->pages));
    }
    /* Huge pages are nobody's to pay for (R19). */
    return (object->kind == OBJECT_HUGE ? 0 : object->frames.count) + object->frames.pages +
           (object->pager != 0 && object->kind == OBJECT_PAGER ? 1 + pager_of(core, object)->reserve
                                                               : 0);
}

bool upkeep_reserve(const struct core *core, struct space *space)
{
    struct space *payer = budget_payer(core, space);

    if (payer->objects % UPKEEP_OBJECTS != 0) {
        return true;
    }
    if (!budget_draw(core, space, 1)) {
        budget_refused(core, space, 1);
        return false;
    }
    payer->object_charge++;
    return true;
}

void upkeep_cancel(const struct core *core, struct space *space)
{
    struct space *payer = budget_payer(core, space);

    if (payer->objects % UPKEEP_OBJECTS == 0) {
        ASSERT(payer->object_charge > 0);
        payer->object_charge--;
        budget_return(core, payer, 1);
    }
}

static void upkeep_enlist(const struct core *core, struct space *payer, struct object *object)
{
    const uint32_t link = arena_link(core, object);

    object->payer = payer->number;
    object->payer_prev = 0;
    object->payer_next = payer->object_first;
    if (payer->object_first != 0) {
        object_at(core, payer->object_first)->payer_prev = link;
    }
    payer->object_first = link;
    payer->objects++;
}

static void upkeep_delist(const struct core *core, struct space *payer, struct object *object)
{
    if (object->payer_prev != 0) {
        object_at(core, object->payer_prev)->payer_next = object->payer_next;
    } else {
        payer->object_first = object->payer_next;
    }
    if (object->payer_next != 0) {
        object_at(core, object->payer_next)->payer_prev = object->payer_prev;
    }
    payer->objects--;
    object->payer = 0;
}

void upkeep_open(const struct core *core, const struct space *space, struct object *object)
{
    upkeep_enlist(core, budget_payer(core, space), object);
}

bool upkeep_take(const struct core *core, struct space *space_opt, const struct object *object,
                 uint64_t frames)
{
    struct space *payer = upkeep_payer_opt(core, object);

    if (payer == NULL || (object->flags & OBJECT_SWAP) != 0) {
        return true; /* slots are paid for at once (swap_cost) */
    }
    if (!budget_draw(core, payer, (int64_t)frames)) {
        if (space_opt != NULL) {
            budget_refused_by(core, space_opt, payer, frames);
        }
        return false;
    }
    payer->object_charge += frames;
    return true;
}

void upkeep_give(const struct core *core, const struct object *object, uint64_t frames)
{
    struct space *payer = upkeep_payer_opt(core, object);

    if (payer != NULL && (object->flags & OBJECT_SWAP) == 0) {
        ASSERT(payer->object_charge >= frames);
        payer->object_charge -= frames;
        budget_return(core, payer, (int64_t)frames);
    }
}

void upkeep_detain(struct core *core, const struct object *object, uint32_t frame)
{
    struct space *payer = upkeep_payer_opt(core, object);

    if (payer != NULL) {
        ASSERT(payer->object_charge > 0);
        payer->object_charge--;
    }
    detain_frame(core, frame, object->payer);
}

void upkeep_close(const struct core *core, struct object *object)
{
    struct space *payer = upkeep_payer_opt(core, object);

    ASSERT(object->frames.count + object->frames.pages == 0);
    if (payer == NULL) {
        return;
    }
    upkeep_delist(core, payer, object);
    upkeep_cancel(core, payer);
}

/* Have `heir_opt` pay for all that `space` pays for. */
static void upkeep_pass(const struct core *core, struct space *space, struct space *heir_opt)
{
    while (space->object_first != 0) {
        struct object *object = object_at(core, space->object_first);

        upkeep_delist(core, space, object);
        if (heir_opt != NULL) {
            upkeep_enlist(core, heir_opt, object);
        }
    }
}

void upkeep_inherit(struct core *core, struct space *space)
{
    struct space *lender = space->lender == 0 ? NULL : arena_page(core, space->lender);
    uint64_t kept = 0;

    shared_enter(core);
    if (lender != NULL) {
        /* Never more than before: together they have at most as many frames of records. */
        kept = space->object_charge - upkeep_shares(space->objects) -
               upkeep_shares(lender->objects) + upkeep_shares(lender->objects + space->objects);
        lender->object_charge += kept;
        kept += space->detained;
    }
    budget_return(core, space, (int64_t)(space->object_charge + space->detained));
    detain_inherit(core, space->number, space->lender);
    space->object_charge = 0;
    upkeep_pass(core, space, lender);
    budget_close(core, space, kept);
    shared_leave(core);
}

uint64_t upkeep_count(const struct core *core, const struct space *space)
{
    uint64_t frames = upkeep_shares(space->objects);

    for (uint32_t link = space->object_first; link != 0;) {
        const struct object *object = object_at(core, link);

        frames += upkeep_cost(core, object);
        link = object->payer_next;
    }
    return frames;
}

void upkeep_audit(const struct core *core, const struct space *space)
{
    uint64_t objects = 0;

    for (uint32_t link = space->object_first; link != 0; objects++) {
        const struct object *object = object_at(core, link);

        ASSERT(object->kind != OBJECT_DEVICE);
        ASSERT(object->payer == space->number);
        link = object->payer_next;
    }
    ASSERT(objects == space->objects);
    ASSERT(space->object_charge == upkeep_count(core, space));
    ASSERT(objects == 0 || space->payer == space->number);
}
