/* SPDX-License-Identifier: MIT */
/*
 * What PAGEOUT takes at once though there is no swap: ours does not know what FREE gave up, nor
 * which pages of shared memory were only read, and keeps both. Such steps are not drawn (dodge.c),
 * since what they did may show only later.
 */
#include "known_row.h"

#include <base/types.h>
#include <mem/prot.h>

static bool takes_pages(const struct found *found, uint32_t shared)
{
    const struct step *step = known_step(found);
    uint64_t page = step->addr >> PAGE_SHIFT;

    if (step->op != STEP_ADVISE || step->value != MEM_ADVISE_PAGEOUT ||
        found->aspect != COMPARE_RESIDENCE) {
        return false;
    }
    for (uint32_t i = 0; i < found->ours->head->regions; i++) {
        const struct look_region *region = &found->ours->regions[i];
        if (page >= region->first && page < region->end) {
            return (region->flags & LOOK_SHARED) == shared;
        }
    }
    return false;
}

static bool takes_freed_pages(const struct found *found)
{
    return takes_pages(found, 0);
}

static bool takes_shared_pages(const struct found *found)
{
    return takes_pages(found, LOOK_SHARED);
}

static bool shows_no_pages(const struct look *last)
{
    return last->head->error == 0 && last->head->regions == 1 && last->head->runs == 0;
}

const struct known_row known_pageout_rows[] = {
    {
        .reason = "PAGEOUT drops what FREE gave up",
        .matches = takes_freed_pages,
        .dodge = DODGE_PAGEOUT_FREED,
        .probe = "map addr=0x1000000000 length=0x1000 prot=3 flags=0x32\n"
                 "write addr=0x1000000000 value=0xc3\n"
                 "advise addr=0x1000000000 length=0x1000 value=8\n"
                 "advise addr=0x1000000000 length=0x1000 value=0x15\n",
        .shows = shows_no_pages,
    },
    {
        .reason = "PAGEOUT drops shared pages that were only read",
        .matches = takes_shared_pages,
        .dodge = DODGE_PAGEOUT_SHARED,
        .probe = "map addr=0x1000000000 length=0x1000 prot=3 flags=0x31\n"
                 "read addr=0x1000000000\n"
                 "advise addr=0x1000000000 length=0x1000 value=0x15\n",
        .shows = shows_no_pages,
    },
    {0},
};
