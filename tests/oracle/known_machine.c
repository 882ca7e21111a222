/* SPDX-License-Identifier: MIT */
/*
 * What this machine's processor cannot show.
 */
#include "known_row.h"

static bool reads_exec_only(const struct found *found)
{
    return known_step(found)->op == STEP_READ && found->aspect == COMPARE_SIGNAL &&
           found->linux_look->head->signal == LOOK_NO_SIGNAL &&
           found->ours->head->signal == LOOK_ACCERR;
}

const struct known_row known_machine_rows[] = {
    {
        .reason = "pages that may only be executed can be read on this processor, not on Sv39",
        .matches = reads_exec_only,
        .probe = "map addr=0x1000000000 length=0x1000 prot=4 flags=0x32\n"
                 "read addr=0x1000000000\n",
        .shows = known_shows_success,
    },
    {0},
};
