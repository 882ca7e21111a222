/* SPDX-License-Identifier: MIT */
/*
 * What this machine's processor cannot show, or shows otherwise than RISC-V.
 */
#include "known_row.h"

#include <errno.h>

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

/*
 * A file is not written from a page below the lowest address that is not present; once it was read,
 * it is (seen with Linux 6.18; why is not known). Ours: a touch of it is as any other.
 */
static bool misses_a_low_page(const struct found *found)
{
    const struct zone *low = &found->sequence->room.zones[0];
    const uint64_t page = known_step(found)->addr >> PAGE_SHIFT;

    return known_step(found)->op == STEP_PUT && found->aspect == COMPARE_ERROR &&
           found->linux_look->head->error == EFAULT && found->ours->head->error == 0 &&
           page >= low->first && page < low->end;
}

static bool shows_efault_of_a_region(const struct look *last)
{
    return last->head->error == EFAULT && last->head->regions == 1;
}

static bool shows_bus(const struct look *last)
{
    return last->head->signal == LOOK_BUS;
}

const struct known_row known_machine_rows[] = {
    {
        .reason = "pages that may only be executed can be read on this processor, not on Sv39",
        .matches = reads_exec_only,
        .dodge = DODGE_EXEC_ONLY,
        .probe = "map addr=0x1000000000 length=0x1000 prot=4 flags=0x32\n"
                 "read addr=0x1000000000\n",
        .shows = known_shows_success,
    },
    {
        .reason = "a forbidden fetch past the end of an object is a bus error on this processor",
        .matches = fetches_past_the_end,
        .is_harmless = true,
        .probe = "map addr=0x1000000000 length=0x1000 prot=3 flags=0x31\n"
                 "remap addr=0x1000000000 length=0x1000 size=0x2000 flags=1\n"
                 "exec addr=0x1000001000\n",
        .shows = shows_bus,
    },
    {
        .reason = "a file is not written from an absent page below the lowest address",
        .matches = misses_a_low_page,
        .is_rare = true,
        .probe = "object object=1 size=0x1000\n"
                 "map addr=0xa000 length=0x1000 prot=3 flags=0x32\n"
                 "put object=1 addr=0xa000 length=0x1000\n",
        .shows = shows_efault_of_a_region,
    },
    {0},
};
