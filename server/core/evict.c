/* SPDX-License-Identifier: MIT */
#include "server/core/evict.h"

#include <stddef.h>

#include <base/assert.h>

#include "server/core/content.h"
#include "server/core/large.h"
#include "server/core/page.h"
#include "server/core/paged.h"
#include "server/core/pager.h"
#include "server/core/pool.h"
#include "server/core/port.h"
#include "server/core/pull.h"
#include "server/core/region.h"
#include "server/core/saving.h"
#include "server/core/shadow.h"
#include "server/core/swap.h"
#include "server/core/writeback.h"

/* In place of a count: the page is locked, or may not be taken. */
#define SHARERS_KEEP UINT32_MAX

static struct reclaim *reclaim_of(const struct core *core)
{
    return &core->head->reclaim;
}

void evict_begin(struct evict *evict)
{
    struct core *core = evict->core;

    evict->looks += pager_mark_makers(core, ++reclaim_of(core)->makers);
}

void evict_end(struct evict *evict)
{
    reclaim_of(evict->core)->count.looks += evict->looks;
}

bool evict_may_take(const struct core *core, const struct space *space, uint32_t page)
{
    const struct region *region = tree_find(core, &space->tree, page);

    ASSERT(region != NULL && region->first <= page);
    return space->state == SPACE_LIVE && (region->flags & REGION_LOCKS) == 0 &&
           space->maker_mark != reclaim_of(core)->makers;
}

static void page_unmap(struct core *core, const struct space *space, uint32_t page)
{
    port_remove(core->port, space->kernel, page_to_vpn(page), (npages_t){1});
}

/* A slot for a page; SWAP_NONE if there is none, or enough is to be saved as it is. */
static uint32_t take_slot(struct evict *evict)
{
    struct core *core = evict->core;
    const struct object *area = swap_current(core);
    uint64_t most = core->head->pool.total / 16;

    most = most < RECLAIM_FLIGHT ? most : RECLAIM_FLIGHT;
    if (area == NULL ||
        (!evict->is_asked && (evict->swaps == RECLAIM_SWAPS || area->unsaved >= most))) {
        return SWAP_NONE;
    }
    return swap_reserve(core, &evict->looks);
}

/* A page of a pager's object that is in memory is to go as soon as it is saved. */
static void begin_leaving(struct evict *evict, struct object *object, uint64_t number)
{
    struct core *core = evict->core;
    const uint32_t word = paged_word(core, object, number);

    pool_record(core, paged_word_frame(word))->idle = FRAME_LEAVING;
    evict->done++;
    if (paged_word_state(word) == PAGED_DIRTY) {
        writeback_hurry(core, object, number);
    }
}

/* A slot was filled. */
static void note_filled(struct evict *evict, uint32_t name)
{
    reclaim_of(evict->core)->count.swapped++;
    if (evict->is_asked) {
        begin_leaving(evict, swap_object(evict->core, name), swap_slot(name));
        return;
    }
    evict->names[evict->swaps++] = name;
}

/* The entry of a page, whose leaf stands, names a slot from now on. */
static void page_swap(const struct core *core, struct space *space, uint32_t page, uint32_t name)
{
    *shadow_find(core, space, page) = shadow_entry(SHADOW_SWAPPED, name);
    swap_count(space, 1);
}

/* A page that only `space` has, if there is a slot for it. Returns: whether there was. */
static bool take_single(struct evict *evict, struct space *space, uint32_t page, uint32_t frame)
{
    struct core *core = evict->core;
    const uint32_t name = take_slot(evict);

    if (name == SWAP_NONE) {
        return false;
    }
    page_unmap(core, space, page);
    /* Point of no return: no port call until the frame is the slot's. */
    page_swap(core, space, page, name);
    swap_enter(core, name, frame, 1);
    note_filled(evict, name);
    return true;
}

void evict_own(struct evict *evict, uint32_t frame)
{
    const struct core *core = evict->core;
    const struct frame *record = pool_record(core, frame);
    const uint32_t page = record->page;
    struct space *space = arena_page(core, record->owner);

    if (record->pins != 0 || !evict_may_take(core, space, page)) {
        return;
    }
    ASSERT(page_entry(core, space, page) == shadow_entry(SHADOW_OWN, frame));
    (void)take_single(evict, space, page, frame);
}

void evict_last(struct evict *evict, struct space *space, uint32_t page, uint32_t frame)
{
    struct core *core = evict->core;

    ASSERT(pool_record(core, frame)->pins == 0 && pool_record(core, frame)->references == 1);
    if (take_single(evict, space, page, frame)) {
        space->shared--;
        core->head->pool.cow--;
    }
}

