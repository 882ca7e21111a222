/* SPDX-License-Identifier: MIT */
/*
 * The regions of one space in order: a height-balanced tree with the largest gap of each subtree,
 * and a list.
 *
 * The gap of a region is what is free between its predecessor and itself. Looking up,
 * inserting and removing take O(log n) steps; none recurses. Positions come from the list: a new
 * region goes between two known neighbours, so inserting needs no comparison.
 *
 * I1  In-order walk of the tree = list = ascending, disjoint intervals.
 * I2  Heights of two siblings differ by at most 2; `height` and `gap_max` are right in every node.
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

/* The ends of the list; NULL if it is empty. */
static inline struct region *tree_at_opt(const struct core *core, uint32_t link)
{
    return link == 0 ? NULL : region_at(core, link);
}

static inline struct region *tree_first(const struct core *core, const struct tree *tree)
{
    return tree_at_opt(core, tree->first);
}

static inline struct region *tree_last(const struct core *core, const struct tree *tree)
{
    return tree_at_opt(core, tree->last);
}

/* Neighbours in the list; NULL at the ends. */
static inline struct region *tree_next(const struct core *core, const struct region *region)
{
    return tree_at_opt(core, region->next);
}

static inline struct region *tree_prev(const struct core *core, const struct region *region)
{
    return tree_at_opt(core, region->prev);
}

/* The region before `next_opt`; the last one if that is NULL. */
static inline struct region *tree_before(const struct core *core, const struct tree *tree,
                                         const struct region *next_opt)
{
    return tree_at_opt(core, next_opt == NULL ? tree->last : next_opt->prev);
}

/* Put a region whose interval is set before `next_opt` (NULL: at the end). */
void tree_insert(struct core *core, struct tree *tree, struct region *region,
                 struct region *next_opt);

/* Take a region out. */
void tree_remove(struct core *core, struct tree *tree, struct region *region);

/* Change a region's interval without passing a neighbour. */
void tree_resize(struct core *core, struct region *region, struct range range);

/*
 * Cut a region at `page`, inside it: `upper`, whose kind is set, takes over the pages from there
 * on. The gaps of others are as before.
 */
void tree_split(struct core *core, struct tree *tree, struct region *region, struct region *upper,
                uint32_t page);

/* Extend a region over the one after it, which it touches and which is taken out. */
void tree_join(struct core *core, struct tree *tree, struct region *region);

/* Take out `region`, and leave the gap of the one after it wrong until tree_settle_gap(). */
void tree_remove_quietly(struct core *core, struct tree *tree, struct region *region);
void tree_settle_gap(struct core *core, struct region *next_opt);

/*
 * What is free between a region and the one before it, pages. What is free before the first one
 * does not count as its gap, so that mapping downward does not change the gaps along the left edge
 * of the tree.
 */
static inline uint32_t tree_gap(const struct core *core, const struct region *region)
{
    return region->prev == 0 ? 0 : region->first - region_at(core, region->prev)->end;
}

/* Check I1 and I2. */
void tree_audit(const struct core *core, const struct tree *tree);
