/* SPDX-License-Identifier: MIT */
/*
 * One sequence under way: drawn while core carries it out, then given to Linux, then compared.
 *
 *   IDLE -> lane_draw or lane_run -> BUSY -> lane_finish -> IDLE
 *
 * There are several lanes (root, nobody, crowded), so that Linux works on one while core works on
 * another.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "compare.h"
#include "draw.h"
#include "look.h"
#include "ours.h"
#include "peer.h"

struct lane {
    struct peer peer;
    struct compare_options options;
    struct look_log log;     /* core's */
    uint64_t seed;           /* of the sequence under way */
    uint64_t dodged[DODGES]; /* draws that known differences turned away, so far */
    bool is_privileged;
    bool is_crowded; /* regions are nearly used up */
    bool is_busy;
    bool is_barred; /* the sequence of lane_run() was not given to Linux: ours_would_leak() */
    bool is_over;   /* the sequence of lane_run() went on after compose_is_over() */
};

/* What came of a sequence. */
struct verdict {
    bool is_dead;               /* Linux's process failed: its slot says why */
    enum compare_aspect aspect; /* the first difference that nobody knows */
    uint32_t step;              /* where it is */
    int32_t linux_error;        /* there */
    int32_t ours_error;
    uint32_t steps;              /* carried out */
    uint32_t full;               /* compared in full */
    uint32_t refused;            /* by both, or ended in a signal */
    char text[COMPARE_TEXT_MAX]; /* what differs */
};

/* Start the process. Returns: whether it is ready. */
bool lane_start(struct lane *lane, const char *program, bool is_privileged, bool is_crowded);

/* End the process. */
void lane_stop(struct lane *lane);

/* Draw a sequence of up to `steps` steps with core's help and give it to Linux. */
void lane_draw(struct lane *lane, struct ours *ours, uint64_t seed, uint32_t steps);

/* Give the sequence that `other` has, drawn and perhaps finished, to this lane's process too. */
void lane_draw_again(struct lane *lane, struct ours *ours, const struct lane *other);

/* Carry out a given sequence on core, in full, and give it to Linux. */
void lane_run(struct lane *lane, struct ours *ours, const struct sequence *sequence);

/* Carry out a given sequence on Linux alone. Returns: whether the process did it. */
bool lane_probe(struct lane *lane, const struct sequence *sequence, struct look_log *log);

/*
 * Wait for Linux and compare.
 *
 * `skipped` counts the comparisons that were not made, by row of known.h.
 */
void lane_finish(struct lane *lane, struct verdict *verdict, uint64_t *skipped);

/* Print each step of the sequence that was finished last, with what both sides answered. */
void lane_print(const struct lane *lane);
