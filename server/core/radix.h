/* SPDX-License-Identifier: MIT */
/*
 * A map from 60-bit numbers to words other than 0: the frames of an object by page, objects by
 * number.
 *
 * Trees of arena pages with 1,024 words each, as high as the largest number needs. A word of the
 * lowest page is a value, one above names the page below and counts the words in use there, so that
 * pages go as soon as they are empty. Every call but radix_below() and radix_from() takes as many
 * steps as the tree is high, at most six; dense maps cost little more than 4 bytes an entry.
 *
 *   root --> [ page | count ] --> [ ... ] --> [ value value 0 value ... ]
 *
 * I1  No page is empty, and the count beside each is the number of words in use in it.
 * I2  A tree is as high as its largest number needs: 1,024^h is above it; without numbers root and
 *     height are 0.
 * Owner: whoever embeds it. Zeroed memory is an empty map.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>

struct core;

#define RADIX_BITS      10u
#define RADIX_ENTRIES   1024u
#define RADIX_LEVELS    6u
#define RADIX_INDEX_END (UINT64_C(1) << (RADIX_BITS * RADIX_LEVELS))

struct radix {
    uint32_t root;   /* word for the top page; 0: nothing in the map */
    uint32_t height; /* levels of pages */
    uint64_t count;  /* numbers in the map */
    uint64_t pages;  /* arena pages of the tree */
};

/* The value of a number; 0 if it has none. */
uint32_t radix_get(const struct core *core, const struct radix *radix, uint64_t index);

/* Arena pages that radix_set() of a number would take. */
uint32_t radix_needs(const struct core *core, const struct radix *radix, uint64_t index);

/*
 * Give a number that has none a value.
 *
 * Requires:  radix_needs() free arena pages in hand (arena_page_reserve), so that no port call is
 *            made.
 */
void radix_set(struct core *core, struct radix *radix, uint64_t index, uint32_t value);

/* Give a number that is there another value. */
void radix_replace(struct core *core, struct radix *radix, uint64_t index, uint32_t value);

/* Take a number that is there out of the map. Returns: its value. Makes no port call. */
uint32_t radix_remove(struct core *core, struct radix *radix, uint64_t index);

/*
 * The largest number below `end` that has a value.
 *
 * Returns:   its value, and the number in `*index`; 0 if there is none.
 */
uint32_t radix_below(const struct core *core, const struct radix *radix, uint64_t end,
                     uint64_t *index);

/*
 * The smallest number from `first` on that has a value.
 *
 * Returns:   its value, and the number in `*index`; 0 if there is none.
 */
uint32_t radix_from(const struct core *core, const struct radix *radix, uint64_t first,
                    uint64_t *index);

/* Check I1 and I2. */
void radix_audit(const struct core *core, const struct radix *radix);
