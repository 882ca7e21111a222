/* SPDX-License-Identifier: MIT */
#include "server/core/detain.h"

#include <stddef.h>

#include <base/assert.h>

#include "server/core/budget.h"
#include "server/core/pin.h"
#include "server/core/radix.h"

void detain_release(struct core *core, uint32_t frame)
{
    const uint32_t number = pool_record(core, frame)->owner;

    ASSERT(core->head->pins.detained > 0);
    core->head->pins.detained--;
    if (number != 0) {
        struct space *payer = arena_page(core, number);

        ASSERT(payer->detained > 0);
        payer->detained--;
        budget_return(core, payer, 1);
    }
    pool_give(core, frame);
}

void detain_frame(struct core *core, uint32_t frame, uint32_t payer)
{
    struct frame *record = pool_record(core, frame);

    ASSERT(record->kind == FRAME_USER && record->pins != 0);
    record->kind = FRAME_PINNED;
    record->owner = payer;
    record->page = 0;
    core->head->pins.detained++;
    if (payer != 0) {
        ((struct space *)arena_page(core, payer))->detained++;
    }
}

void detain_inherit(struct core *core, uint32_t payer, uint32_t heir)
{
    struct space *space = arena_page(core, payer);
    uint64_t left = space->detained;

    if (left == 0) {
        return;
    }
    for (struct pin *pin = pin_before(core, RADIX_INDEX_END); pin != NULL && left != 0;
         pin = pin_before(core, pin->number)) {
        const uint32_t *frames = pin_frames(core, pin);

        for (uint32_t i = 0; i < pin->count; i++) {
            if ((frames[i] & PIN_FOR_GOOD) == 0) {
                struct frame *record = pool_record(core, frames[i]);
                const bool is_his = record->kind == FRAME_PINNED && record->owner == payer;

                record->owner = is_his ? heir : record->owner;
                left -= is_his ? 1 : 0;
            }
        }
    }
    ASSERT(left == 0);
    if (heir != 0) {
        ((struct space *)arena_page(core, heir))->detained += space->detained;
    }
    space->detained = 0;
}
