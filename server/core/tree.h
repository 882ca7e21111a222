/* SPDX-License-Identifier: MIT */
/*
 * The regions of one space in order: a height-balanced tree with the largest gap of each subtree,
 * and a list.
 *
 * The gap of a region is what is free between its predecessor (or page 0) and itself. Looking up,
 * inserting and removing take O(log n) steps; none recurses. Positions come from the list: a new
 * region goes between two known neighbours, so inserting needs no comparison.
 *
 * I1  In-order walk of the tree = list = ascending, disjoint intervals.
 * I2  Heights of two siblings differ by at most 1; `height` and `gap_max` are right in every node.
 * Owner: the space.
 * Not here: what regions mean; joining (merge.h); the search for gaps (gap.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "server/core/region.h"

/* In the space. */
struct tree {
    uint32_t root; /* links; 0: none */
    uint32_t first;
    uint32_t last;
    uint32_t count;
};

/* The first region that ends after `page`: the one that holds it or the next one; NULL if none. */
struct region *tree_find(const struct core *core, const struct tree *tree, uint32_t page);

struct region *tree_first(const struct core *core, const struct tree *tree);
struct region *tree_last(const struct core *core, const struct tree *tree);
/* Neighbours in the list; NULL at the ends. */
struct region *tree_next(const struct core *core, const struct region *region);
struct region *tree_prev(const struct core *core, const struct region *region);

/* The region before `next_opt`; the last one if that is NULL. */
struct region *tree_before(const struct core *core, const struct tree *tree,
                           const struct region *next_opt);

/* Put a region whose interval is set before `next_opt` (NULL: at the end). */
void tree_insert(struct core *core, struct tree *tree, struct region *region,
                 struct region *next_opt);

/* Take a region out. */
void tree_remove(struct core *core, struct tree *tree, struct region *region);

/* Change a region's interval without passing a neighbour. */
void tree_resize(struct core *core, struct tree *tree, struct region *region, struct range range);

/* What is free before a region, pages. */
static inline uint32_t tree_gap(const struct core *core, const struct region *region)
{
    return region->first - (region->prev == 0 ? 0 : region_at(core, region->prev)->end);
}

/* Check I1 and I2. */
void tree_audit(const struct core *core, const struct tree *tree);
