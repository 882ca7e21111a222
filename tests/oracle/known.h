/* SPDX-License-Identifier: MIT */
/*
 * Differences between Linux and core that are meant, each with its reason.
 *
 * Whether this machine's Linux has a difference is found out at the start by its probe, a short
 * sequence; a row whose probe shows nothing is off, so that kernels of all releases can be compared
 * with. Probes of rows that are on are then compared as all sequences are. What a row forgives is
 * counted as skipped: one step if both sides refused, with different errors, or the row says that
 * neither has changed anything; else all steps left in the sequence.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "compare.h"
#include "draw.h"
#include "lane.h"

/* How many rows there are. */
unsigned known_rows(void);

/* Why, and whether this kernel differs. */
const char *known_reason(unsigned row);
bool known_is_on(unsigned row);

/* Which draws a row has turned away. */
enum dodge known_dodge(unsigned row);

/* Whether the random sequences of a run are to meet a row: it is about what they are about. */
bool known_has_to_occur(unsigned row, bool is_huge);

/* Whether the probe of a row needs a crowded lane. */
bool known_is_crowded(unsigned row);

/* Run the probe of a row on Linux. Returns: false if the process failed. */
bool known_probe(unsigned row, struct lane *lane);

/* The probe of a row, for a lane. */
void known_sequence(unsigned row, const struct lane *lane, struct sequence *sequence);

/* What a known difference leaves. */
enum known_effect {
    KNOWN_NOT = 0,      /* nobody knows it */
    KNOWN_STEP = 1,     /* both refused: go on */
    KNOWN_SEQUENCE = 2, /* the two have parted */
};

/* A difference after step `index`. The looks before are NULL for the first step. */
struct found {
    const struct sequence *sequence;
    uint32_t index;
    enum compare_aspect aspect;
    const struct look_log *linux_log; /* of the whole sequence */
    const struct look_log *ours_log;
    const struct look *linux_look;
    const struct look *ours;
    const struct look *linux_before_opt;
    const struct look *ours_before_opt;
};

/* Whether a difference is known, and by which row. */
enum known_effect known_find(const struct found *found, unsigned *row);
