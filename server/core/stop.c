/* SPDX-License-Identifier: MIT */
#include "server/core/stop.h"

#include <stddef.h>

#include <base/assert.h>

#include "server/core/burial.h"
#include "server/core/hold.h"
#include "server/core/huge.h"
#include "server/core/port.h"
#include "server/core/reserve.h"
#include "server/core/shared.h"
#include "server/core/space.h"
#include "server/core/space_lock.h"

/* Whether it maps more shared memory than a step gives back, whoever else may have that. */
static bool stop_maps_much(struct core *core, const struct space *space)
{
    uint64_t pages = 0;
    uint32_t regions = 0;

    if (atomic_load_explicit(&space->together, memory_order_relaxed) == 0) {
        return false;
    }
    shared_enter(core);
    for (const struct region *region = tree_first(core, &space->tree);
         region != NULL && regions <= WORK_REGIONS && pages <= WORK_PAGES;
         region = tree_next(core, region), regions++) {
        if (region->object != 0 && object_at(core, region->object)->kind == OBJECT_MEMORY) {
            pages += object_at(core, region->object)->frames.count;
        }
    }
    shared_leave(core);
    return pages > WORK_PAGES;
}

void stop_space(struct core *core, struct space *space)
{
    const struct range all = range_of(RANGE_USER_FIRST, RANGE_USER_END);

    ASSERT(space->state == SPACE_LIVE);
    space_lock(core, space->number);
    reserve_keep(core, space);
    port_space_end(core->port, space->kernel);
    if (work_is_long(core, space, all, WORK_UNMAP) || stop_maps_much(core, space)) {
        intent_open(core, space, all);
        huge_restrict(core, space, all, 0);
        /* Point of no return: nothing below may fail. */
        intent_write(core);
        work_forget(core, space); /* whatever was to be done, more goes now */
        work_begin(core, space, WORK_UNMAP, all, 0);
        intent_close(core);
    }
    port_hand_over(core->port);
    space_unlock(core, space->number);
}

static bool stop_holds_much(struct core *core, const struct space *space)
{
    return space->hold_first != 0 && hold_pages(core, space, WORK_PAGES) > WORK_PAGES;
}

bool stop_is_over(struct core *core, const struct space *space)
{
    return space->work.phase == WORK_NONE && burial_is_over(core, space->burial) &&
           !stop_holds_much(core, space);
}

bool stop_step(struct core *core, struct space *space)
{
    space_lock(core, space->number);
    if (space->work.phase != WORK_NONE) {
        (void)work_step(core, space);
    } else if (!burial_is_over(core, space->burial)) {
        burial_step(core);
    } else {
        hold_end_some(core, space, WORK_REGIONS);
        burial_note(core, space);
    }
    const bool is_over = stop_is_over(core, space);

    port_hand_over(core->port);
    space_unlock(core, space->number);
    return is_over;
}
