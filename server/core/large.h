/* SPDX-License-Identifier: MIT */
/*
 * Large leaves: 2 MiB of a space that stand on one run of frames, in one entry of the page table.
 *
 *   nothing there --write, HUGEPAGE advised--> large leaf --large_cut--> 512 OWN pages of a leaf
 *                                                  |
 *                                                  +------page_clear---> nothing there
 *
 * A large leaf comes with the first write in an aligned stretch of 512 pages that lies in one
 * private anonymous region with REGION_HUGEPAGE and has nothing present. Where no run is free, or
 * the budget does not allow it, pages come one by one.
 *
 * What is about part of it has it split before: requests that change regions or give back pages,
 * for the leaves that stand across an edge of their range; REMAP for all that move; CLONE for all
 * that the clone gets. Splitting needs a shadow page and a page table, and may be refused; so it is
 * one of the reservations of a request. It changes nothing that a client could see.
 *
 * I1  All of a large leaf lies in one region, private and anonymous.
 * I2  `larges` of the space is the number of its large leaves; each counts 512 in `own`.
 * Owner: the space.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/core/fault.h"
#include "server/core/range.h"
#include "server/core/space.h"

/* Pages of a large leaf. */
#define LARGE_PAGES 512u

/*
 * Decide a fault, which the rights of its region allow, where a large leaf is or can be.
 *
 * Returns: FAULT_LARGE: the answer is ready; FAULT_NO_REGION: there is none, pages come singly;
 *          what huge_fault() says, in a region of huge pages. May make port calls.
 */
NOINLINE enum fault_outcome large_fault(struct core *core, const struct fault *fault,
                                        struct fault_answer *answer);

/*
 * Split the large leaf that holds `page`, if any. Its pages are mapped again.
 *
 * Returns:   ERR_OK; ERR_NOMEM if there is no frame for it. Makes port calls.
 * On error:  nothing changed.
 */
MUST_USE enum err large_split(struct core *core, struct space *space, uint32_t page);

/* Split all that have pages in the range. As large_split(); some may be split on error. */
MUST_USE enum err large_split_all(struct core *core, struct space *space, struct range range);

/* large_cut() for a space that has large leaves. */
NOINLINE MUST_USE enum err large_cut_edges(struct core *core, struct space *space,
                                           struct range range);

/* Split those that lie partly in the range, partly outside. As large_split_all(). */
MUST_USE static inline enum err large_cut(struct core *core, struct space *space,
                                          struct range range)
{
    return LIKELY(space->larges == 0) ? ERR_OK : large_cut_edges(core, space, range);
}

/* Give a large leaf's run back, whose entry is `upper`; nothing maps it any longer. */
NOINLINE void large_clear(struct core *core, struct space *space, uint64_t *upper, uint32_t page);
