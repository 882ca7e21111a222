/* SPDX-License-Identifier: MIT */
#include "server/core/writeback.h"

#include <stdbool.h>
#include <stddef.h>

#include <base/assert.h>

#include "server/core/arena.h"
#include "server/core/object.h"
#include "server/core/paged.h"
#include "server/core/pager.h"
#include "server/core/pool.h"
#include "server/core/pull.h"
#include "server/core/saving.h"

/* With more unsaved pages than one in so many frames, none has to be old. */
#define PRESSURE_SHARE 10u

/* One step. */
struct step {
    struct core *core;
    struct pager *pager;
    uint32_t looks;   /* that are left, */
    uint32_t objects; /* and objects in a round that have not had their share of them */
    uint32_t pulls;   /* that the pager may be given still, */
    uint32_t own;     /* and objects of its own in a round that have not had theirs */
};

/* What an object may use of a step. */
struct share {
    uint32_t looks;
    uint32_t pulls;
};

static struct pager_table *table_of(const struct core *core)
{
    return &core->head->pagers;
}

/* How many more pieces of work of saving a pager may have. */
static uint32_t step_pulls(const struct pager *pager)
{
    uint32_t saving = 0;

    for (uint32_t slot = 0; slot < PAGER_PULLS; slot++) {
        const struct pull *pull = &pager->pulls[slot];

        saving += pull->object != 0 && pull->kind == NEED_SAVED ? 1 : 0;
    }
    return saving < WRITEBACK_PULLS ? WRITEBACK_PULLS - saving : 0;
}

static bool page_is_dirty(const struct core *core, const struct object *object, uint64_t page)
{
    return paged_word_state(paged_word(core, object, page)) == PAGED_DIRTY;
}

/* The first of the pages that can be saved at once of which `page` is the last. */
static uint64_t first_of_run(const struct core *core, const struct pager *pager,
                             const struct object *object, uint64_t page, struct share *share)
{
    uint64_t first = page;

    while (first > 0 && page - first + 1 < object->window && share->looks > 0 &&
           page_is_dirty(core, object, first - 1) &&
           saving_find(core, pager, object, first - 1) == PAGER_PULLS) {
        first--;
        share->looks--;
    }
    return first;
}

static void end_round(struct object *object)
{
    object->is_in_round = 0;
    object->unsaved_since = 0;
}

/* The hand of an object that is in a round goes on. Uses up `share`, all or part of it. */
static void round_go_on(struct core *core, const struct pager *pager, struct object *object,
                        struct share *share)
{
    while (share->looks > 0 && share->pulls > 0 && pager->free_first != 0) {
        uint64_t page = 0;
        const uint32_t word = radix_below(core, &object->frames, object->back, &page);

        if (word == 0) {
            end_round(object);
            return;
        }
        share->looks--;
        object->back = page;
        if (paged_word_state(word) == PAGED_DIRTY) {
            object->back = first_of_run(core, pager, object, page, share);
            pull_save(core, object, object->back);
            share->pulls--;
        }
    }
}

/* `all` in equal parts, rounded up. */
static uint32_t part_of(uint32_t all, uint32_t parts)
{
    return (all + parts - 1) / parts;
}

/* An object that is in a round has its share; what it does not use others have. */
static void step_object(struct step *step, struct object *object)
{
    struct share share = {.looks = part_of(step->looks, step->objects),
                          .pulls = part_of(step->pulls, step->own)};

    if (share.looks < WRITEBACK_LOOKS_LEAST && step->looks >= WRITEBACK_LOOKS_LEAST) {
        share.looks = WRITEBACK_LOOKS_LEAST;
    }
    const struct share given = share;

    round_go_on(step->core, step->pager, object, &share);
    step->looks -= given.looks - share.looks;
    step->pulls -= given.pulls - share.pulls;
    step->objects--;
    step->own--;
}

/* Whether an object is in a round, or begins one. */
static bool has_round(const struct core *core, struct object *object)
{
    const struct pager_table *table = table_of(core);
    const bool is_pressed = table->unsaved > core->head->pool.total / PRESSURE_SHARE;

    if (object->unsaved == 0) {
        end_round(object);
        return false;
    }
    if (object->is_in_round != 0) {
        return true;
    }
    if (object->unsaved_since == 0) {
        object->unsaved_since = table->time;
    }
    if (!is_pressed && table->time - object->unsaved_since < table->age) {
        return false;
    }
    object->is_in_round = 1;
    object->back = RADIX_INDEX_END;
    return true;
}

/* How many objects of a pager are in a round, or begin one. */
static uint32_t count_rounds(const struct core *core, const struct pager *pager)
{
    uint32_t count = 0;

    for (uint32_t link = pager->space != 0 ? pager->object_first : 0; link != 0;) {
        struct object *object = object_at(core, link);

        link = object->pager_next;
        count += (object->flags & OBJECT_SWAP) == 0 && has_round(core, object) ? 1 : 0;
    }
    return count;
}

