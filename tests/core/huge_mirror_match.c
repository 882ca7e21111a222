/* SPDX-License-Identifier: MIT */
/*
 * The mirror of huge pages compared with core.
 */
#include <tap.h>

#include "huge_mirror.h"
#include "server/core/huge.h"

/* Whether a unit is what the mirror says. */
static bool unit_matches(const struct huge_mirror *mirror, const struct space *space, uint32_t side,
                         uint32_t number)
{
    const struct core *core = &huge_world.world->core;
    const struct huge_mirror_unit *unit = &mirror->unit[side][number];
    const uint32_t page = BLOCK + number * HUGE;
    const struct region *region = tree_find(core, &space->tree, page);
    const bool is_mapped = region != NULL && region->first <= page;

    if (unit->object == HUGE_NOTHING || !is_mapped) {
        return EXPECT(is_mapped == (unit->object != HUGE_NOTHING));
    }
    const struct huge_mirror_object *object = &mirror->object[unit->object];
    const int shown = object->page[unit->index];
    const uint32_t frame = huge_frame(core, object_at(core, region->object),
                                      region_kind_at(region, page).offset / HUGE);

    if (!EXPECT_U64(region->flags & MEM_PROT_ALL, unit->prot) ||
        !EXPECT_U64((region->flags & REGION_SHARED) == 0, object->is_private) ||
        !EXPECT_U64(region->end, BLOCK + huge_mirror_end(mirror, side, number) * HUGE) ||
        !EXPECT_U64(frame != 0, shown != HUGE_NOTHING)) {
        return false;
    }
    for (uint32_t i = 0; frame != 0 && i < HUGE_WORDS; i++) {
        const uint64_t pfn = pool_pfn(core, frame + huge_mirror_parts[i]).v;

        if (!EXPECT_U64(model_read(huge_world.world->port, (uint32_t)(pfn - MODEL_BASE)),
                        mirror->page[shown].word[i])) {
            return false;
        }
    }
    return true;
}

bool huge_mirror_matches(const struct huge_mirror *mirror, struct space *const spaces[2])
{
    for (uint32_t side = 0; side < 2; side++) {
        for (uint32_t i = 0; spaces[side] != NULL && i < HUGE_UNITS; i++) {
            if (!unit_matches(mirror, spaces[side], side, i)) {
                tap_note("unit %u of side %u", i, side);
                return false;
            }
        }
    }
    const struct huge_view view = huge_world_pool();

    return EXPECT_U64(view.free, huge_mirror_free(mirror)) &&
           EXPECT_U64(view.reserved, huge_mirror_promised(mirror));
}
