/* SPDX-License-Identifier: MIT */
#include "server/core/content.h"

#include <base/assert.h>

#include "server/core/paged.h"
#include "server/core/pool.h"
#include "server/core/port.h"
#include "server/core/swap.h"
#include "server/core/upkeep.h"

/* Passing so many numbers of pages that are not there costs as much as giving one back ... */
#define CONTENT_GAP 64u
/* ... up to so many, which are passed by the table. */
#define CONTENT_GAP_MAX (2 * RADIX_ENTRIES)

uint32_t content_frame(const struct core *core, const struct object *object, uint64_t page)
{
    ASSERT(object_has_frames(object));
    const uint32_t word = radix_get(core, &object->frames, page);

    if (object->kind == OBJECT_MEMORY) {
        return (word & CONTENT_SWAPPED) == 0 ? word : 0;
    }
    return paged_word_frame(word);
}

bool content_is_swapped(const struct core *core, const struct object *object, uint64_t page)
{
    return object->kind == OBJECT_MEMORY &&
           (radix_get(core, &object->frames, page) & CONTENT_SWAPPED) != 0;
}

uint32_t content_slot(const struct core *core, const struct object *object, uint64_t page)
{
    ASSERT(content_is_swapped(core, object, page));
    return radix_get(core, &object->frames, page) & ~CONTENT_SWAPPED;
}

bool content_return(struct core *core, struct object *object, uint64_t page, uint32_t *frame)
{
    const uint32_t name = content_slot(core, object, page);

    *frame = swap_take(core, name, 0, arena_link(core, object));
    if (*frame == 0) {
        return false;
    }
    radix_replace(core, &object->frames, page, *frame);
    object->swapped--;
    core->head->object_table.frames++;
    return true;
}

void content_swap(struct core *core, struct object *object, uint64_t page, uint32_t name)
{
    const uint32_t frame = content_frame(core, object, page);

    radix_replace(core, &object->frames, page, name | CONTENT_SWAPPED);
    object->swapped++;
    core->head->object_table.frames--;
    swap_enter(core, name, frame, 1);
}

void content_note_pin(const struct core *core, const struct frame *record, bool is_more)
{
    struct object *object = object_at(core, record->page);

    ASSERT(core->depth != 0 && content_owns(record));
    if (object->kind == OBJECT_MEMORY) {
        ASSERT(is_more || object->pinned > 0);
        object->pinned += is_more ? 1 : UINT64_MAX;
    }
}

uint32_t content_make(struct core *core, struct space *space, struct object *object, uint64_t page)
{
    const uint32_t needs = radix_needs(core, &object->frames, page);

    ASSERT(object_has_page(object, page));
    if (!upkeep_take(core, space, object, needs + 1)) {
        return 0;
    }
    const uint32_t frame = arena_page_reserve(core, needs)
                               ? pool_take(core, FRAME_USER, 0, arena_link(core, object))
                               : 0;

    if (frame == 0) {
        upkeep_give(core, object, needs + 1);
        return 0;
    }
    intent_step(core, STEP_FILL, 0, frame);
    port_zero(core->port, pool_pfn(core, frame));
    radix_set(core, &object->frames, page, frame);
    core->head->object_table.frames++;
    intent_step_done(core);
    return frame;
}

/* What giving a page back costs that is the last one before `end`, in pages without a gap. */
static uint64_t content_cost(uint64_t page, uint64_t end)
{
    const uint64_t gap = end - page;

    return 1 + (gap < CONTENT_GAP_MAX ? gap : CONTENT_GAP_MAX) / CONTENT_GAP;
}

/*
 * Give them back until that has cost `most`, the last first: frames come back in the order in which
 * they went. Returns: where the rest ends.
 */
