/* SPDX-License-Identifier: MIT */
#include "server/core/swap_fault.h"

#include <base/assert.h>
#include <mem/prot.h>

#include "server/core/paged.h"
#include "server/core/pool.h"
#include "server/core/port.h"
#include "server/core/region.h"
#include "server/core/shadow.h"
#include "server/core/shared.h"
#include "server/core/swap.h"

/* Whether the slot's frame can be mapped for reading where the fault is, and found there later. */
static bool slot_can_be_shown(const struct fault *fault, const struct frame *record)
{
    return fault->access != MEM_PROT_WRITE && (fault->region->flags & REGION_LOCKS) == 0 &&
           (record->references == 1 || record->owner == 0 || record->owner == fault->page + 1);
}

static enum fault_outcome slot_show(struct core *core, const struct fault *fault, uint32_t frame,
                                    struct fault_answer *answer)
{
    struct frame *record = pool_record(core, frame);

    record->owner = fault->page + 1;
    paged_note_use(core, frame);
    answer->frame = pool_pfn(core, frame);
    answer->prot &= ~MEM_PROT_WRITE;
    return FAULT_READY;
}

/* A frame of the space's own with what the slot holds. */
static enum fault_outcome slot_own(struct core *core, const struct fault *fault, uint32_t name,
                                   struct fault_answer *answer)
{
    struct space *space = fault->space;
    const uint32_t held = swap_frame(core, name);
    struct frame *record = pool_record(core, held);
    uint32_t frame = held;

    paged_note_use(core, held);

    if (record->references == 1) {
        frame = swap_take(core, name, space->number, fault->page);
    } else {
        frame = pool_take(core, FRAME_USER, space->number, fault->page);
        if (frame == 0) {
            return FAULT_NO_FRAME;
        }
        record->references--;
        answer->source = pool_pfn(core, held);
        answer->how = PORT_COPY;
    }
    answer->frame = pool_pfn(core, frame);
    *fault->entry = shadow_entry(SHADOW_OWN, frame);
    swap_count(space, UINT32_MAX);
    return FAULT_READY;
}

static enum fault_outcome swap_fault_page(struct core *core, const struct fault *fault,
                                          struct fault_answer *answer)
{
    const uint32_t name = shadow_entry_frame(*fault->entry);
    const uint32_t frame = swap_frame(core, name);

    if (frame == 0) {
        return fault_need(core, fault->region, swap_object(core, name), swap_slot(name));
    }
    *answer = (struct fault_answer){
        .prot = region_rights(fault->region->flags),
        .how = PORT_AS_IS,
    };
    if (slot_can_be_shown(fault, pool_record(core, frame))) {
        return slot_show(core, fault, frame, answer);
    }
    return slot_own(core, fault, name, answer);
}

enum fault_outcome swap_fault(struct core *core, const struct fault *fault,
                              struct fault_answer *answer)
{
    shared_enter(core);
    const enum fault_outcome outcome = swap_fault_page(core, fault, answer);

    if (outcome == FAULT_READY && answer->how == PORT_COPY) {
        /* At once: the source may go as soon as somebody else is served. */
        fault_install(core, fault->space, fault->page, answer);
        port_hand_over(core->port);
        answer->how = PORT_AS_IS;
    }
    shared_leave(core);
    return outcome;
}
