/* SPDX-License-Identifier: MIT */
#include "server/core/content.h"

#include <base/assert.h>

#include "server/core/paged.h"
#include "server/core/pool.h"
#include "server/core/port.h"
#include "server/core/upkeep.h"

uint32_t content_frame(const struct core *core, const struct object *object, uint64_t page)
{
    ASSERT(object_has_frames(object));
    const uint32_t word = radix_get(core, &object->frames, page);

    return object->kind == OBJECT_MEMORY ? word : paged_word_frame(word);
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

void content_remove(struct core *core, struct object *object, uint64_t first, uint64_t end)
{
    uint64_t gone = object->frames.count + object->frames.pages;
    uint64_t page = end;

    /* From the last to the first, so that frames come back in the order in which they went. */
    while (radix_below(core, &object->frames, page, &page) != 0 && page >= first) {
        const uint32_t frame = radix_remove(core, &object->frames, page);

        if (UNLIKELY(pool_record(core, frame)->pins != 0)) {
            upkeep_detain(core, object, frame);
            gone--;
        } else {
            pool_give(core, frame);
        }
        core->head->object_table.frames--;
    }
    upkeep_give(core, object, gone - object->frames.count - object->frames.pages);
}

void content_drop(struct core *core, struct object *object, uint64_t first)
{
    content_remove(core, object, first, RADIX_INDEX_END);
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

    radix_audit(core, &object->frames);
    for (;;) {
        const uint32_t number = radix_below(core, &object->frames, page, &page);

        if (number == 0) {
            return;
        }
        const struct frame *frame = pool_record(core, number);

        ASSERT(object_has_page(object, page));
        ASSERT(frame->kind == FRAME_USER && (frame->references == 1 || frame->pins != 0));
        ASSERT(frame->owner == 0 && frame->page == arena_link(core, object));
    }
}
