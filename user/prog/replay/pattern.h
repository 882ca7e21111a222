/* SPDX-License-Identifier: MIT */
/*
 * What each touched page must hold, and the writing and checking of it.
 *
 * A page that was written holds four words, a quarter page apart, made from its recorded address
 * and the number of the event that wrote it. All else in it is as it was before: zero, or what the
 * page of the file has that is mapped there, its *ground*: a word in the middle of every 512 bytes,
 * so that no sector of a disk can be another's. The table keeps one 32-bit value a recorded page,
 * in leaves of 512; a page that moves takes its value along, so a page that turned up in the wrong
 * place, or kept what another left, is found out.
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

/* What a page holds below what was written to it: nothing but zeros, or a page of a file. */
struct pattern_ground {
    bool has_file;
    bool is_shared; /* what is written goes to the file */
    uint64_t seed;  /* the rest is valid in: has_file */
    uint64_t page;  /* in the file */
    uint64_t bytes; /* of the file from this page on */
    uint32_t value; /* as last written to the file through a shared mapping; 0: never */
};

struct pattern_table {
    const struct trace *trace;
    struct order leaves;
    struct pattern_leaf *last;
    uint64_t resident;        /* pages whose value is not 0 */
    uint64_t verified;        /* written pages found to hold their pattern, each time */
    uint64_t verified_ground; /* pages of files, written or not, found to hold the file's */
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

/* What the table has for the page at `address`; 0: nothing. */
uint32_t pattern_value(struct pattern_table *table, uint64_t address);

/* The value of a page that event number `event` has written, for pattern_set_value(). */
uint32_t pattern_value_of(uint32_t event);
void pattern_set_value(struct pattern_table *table, uint64_t address, uint32_t value);

/* Write the words of a file's page into an empty one. */
void pattern_ground_write(uint64_t seed, uint64_t page, uint64_t *words);

/*
 * Write to the page at the recorded `address`, the replayer's own `own`, for event number `event`.
 * The first access to a page not touched before is the write. What the page held is checked then.
 * What is written to a file is for the caller to remember (pattern_value_of()).
 *
 * Returns:   NULL; else what was found wrong in the page.
 */
MUST_USE const char *pattern_write(struct pattern_table *table, uint64_t address, void *own,
                                   uint32_t event, const struct pattern_ground *ground);

/* Read the page and check it. Returns: NULL; else what was found wrong in the page. */
MUST_USE const char *pattern_read(struct pattern_table *table, uint64_t address, void *own,
                                  const struct pattern_ground *ground);

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
                                   bool is_whole, const struct pattern_ground *ground);

/* The pages of [start, end) are untouched again. */
void pattern_drop(struct pattern_table *table, uint64_t start, uint64_t end);

/* The pages of [start, end) may hold zeros instead of what they held. */
void pattern_loosen(struct pattern_table *table, uint64_t start, uint64_t end);

/* The pages of [start, end) are now `distance` (modulo 2^64) further; the two ranges are apart. */
void pattern_move(struct pattern_table *table, uint64_t start, uint64_t end, uint64_t distance);
