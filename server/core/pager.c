/* SPDX-License-Identifier: MIT */
#include "server/core/pager.h"

#include <stddef.h>

#include <base/assert.h>

#include "server/core/arena.h"
#include "server/core/orphan.h"
#include "server/core/paged.h"
#include "server/core/pull.h"
#include "server/core/reclaim.h"
#include "server/core/region.h"
#include "server/core/reserve.h"
#include "server/core/saving.h"
#include "server/core/shared.h"
#include "server/core/space.h"
#include "server/core/thread.h"
#include "server/core/upkeep.h"
#include "server/core/writeback.h"

STATIC_ASSERT(sizeof(struct pager) <= PAGE_SIZE, "a pager is one arena page");
STATIC_ASSERT(PAGER_PULLS <= 1u << PAGER_SLOT_BITS, "a generation holds the slot");

static struct pager_table *table_of(const struct core *core)
{
    return &core->head->pagers;
}

static struct pager *pager_at(const struct core *core, uint32_t page)
{
    return arena_page(core, page);
}

struct pager *pager_of(const struct core *core, const struct object *object)
{
    ASSERT(object->pager != 0);
    return pager_at(core, object->pager);
}

/* All slots are free. */
static void pager_clear_slots(struct pager *pager)
{
    for (uint32_t i = 0; i < PAGER_PULLS; i++) {
        pager->pulls[i] = (struct pull){.next = (uint16_t)(i + 1 < PAGER_PULLS ? i + 2 : 0)};
    }
    pager->free_first = 1;
    pager->queue_first = 0;
    pager->queue_last = 0;
}

void pager_open(struct core *core, const struct space *space_opt, struct object *object)
{
    struct pager_table *table = table_of(core);
    const uint32_t page = arena_page_take(core);

    ASSERT(page != 0 && object->kind == OBJECT_PAGER);
    struct pager *pager = pager_at(core, page);

    pager->page = page;
    pager->object = arena_link(core, object);
    pager->space = space_opt == NULL ? 0 : space_opt->number;
    pager->next = table->first;
    if (pager->next != 0) {
        pager_at(core, pager->next)->prev = page;
    }
    table->first = page;
    pager_clear_slots(pager);
    object->pager = page;
}

void pager_forget_gone(struct core *core, struct pager *pager)
{
    for (;;) {
        struct object *object = pager_take_gone(core, pager);

        if (object == NULL) {
            return;
        }
        object_forget(core, object);
    }
}

void pager_free(struct core *core, struct object *object)
{
    if (object->pager == 0) {
        return; /* one that could not be made */
    }
    struct pager *pager = pager_of(core, object);
    const uint32_t page = pager->page;

    pager_forget_gone(core, pager);
    ASSERT(pager->object_first == 0 && pager->backlog.first == 0);
    while (pager->workers.first != 0) {
        wait_wake(core, wait_thread(core, pager->workers.first), ERR_OK);
    }
    if (pager->prev != 0) {
        pager_at(core, pager->prev)->next = pager->next;
    } else {
        table_of(core)->first = pager->next;
    }
    if (pager->next != 0) {
        pager_at(core, pager->next)->prev = pager->prev;
    }
    upkeep_give(core, object, 1 + pager->reserve);
    reserve_close(core, pager);
    object->pager = 0;
    arena_zero(pager, PAGE_SIZE);
    arena_page_give(core, page);
}

void pager_enter(struct core *core, struct pager *pager, struct object *object)
{
    struct pager_table *table = table_of(core);

    object->pager = pager->page;
    object->pager_next = pager->object_first;
    if (object->pager_next != 0) {
        object_at(core, object->pager_next)->pager_prev = arena_link(core, object);
    }
    pager->object_first = arena_link(core, object);
    if (table->objects == 0) {
        core->head->pool.low = reclaim_low(core);
        if (table->age != 0) {
            pull_note_deadline(core, core->time); /* for a first look for what is old */
        }
    }
    table->objects++;
    object_get(object_at(core, pager->object));
}

/* Take an object out of the list of those that it serves. */
static void pager_delist(struct core *core, struct pager *pager, struct object *object)
{
    if (object->pager_prev != 0) {
        object_at(core, object->pager_prev)->pager_next = object->pager_next;
    } else {
        pager->object_first = object->pager_next;
    }
    if (object->pager_next != 0) {
        object_at(core, object->pager_next)->pager_prev = object->pager_prev;
    }
    object->pager_next = 0;
    object->pager_prev = 0;
    writeback_forget(core, pager, object);
    table_of(core)->objects--;
    if (table_of(core)->objects == 0) {
        core->head->pool.low = 0;
    }
}

bool pager_leave(struct core *core, struct object *object)
{
    struct pager *pager = pager_of(core, object);
    const bool stays = pager->space != 0;

    pull_end_all(core, pager, object, ERR_OK);
    pager_delist(core, pager, object);
    if (stays) {
        object->flags |= OBJECT_GONE;
        if (pager->gone_last != 0) {
            object_at(core, pager->gone_last)->pager_next = arena_link(core, object);
        } else {
            pager->gone_first = arena_link(core, object);
        }
        pager->gone_last = arena_link(core, object);
        pager_call(core, pager);
    }
    /* Without any other reference it is freed, and with it the objects that are gone. */
    object_put(core, object_at(core, pager->object));
    return stays;
}

