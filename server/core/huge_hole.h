/* SPDX-License-Identifier: MIT */
/*
 * REMOVE of shared huge pages: whole ones go back to the pool, what is left of others becomes zero.
 *
 *         | first ..  |  a whole page  |  a whole page  | ..  end
 *         | wiped     |  taken out     |  taken out     | wiped
 *
 * A reserved object has HUGE_TAKEN for a page that was taken out: it is promised no longer, and
 * comes back, if it is touched, from what is nobody's (Linux hugetlbfs_punch_hole()).
 *
 * Owner: who is in shared_enter().
 */
#pragma once

#include <stdint.h>

#include "server/core/huge.h"

/* Pages of an object that make whole huge pages: first .. end - 1; none if `first` >= `end`. */
struct huge_hole {
    uint64_t first;
    uint64_t end;
};

/* Those among pages first .. end - 1. */
struct huge_hole huge_hole_find(const struct object *object, uint64_t first, uint64_t end);

/* Take these out of a shared object. No leaf of them is left. In a commit, WRITING. */
void huge_hole_take(struct core *core, struct object *object, uint64_t first, uint64_t end);

/*
 * Fill pages first .. end - 1 of a shared object, which are in one huge page, with zeros, if that
 * is there. Where there are turns, no more than a step. Makes port calls.
 *
 * Returns: the page after the last that is done.
 */
uint64_t huge_hole_wipe(struct core *core, const struct object *object, uint64_t first,
                        uint64_t end);
