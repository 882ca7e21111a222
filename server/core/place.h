/* SPDX-License-Identifier: MIT */
/*
 * Where a mapping goes when the client does not insist (R9).
 *
 *   the hint, if given and free -> the highest gap below the mapping base -> the lowest gap above
 *   it
 *
 * Anonymous lengths that are multiples of 2 MiB are put at multiples of 2 MiB where a gap is large
 * enough.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/types.h>

#include "server/core/range.h"
#include "server/core/space.h"

/* Free pages, and the region after them; NULL if none. */
struct place {
    struct range range;
    struct region *next;
};

/* Find a place for `pages` pages. Returns: whether there is one; then `*place` is it. */
bool place_find(const struct core *core, const struct space *space, uaddr_t hint, uint32_t pages,
                bool is_anonymous, struct place *place);

/*
 * The same for huge pages of `unit` pages each: at a multiple of that, as the hint rounded up, or
 * else in a gap that is nearly a unit larger (Linux hugetlb_get_unmapped_area()).
 */
bool place_find_huge(const struct core *core, const struct space *space, uaddr_t hint,
                     uint32_t pages, uint32_t unit, struct place *place);

/*
 * The first region that ends after the start of `range`, NULL if none; `*is_taken`: it overlaps the
 * range.
 */
struct region *place_next(const struct core *core, const struct space *space, struct range range,
                          bool *is_taken);
