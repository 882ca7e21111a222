/* SPDX-License-Identifier: MIT */
/*
 * What a replay left: the region list in recorded addresses, and counts.
 *
 * Everything but the lines `faults`, `instructions`, `system regions`, `calls made in pieces` and
 * `reclaimed` depends on the trace, and on whether there are files, alone.
 */
#pragma once

#include "replay.h"

/* Print the regions at the end, then the counts, on standard output. */
void report_print(const struct replay *replay);

/*
 * Print what the system keeps for the replayed memory, a line `system START-END PROT` for each run
 * of pages that follow each other in the recording and have one protection: the same list on every
 * system that did what the calls say.
 */
void report_print_system(const struct replay *replay);

/*
 * Ask the system how many regions it keeps for the replayed memory, and print that.
 *
 * Returns:   OUTCOME_OK, also where the system cannot be asked; OUTCOME_ANSWER if it keeps more
 *            than the calls left.
 */
MUST_USE enum outcome report_check_regions(const struct replay *replay);

/* Print what the machine had to reclaim since it was started. */
void report_print_reclaimed(void);
