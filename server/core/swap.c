/* SPDX-License-Identifier: MIT */
#include "server/core/swap.h"

#include <stddef.h>

#include <base/assert.h>

#include "server/core/budget.h"
#include "server/core/paged.h"
#include "server/core/pager.h"
#include "server/core/pool.h"
#include "server/core/shared.h"
#include "server/core/upkeep.h"

/* Slots that are looked at for a free one at a time. */
#define SWAP_LOOKS 1024u

static struct swap_table *table_of(const struct core *core)
{
    return &core->head->swap;
}

struct object *swap_object(const struct core *core, uint32_t name)
{
    const uint32_t link = table_of(core)->areas[name >> SWAP_SHIFT].object;

    ASSERT(name != SWAP_NONE && link != 0);
    return object_at(core, link);
}

uint32_t swap_name(const struct core *core, const struct object *object)
{
    uint32_t index = 0;

    while (table_of(core)->areas[index].object != arena_link(core, object)) {
        index++;
        ASSERT(index < SWAP_AREAS);
    }
    return index << SWAP_SHIFT;
}

/* Whether a process serves the area of an object. */
static bool area_is_served(const struct core *core, const struct object *object)
{
    return pager_of(core, object)->space != 0;
}

struct object *swap_current(const struct core *core)
{
    const struct swap_table *table = table_of(core);

    if (table->current == 0) {
        return NULL;
    }
    struct object *object = object_at(core, table->areas[table->current - 1].object);

    return area_is_served(core, object) ? object : NULL;
}

uint64_t swap_cost(uint64_t slots)
{
    /* The reserve, and the tables of slots when all are in use (radix.h). */
    return SWAP_RESERVE + slots / RADIX_ENTRIES + slots / RADIX_ENTRIES / RADIX_ENTRIES + 4;
}

static uint32_t slot_word(const struct core *core, uint32_t name)
{
    return paged_word(core, swap_object(core, name), swap_slot(name));
}

uint32_t swap_frame(const struct core *core, uint32_t name)
{
    return paged_word_frame(slot_word(core, name));
}

uint32_t swap_reserve(struct core *core, uint32_t *looks)
{
    const struct object *object = swap_current(core);
    struct swap_table *table = table_of(core);

    if (object == NULL || object->frames.count >= npages_number(object->pages)) {
        return SWAP_NONE;
    }
    struct swap_area *area = &table->areas[table->current - 1];

    for (uint32_t i = 0; i < SWAP_LOOKS; i++) {
        const uint32_t slot = area->hand < npages_number(object->pages) ? area->hand : 0;

        area->hand = slot + 1;
        ++*looks;
        if (paged_word(core, object, slot) == 0) {
            return arena_page_reserve(core, radix_needs(core, &object->frames, slot))
                       ? (table->current - 1) << SWAP_SHIFT | slot
                       : SWAP_NONE;
        }
    }
    return SWAP_NONE;
}

void swap_enter(struct core *core, uint32_t name, uint32_t frame, uint32_t references)
{
    struct object *object = swap_object(core, name);

    ASSERT(pool_record(core, frame)->pins == 0 && references != 0);
    *pool_record(core, frame) = (struct frame){.kind = FRAME_SWAP,
                                               .idle = FRAME_SAMPLED,
                                               .references = references,
                                               .owner = 0,
                                               .page = name};
    paged_set_state(core, object, swap_slot(name), PAGED_DIRTY, frame);
    core->head->object_table.frames++;
}

void swap_get(struct core *core, uint32_t name)
{
    struct object *object = swap_object(core, name);
    const uint32_t word = paged_word(core, object, swap_slot(name));

    if (paged_word_frame(word) != 0) {
        pool_record(core, paged_word_frame(word))->references++;
        return;
    }
    ASSERT(paged_word_count(word) > 0 && paged_word_count(word) < PAGED_COUNT_MAX);
    radix_replace(core, &object->frames, swap_slot(name), word + PAGED_COUNT_ONE);
}