/* How many spaces have `entry` at `page`; SHARERS_KEEP if one of them may not lose it. */
static uint32_t sharers_count(const struct core *core, uint64_t entry, uint32_t page)
{
    uint32_t count = 0;

    for (const struct space *space = space_first(core); space != NULL;
         space = space_next(core, space)) {
        if (page_entry(core, space, page) == entry) {
            if (!evict_may_take(core, space, page)) {
                return SHARERS_KEEP;
            }
            count++;
        }
    }
    return count;
}

/* Unmap it there. */
static void sharers_unmap(struct core *core, uint64_t entry, uint32_t page)
{
    for (const struct space *space = space_first(core); space != NULL;
         space = space_next(core, space)) {
        if (page_entry(core, space, page) == entry) {
            page_unmap(core, space, page);
        }
    }
}

void evict_shared(struct evict *evict, uint32_t frame)
{
    struct core *core = evict->core;
    const struct frame *record = pool_record(core, frame);
    const uint64_t entry = shadow_entry(SHADOW_SHARED, frame);
    const uint32_t page = record->page;
    const uint32_t references = record->references;

    ASSERT(record->pins == 0);
    if (sharers_count(core, entry, page) != references) {
        return;
    }
    const uint32_t name = take_slot(evict);

    if (name == SWAP_NONE) {
        return;
    }
    sharers_unmap(core, entry, page);
    /* Point of no return: no port call until the frame is the slot's. */
    for (struct space *space = space_first(core); space != NULL; space = space_next(core, space)) {
        if (page_entry(core, space, page) == entry) {
            page_swap(core, space, page, name);
            space->shared--;
        }
    }
    core->head->pool.cow--;
    swap_enter(core, name, frame, references);
    note_filled(evict, name);
}

/* Nobody has the page of a slot mapped afterwards. Returns: whether that may be. */
static bool slot_unmap(struct core *core, struct frame *record)
{
    const uint64_t entry = shadow_entry(SHADOW_SWAPPED, record->page);

    if (record->owner == 0) {
        return true;
    }
    if (sharers_count(core, entry, record->owner - 1) == SHARERS_KEEP) {
        return false;
    }
    sharers_unmap(core, entry, record->owner - 1);
    record->owner = 0;
    return true;
}

static void slot_free(struct evict *evict, struct object *object, uint64_t slot)
{
    paged_evict(evict->core, object, slot);
    reclaim_of(evict->core)->count.dropped++;
    evict->freed++;
    evict->done++;
}

/* evict_slot() for PAGEOUT. */
static void slot_leave(struct evict *evict, struct object *object, struct frame *record,
                       enum paged_state state)
{
    const bool is_leaving = record->idle == FRAME_LEAVING;

    if (record->references > 1 || record->owner != 0 || (is_leaving && state != PAGED_CLEAN)) {
        return;
    }
    if (state == PAGED_CLEAN) {
        slot_free(evict, object, swap_slot(record->page));
    } else {
        begin_leaving(evict, object, swap_slot(record->page));
    }
}

void evict_slot(struct evict *evict, uint32_t frame)
{
    struct core *core = evict->core;
    struct frame *record = pool_record(core, frame);
    const uint32_t name = record->page;
    struct object *object = swap_object(core, name);
    const enum paged_state state = paged_word_state(paged_word(core, object, swap_slot(name)));

    if (pager_of(core, object)->space == 0) {
        return; /* what is in memory is all there is of it */
    }
    if (evict->is_asked) {
        slot_leave(evict, object, record, state);
        return;
    }
    if (state == PAGED_DIRTY) {
        pull_save(core, object, swap_slot(name)); /* it could not be saved before */
        return;
    }
    if (state != PAGED_CLEAN || !slot_unmap(core, record)) {
        return;
    }
    if (!frame_is_idle(record)) {
        record->idle = FRAME_SAMPLED;
        reclaim_of(core)->count.sampled++;
        return;
    }
    slot_free(evict, object, swap_slot(name));
}

/* Whether nobody who maps a page of an object keeps it from being taken. */
static bool object_page_is_free(struct evict *evict, const struct object *object, uint64_t number)
{
    const struct core *core = evict->core;
    uint32_t regions = 0;
    uint32_t page;

    for (uint32_t link = object->region_first; link != 0;) {
        const struct region *region = region_at(core, link);

        if (evict->is_asked && !evict_may_look(evict, ++regions)) {
            return false;
        }
        if (region_shows(region, number, &page) &&
            !evict_may_take(core, arena_page(core, region->space), page)) {
            return false;
        }
        link = region->object_next;
    }
    return true;
}

static void object_page_unmap(struct core *core, const struct object *object, uint64_t number)
{
    uint32_t page;

    for (uint32_t link = object->region_first; link != 0;) {
        const struct region *region = region_at(core, link);
        const struct space *space = arena_page(core, region->space);

        if (region_shows(region, number, &page) &&
            shadow_entry_state(page_entry(core, space, page)) == SHADOW_WIRED) {
            page_unmap(core, space, page);
        }
        link = region->object_next;
    }
}

