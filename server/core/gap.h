/* SPDX-License-Identifier: MIT */
/*
 * The search for free address space, in O(log n) steps by the largest gap of each subtree.
 *
 *   ....AAA......BBB..CC|......DD       limits.end = |
 *          ^^^^^^                       below, 4 pages: the upper end of this gap, if what is left
 *                                       of | in its own gap is too short
 *
 * All gaps that count are before a region, but for the one that a limit lies in and the one after
 * the last region: those are looked at first or last.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "server/core/tree.h"

/*
 * Find the highest place for `pages` free pages that ends at `limits.end` or below and starts at
 * `limits.first` or above: the upper end of the highest gap that is large enough.
 *
 * Returns: whether there is one; then `*page` is its first page, and `*next` the region after it
 *          (NULL: none).
 */
bool gap_find_below(const struct core *core, const struct tree *tree, struct range limits,
                    uint32_t pages, uint32_t *page, struct region **next);

/* The lower end of the lowest gap that is large enough; the same but for `*next`. */
bool gap_find_above(const struct core *core, const struct tree *tree, struct range limits,
                    uint32_t pages, uint32_t *page);
