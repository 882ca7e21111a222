/* SPDX-License-Identifier: MIT */
#include "server/core/pull.h"

#include <stddef.h>

#include <base/assert.h>
#include <base/checked.h>

#include "server/core/arena.h"
#include "server/core/paged.h"
#include "server/core/thread.h"

/* Pages that are asked for where nothing is known of the use. */
#define PULL_USUAL 4u

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static bool pull_covers(const struct pull *pull, uint64_t page)
{
    return page >= pull->first && page - pull->first < pull->pages;
}

static uint32_t pull_slot(const struct pager *pager, const struct pull *pull)
{
    return (uint32_t)(pull - pager->pulls);
}

void pull_note_deadline(struct core *core, uint64_t deadline)
{
    struct pager_table *table = &core->head->pagers;

    table->deadline = least(table->deadline, deadline);
}

/* The time at which what begins now has lasted too long. */
static uint64_t pull_deadline(const struct core *core, const struct object *object)
{
    uint64_t deadline;

    return checked_add(core->time, object->patience, &deadline) ? deadline : UINT64_MAX;
}

/* The pull that saves a page; PAGER_PULLS: none. */
static uint32_t pull_find_saving(const struct core *core, const struct pager *pager,
                                 const struct object *object, uint64_t page)
{
    const uint32_t link = arena_link(core, object);
    uint32_t slot = 0;

    while (slot < PAGER_PULLS &&
           (pager->pulls[slot].object != link || pager->pulls[slot].kind != NEED_SAVED ||
            !pull_covers(&pager->pulls[slot], page))) {
        slot++;
    }
    return slot;
}

/* How many pages from the needed one on to ask for, if all are absent. */
static uint64_t pull_width(const struct object *object, const struct need *need)
{
    uint64_t pages = PULL_USUAL;

    if (need->hint == HINT_RANDOM) {
        pages = 1;
    } else if (need->hint == HINT_SEQUENTIAL) {
        pages = object->window;
    } else if (need->page == object->ahead_page && object->ahead != 0) {
        pages = 2 * (uint64_t)object->ahead;
    }
    return least(pages > need->pages ? pages : need->pages, object->window);
}

/* Ask for pages. Returns: how many; 0 without a frame. */
static uint32_t pull_ask_pages(struct core *core, struct space *space_opt, struct object *object,
                               const struct need *need, uint32_t slot)
{
    const uint64_t width = pull_width(object, need);
    uint32_t pages = 0;

    while (pages < width && object_has_page(object, need->page + pages) &&
           paged_word(core, object, need->page + pages) == 0 &&
           paged_ask(core, space_opt, object, need->page + pages, slot)) {
        space_opt = NULL; /* what is only asked for ahead is nobody's refusal */
        pages++;
    }
    if (pages != 0) {
        object->ahead_page = need->page + pages;
        object->ahead = pages;
    }
    return pages;
}

/* How many pages from the needed one on to save at once. */
static uint32_t pull_save_pages(const struct core *core, const struct pager *pager,
                                const struct object *object, const struct need *need)
{
    const uint64_t width = least(need->pages, object->window);
    uint32_t pages = 1;

    while (pages < width &&
           paged_word_state(paged_word(core, object, need->page + pages)) == PAGED_DIRTY &&
           pull_find_saving(core, pager, object, need->page + pages) == PAGER_PULLS) {
        pages++;
    }
    return pages;
}

/* A new pull in a free slot. */
static enum pull_verdict pull_make(struct core *core, struct space *space_opt, struct pager *pager,
                                   struct object *object, const struct need *need)
{
    struct pager_table *table = &core->head->pagers;
    const uint32_t slot = pager->free_first - 1u;
    const uint32_t pages = need->kind == NEED_PAGE
                               ? pull_ask_pages(core, space_opt, object, need, slot)
                               : pull_save_pages(core, pager, object, need);
    struct pull *pull = &pager->pulls[slot];

    if (pages == 0) {
        return PULL_NO_FRAME;
    }
    pager->free_first = pull->next;
    *pull = (struct pull){
        .first = need->page,
        .generation = ++table->pulls << PAGER_SLOT_BITS | slot,
        .deadline = pull_deadline(core, object),
        .object = arena_link(core, object),
        .pages = pages,
        .left = need->kind == NEED_PAGE ? pages : 0,
        .kind = (uint8_t)need->kind,
    };
    pull_note_deadline(core, pull->deadline);
    table->count.pulls += need->kind == NEED_PAGE ? 1 : 0;
    table->count.saves += need->kind == NEED_PAGE ? 0 : 1;
    pager_queue(core, pager, slot);
    return PULL_JOINED;
}

