/* SPDX-License-Identifier: MIT */
/*
 * Taking leaves away, whole or some of their rights.
 *
 * Nothing here needs memory or can be refused. The caller flushes the TLB before a frame is used
 * for something else and before user code runs.
 *
 * Lock: memory_lock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "mm/aspace.h"

/*
 * Account for a leaf of `level` that is gone: a SERVER frame becomes FREE, a device's is not
 * counted, others have one mapping less.
 */
void remove_count(pte_t leaf, unsigned level) REQUIRES(memory_lock);

/*
 * Make the large leaf in `slot` one that goes, or one that goes on going (I5 of mm/aspace.h), and
 * account for 512 frames of it; with the last ones the slot is empty.
 */
void remove_step(pte_t *slot, unsigned level) REQUIRES(memory_lock);

/*
 * Take from `count` neighbours of one level-0 table, all of them counted, the rights that
 * are not in `keep` (PTE_READ...), and drop leaves that have none left.
 */
void remove_leaves(pte_t *slot, uint64_t count, uint64_t keep) REQUIRES(memory_lock);

/*
 * Take from every leaf in [page + *done, page + pages) the rights that are not in `keep`
 * (PTE_READ...), and drop those that have none left. A large leaf that is only partly in the range
 * is dropped.
 *
 * Returns:   true: done. False: an interrupt is pending, and *done says where to go on.
 */
MUST_USE bool remove_range(struct aspace *aspace, uint64_t page, uint64_t pages, uint64_t keep,
                           uint64_t *done) REQUIRES(memory_lock);