/* The objects of a pager from `first` on, which were made before it, as far as there are looks. */
static void step_objects(struct step *step, uint32_t first)
{
    struct pager *pager = step->pager;

    for (uint32_t link = first;
         link != 0 && step->own != 0 && step->looks > 0 && step->pulls > 0;) {
        struct object *object = object_at(step->core, link);

        link = object->pager_next;
        if ((object->flags & OBJECT_SWAP) == 0 && object->is_in_round != 0) {
            pager->back = object->number;
            step_object(step, object);
        }
    }
}

/* Go on with the object after the one that had its share last; then from the first on to that. */
static void step_pager(struct step *step)
{
    const struct object *next_opt = pager_find_object(step->core, step->pager, step->pager->back);

    step->own = step->pager->rounds;
    step->pager->rounds = 0;
    step->pulls = step_pulls(step->pager);
    if (next_opt != NULL) {
        step_objects(step, arena_link(step->core, next_opt));
    }
    step_objects(step, step->pager->object_first);
    /* Those that could not have it: others' share is no smaller for that. */
    step->objects -= step->own;
}

/* The same with pagers from the one on page `first` on. */
static void step_pagers(struct step *step, uint32_t first)
{
    for (uint32_t page = first; page != 0 && step->objects != 0 && step->looks > 0;) {
        step->pager = arena_page(step->core, page);
        if (step->pager->rounds != 0) {
            table_of(step->core)->back_pager = page;
            step_pager(step);
        }
        page = step->pager->next;
    }
}

/* Who has something to do in this step. */
static void step_count(struct step *step)
{
    for (uint32_t page = table_of(step->core)->first; page != 0;) {
        struct pager *pager = arena_page(step->core, page);

        pager->rounds = count_rounds(step->core, pager);
        step->objects += pager->rounds;
        page = pager->next;
    }
}

static bool page_is_leaving(const struct core *core, uint32_t word)
{
    return paged_word_state(word) == PAGED_DIRTY &&
           pool_record(core, paged_word_frame(word))->idle == FRAME_LEAVING;
}

/* Begin to save pages of an object that are to leave. Uses up `share`, all or part of it. */
static void leaving_go_on(struct core *core, const struct pager *pager, struct object *object,
                          struct share *share)
{
    const uint64_t first = object->leave_end - object->leave_pages;

    while (object->leave_pages != 0 && share->looks > 0 && share->pulls > 0 &&
           pager->free_first != 0) {
        uint64_t page = 0;
        const uint32_t word = radix_below(core, &object->frames, object->leave_end, &page);

        if (word == 0 || page < first) {
            object->leave_pages = 0;
            return;
        }
        share->looks--;
        if (page_is_leaving(core, word)) {
            page = first_of_run(core, pager, object, page, share);
            pull_save(core, object, page);
            share->pulls--;
        }
        object->leave_end = page;
        object->leave_pages = page > first ? (uint32_t)(page - first) : 0;
    }
}

/* An object enters the list of its pager, at the end. */
static void leaving_enter(struct core *core, struct pager *pager, struct object *object)
{
    const uint32_t link = arena_link(core, object);

    object->leaving_next = 0;
    object->leaving_prev = pager->leaving_last;
    if (pager->leaving_last != 0) {
        object_at(core, pager->leaving_last)->leaving_next = link;
    } else {
        pager->leaving_first = link;
    }
    pager->leaving_last = link;
}

/* It is in it no longer. */
static void leaving_remove(struct core *core, struct pager *pager, struct object *object)
{
    if (object->leaving_prev != 0) {
        object_at(core, object->leaving_prev)->leaving_next = object->leaving_next;
    } else {
        pager->leaving_first = object->leaving_next;
    }
    if (object->leaving_next != 0) {
        object_at(core, object->leaving_next)->leaving_prev = object->leaving_prev;
    } else {
        pager->leaving_last = object->leaving_prev;
    }
    object->leaving_next = 0;
    object->leaving_prev = 0;
}

/* Objects of a pager have one piece of work after the other, in turns. */
static void step_pager_leaving(struct step *step, struct pager *pager)
{
    const uint32_t left = step_pulls(pager);
    uint32_t pulls = left > WRITEBACK_PULLS / 2 ? left - WRITEBACK_PULLS / 2 : 0;

    while (pager->leaving_first != 0 && pulls > 0 && pager->free_first != 0 && step->looks > 0) {
        struct object *object = object_at(step->core, pager->leaving_first);
        const uint32_t most =
            step->looks < WRITEBACK_LOOKS_LEAVING ? step->looks : WRITEBACK_LOOKS_LEAVING;
        struct share share = {.looks = most, .pulls = 1};

        leaving_go_on(step->core, pager, object, &share);
        step->looks -= most - share.looks;
        pulls -= 1 - share.pulls;
        leaving_remove(step->core, pager, object);
        if (object->leave_pages != 0) {
            leaving_enter(step->core, pager, object);
        }
    }
}

