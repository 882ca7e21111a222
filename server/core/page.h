/* SPDX-License-Identifier: MIT */
/*
 * What requests do to the pages of a range: give them back, move them, count them.
 *
 * States and invariants of a page are in shadow.h; pages become present in fault.h. Cost grows with
 * the pages that are there, and with blocks of 512, not with the length of the range.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "server/core/range.h"
#include "server/core/space.h"

/*
 * Make every page of the range absent; frames that nobody else has become free. Makes no port call.
 */
void page_clear(struct core *core, struct space *space, struct range range);

/* Make those pages of the range absent that show frames of an object. Makes no port call. */
void page_clear_wired(struct core *core, struct space *space, struct range range);

/* Move the pages of `from` to the free range of as many pages at `to`; leaves for them exist. */
void page_move(struct core *core, struct space *space, struct range from, uint32_t to);

/* First page of the range that is not absent; the end of the range if none. */
uint32_t page_next(const struct core *core, const struct space *space, struct range range);

/* The entry of a page, in a large leaf as if it had one of its own; 0: absent. */
uint64_t page_entry(const struct core *core, const struct space *space, uint32_t page);

/* Whether what is on a page is the space's alone, so that its frame can become another's. */
bool page_can_move(const struct core *core, uint64_t entry);

/* Pages by state. */
struct page_totals {
    uint64_t own;     /* with the shared and the swapped ones */
    uint64_t shared;  /* copy on write */
    uint64_t swapped; /* in a swap area, or in memory for it */
    uint64_t zero;
    uint64_t wired;
};

/* Count the pages of the range that are not absent. */
struct page_totals page_totals(const struct core *core, const struct space *space,
                               struct range range);
