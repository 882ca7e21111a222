/* SPDX-License-Identifier: MIT */
#include "server/core/huge_fault.h"

#include <base/assert.h>

#include "server/core/huge.h"
#include "server/core/object.h"
#include "server/core/pool.h"
#include "server/core/port.h"
#include "server/core/shadow.h"
#include "server/core/shared.h"
#include "server/core/upkeep.h"

/*
 * Have the tables above one leaf, and none in its way.
 *
 * Returns: whether there were frames for them.
 */
static bool make_tables(struct core *core, struct space *space, uint32_t level, uint32_t page)
{
    const struct range block = shadow_block_range(shadow_block(page, 1), 1);

    if (level == 2) {
        shadow_prune(core, space, block, block);
        ASSERT(*shadow_upper(core, space, 1, page) == 0);
        return true;
    }
    if (!shadow_make_upper(core, space, page)) {
        return false;
    }
    shadow_drop_leaf(core, space, page);
    ASSERT(*shadow_upper(core, space, 0, page) == 0);
    return true;
}

/* A page that is absent: the first of the pool, once that is zero. */
static enum fault_outcome fill(struct core *core, struct space *space, struct object *object,
                               uint64_t index, uint32_t *frame)
{
    const bool was_taken = radix_get(core, &object->frames, index) == HUGE_TAKEN;
    const bool is_promised = object->promised != 0 && !was_taken;
    const uint32_t needs = was_taken ? 0 : radix_needs(core, &object->frames, index);

    if (!is_promised && huge_pool_spare(core, object->level) == 0) {
        return FAULT_PAST_END;
    }
    if (!huge_pool_clean(core, object->level)) {
        return FAULT_AGAIN;
    }
    if (!upkeep_take(core, space, object, needs)) {
        return FAULT_NO_FRAME;
    }
    if (!arena_page_reserve(core, needs)) {
        upkeep_give(core, object, needs);
        return FAULT_NO_FRAME;
    }
    if (is_promised) {
        huge_unpromise(core, object, object->promised - 1);
    }
    *frame = huge_pool_take(core, object->level);
    if (was_taken) {
        radix_replace(core, &object->frames, index, *frame);
    } else {
        radix_set(core, &object->frames, index, *frame);
    }
    return FAULT_READY;
}

/* Copy some frames more; all: the copy takes the page's place. */
static enum fault_outcome copy_step(struct core *core, const struct space *space,
                                    struct object *object)
{
    const uint32_t unit = huge_unit(object->level);
    const uint32_t source = radix_get(core, &object->frames, object->copy_index);

    if (huge_pool_names(core, source) == 1) {
        huge_stop_copy(core, object); /* nobody else has it any longer */
        return FAULT_AGAIN;
    }
    for (uint32_t i = 0; i < HUGE_STEP / 2 && object->copy_done < unit; i++) {
        const uint32_t at = object->copy_done;
        const pfn_t to = pool_pfn(core, object->copy_frame + at);

        port_zero(core->port, to);
        port_copy(core->port, to, 0, pool_pfn(core, source + at), 0, PAGE_SIZE);
        object->copy_done++;
    }
    if (object->copy_done < unit) {
        return FAULT_AGAIN;
    }
    /* Nothing of this space shows the other page from then on, whatever becomes of the answer. */
    port_remove(core->port, space->kernel, page_to_vpn(object->copy_page), (npages_t){unit});
    port_hand_over(core->port);
    radix_replace(core, &object->frames, object->copy_index, object->copy_frame);
    object->copy_frame = 0;
    huge_pool_give(core, object->level, source);
    return FAULT_AGAIN;
}

/* A page is written to that other objects have too. */
static enum fault_outcome copy(struct core *core, const struct fault *fault, struct object *object,
                               uint64_t index)
{
    if (object->copy_frame == 0) {
        if (huge_pool_spare(core, object->level) == 0) {
            return FAULT_PAST_END;
        }
        object->copy_frame = huge_pool_take(core, object->level);
        object->copy_index = index;
        object->copy_page = fault->page & ~(huge_unit(object->level) - 1);
        object->copy_done = 0;
    }
    return copy_step(core, fault->space, object);
}

/* The first frame of the page that is touched. */
static enum fault_outcome find(struct core *core, const struct fault *fault, struct object *object,
                               uint32_t *frame)
{
    const uint64_t number = region_kind_at(fault->region, fault->page).offset;
    const uint64_t index = number / huge_unit(object->level);

    if (!object_has_page(object, number)) {
        return FAULT_PAST_END;
    }
    *frame = huge_frame(core, object, index);
    if (*frame == 0) {
        return fill(core, fault->space, object, index, frame);
    }
    if (fault->access == MEM_PROT_WRITE && huge_pool_names(core, *frame) > 1) {
        return copy(core, fault, object, index);
    }
    if (object->copy_index == index && huge_pool_names(core, *frame) == 1) {
        huge_stop_copy(core, object); /* nobody else has the page any longer */
    }
    return FAULT_READY;
}

enum fault_outcome huge_fault(struct core *core, const struct fault *fault,
                              struct fault_answer *answer)
{
    struct object *object = object_at(core, fault->region->object);
    const uint32_t offset = fault->page & (huge_unit(object->level) - 1);
    uint32_t frame = 0;

    shared_enter(core);
    enum fault_outcome outcome = find(core, fault, object, &frame);

    if (outcome == FAULT_READY && !make_tables(core, fault->space, object->level, fault->page)) {
        outcome = FAULT_NO_FRAME;
    }
    if (outcome == FAULT_READY) {
        const uint32_t barred = huge_pool_names(core, frame) > 1 ? MEM_PROT_WRITE : 0;

        *answer = (struct fault_answer){
            .frame = pool_pfn(core, frame + offset),
            .prot = region_rights(fault->region->flags) & ~barred,
            .how = PORT_AS_IS,
            .is_large = true,
            .level = (uint8_t)object->level,
        };
    }
    shared_leave(core);
    return outcome;
}
