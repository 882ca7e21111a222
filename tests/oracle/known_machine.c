/* SPDX-License-Identifier: MIT */
/*
 * What this machine's processor cannot show, or shows otherwise than RISC-V.
 */
#include "known_row.h"

#include <base/types.h>

/* Whether ours stopped copying at a page that may only be executed. */
static bool copies_exec_only(const struct found *found)
{
    const struct step *step = known_step(found);
    uint64_t page = (step->addr + found->ours->head->answer) >> PAGE_SHIFT;

    if (step->op != STEP_PUT || found->linux_look->head->error != 0) {
        return false;
    }
    for (uint32_t i = 0; i < found->ours->head->regions; i++) {
        const struct look_region *region = &found->ours->regions[i];
        if (page >= region->first && page < region->end) {
            return (region->flags & (LOOK_READ | LOOK_WRITE | LOOK_EXEC)) == LOOK_EXEC;
        }
    }
    return false;
}

static bool reads_exec_only(const struct found *found)
{
    return copies_exec_only(found) ||
           (known_step(found)->op == STEP_READ && found->aspect == COMPARE_SIGNAL &&
            found->linux_look->head->signal == LOOK_NO_SIGNAL &&
            found->ours->head->signal == LOOK_ACCERR);
}

/* Its fetches are judged as reads until the page is there; RISC-V's are judged first. */
static bool fetches_past_the_end(const struct found *found)
{
    return known_step(found)->op == STEP_EXEC && found->aspect == COMPARE_SIGNAL &&
           found->linux_look->head->signal == LOOK_BUS && found->ours->head->signal == LOOK_ACCERR;
}

static bool shows_bus(const struct look *last)
{
    return last->head->signal == LOOK_BUS;
}

const struct known_row known_machine_rows[] = {
    {
        .reason = "pages that may only be executed can be read on this processor, not on Sv39",
        .matches = reads_exec_only,
        .probe = "map addr=0x1000000000 length=0x1000 prot=4 flags=0x32\n"
                 "read addr=0x1000000000\n",
        .shows = known_shows_success,
    },
    {
        .reason = "a forbidden fetch past the end of an object is a bus error on this processor",
        .matches = fetches_past_the_end,
        .probe = "map addr=0x1000000000 length=0x1000 prot=3 flags=0x31\n"
                 "remap addr=0x1000000000 length=0x1000 size=0x2000 flags=1\n"
                 "exec addr=0x1000001000\n",
        .shows = shows_bus,
    },
    {0},
};