struct object *pager_take_gone(struct core *core, struct pager *pager)
{
    if (pager->gone_first == 0) {
        return NULL;
    }
    struct object *object = object_at(core, pager->gone_first);

    pager->gone_first = object->pager_next;
    if (pager->gone_first == 0) {
        pager->gone_last = 0;
    }
    object->pager_next = 0;
    return object;
}

void pager_lose(const struct core *core, const struct object *object, uint32_t slot)
{
    struct pull *pull = &pager_of(core, object)->pulls[slot];

    ASSERT(slot < PAGER_PULLS && pull->left > 0);
    pull->left--;
}

struct object *pager_find_object(const struct core *core, const struct pager *pager,
                                 uint64_t before)
{
    uint32_t link = pager->object_first;

    while (link != 0 && object_at(core, link)->number >= before) {
        link = object_at(core, link)->pager_next;
    }
    return link == 0 ? NULL : object_at(core, link);
}

struct pager *pager_find(const struct core *core, uint32_t page)
{
    uint32_t link = table_of(core)->first;

    while (link != 0 && link != page) {
        link = pager_at(core, link)->next;
    }
    return link == 0 ? NULL : pager_at(core, link);
}

/* Pagers in the order in which a walk comes to them. */
struct walk {
    uint32_t first;
    uint32_t last;
};

/* Enter the pagers that a space serves. */
static void walk_extend(const struct core *core, uint32_t space, struct walk *walk)
{
    const uint32_t mark = table_of(core)->mark;

    for (uint32_t page = table_of(core)->first; page != 0; page = pager_at(core, page)->next) {
        struct pager *pager = pager_at(core, page);

        if (pager->space != space || pager->mark == mark) {
            continue;
        }
        pager->mark = mark;
        pager->walk = 0;
        if (walk->last != 0) {
            pager_at(core, walk->last)->walk = page;
        } else {
            walk->first = page;
        }
        walk->last = page;
    }
}

/* Enter the pagers of all spaces that map an object. Returns: whether `space` is one of them. */
static bool walk_object(const struct core *core, const struct object *object, uint32_t space,
                        struct walk *walk)
{
    for (uint32_t link = object->region_first; link != 0;) {
        const struct region *region = region_at(core, link);

        if (region->space == space) {
            return true;
        }
        walk_extend(core, region->space, walk);
        link = region->object_next;
    }
    return false;
}

/* Whether `from` maps what, in the end, `to` fills. */
static bool walk_from(const struct core *core, uint32_t to, uint32_t from)
{
    struct walk walk = {0, 0};

    /* From `to` on: who maps what it serves waits for it, and so on. */
    table_of(core)->mark++;
    walk_extend(core, to, &walk);
    for (uint32_t page = walk.first; page != 0; page = pager_at(core, page)->walk) {
        for (uint32_t link = pager_at(core, page)->object_first; link != 0;) {
            const struct object *served = object_at(core, link);

            if (walk_object(core, served, from, &walk)) {
                return true;
            }
            link = served->pager_next;
        }
    }
    return false;
}

bool pager_waits_for(struct core *core, const struct object *object, const struct space *space)
{
    const uint32_t server = pager_of(core, object)->space;

    return server == space->number || (server != 0 && walk_from(core, space->number, server));
}

bool pager_is_circle(struct core *core, const struct pager *pager)
{
    return walk_from(core, pager->space, pager->space);
}

void pager_call(struct core *core, struct pager *pager)
{
    if (pager->workers.first != 0) {
        wait_wake(core, wait_thread(core, pager->workers.first), ERR_OK);
    }
}

void pager_recall(struct core *core, uint32_t page)
{
    struct pager *pager = pager_find(core, page);

    if (pager != NULL && (pager->queue_first != 0 || pager->gone_first != 0)) {
        pager_call(core, pager);
    }
}

void pager_queue(struct core *core, struct pager *pager, uint32_t slot)
{
    struct pull *pull = &pager->pulls[slot];

    pull->is_given = 0;
    pull->next = 0;
    if (pager->queue_last != 0) {
        pager->pulls[pager->queue_last - 1].next = (uint16_t)(slot + 1);
    } else {
        pager->queue_first = (uint16_t)(slot + 1);
    }
    pager->queue_last = (uint16_t)(slot + 1);
    pager_call(core, pager);
}

struct pull *pager_next_pull(struct pager *pager)
{
    return pager->queue_first == 0 ? NULL : &pager->pulls[pager->queue_first - 1];
}

void pager_give_pull(struct pager *pager)
{
    struct pull *pull = pager_next_pull(pager);

    ASSERT(pull != NULL && pull->is_given == 0);
    pager->queue_first = pull->next;
    if (pager->queue_first == 0) {
        pager->queue_last = 0;
    }
    pull->next = 0;
    pull->is_given = 1;
}