/* No space has the page any longer, whose leaves are gone. */
static void object_page_clear(struct core *core, const struct object *object, uint64_t number)
{
    uint32_t page;

    for (uint32_t link = object->region_first; link != 0;) {
        const struct region *region = region_at(core, link);

        if (region_shows(region, number, &page)) {
            page_clear_wired(core, arena_page(core, region->space), range_of(page, page + 1));
        }
        link = region->object_next;
    }
}

static void evict_memory_page(struct evict *evict, struct object *object, uint64_t number)
{
    struct core *core = evict->core;
    const uint32_t name = take_slot(evict);

    if (name == SWAP_NONE) {
        return;
    }
    object_page_unmap(core, object, number);
    /* Point of no return: no port call until the frame is the slot's. */
    object_page_clear(core, object, number);
    content_swap(core, object, number, name);
    note_filled(evict, name);
}

static void paged_page_free(struct evict *evict, struct object *object, uint64_t number)
{
    struct core *core = evict->core;

    object_page_unmap(core, object, number);
    /* Point of no return: no port call until the frame is free. */
    object_page_clear(core, object, number);
    paged_evict(core, object, number);
    reclaim_of(core)->count.dropped++;
    reclaim_of(core)->count.dropped_paged++;
    evict->freed++;
    evict->done++;
}

/* evict_paged_page() for PAGEOUT, where nobody has the page mapped any longer. */
static void paged_page_leave(struct evict *evict, struct object *object, uint64_t number,
                             enum paged_state state)
{
    if (state == PAGED_CLEAN) {
        paged_page_free(evict, object, number);
    } else {
        begin_leaving(evict, object, number);
    }
}

/* A DIRTY page is to be saved, unless its pager has enough to save for who comes after us. */
static void paged_page_save(struct evict *evict, struct object *object, uint64_t number)
{
    const struct pager *pager = pager_of(evict->core, object);

    if (evict->full == pager->page ||
        saving_find(evict->core, pager, object, number) != PAGER_PULLS) {
        return;
    }
    if (saving_is_enough(pager, RECLAIM_FLIGHT)) {
        evict->full = pager->page;
        return;
    }
    /* With those before it: the hand comes from behind. */
    pull_save(evict->core, object, saving_first(evict->core, pager, object, number));
}

static void evict_paged_page(struct evict *evict, struct object *object, uint64_t number,
                             struct frame *record)
{
    struct core *core = evict->core;
    const enum paged_state state = paged_word_state(paged_word(core, object, number));

    if (pager_of(core, object)->space == 0) {
        return; /* nobody could bring it back */
    }
    if (evict->is_asked) {
        paged_page_leave(evict, object, number, state);
    } else if (!frame_is_idle(record)) {
        object_page_unmap(core, object, number);
        record->idle = FRAME_SAMPLED;
        reclaim_of(core)->count.sampled++;
    } else if (state == PAGED_DIRTY) {
        paged_page_save(evict, object, number);
    } else if (state == PAGED_CLEAN) {
        paged_page_free(evict, object, number);
    }
}

void evict_object_page(struct evict *evict, struct object *object, uint64_t number)
{
    const struct core *core = evict->core;
    const uint32_t frame = content_frame(core, object, number);

    if (frame == 0 || pool_record(core, frame)->pins != 0 ||
        !object_page_is_free(evict, object, number)) {
        return;
    }
    if (object->kind == OBJECT_MEMORY) {
        evict_memory_page(evict, object, number);
    } else {
        evict_paged_page(evict, object, number, pool_record(core, frame));
    }
}

void evict_saved(struct evict *evict, struct object *object, uint64_t number)
{
    const struct core *core = evict->core;
    const uint32_t word = paged_word(core, object, number);

    if (paged_word_state(word) != PAGED_CLEAN ||
        pool_record(core, paged_word_frame(word))->idle != FRAME_LEAVING) {
        return;
    }
    if ((object->flags & OBJECT_SWAP) != 0) {
        evict_slot(evict, paged_word_frame(word));
    } else {
        evict_object_page(evict, object, number);
    }
}

bool evict_large(const struct evict *evict, struct space *space, uint32_t page)
{
    struct core *core = evict->core;

    return swap_current(core) != NULL && evict_may_take(core, space, page) &&
           large_split(core, space, page) == ERR_OK;
}

void evict_save(struct evict *evict)
{
    struct core *core = evict->core;

    for (uint32_t i = 0; i < evict->swaps; i++) {
        pull_save(core, swap_object(core, evict->names[i]), swap_slot(evict->names[i]));
    }
}