enum pull_verdict pull_ask(struct core *core, struct space *space_opt, struct object *object,
                           const struct need *need, uint32_t *slot)
{
    struct pager *pager = pager_of(core, object);
    const uint32_t word = paged_word(core, object, need->page);
    const enum paged_state state = paged_word_state(word);

    if (!object_has_page(object, need->page)) {
        return PULL_THERE;
    }
    if (need->kind == NEED_PAGE) {
        if (state == PAGED_ASKED) {
            *slot = paged_word_slot(word);
            return PULL_JOINED;
        }
        if (state != PAGED_ABSENT) {
            return PULL_THERE;
        }
    } else {
        if (state < PAGED_DIRTY) {
            return PULL_THERE;
        }
        *slot = pull_find_saving(core, pager, object, need->page);
        if (*slot != PAGER_PULLS) {
            return PULL_JOINED;
        }
        ASSERT(state == PAGED_DIRTY);
    }
    if (pager->space == 0 && (object->flags & OBJECT_WAITS) == 0) {
        return PULL_NOBODY;
    }
    if (pager->free_first == 0) {
        return PULL_FULL;
    }
    *slot = pager->free_first - 1u;
    return pull_make(core, space_opt, pager, object, need);
}

struct pull *pull_find(const struct core *core, struct pager *pager, uint64_t generation,
                       uint64_t number, enum need_kind kind)
{
    const uint32_t slot = (uint32_t)generation & ((1u << PAGER_SLOT_BITS) - 1);

    if (slot >= PAGER_PULLS) {
        return NULL;
    }
    struct pull *pull = &pager->pulls[slot];

    return pull->object != 0 && pull->generation == generation && pull->is_given != 0 &&
                   pull->kind == (uint8_t)kind && object_at(core, pull->object)->number == number
               ? pull
               : NULL;
}

/* Wake who waits in a list for pages first .. first + pages - 1 of an object. */
static void pull_wake(struct core *core, const struct wait_list *list, const struct object *object,
                      uint64_t first, uint64_t pages, enum err outcome)
{
    for (uint32_t link = list->first; link != 0;) {
        struct thread *thread = wait_thread(core, link);
        const struct wait *wait = &thread->wait;

        link = wait->next;
        if (wait->object == object->number && wait->page >= first && wait->page - first < pages) {
            wait_wake(core, thread, outcome);
        }
    }
}

/* Take a pull that was not given out of the queue. */
static void pull_unqueue(struct pager *pager, uint32_t slot)
{
    uint16_t *next = &pager->queue_first;
    uint16_t last = 0;

    while (*next != slot + 1) {
        ASSERT(*next != 0);
        last = *next;
        next = &pager->pulls[*next - 1].next;
    }
    *next = pager->pulls[slot].next;
    if (pager->queue_last == slot + 1) {
        pager->queue_last = last;
    }
}

/* Nobody asks for these pages any longer, as far as they are not there. Returns: how many. */
static uint32_t pull_unask(struct core *core, struct object *object, const struct pull *pull,
                           uint32_t slot, uint64_t first, uint64_t pages)
{
    uint32_t count = 0;

    ASSERT(pull->kind == NEED_PAGE);
    for (uint64_t page = first; page - first < pages; page++) {
        const uint32_t word = paged_word(core, object, page);

        if (paged_word_state(word) == PAGED_ASKED && paged_word_slot(word) == slot) {
            paged_unask(core, object, page);
            count++;
        }
    }
    return count;
}

/* pull_end() without giving the slot to anyone. */
static void pull_close(struct core *core, struct pager *pager, struct pull *pull, enum err outcome)
{
    struct object *object = object_at(core, pull->object);
    const uint32_t slot = pull_slot(pager, pull);

    if (pull->kind == NEED_PAGE) {
        (void)pull_unask(core, object, pull, slot, pull->first, pull->pages);
    }
    for (uint64_t i = 0; pull->kind == NEED_SAVED && pull->is_given != 0 && i < pull->pages; i++) {
        paged_saved(core, object, pull->first + i, false);
    }
    if (pull->is_given == 0) {
        pull_unqueue(pager, slot);
    }
    if (pull->kind == NEED_SAVED && outcome != ERR_OK && pull->waiters.first == 0) {
        object->write_error = (uint32_t)outcome; /* for the next SYNC */
    }
    while (pull->waiters.first != 0) {
        wait_wake(core, wait_thread(core, pull->waiters.first), outcome);
    }
    *pull = (struct pull){.next = pager->free_first};
    pager->free_first = (uint16_t)(slot + 1);
}

void pull_end(struct core *core, struct pager *pager, struct pull *pull, enum err outcome)
{
    pull_close(core, pager, pull, outcome);
    pull_refill(core, pager);
}

