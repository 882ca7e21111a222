/* SPDX-License-Identifier: MIT */
#include "server/core/pin.h"

#include <stddef.h>

#include <base/assert.h>

#include "server/core/budget.h"
#include "server/core/content.h"
#include "server/core/detain.h"
#include "server/core/huge_pool.h"
#include "server/core/lease.h"
#include "server/core/limit.h"
#include "server/core/radix.h"
#include "server/core/shared.h"
#include "server/core/slab.h"

STATIC_ASSERT(sizeof(struct pin) == 144, "28 records to an arena page");
STATIC_ASSERT(PIN_PAGES_MAX * sizeof(uint32_t) <= PAGE_SIZE, "a list is one arena page");

static struct pin_table *table(const struct core *core)
{
    return &core->head->pins;
}

static struct pin *pin_at_opt(const struct core *core, uint32_t link)
{
    return link == 0 ? NULL : pin_at(core, link);
}

uint32_t *pin_frames(const struct core *core, struct pin *pin)
{
    return pin->list == 0 ? pin->few : arena_page(core, pin->list);
}

/* Lists. The owner's and the quarantine's have the same links, and never both a pin. */

static void pin_enlist(const struct core *core, uint32_t *first, struct pin *pin)
{
    pin->prev = 0;
    pin->next = *first;
    if (pin->next != 0) {
        pin_at(core, pin->next)->prev = arena_link(core, pin);
    }
    *first = arena_link(core, pin);
}

static void pin_delist(const struct core *core, uint32_t *first, const struct pin *pin)
{
    struct pin *next = pin_at_opt(core, pin->next);

    if (next != NULL) {
        next->prev = pin->prev;
    }
    if (pin->prev != 0) {
        pin_at(core, pin->prev)->next = pin->next;
    } else {
        *first = pin->next;
    }
}

static void pin_enter_space(const struct core *core, struct space *space, struct pin *pin)
{
    pin->space = space->number;
    pin->space_prev = 0;
    pin->space_next = space->pinned_first;
    if (pin->space_next != 0) {
        pin_at(core, pin->space_next)->space_prev = arena_link(core, pin);
    }
    space->pinned_first = arena_link(core, pin);
    atomic_fetch_add_explicit(&space->together, 1, memory_order_relaxed);
    space->pinned_by++;
}

static void pin_leave_space(const struct core *core, struct pin *pin)
{
    if (pin->space == 0) {
        return;
    }
    struct space *space = arena_page(core, pin->space);
    struct pin *next = pin_at_opt(core, pin->space_next);

    if (next != NULL) {
        next->space_prev = pin->space_prev;
    }
    if (pin->space_prev != 0) {
        pin_at(core, pin->space_prev)->space_next = pin->space_next;
    } else {
        space->pinned_first = pin->space_next;
    }
    atomic_fetch_sub_explicit(&space->together, 1, memory_order_relaxed);
    space->pinned_by--;
    pin->space = 0;
    pin->space_next = 0;
    pin->space_prev = 0;
}

/* Charges of the owner for records and lists. */

static uint32_t pin_cost(const struct space *owner, bool has_list)
{
    return (owner->pins % BUDGET_PINS == 0 ? 1 : 0) + (has_list ? 1 : 0);
}

static bool pin_charge(const struct core *core, struct space *owner, bool has_list)
{
    const uint32_t cost = pin_cost(owner, has_list);

    return cost == 0 || budget_take(core, owner, cost);
}

/* After it is no longer counted. */
static void pin_discharge(const struct core *core, struct space *owner, bool has_list)
{
    const uint32_t cost = pin_cost(owner, has_list);

    if (cost != 0) {
        budget_give(core, owner, cost);
    }
}

/* A record with a number; the arena pages are in hand. */
static struct pin *pin_enter(struct core *core, const struct pin_maker *maker, bool has_list)
{
    const uint32_t link = slab_take(core, &table(core)->records);

    ASSERT(link != 0);
    struct pin *pin = pin_at(core, link);

    pin->number = ++table(core)->number;
    radix_set(core, &table(core)->links, pin->number, link);
    pin->state = PIN_MAKING;
    pin->since = maker->now;
    pin->lease_ms = maker->lease_ms;
    pin->due = maker->due;
    pin->device = maker->device;
    pin->flags = maker->flags;
    pin->owner = maker->owner->number;
    pin->first = maker->first;
    for (uint32_t i = 0; i < PIN_PURPOSE; i++) {
        pin->purpose[i] = maker->purpose[i];
    }
    if (has_list) {
        pin->list = arena_page_take(core);
        ASSERT(pin->list != 0);
        maker->owner->pin_lists++;
    }
    maker->owner->pins++;
    pin_enlist(core, &maker->owner->pin_first, pin);
    pin_enter_space(core, maker->space, pin);
    return pin;
}

