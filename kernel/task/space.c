/* SPDX-License-Identifier: MIT */
#include "task/space.h"

#include "task/thread.h"

void space_init(struct space *space, struct handle_slot *slots, uint64_t fault_badge,
                uint64_t priority_max)
{
    ASSERT(priority_max < PRIORITY_COUNT);
    space->object.id = object_id_make(1, OBJECT_SPACE);
    space->fault_badge = fault_badge;
    space->priority_max = priority_max;
    space->state = SPACE_LIVE;
    list_init(&space->threads);
    list_init(&space->death.link);
    space->death.kind = OBJECT_SPACE;
    slots[0].badge = (uint64_t)(uintptr_t)space;
    space->slot_frames[0] = slots;
    space->slot_frame_count = 1;
}
