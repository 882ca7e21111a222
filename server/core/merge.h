/* SPDX-License-Identifier: MIT */
/*
 * Joining and cutting: the changes of a space's regions that all requests are made of.
 *
 *   AAA BBB      merge_insert of a kind that continues A and is continued by B: one region
 *   AAABBBCCC    merge_split at the first B page: the region is two until merge_range joins them
 *                again
 *   AAxxxxCC     merge_cut: what overlaps the range goes, split at both edges
 *
 * After each request no two neighbours are left that could be one (region.h, I2), as in Linux's
 * vma_merge(). All of these take the records they need from the hand (region_reserve) and cannot
 * fail.
 *
 * Not here: pages and the page table; limits are charged here, and judged before.
 */
#pragma once

#include <stdint.h>

#include "server/core/space.h"

/* Most records that one of these needs. */
#define MERGE_INSERT_RECORDS 1u
#define MERGE_CUT_RECORDS    1u

/*
 * Make `range`, which must be free, part of the space as `kind`, before the region `next_opt`.
 */
void merge_insert(struct core *core, struct space *space, struct range range,
                  const struct region_kind *kind, struct region *next_opt);

/* Split a region at a page inside it. Takes 1 record. Returns: the upper part. */
struct region *merge_split(struct core *core, struct space *space, struct region *region,
                           uint32_t page);

/* Join what can be joined from the region before `first` to the one that starts at page `end`. */
void merge_range(struct core *core, struct space *space, struct region *first, uint32_t end);

/*
 * Make the range free of regions. Takes up to 1 record.
 *
 * Returns: the first region after the range; NULL if none. For an empty range: the first region
 * that ends after its start.
 */
struct region *merge_cut(struct core *core, struct space *space, struct range range);

/* Check a region: its kind, and that it could not be one with the next (region.h, I2 to I4). */
void merge_audit(const struct core *core, const struct space *space, const struct region *region);