static uint64_t content_remove_some(struct core *core, struct object *object, uint64_t first,
                                    uint64_t end, uint64_t most)
{
    uint64_t gone = object->frames.count + object->frames.pages;
    uint64_t rest = end;

    while (most > 0) {
        uint64_t page;

        if (radix_below(core, &object->frames, rest, &page) == 0 || page < first) {
            break;
        }
        const uint64_t cost = content_cost(page, rest);

        most -= cost < most ? cost : most;
        rest = page;
        const uint32_t word = radix_remove(core, &object->frames, page);
        uint32_t frame = word;

        if (UNLIKELY((word & CONTENT_SWAPPED) != 0)) {
            object->swapped--;
            frame = swap_put(core, word & ~CONTENT_SWAPPED);
            if (frame != 0) {
                pool_give(core, frame);
            }
            continue;
        }
        if (UNLIKELY(pool_record(core, frame)->pins != 0)) {
            object->pinned -= pool_record(core, frame)->pins;
            upkeep_detain(core, object, frame);
            gone--;
        } else {
            pool_give(core, frame);
        }
        core->head->object_table.frames--;
    }
    upkeep_give(core, object, gone - object->frames.count - object->frames.pages);
    return rest;
}

void content_remove(struct core *core, struct object *object, uint64_t first, uint64_t end)
{
    (void)content_remove_some(core, object, first, end, UINT64_MAX);
}

void content_drop(struct core *core, struct object *object, uint64_t first)
{
    content_remove(core, object, first, RADIX_INDEX_END);
}

uint64_t content_turn(const struct core *core, const struct object *object, uint64_t first,
                      uint64_t end, uint64_t *left)
{
    uint64_t page;

    while (radix_from(core, &object->frames, first, &page) != 0 && page < end) {
        const uint64_t cost = content_cost(first, page + 1);

        if (*left == 0) {
            return first;
        }
        *left -= cost < *left ? cost : *left;
        first = page + 1;
    }
    return end;
}

uint64_t content_turn_back(const struct core *core, const struct object *object, uint64_t first,
                           uint64_t left)
{
    uint64_t end = npages_number(object->pages);
    uint64_t page;

    while (radix_below(core, &object->frames, end, &page) != 0 && page >= first) {
        const uint64_t cost = content_cost(page, end);

        if (left == 0) {
            return end;
        }
        left -= cost < left ? cost : left;
        end = page;
    }
    return first;
}

void content_drop_some(struct core *core, struct object *object, uint32_t pages)
{
    object->hand = content_remove_some(core, object, 0, object->hand, pages);
}

/* Zeros from byte `offset` of the frame on. */
static void content_clear(struct core *core, uint32_t offset, uint32_t frame)
{
    intent_step(core, STEP_TAIL, offset, frame);
    port_copy(core->port, pool_pfn(core, frame), offset,
              pool_pfn(core, core->head->pool.zero_frame), offset, PAGE_SIZE - offset);
    intent_step_done(core);
}

void content_clear_tail(struct core *core, const struct object *object)
{
    const uint32_t offset = (uint32_t)(object->bytes & PAGE_MASK);

    ASSERT(offset == 0 || !content_is_swapped(core, object, object->bytes / PAGE_SIZE));
    const uint32_t frame = offset == 0 ? 0 : content_frame(core, object, object->bytes / PAGE_SIZE);

    if (frame != 0) {
        content_clear(core, offset, frame);
    }
}

void content_recover(struct core *core)
{
    const struct intent *intent = &core->worker->intent;

    if (intent->step == STEP_TAIL) {
        const uint32_t offset = intent->where;
        const uint32_t frame = intent->frame;

        intent_step_done(core);
        content_clear(core, offset, frame);
        return;
    }

    if (intent->step == STEP_FILL) {
        pool_give(core, intent->frame);
        intent_step_done(core);
    }
}

void content_audit(const struct core *core, const struct object *object)
{
    uint64_t page = RADIX_INDEX_END;
    uint64_t pinned = 0;
    uint32_t swapped = 0;

    radix_audit(core, &object->frames);
    for (;;) {
        const uint32_t number = radix_below(core, &object->frames, page, &page);

        if (number == 0) {
            ASSERT(swapped == object->swapped);
            ASSERT(object->kind != OBJECT_MEMORY || pinned == object->pinned);
            return;
        }
        if ((number & CONTENT_SWAPPED) != 0) {
            swapped++;
            continue;
        }
        const struct frame *frame = pool_record(core, number);

        ASSERT(object_has_page(object, page));
        ASSERT(frame->kind == FRAME_USER && (frame->references == 1 || frame->pins != 0));
        ASSERT(frame->owner == 0 && frame->page == arena_link(core, object));
        pinned += frame->pins;
    }
}