void pull_supplied(struct core *core, struct pager *pager, struct pull *pull, uint64_t first,
                   uint64_t pages)
{
    ASSERT(pull->left >= pages);
    pull->left -= (uint32_t)pages;
    pull_wake(core, &pull->waiters, object_at(core, pull->object), first, pages, ERR_OK);
    if (pull->left == 0) {
        pull_end(core, pager, pull, ERR_OK);
    }
}

void pull_fail(struct core *core, struct pager *pager, struct pull *pull, uint64_t first,
               uint64_t pages, enum err outcome)
{
    struct object *object = object_at(core, pull->object);

    pull->left -= pull_unask(core, object, pull, pull_slot(pager, pull), first, pages);
    pull_wake(core, &pull->waiters, object, first, pages, outcome);
    if (pull->left == 0) {
        pull_end(core, pager, pull, ERR_OK);
    }
}

void pull_shrink(struct core *core, struct object *object)
{
    struct pager *pager = pager_of(core, object);
    const uint64_t end = object->pages.v;

    pull_wake(core, &pager->backlog, object, end, UINT64_MAX, ERR_OK);
    for (uint32_t slot = 0; slot < PAGER_PULLS; slot++) {
        struct pull *pull = &pager->pulls[slot];

        if (pull->object != arena_link(core, object)) {
            continue;
        }
        pull_wake(core, &pull->waiters, object, end, UINT64_MAX, ERR_OK);
        if (pull->kind == NEED_PAGE && pull->left == 0) {
            pull_end(core, pager, pull, ERR_OK);
        }
    }
}

void pull_end_all(struct core *core, struct pager *pager, const struct object *object,
                  enum err outcome)
{
    pull_wake(core, &pager->backlog, object, 0, UINT64_MAX, outcome);
    for (uint32_t slot = 0; slot < PAGER_PULLS; slot++) {
        if (pager->pulls[slot].object == arena_link(core, object)) {
            pull_close(core, pager, &pager->pulls[slot], outcome);
        }
    }
    pull_refill(core, pager);
}

/* Give the one that has waited longest in the backlog what it needs, as far as can be. */
static void pull_refill_one(struct core *core, struct thread *thread)
{
    struct wait *wait = &thread->wait;
    struct object *object = object_find(core, wait->object);
    const struct need need = {
        .kind = wait->kind, .page = wait->page, .pages = wait->pages, .hint = wait->hint};
    uint32_t slot = 0;

    ASSERT(object != NULL); /* pull_end_all() */
    switch (pull_ask(core, NULL, object, &need, &slot)) {
    case PULL_JOINED:
        wait_move(core, thread, slot);
        return;
    case PULL_THERE:
        wait_wake(core, thread, ERR_OK);
        return;
    case PULL_NO_FRAME:
        wait_wake(core, thread, ERR_NOMEM);
        return;
    case PULL_NOBODY:
        wait_wake(core, thread, ERR_PEER_GONE);
        return;
    case PULL_FULL:
        break;
    }
    UNREACHABLE();
}

void pull_refill(struct core *core, struct pager *pager)
{
    while (pager->free_first != 0 && pager->backlog.first != 0) {
        pull_refill_one(core, wait_thread(core, pager->backlog.first));
    }
}

/* End what one pager should have done. Returns: when to look again. */
static uint64_t pull_expire_pager(struct core *core, struct pager *pager)
{
    uint64_t next = UINT64_MAX;

    for (uint32_t link = pager->backlog.first; link != 0;) {
        struct thread *thread = wait_thread(core, link);

        link = thread->wait.next;
        if (thread->wait.deadline <= core->time) {
            core->head->pagers.count.timeouts++;
            wait_wake(core, thread, ERR_TIMEDOUT);
        }
    }
    for (uint32_t slot = 0; slot < PAGER_PULLS; slot++) {
        struct pull *pull = &pager->pulls[slot];

        if (pull->object != 0 && pull->deadline <= core->time) {
            core->head->pagers.count.timeouts++;
            pull_close(core, pager, pull, ERR_TIMEDOUT);
        }
    }
    pull_refill(core, pager);
    for (uint32_t link = pager->backlog.first; link != 0;) {
        const struct wait *wait = &wait_thread(core, link)->wait;

        next = least(next, wait->deadline);
        link = wait->next;
    }
    for (uint32_t slot = 0; slot < PAGER_PULLS; slot++) {
        if (pager->pulls[slot].object != 0) {
            next = least(next, pager->pulls[slot].deadline);
        }
    }
    return next;
}

uint64_t pull_expire(struct core *core)
{
    struct pager_table *table = &core->head->pagers;
    uint64_t next = UINT64_MAX;

    if (core->time < table->deadline) {
        return table->deadline;
    }
    for (uint32_t page = table->first; page != 0;) {
        struct pager *pager = arena_page(core, page);

        next = least(next, pull_expire_pager(core, pager));
        page = pager->next;
    }
    table->deadline = next;
    return next;
}