/* Pagers from the one on page `page` on, but none after the one on page `end`. */
static void step_pagers_leaving(struct step *step, uint32_t page, uint32_t end)
{
    struct pager_table *table = table_of(step->core);

    while (page != 0) {
        struct pager *pager = arena_page(step->core, page);

        if (pager->space != 0 && pager->leaving_first != 0) {
            if (step->looks > 0) {
                table->leaving_pager = page;
            }
            step_pager_leaving(step, pager);
            table->is_leaving |= pager->leaving_first != 0 ? 1 : 0;
        }
        page = page == end ? 0 : pager->next;
    }
}

/* The same for all pagers, with half of the looks, and of the work that each may have. */
static void step_leaving(struct step *step)
{
    struct pager_table *table = table_of(step->core);
    const struct pager *last_opt = pager_find(step->core, table->leaving_pager);
    const uint32_t last = last_opt != NULL ? last_opt->page : 0;
    struct step leaving = {.core = step->core, .looks = WRITEBACK_LOOKS / 2};

    table->is_leaving = 0;
    step_pagers_leaving(&leaving, last_opt != NULL ? last_opt->next : 0, 0);
    step_pagers_leaving(&leaving, table->first, last);
    step->looks -= WRITEBACK_LOOKS / 2 - leaving.looks;
}

void writeback_forget(struct core *core, struct pager *pager, struct object *object)
{
    if (object->leave_pages != 0) {
        object->leave_pages = 0;
        leaving_remove(core, pager, object);
    }
}

void writeback_hurry(struct core *core, struct object *object, uint64_t page)
{
    struct pager_table *table = table_of(core);
    const uint64_t pages = object->leave_pages;
    const uint64_t end = pages == 0 || page >= object->leave_end ? page + 1 : object->leave_end;
    const uint64_t first =
        pages == 0 || page < object->leave_end - pages ? page : object->leave_end - pages;

    if (pages == 0) {
        leaving_enter(core, pager_of(core, object), object);
    }
    object->leave_end = end;
    object->leave_pages = end - first < UINT32_MAX ? (uint32_t)(end - first) : UINT32_MAX;
    table->is_leaving = 1;
    pull_note_deadline(core, core->time);
}

uint64_t writeback_run(struct core *core)
{
    struct pager_table *table = table_of(core);
    struct step step = {.core = core, .looks = WRITEBACK_LOOKS};

    if (table->objects == 0 || (table->age == 0 && table->is_leaving == 0)) {
        return UINT64_MAX;
    }
    if (table->is_leaving != 0) {
        step_leaving(&step);
    }
    const bool has_no_looks = step.looks == WRITEBACK_LOOKS / 2;

    if (table->age != 0 && table->time >= table->back_time) {
        table->back_time = table->time + table->age / WRITEBACK_STEPS + 1;
        if (table->unsaved != 0) {
            const struct pager *last_opt = pager_find(core, table->back_pager);

            step_count(&step);
            step_pagers(&step, last_opt != NULL ? last_opt->next : 0);
            step_pagers(&step, table->first);
        }
    }
    if (has_no_looks) {
        return table->time + 1; /* nothing that ends may have the rest begin */
    }
    return table->age != 0 ? table->back_time : UINT64_MAX;
}

static uint32_t audit_leaving(const struct core *core, const struct pager *pager)
{
    uint32_t count = 0;
    uint32_t prev = 0;

    for (uint32_t link = pager->leaving_first; link != 0; count++) {
        const struct object *object = object_at(core, link);

        ASSERT(object->pager == pager->page && object->leave_pages != 0);
        ASSERT(object->leaving_prev == prev);
        prev = link;
        link = object->leaving_next;
    }
    ASSERT(pager->leaving_last == prev);
    return count;
}

void writeback_audit(const struct core *core)
{
    uint64_t unsaved = 0;

    for (uint32_t page = table_of(core)->first; page != 0;) {
        const struct pager *pager = arena_page(core, page);

        uint32_t leaving = 0;

        for (uint32_t link = pager->object_first; link != 0;) {
            const struct object *object = object_at(core, link);

            leaving += object->leave_pages != 0 ? 1 : 0;
            unsaved += (object->flags & OBJECT_SWAP) == 0 ? object->unsaved : 0;
            link = object->pager_next;
        }
        ASSERT(audit_leaving(core, pager) == leaving);
        page = pager->next;
    }
    ASSERT(unsaved == table_of(core)->unsaved);
}