void pager_recover(struct core *core)
{
    struct pager_table *table = table_of(core);

    for (uint32_t page = table->first; page != 0; page = pager_at(core, page)->next) {
        struct pager *pager = pager_at(core, page);

        for (uint32_t link = pager->object_first; link != 0;) {
            struct object *object = object_at(core, link);

            paged_recover(core, object);
            link = object->pager_next;
        }
        pager_clear_slots(pager);
        pager->backlog = (struct wait_list){0};
        pager->workers = (struct wait_list){0};
    }
    table->deadline = table->objects != 0 && table->age != 0 ? table->time : UINT64_MAX;
}

void pager_audit_asked(const struct core *core, const struct object *object, uint64_t page,
                       uint32_t slot)
{
    ASSERT(slot < PAGER_PULLS);
    const struct pull *pull = &pager_of(core, object)->pulls[slot];

    ASSERT(object_at(core, pull->object) == object && pull->kind == NEED_PAGE);
    ASSERT(page >= pull->first && page - pull->first < pull->pages);
}

/* Free list and queue; every pull of a slot is as its kind says. */
static void pager_audit_slots(const struct core *core, const struct pager *pager)
{
    uint32_t free = 0;
    uint32_t queued = 0;
    uint32_t used = 0;
    uint32_t given = 0;

    for (uint32_t next = pager->free_first; next != 0; next = pager->pulls[next - 1].next) {
        ASSERT(pager->pulls[next - 1].object == 0);
        free++;
    }
    for (uint32_t next = pager->queue_first; next != 0; next = pager->pulls[next - 1].next) {
        ASSERT(pager->pulls[next - 1].object != 0 && pager->pulls[next - 1].is_given == 0);
        queued++;
    }
    for (uint32_t slot = 0; slot < PAGER_PULLS; slot++) {
        const struct pull *pull = &pager->pulls[slot];
        uint32_t asked = 0;

        if (pull->object == 0) {
            continue;
        }
        const struct object *object = object_at(core, pull->object);

        ASSERT(object->pager == pager->page && (object->flags & OBJECT_GONE) == 0);
        ASSERT((pull->generation & ((1u << PAGER_SLOT_BITS) - 1)) == slot);
        ASSERT(pull->deadline >= table_of(core)->deadline);
        for (uint64_t i = 0; i < pull->pages; i++) {
            const uint32_t word = paged_word(core, object, pull->first + i);

            asked += paged_word_state(word) == PAGED_ASKED && paged_word_slot(word) == slot;
        }
        ASSERT(pull->kind == NEED_PAGE ? asked == pull->left && asked > 0 : asked == 0);
        if (pull->kind == NEED_SAVED) {
            saving_audit_pull(core, object, pull);
        }
        used++;
        given += pull->is_given;
    }
    ASSERT(free + used == PAGER_PULLS && queued + given == used);
    ASSERT(pager->backlog.first == 0 || free == 0);
}

void pager_audit(const struct core *core)
{
    uint32_t prev = 0;
    uint64_t served = 0;

    for (uint32_t page = table_of(core)->first; page != 0; page = pager_at(core, page)->next) {
        const struct pager *pager = pager_at(core, page);
        uint64_t number = UINT64_MAX;
        uint32_t objects = 0;

        ASSERT(pager->page == page && pager->prev == prev);
        ASSERT(object_at(core, pager->object)->pager == page);
        for (uint32_t link = pager->object_first; link != 0; objects++) {
            const struct object *object = object_at(core, link);

            ASSERT(object->kind == OBJECT_PAGED && object->pager == page);
            ASSERT(object->number < number);
            ASSERT((object->flags & OBJECT_KEPT) == 0 || !orphan_is_abandoned(core, pager));
            number = object->number;
            link = object->pager_next;
        }
        for (uint32_t link = pager->gone_first; link != 0;) {
            const struct object *object = object_at(core, link);

            ASSERT((object->flags & OBJECT_GONE) != 0 && pager->space != 0);
            link = object->pager_next;
        }
        ASSERT(object_at(core, pager->object)->references >= objects);
        pager_audit_slots(core, pager);
        served += objects;
        prev = page;
    }
    ASSERT(served == table_of(core)->objects);
    ASSERT(served != 0 || core->head->pool.low == 0);
}

static void mark_maker(const struct core *core, uint32_t number, uint64_t mark)
{
    struct space *space = arena_page(core, number);

    space->maker_mark = mark;
}

uint32_t pager_mark_makers(struct core *core, uint64_t mark)
{
    uint32_t pagers = 0;

    for (uint32_t page = core->head->pagers.first; page != 0; pagers++) {
        const struct pager *pager = arena_page(core, page);
        const uint32_t payer = pager->reserve == 0 ? 0 : object_at(core, pager->object)->payer;

        if (pager->space != 0) {
            mark_maker(core, pager->space, mark);
        }
        if (payer != 0) {
            mark_maker(core, payer, mark);
        }
        page = pager->next;
    }
    return pagers;
}
