/* SPDX-License-Identifier: MIT */
/*
 * Differences between Linux and core that are meant, each with its reason.
 *
 * Whether this machine's Linux has a difference is found out at the start by its probe, a short sequence; a row whose probe
 * shows nothing is off, so that kernels of all releases can be compared with. What a row forgives is counted as skipped: the
 * comparison of that step if both sides are in the same state afterwards, else of all steps left in the sequence.
 *
 * I1  A row that is on must have forgiven something by the end of a run (known_judge).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "compare.h"
#include "lane.h"

/* How many rows there are. */
unsigned known_rows(void);

/* Why, and whether this kernel differs. */
const char *known_reason(unsigned row);
bool known_is_on(unsigned row);

/* Run the probes on Linux. Returns: false if the process failed. */
bool known_probe(struct lane *lane);

/* What a known difference leaves. */
enum known_effect {
    KNOWN_NOT = 0,      /* nobody knows it */
    KNOWN_STEP = 1,     /* state is the same: go on */
    KNOWN_SEQUENCE = 2, /* the two have parted */
};

/*
 * Whether the difference found after a step is known.
 *
 * `before` are the looks after the step before (NULL for the first).
 */
enum known_effect known_find(const struct lane *lane, const struct step *step,
                             enum compare_aspect aspect, const struct look *linux_look,
                             const struct look *ours, const struct look *linux_before_opt,
                             const struct look *ours_before_opt, unsigned *row);