/* The frame of a slot that nothing names any longer, or that another page takes, leaves it. */
static void slot_leave(struct core *core, uint32_t name, enum paged_state state)
{
    /* What the pager is saving stays its own until it says that it has. */
    const bool is_with_pager = state == PAGED_SAVING || state == PAGED_AGAIN;

    paged_set_state(core, swap_object(core, name), swap_slot(name),
                    is_with_pager ? PAGED_AWAY : PAGED_ABSENT, 0);
    core->head->object_table.frames--;
}

uint32_t swap_put(struct core *core, uint32_t name)
{
    struct object *object = swap_object(core, name);
    const uint32_t word = paged_word(core, object, swap_slot(name));
    const uint32_t frame = paged_word_frame(word);
    const enum paged_state state = paged_word_state(word);

    ASSERT(core->depth != 0);
    if (frame != 0) {
        struct frame *record = pool_record(core, frame);

        ASSERT(record->kind == FRAME_SWAP && record->references > 0);
        record->references--;
        if (record->references != 0) {
            return 0;
        }
        slot_leave(core, name, state);
        return frame;
    }
    ASSERT(paged_word_count(word) > 0);
    if (state == PAGED_AWAY && paged_word_count(word) == 1) {
        paged_set_state(core, object, swap_slot(name), PAGED_ABSENT, 0);
    } else {
        radix_replace(core, &object->frames, swap_slot(name), word - PAGED_COUNT_ONE);
    }
    return 0;
}

uint32_t swap_take(struct core *core, uint32_t name, uint32_t owner, uint32_t page)
{
    const uint32_t word = slot_word(core, name);
    const uint32_t frame = paged_word_frame(word);

    if (frame == 0) {
        return 0;
    }
    ASSERT(pool_record(core, frame)->references == 1);
    slot_leave(core, name, paged_word_state(word));
    *pool_record(core, frame) =
        (struct frame){.kind = FRAME_USER, .references = 1, .owner = owner, .page = page};
    return frame;
}

void swap_count(struct space *space, uint32_t count)
{
    space->swapped += (uint64_t)(int64_t)(int32_t)count;
    atomic_fetch_add_explicit(&space->together, count, memory_order_relaxed);
}

uint32_t swap_find_free(const struct core *core)
{
    uint32_t index = 0;

    while (index < SWAP_AREAS && table_of(core)->areas[index].object != 0) {
        index++;
    }
    return index;
}

/* The area gets no new pages any longer: what it has room for besides those that it has is gone. */
static void area_close(struct core *core, struct swap_area *area)
{
    const uint64_t used = object_at(core, area->object)->frames.count;

    ASSERT(area->is_closed == 0);
    area->is_closed = 1;
    budget_raise(core, area->root, used - area->raised);
    area->raised = used;
}

void swap_open(struct core *core, struct space *space, struct object *object)
{
    struct swap_table *table = table_of(core);
    const uint32_t index = swap_find_free(core);

    ASSERT(index < SWAP_AREAS && object->frames.count == 0);
    if (table->current != 0) {
        area_close(core, &table->areas[table->current - 1]);
    }
    object_get(object);
    object->flags |= OBJECT_SWAP;
    table->areas[index] = (struct swap_area){.object = arena_link(core, object),
                                             .root = budget_root(core, space),
                                             .raised = npages_number(object->pages)};
    table->current = index + 1;
    budget_raise(core, table->areas[index].root, table->areas[index].raised);
    core->head->pool.kept += SWAP_RESERVE;
}

void swap_end(struct core *core, const struct space *space)
{
    shared_enter(core);
    for (uint32_t i = 0; i < SWAP_AREAS; i++) {
        if (table_of(core)->areas[i].root == space->number) {
            table_of(core)->areas[i].root = 0;
        }
    }
    shared_leave(core);
    swap_tidy(core);
}

void swap_close(struct core *core, struct object *object)
{
    struct swap_table *table = table_of(core);

    for (uint32_t i = 0; i < SWAP_AREAS; i++) {
        struct swap_area *area = &table->areas[i];

        if (area->object == arena_link(core, object) && area->is_closed == 0) {
            area_close(core, area);
            table->current = table->current == i + 1 ? 0 : table->current;
        }
    }
}

