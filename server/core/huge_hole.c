/* SPDX-License-Identifier: MIT */
#include "server/core/huge_hole.h"

#include <base/assert.h>

#include "server/core/object.h"
#include "server/core/pool.h"
#include "server/core/port.h"
#include "server/core/upkeep.h"

struct huge_hole huge_hole_find(const struct object *object, uint64_t first, uint64_t end)
{
    const uint64_t unit = huge_unit(object->level);

    return (struct huge_hole){(first + unit - 1) / unit * unit, end / unit * unit};
}

void huge_hole_take(struct core *core, struct object *object, uint64_t first, uint64_t end)
{
    const uint32_t unit = huge_unit(object->level);
    const uint64_t tables = object->frames.pages;
    uint64_t index = end / unit;

    ASSERT(first % unit == 0 && end % unit == 0 && (object->flags & OBJECT_PRIVATE) == 0);
    for (;;) {
        const uint32_t frame = radix_below(core, &object->frames, index, &index);

        if (frame == 0 || index < first / unit) {
            break;
        }
        if ((object->flags & OBJECT_NORESERVE) != 0) {
            (void)radix_remove(core, &object->frames, index);
        } else if (frame != HUGE_TAKEN) {
            radix_replace(core, &object->frames, index, HUGE_TAKEN);
        }
        if (frame != HUGE_TAKEN) {
            huge_pool_give(core, object->level, frame);
        }
    }
    upkeep_give(core, object, tables - object->frames.pages);
}

uint64_t huge_hole_wipe(struct core *core, const struct object *object, uint64_t first,
                        uint64_t end)
{
    const uint32_t unit = huge_unit(object->level);
    const uint32_t frame = huge_frame(core, object, first / unit);
    const pfn_t zero = pool_pfn(core, core->head->pool.zero_frame);
    const uint64_t last = core->has_turns && end - first > HUGE_STEP ? first + HUGE_STEP : end;

    ASSERT(core->depth != 0 && first / unit == (end - 1) / unit);
    if (frame == 0) {
        return end;
    }
    for (; first < last; first++) {
        /* Not port_zero(): the frame may be mapped. */
        port_copy(core->port, pool_pfn(core, frame + (uint32_t)(first % unit)), 0, zero, 0,
                  PAGE_SIZE);
    }
    return last;
}
