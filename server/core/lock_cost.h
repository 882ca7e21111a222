/* SPDX-License-Identifier: MIT */
/*
 * What LOCK and LOCK_ALL would take, found by looking: nothing is made, mapped or changed.
 *
 * The walk goes where populate_range() would, region by region and in each by blocks of 512 pages,
 * and asks of each page what it would take (tally.h). That of LOCK stops where it would stop, for
 * the same reason; that of LOCK_ALL passes over pages that may not be seen or do not exist, and
 * counts those for which there is no frame now.
 *
 * Not known before it is done, so not here: what tally.h does not know; records of regions beyond
 * their charge. A page of an object that is mapped twice in the range counts twice.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/core/change.h"
#include "server/core/fault.h"

struct lock_cost {
    uint64_t pages;   /* that count against the lock limit and do not yet */
    uint64_t frames;  /* for pages, tables and what stands beside them */
    uint64_t charged; /* of these, to the budget of the space; only sums up over turns */
    uint64_t edges;   /* of the frames, for splitting large leaves; within a turn */
    uint64_t limit;   /* pages; MEM_UNLIMITED: none */
    uint64_t used;
};

/* Say what the lock limit is, and what of it is used. */
void lock_cost_begin(const struct space *space, struct lock_cost *cost);

/*
 * Add to `cost` what making `range` present would take; goes on where the turn before left off
 * (core->resume). `is_all`: as populate_what_can_be(), with as many frames as that needs.
 *
 * Returns: as populate_range(); FAULT_WAIT only with turns, NEED_TURN. With `is_all` no other but
 *          FAULT_READY.
 */
MUST_USE enum fault_outcome lock_cost_populate(struct core *core, struct space *space,
                                               struct range range, bool is_all,
                                               struct lock_cost *cost);

/*
 * Add what splitting large leaves at the edges of `range` would take, none of whose pages is made
 * present.
 */
void lock_cost_edges(const struct core *core, const struct space *space, struct range range,
                     struct lock_cost *cost);

/*
 * Judge changing the regions of `range`, beside what `cost` says.
 *
 * Returns: ERR_OK; ERR_NOMEM as change_check() (recorded).
 */
MUST_USE enum err lock_cost_judge(const struct core *core, struct space *space, struct range range,
                                  const struct change *change, const struct lock_cost *cost);
