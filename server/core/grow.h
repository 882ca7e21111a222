/* SPDX-License-Identifier: MIT */
/*
 * GROWSDOWN regions: a fault below one makes it reach down to the page.
 *
 *   PPPP  <- 256 pages ->  |<- grows to the fault <- SSSS
 *
 * Below such a region a guard gap stays free: nothing is placed there without FIXED (place.h), and
 * growth stops that far above what a stray access could reach.
 * Not here: what becomes of the fault (fault.h).
 */
#pragma once

#include "server/core/space.h"

/* Pages of the guard gap (Linux stack_guard_gap). */
#define GROW_GUARD_PAGES 256u

/* First page of a region with its guard gap, if it has one (Linux vm_start_gap()). */
static inline uint32_t grow_start(const struct region *region)
{
    if (LIKELY((region->flags & REGION_GROWSDOWN) == 0)) {
        return region->first;
    }
    return region->first > GROW_GUARD_PAGES ? region->first - GROW_GUARD_PAGES : 0;
}

/*
 * Let the region after `page`, which is in none, grow down to it.
 *
 * Returns: the region that holds the page now; NULL if the one after it does not grow, or not so
 *          far: below the lowest address, into the guard gap of an accessible region that does not
 *          grow itself, over a limit (pages, stack, locked, commit). Nothing is recorded then.
 * Semantics: Linux 6.12, expand_downwards(), acct_stack_growth().
 */
struct region *grow_down(struct core *core, struct space *space, uint32_t page);
