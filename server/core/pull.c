/* SPDX-License-Identifier: MIT */
#include "server/core/pull.h"

#include <stddef.h>

#include <base/assert.h>
#include <base/checked.h>

#include "server/core/arena.h"
#include "server/core/orphan.h"
#include "server/core/paged.h"
#include "server/core/reclaim.h"
#include "server/core/reserve.h"
#include "server/core/saving.h"
#include "server/core/thread.h"
#include "server/core/writeback.h"

/* Pages that are asked for where nothing is known of the use. */
#define PULL_USUAL 4u

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
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

uint64_t pull_deadline(const struct core *core, const struct object *object)
{
    struct pager_table *table = &core->head->pagers;
    uint64_t deadline;

    table->time = table->time > core->time ? table->time : core->time;
    return checked_add(table->time, object->patience, &deadline) ? deadline : UINT64_MAX;
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

/* Ask for pages. Returns: how many; why no more in `*refusal`, if they could not be asked for. */
static uint32_t pull_ask_pages(struct core *core, struct space *space_opt, struct object *object,
                               const struct need *need, uint32_t slot, enum err *refusal)
{
    const uint64_t width = pull_width(object, need);
    const uint32_t spender = core->spender;
    uint32_t pages = 0;

    core->claim = (object->flags & OBJECT_SWAP) != 0 ? POOL_AREAS : POOL_ANYBODYS;
    while (pages < width && object_has_page(object, need->page + pages) &&
           paged_is_askable(object, paged_word(core, object, need->page + pages))) {
        const enum err error = paged_ask(core, space_opt, object, need->page + pages, slot);

        if (error != ERR_OK) {
            *refusal = error;
            break;
        }
        space_opt = NULL;            /* what is only asked for ahead is nobody's refusal, */
        core->claim = POOL_ANYBODYS; /* and not what is kept for it, */
        core->spender = 0;           /* or in a reserve for what is waited for */
        pages++;
    }
    core->claim = POOL_ANYBODYS;
    core->spender = spender;
    if (pages != 0) {
        object->ahead_page = need->page + pages;
        object->ahead = (uint16_t)pages;
    }
    return pages;
}

/* A new pull in a free slot. */
static enum pull_verdict pull_make(struct core *core, struct space *space_opt, struct pager *pager,
                                   struct object *object, const struct need *need)
{
    struct pager_table *table = &core->head->pagers;
    const uint32_t slot = pager->free_first - 1u;
    enum err refusal = ERR_OK;
    const uint32_t pages = need->kind == NEED_PAGE
                               ? pull_ask_pages(core, space_opt, object, need, slot, &refusal)
                               : saving_width(core, pager, object, need->page, need->pages);
    struct pull *pull = &pager->pulls[slot];

    if (pages == 0) {
        return refusal == ERR_AGAIN ? PULL_NO_FRAME : PULL_NO_BUDGET;
    }
    pager->free_first = pull->next;
    *pull = (struct pull){
        .first = need->page,
        .generation = ++table->pulls << PAGER_SLOT_BITS | slot,
        .deadline = pull_deadline(core, object),
        .object = arena_link(core, object),
        .pages = pages,
        .kind = (uint8_t)need->kind,
    };
    pull_note_deadline(core, pull->deadline);
    if (need->kind == NEED_PAGE) {
        pull->left = pages;
        pull->needed = (uint32_t)least(need->pages > 1 ? need->pages : 1, pages);
        table->count.pulls++;
        table->count.ahead += pages - pull->needed;
    } else {
        saving_open(pull);
        table->count.saves++;
    }
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
        if (!paged_is_askable(object, word)) {
            return PULL_THERE;
        }
    } else {
        if (state < PAGED_DIRTY) {
            return PULL_THERE;
        }
        *slot = saving_find(core, pager, object, need->page);
        if (*slot != PAGER_PULLS) {
            return PULL_JOINED;
        }
        ASSERT(state == PAGED_DIRTY);
    }
    if (pager->space == 0 &&
        ((object->flags & OBJECT_WAITS) == 0 || orphan_is_abandoned(core, pager))) {
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

/*
 * Wake who waits in a list for pages first .. first + pages - 1 of an object. Returns: whether
 * anybody does.
 */
static bool pull_wake(struct core *core, const struct wait_list *list, const struct object *object,
                      uint64_t first, uint64_t pages, enum err outcome)
{
    bool is_any = false;

    for (uint32_t link = list->first; link != 0;) {
        struct thread *thread = wait_thread(core, link);
        const struct wait *wait = &thread->wait;

        link = wait->next;
        if (wait->object == object->number && wait->page >= first && wait->page - first < pages) {
            wait_wake(core, thread, outcome);
            is_any = true;
        }
    }
    return is_any;
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

bool pull_is_saving(const struct core *core)
{
    for (uint32_t page = core->head->pagers.first; page != 0;) {
        const struct pager *pager = arena_page(core, page);

        for (uint32_t slot = 0; slot < PAGER_PULLS; slot++) {
            const struct pull *pull = &pager->pulls[slot];

            /* One that may last for ever is nothing to wait for. */
            if (pull->object != 0 && pull->deadline != UINT64_MAX &&
                (pull->kind == NEED_SAVED || pager->free_first == 0)) {
                return true;
            }
        }
        page = pager->next;
    }
    return false;
}

/* A pull for which nobody waits is no more. `failure`: why it did not save what it was for. */
static void pull_free(struct core *core, struct pager *pager, struct pull *pull, enum err failure)
{
    const uint32_t slot = pull_slot(pager, pull);

    ASSERT(pull->waiters.first == 0);
    *pull = (struct pull){.next = pager->free_first};
    pager->free_first = (uint16_t)(slot + 1);
    /* Who waits for a frame is refused one only when nothing else on its way can bring it. */
    if (failure == ERR_OK || (!pull_is_saving(core) && !reserve_is_awaited(core))) {
        reclaim_wake(core, failure);
    }
}

/* pull_end() without giving the slot to anyone. */
static void pull_close(struct core *core, struct pager *pager, struct pull *pull, enum err outcome)
{
    struct object *object = object_at(core, pull->object);
    const uint32_t slot = pull_slot(pager, pull);

    if (pull->kind == NEED_PAGE) {
        (void)pull_unask(core, object, pull, slot, pull->first, pull->pages);
    }
    if (pull->kind == NEED_SAVED) {
        saving_give_up(core, object, pull);
    }
    if (pull->is_given == 0) {
        pull_unqueue(pager, slot);
    }
    if (pull->kind == NEED_SAVED && outcome != ERR_OK && pull->waiters.first == 0) {
        object->write_error = (uint16_t)outcome; /* for the next SYNC */
    }
    while (pull->waiters.first != 0) {
        wait_wake(core, wait_thread(core, pull->waiters.first), outcome);
    }
    pull_free(core, pager, pull, pull->kind == NEED_SAVED ? outcome : ERR_OK);
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
    (void)pull_wake(core, &pull->waiters, object_at(core, pull->object), first, pages, ERR_OK);
    if (pull->left == 0) {
        pull_end(core, pager, pull, ERR_OK);
    }
}

void pull_fail(struct core *core, struct pager *pager, struct pull *pull, uint64_t first,
               uint64_t pages, enum err outcome)
{
    struct object *object = object_at(core, pull->object);

    pull->left -= pull_unask(core, object, pull, pull_slot(pager, pull), first, pages);
    (void)pull_wake(core, &pull->waiters, object, first, pages, outcome);
    if (pull->left == 0) {
        pull_end(core, pager, pull, ERR_OK);
    }
}

void pull_saved(struct core *core, struct pager *pager, struct pull *pull, uint64_t first,
                uint64_t pages, enum err outcome)
{
    struct object *object = object_at(core, pull->object);

    saving_settle(core, object, pull, first, pages, outcome == ERR_OK);
    if (!pull_wake(core, &pull->waiters, object, first, pages, outcome) && outcome != ERR_OK) {
        object->write_error = (uint32_t)outcome; /* for the next SYNC */
    }
    if (pull->open == 0) {
        pull_free(core, pager, pull, outcome);
        pull_refill(core, pager);
    } else if (outcome == ERR_OK) {
        reclaim_wake(core, ERR_OK); /* what is saved need not wait for the rest */
    }
}

void pull_shrink(struct core *core, struct object *object)
{
    struct pager *pager = pager_of(core, object);
    const uint64_t end = object->pages.v;

    (void)pull_wake(core, &pager->backlog, object, end, UINT64_MAX, ERR_OK);
    for (uint32_t slot = 0; slot < PAGER_PULLS; slot++) {
        struct pull *pull = &pager->pulls[slot];

        if (pull->object != arena_link(core, object)) {
            continue;
        }
        (void)pull_wake(core, &pull->waiters, object, end, UINT64_MAX, ERR_OK);
        if (pull->kind == NEED_SAVED) {
            saving_shrink(pull, end);
        } else if (pull->left == 0) {
            pull_end(core, pager, pull, ERR_OK);
        }
    }
}

void pull_end_all(struct core *core, struct pager *pager, const struct object *object,
                  enum err outcome)
{
    (void)pull_wake(core, &pager->backlog, object, 0, UINT64_MAX, outcome);
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
    case PULL_NO_FRAME: /* it may be worth waiting for one, when it starts over */
        wait_wake(core, thread, reclaim_is_possible(core) ? ERR_OK : ERR_NOMEM);
        return;
    case PULL_NO_BUDGET:
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

void pull_renew(struct core *core, struct pager *pager)
{
    for (uint32_t slot = 0; slot < PAGER_PULLS; slot++) {
        struct pull *pull = &pager->pulls[slot];

        if (pull->object != 0) {
            pull->deadline = pull_deadline(core, object_at(core, pull->object));
        }
    }
    for (uint32_t link = pager->backlog.first; link != 0;) {
        struct wait *wait = &wait_thread(core, link)->wait;

        wait->deadline = pull_deadline(core, object_find(core, wait->object));
        link = wait->next;
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

    table->time = table->time > core->time ? table->time : core->time;
    if (core->time < table->deadline) {
        return table->deadline;
    }
    for (uint32_t page = table->first; page != 0;) {
        struct pager *pager = arena_page(core, page);

        next = least(next, least(pull_expire_pager(core, pager), reserve_expire(core, pager)));
        page = pager->next;
    }
    table->deadline = next;
    pull_note_deadline(core, writeback_run(core));
    return table->deadline;
}

void pull_save(struct core *core, struct object *object, uint64_t page)
{
    const struct need need = {.kind = NEED_SAVED, .page = page, .pages = object->window};
    uint32_t slot = 0;

    /* If no slot is free now, whoever looks for frames next comes back to it. */
    (void)pull_ask(core, NULL, object, &need, &slot);
}
