/* SPDX-License-Identifier: MIT */
/*
 * Where Linux is wrong about locked pages.
 */
#include "known_row.h"

#include <base/types.h>
#include <mem/prot.h>

/*
 * DONTUNMAP of a locked region: since 6.17 its pages are counted twice for good; and where the new
 * place joins what stays, both lose the lock. Ours: what moved keeps its lock, what stays has none.
 */
static bool moves_a_lock(const struct found *found)
{
    const struct step *step = known_step(found);
    uint64_t page = step->addr >> PAGE_SHIFT;

    if (step->op != STEP_REMAP || (step->flags & MEM_REMAP_DONTUNMAP) == 0 ||
        found->ours_before_opt == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < found->ours_before_opt->head->regions; i++) {
        const struct look_region *region = &found->ours_before_opt->regions[i];
        if (page >= region->first && page < region->end) {
            return (region->flags & LOOK_LOCKED) != 0;
        }
    }
    return false;
}

static bool shows_four_locked(const struct look *last)
{
    return last->head->locked == 4;
}

const struct known_row known_lock_rows[] = {
    {
        .reason = "mremap() with DONTUNMAP loses a lock or counts it twice (Linux 6.17)",
        .matches = moves_a_lock,
        .dodge = DODGE_MOVED_LOCK,
        .probe = "map addr=0x1000005000 length=0x3000 prot=3 flags=0x32\n"
                 "lock addr=0x1000005000 length=0x3000\n"
                 "remap addr=0x1000007000 length=0x1000 size=0x1000 flags=7 target=0x1000003000\n",
        .shows = shows_four_locked,
    },
    {0},
};
