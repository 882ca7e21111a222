/* SPDX-License-Identifier: MIT */
/*
 * Whether Linux and core did the same.
 *
 * Both lists of regions are joined first where neighbours are equal in what is compared, so that
 * Linux may have more regions than core (it keeps apart what has page records of its own). Core may
 * not: each of its borders must be one of Linux's. Objects are compared by the order in which they
 * appear, since each side numbers them its own way.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "look.h"

enum compare_aspect {
    COMPARE_EQUAL = 0,
    COMPARE_ERROR,
    COMPARE_SIGNAL,
    COMPARE_ANSWER,
    COMPARE_REGIONS,   /* joined lists differ */
    COMPARE_BORDERS,   /* core has a border that Linux has not */
    COMPARE_PAGES,     /* total pages */
    COMPARE_DATA,      /* total private writable pages */
    COMPARE_LOCKED,    /* total locked pages */
    COMPARE_STACK,     /* total pages of regions that grow */
    COMPARE_HUGE,      /* free huge pages */
    COMPARE_PROMISED,  /* of these, promised ones */
    COMPARE_RESIDENCE, /* a page is present, or the zero page, on one side only */
    COMPARE_CONTENTS,
    COMPARE_ASPECTS,
};

/* In words. */
const char *compare_name(enum compare_aspect aspect);

struct compare_options {
    uint32_t flags;      /* LOOK_ of regions that are compared */
    bool is_zero_hidden; /* Linux's zero pages look like others */
};

#define COMPARE_TEXT_MAX 256u

/*
 * Compare what a step answered, and what there is after it.
 *
 * Returns: the first aspect that differs; then `text` says how.
 */
enum compare_aspect compare_answers(const struct look *linux_look, const struct look *ours,
                                    char text[COMPARE_TEXT_MAX]);
enum compare_aspect compare_states(const struct compare_options *options,
                                   const struct look *linux_look, const struct look *ours,
                                   char text[COMPARE_TEXT_MAX]);
