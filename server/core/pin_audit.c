/* SPDX-License-Identifier: MIT */
#include "server/core/pin_audit.h"

#include <stddef.h>

#include <base/assert.h>

#include "server/core/huge_pool.h"
#include "server/core/lease.h"
#include "server/core/pin.h"
#include "server/core/pinner.h"
#include "server/core/radix.h"
#include "server/core/slab.h"

/* Check one pin, and add what it names. */
static void pin_audit_one(const struct core *core, struct pin *pin, uint64_t *pins)
{
    const bool is_quarantined = pin->state == PIN_QUARANTINED;
    const uint32_t owner = is_quarantined ? PINNER_QUARANTINE : pin->owner;
    const uint32_t *frames = pin_frames(core, pin);

    ASSERT(pin->state != PIN_FREE && pin->count <= (pin->list == 0 ? PIN_FEW : PIN_PAGES_MAX));
    ASSERT(!is_quarantined || pin->device != 0);
    for (uint32_t i = 0; i < pin->count; i++) {
        if ((frames[i] & PIN_FOR_GOOD) == 0) {
            ASSERT(pinner_count(core, pool_record(core, frames[i]), owner) > 0);
            *pins += 1;
        }
    }
    ASSERT(pin->next == 0 || pin_at(core, pin->next)->prev == arena_link(core, pin));
    ASSERT(pin->space_next == 0 ||
           pin_at(core, pin->space_next)->space_prev == arena_link(core, pin));
}

/* Check the pins of one space, and those of its pages. Returns: how many are its own. */
static uint64_t pin_audit_space(const struct core *core, const struct space *space)
{
    uint32_t pins = 0;
    uint32_t lists = 0;
    uint32_t of_pages = 0;

    for (uint32_t link = space->pin_first; link != 0; link = pin_at(core, link)->next) {
        const struct pin *pin = pin_at(core, link);

        ASSERT(pin->owner == space->number && pin->state != PIN_QUARANTINED);
        pins++;
        lists += pin->list != 0 ? 1 : 0;
    }
    for (uint32_t link = space->pinned_first; link != 0; link = pin_at(core, link)->space_next) {
        ASSERT(pin_at(core, link)->space == space->number);
        of_pages++;
    }
    ASSERT(pins == space->pins && lists == space->pin_lists);
    ASSERT(of_pages == space->pinned_by && of_pages <= space->together);
    return pins;
}

/* What the records of all frames say. */
struct pin_sums {
    uint64_t pins;
    uint64_t owners; /* of each frame */
    uint64_t detained;
    uint64_t paid; /* of the detained ones */
};

static void pin_audit_frames(const struct core *core, struct pin_sums *sums)
{
    for (uint32_t frame = 1; frame < core->head->pool.span; frame++) {
        if (arena_frame(core, ARENA_RECORDS + frame / POOL_RECORDS) == 0) {
            continue;
        }
        const struct frame *record = &core->frames[frame];

        if (record->pins != 0) {
            ASSERT(record->kind == FRAME_USER || record->kind == FRAME_PINNED ||
                   huge_pool_has(core, frame));
            sums->pins += record->pins;
            sums->owners += pinner_audit(core, record);
        }
        if (record->kind == FRAME_PINNED) {
            ASSERT(record->pins != 0);
            sums->detained++;
            sums->paid += record->owner != 0 ? 1 : 0;
        }
    }
}

void pin_audit(const struct core *core)
{
    const struct pin_table *pins = &core->head->pins;
    struct pin_sums sums = {0};
    uint64_t named = 0;
    uint64_t listed = 0;
    uint64_t owners = pins->quarantined;
    uint64_t paid = 0;

    pin_audit_frames(core, &sums);
    radix_audit(core, &pins->links);
    for (struct pin *pin = pin_before(core, RADIX_INDEX_END); pin != NULL;
         pin = pin_before(core, pin->number)) {
        ASSERT(pin_find(core, pin->number) == pin && pin->number <= pins->number);
        pin_audit_one(core, pin, &named);
        listed += pin->state == PIN_QUARANTINED ? 1 : 0;
    }
    for (const struct space *space = space_first(core); space != NULL;
         space = space_next(core, space)) {
        listed += pin_audit_space(core, space);
        lease_audit(core, space);
        owners += space->pinned;
        paid += space->detained;
    }
    ASSERT(listed == pins->links.count && listed == pins->records.records);
    ASSERT(named == sums.pins && owners == sums.owners);
    ASSERT(sums.detained == pins->detained && sums.paid == paid);
    slab_audit(core, &pins->records);
    slab_audit(core, &pins->pinners);
}