/* Whether an area without used slots is of no use any more. */
static bool area_is_over(const struct core *core, const struct swap_area *area)
{
    if (area->object == 0) {
        return false;
    }
    const struct object *object = object_at(core, area->object);
    const bool is_lost = !area_is_served(core, object) && object->references == 1;

    return object->frames.count == 0 && (area->is_closed != 0 || is_lost);
}

/* Let go of an area without used slots. */
static void area_forget(struct core *core, uint32_t index)
{
    struct swap_table *table = table_of(core);
    const struct swap_area area = table->areas[index];
    struct object *object = object_at(core, area.object);

    table->areas[index] = (struct swap_area){0};
    table->current = table->current == index + 1 ? 0 : table->current;
    core->head->pool.kept -= SWAP_RESERVE;
    budget_raise(core, area.root, 0 - area.raised);
    object->flags &= ~OBJECT_SWAP;
    upkeep_give(core, object, swap_cost(npages_number(object->pages)));
    object_put(core, object);
}

void swap_tidy(struct core *core)
{
    shared_enter(core);
    for (uint32_t i = 0; i < SWAP_AREAS; i++) {
        if (area_is_over(core, &table_of(core)->areas[i])) {
            area_forget(core, i);
        }
    }
    shared_leave(core);
}

uint64_t swap_slots(const struct core *core)
{
    uint64_t slots = 0;

    for (uint32_t i = 0; i < SWAP_AREAS; i++) {
        slots += table_of(core)->areas[i].raised;
    }
    return slots;
}

uint64_t swap_reserve_frames(const struct core *core)
{
    uint64_t frames = 0;

    for (uint32_t i = 0; i < SWAP_AREAS; i++) {
        frames += table_of(core)->areas[i].object != 0 ? SWAP_RESERVE : 0;
    }
    return frames;
}

void swap_look(const struct core *core, struct swap_view *view)
{
    const struct swap_table *table = table_of(core);

    *view = (struct swap_view){0};
    for (uint32_t i = 0; i < SWAP_AREAS; i++) {
        if (table->areas[i].object != 0) {
            const struct object *object = object_at(core, table->areas[i].object);

            view->slots += table->current == i + 1 ? npages_number(object->pages) : 0;
            view->used += object->frames.count;
            view->held += object->resident;
        }
    }
}

/* What names the slots of an area, by their counts. */
static uint64_t area_audit(const struct core *core, const struct object *object, uint32_t index)
{
    uint64_t slot = RADIX_INDEX_END;
    uint64_t count = 0;

    ASSERT((object->flags & OBJECT_SWAP) != 0 && object->region_first == 0);
    for (;;) {
        const uint32_t word = radix_below(core, &object->frames, slot, &slot);
        const uint32_t frame = paged_word_frame(word);

        if (word == 0) {
            return count;
        }
        if (frame == 0) {
            count += paged_word_count(word);
            continue;
        }
        const struct frame *record = pool_record(core, frame);

        ASSERT(record->kind == FRAME_SWAP && record->pins == 0 && record->references > 0);
        ASSERT(record->page == (index << SWAP_SHIFT | slot));
        count += record->references;
    }
}

void swap_audit(const struct core *core)
{
    const struct swap_table *table = table_of(core);
    uint64_t number = RADIX_INDEX_END;
    uint64_t counted = 0;
    uint64_t named = 0;

    for (uint32_t i = 0; i < SWAP_AREAS; i++) {
        if (table->areas[i].object != 0) {
            counted += area_audit(core, object_at(core, table->areas[i].object), i);
        }
    }
    for (const struct space *space = space_first(core); space != NULL;
         space = space_next(core, space)) {
        named += space->swapped;
    }
    for (;;) {
        const uint32_t link = radix_below(core, &core->head->object_table.links, number, &number);

        if (link == 0) {
            break;
        }
        named += object_at(core, link)->swapped;
    }
    ASSERT(counted == named);
}