/* Arena pages for a record with a number, and for the list. */
static uint32_t pin_pages(const struct core *core, bool has_list)
{
    return slab_needs(&table(core)->records) + (has_list ? 1 : 0) +
           radix_needs(core, &table(core)->links, table(core)->number + 1);
}

struct pin_needs pin_needs(const struct core *core, const struct space *owner, uint64_t pages)
{
    const bool has_list = pages > PIN_FEW;

    return (struct pin_needs){
        .frames = pin_pages(core, has_list),
        .charged = pin_cost(owner, has_list),
    };
}

enum err pin_make(struct core *core, const struct pin_maker *maker, struct pin **pin)
{
    const bool has_list = maker->pages > PIN_FEW;

    ASSERT(maker->pages <= PIN_PAGES_MAX);
    if (!pin_charge(core, maker->owner, has_list)) {
        return limit_refuse_frames(core, maker->owner, 1);
    }
    shared_enter(core);
    const uint32_t needs = pin_pages(core, has_list);
    const bool has_room = arena_page_reserve(core, needs);

    if (has_room) {
        *pin = pin_enter(core, maker, has_list);
    }
    shared_leave(core);
    if (!has_room) {
        pin_discharge(core, maker->owner, has_list);
        return limit_refuse_frames(core, maker->owner, needs);
    }
    return ERR_OK;
}

/* P14: one frame more that the owner has pinned. */
static enum err pin_check_limit(const struct core *core, struct pin *pin)
{
    return limit_check_locked(arena_page(core, pin->owner), 1, ERR_NOMEM);
}

/* pin_add() to a frame that is pinned already. */
static enum err pin_add_again(struct core *core, struct pin *pin, uint32_t frame)
{
    struct frame *record = pool_record(core, frame);
    struct space *owner = arena_page(core, pin->owner);

    if (!pinner_has_room(record)) {
        return limit_refuse(owner, ERR_NOMEM);
    }
    if (pinner_count(core, record, pin->owner) == 0) {
        const enum err error = pin_check_limit(core, pin);

        if (error != ERR_OK) {
            return error;
        }
    }
    if (!pinner_is_simple(record, pin->owner) && !arena_page_reserve(core, 1)) {
        return limit_refuse_frames(core, owner, 1);
    }
    if (pinner_add(core, record, pin->owner)) {
        owner->pinned++;
    }
    return ERR_OK;
}

enum err pin_add(struct core *core, struct pin *pin, uint32_t frame)
{
    struct frame *record = pool_record(core, frame);
    enum err error = ERR_OK;

    ASSERT(core->depth != 0 && pin->state == PIN_MAKING);
    ASSERT(record->kind == FRAME_USER || huge_pool_has(core, frame));
    if (record->pins != 0) {
        error = pin_add_again(core, pin, frame);
    } else {
        error = pin_check_limit(core, pin);
        if (error == ERR_OK) {
            const bool is_new = pinner_add(core, record, pin->owner);

            ASSERT(is_new);
            if (UNLIKELY(record->kind != FRAME_USER)) {
                huge_pool_pin(core, frame);
            }
            ((struct space *)arena_page(core, pin->owner))->pinned++;
        }
    }
    if (error == ERR_OK) {
        pin_frames(core, pin)[pin->count++] = frame;
        if (UNLIKELY(content_owns(record))) {
            content_note_pin(core, record, true);
            pin->has_content = 1;
        }
    }
    return error;
}

void pin_add_for_good(const struct core *core, struct pin *pin, uint32_t frame)
{
    ASSERT((frame & PIN_FOR_GOOD) == 0);
    pin_frames(core, pin)[pin->count++] = frame | PIN_FOR_GOOD;
}

void pin_ready(struct pin *pin)
{
    ASSERT(pin->state == PIN_MAKING);
    pin->state = PIN_STANDING;
}

struct pin *pin_find(const struct core *core, uint64_t number)
{
    const uint32_t link =
        number < RADIX_INDEX_END ? radix_get(core, &table(core)->links, number) : 0;

    return pin_at_opt(core, link);
}

struct pin *pin_before(const struct core *core, uint64_t before)
{
    const uint64_t end = before < RADIX_INDEX_END ? before : RADIX_INDEX_END;
    uint64_t number;

    return pin_at_opt(core, radix_below(core, &table(core)->links, end, &number));
}

/* The last pin has gone of a frame that is no page of a space or object, or part of a huge one. */
static void pin_release_odd(struct core *core, uint32_t frame)
{
    if (pool_record(core, frame)->kind == FRAME_PINNED) {
        detain_release(core, frame);
    } else {
        huge_pool_unpin(core, frame);
    }
}

/* Objects no longer count the pins that a pin is about to let go of. */
NOINLINE static void pin_leave_content(const struct core *core, struct pin *pin)
{
    const uint32_t *frames = pin_frames(core, pin);

    for (uint32_t i = 0; i < pin->count; i++) {
        if ((frames[i] & PIN_FOR_GOOD) == 0 && content_owns(pool_record(core, frames[i]))) {
            content_note_pin(core, pool_record(core, frames[i]), false);
        }
    }
}

