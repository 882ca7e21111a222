/* SPDX-License-Identifier: MIT */
/*
 * What each touched page must hold, and the writing and checking of it.
 *
 * A page that was written holds four words, a quarter page apart, made from its recorded address
 * and the number of the event that wrote it; all else in it is zero, as in a page that was only
 * read. The table keeps one 32-bit value a recorded page, in leaves of 512; a page that moves takes
 * its value along, so a page that turned up in the wrong place, or kept what another left, is found
 * out.
 *
 * I1  A value is 0 (untouched, or given up since), PATTERN_ZERO, or an event's number plus
 *     PATTERN_FIRST, with PATTERN_LOOSE added when the system may have dropped the contents (advice
 *     FREE).
 * I2  Every page whose value is set was named to pattern_prepare(): nothing is allocated
 *     afterwards.
 * Owner: who called pattern_init() calls pattern_fini().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>

#include "order.h"
#include "trace.h"

struct pattern_leaf;

struct pattern_table {
    const struct trace *trace;
    struct order leaves;
    struct pattern_leaf *last;
    uint64_t resident; /* pages whose value is not 0 */
    uint64_t verified; /* written pages found to hold their pattern, each time */
};

/* Make `table` know no page of `trace`. */
void pattern_init(struct pattern_table *table, const struct trace *trace);

/* Give everything back. */
void pattern_fini(struct pattern_table *table);

/* Make room for the values of the pages of [start, end); false if there is no memory. */
MUST_USE bool pattern_prepare(struct pattern_table *table, uint64_t start, uint64_t end);

/*
 * Make room for the values that the pages of [start, end), as far as named before, have once they
 * are `distance` (modulo 2^64) further; the two ranges are apart. False if there is no memory.
 */
MUST_USE bool pattern_prepare_move(struct pattern_table *table, uint64_t start, uint64_t end,
                                   uint64_t distance);

/*
 * Write to the page at the recorded `address`, the replayer's own `own`, for event number `event`.
 * The first access to a page not touched before is the write. What the page held is checked then.
 *
 * Returns:   NULL; else what was found wrong in the page.
 */
MUST_USE const char *pattern_write(struct pattern_table *table, uint64_t address, void *own,
                                   uint32_t event);

/* Read the page and check it. Returns: NULL; else what was found wrong in the page. */
MUST_USE const char *pattern_read(struct pattern_table *table, uint64_t address, void *own);

/*
 * The first page at or above `address` and below `end` that has a value; `end` if there is none.
 * Walking by it visits the touched pages of a range of any length.
 */
uint64_t pattern_next(struct pattern_table *table, uint64_t address, uint64_t end);

/*
 * Check the touched page at `address`: a sample of it, or each word if `is_whole`.
 *
 * Returns:   NULL; else what was found wrong in the page.
 */
MUST_USE const char *pattern_check(struct pattern_table *table, uint64_t address, const void *own,
                                   bool is_whole);

/* The pages of [start, end) are untouched again. */
void pattern_drop(struct pattern_table *table, uint64_t start, uint64_t end);

/* The pages of [start, end) may hold zeros instead of what they held. */
void pattern_loosen(struct pattern_table *table, uint64_t start, uint64_t end);

/* The pages of [start, end) are now `distance` (modulo 2^64) further; the two ranges are apart. */
void pattern_move(struct pattern_table *table, uint64_t start, uint64_t end, uint64_t distance);