/* Let the frames go. Returns: how many `owner` has pinned no longer. */
static uint32_t pin_release_frames(struct core *core, struct pin *pin, uint32_t owner)
{
    uint32_t *frames = pin_frames(core, pin);
    uint32_t gone = 0;

    if (UNLIKELY(pin->has_content != 0)) {
        pin_leave_content(core, pin);
    }
    /* From the last to the first, so that frames come back in the order in which they went. */
    for (uint32_t i = pin->count; i > 0; i--) {
        const uint32_t frame = frames[i - 1];

        frames[i - 1] = 0;
        if ((frame & PIN_FOR_GOOD) != 0) {
            continue;
        }
        struct frame *record = pool_record(core, frame);

        gone += pinner_remove(core, record, owner) ? 1 : 0;
        if (UNLIKELY(record->kind != FRAME_USER) && record->pins == 0) {
            pin_release_odd(core, frame);
        }
    }
    pin->count = 0;
    return gone;
}

/* Give back a record without frames that is in no list of an owner. */
static void pin_free(struct core *core, struct pin *pin)
{
    const uint32_t link = radix_remove(core, &table(core)->links, pin->number);

    ASSERT(link == arena_link(core, pin));
    pin_leave_space(core, pin);
    if (pin->list != 0) {
        arena_page_give(core, pin->list);
    }
    slab_give(core, &table(core)->records, link);
}

void pin_drop(struct core *core, struct pin *pin)
{
    struct space *owner = arena_page(core, pin->owner);
    const bool has_list = pin->list != 0;

    ASSERT(pin->state == PIN_MAKING || pin->state == PIN_STANDING);
    shared_enter(core);
    owner->pinned -= pin_release_frames(core, pin, owner->number);
    pin_delist(core, &owner->pin_first, pin);
    owner->pins--;
    owner->pin_lists -= has_list ? 1 : 0;
    pin_free(core, pin);
    shared_leave(core);
    pin_discharge(core, owner, has_list);
}

/* All that the owner has of a pin's frames, which are for devices, is the quarantine's. */
static void pin_quarantine(struct core *core, struct space *owner, struct pin *pin)
{
    const uint32_t *frames = pin_frames(core, pin);
    const bool has_list = pin->list != 0;

    for (uint32_t i = 0; i < pin->count; i++) {
        if ((frames[i] & PIN_FOR_GOOD) == 0) {
            const struct pinner_change change =
                pinner_rename(core, pool_record(core, frames[i]), owner->number, PINNER_QUARANTINE);

            owner->pinned -= change.was_there ? 1 : 0;
            table(core)->quarantined += change.is_new ? 1 : 0;
        }
    }
    pin_delist(core, &owner->pin_first, pin);
    owner->pins--;
    owner->pin_lists -= has_list ? 1 : 0;
    pin_discharge(core, owner, has_list);
    pin->owner = 0;
    pin->state = PIN_QUARANTINED;
    pin_enlist(core, &table(core)->quarantine_first, pin);
}

void pin_end(struct core *core, struct space *space)
{
    /* First what is for no device, so that the others can be renamed frame by frame. */
    for (uint32_t link = space->pin_first; link != 0;) {
        struct pin *pin = pin_at(core, link);

        link = pin->next;
        if (pin->device == 0 || pin->state == PIN_MAKING) {
            pin_drop(core, pin);
        }
    }
    shared_enter(core);
    while (space->pin_first != 0) {
        pin_quarantine(core, space, pin_at(core, space->pin_first));
    }
    shared_leave(core);
    ASSERT(space->pins == 0 && space->pin_lists == 0 && space->pinned == 0);
}

void pin_forget(struct core *core, struct space *space)
{
    shared_enter(core);
    while (space->pinned_first != 0) {
        pin_leave_space(core, pin_at(core, space->pinned_first));
    }
    shared_leave(core);
}

uint64_t pin_reset(struct core *core, uint64_t device)
{
    uint64_t gone = 0;

    shared_enter(core);
    for (uint32_t link = table(core)->quarantine_first; link != 0;) {
        struct pin *pin = pin_at(core, link);

        link = pin->next;
        if (pin->device == device) {
            table(core)->quarantined -= pin_release_frames(core, pin, PINNER_QUARANTINE);
            pin_delist(core, &table(core)->quarantine_first, pin);
            pin_free(core, pin);
            gone++;
        }
    }
    shared_leave(core);
    return gone;
}

void pin_recover(struct core *core)
{
    struct pin *pin = pin_before(core, RADIX_INDEX_END);

    while (pin != NULL) {
        const uint64_t number = pin->number;

        if (pin->state == PIN_MAKING) {
            pin_drop(core, pin);
        }
        pin = pin_before(core, number);
    }
}
