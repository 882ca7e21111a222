/* SPDX-License-Identifier: MIT */
/*
 * Making whole ranges present, region by region, as each region's rights let.
 *
 * LOCKED, POPULATE and the lock requests fault pages in for writing where the region is private and
 * writable, so that no later write has to copy, and for reading elsewhere.
 *
 * Not here: how one page becomes present (fault.h).
 */
#pragma once

#include "server/core/fault.h"

/* For what the pages of a region are made present (R27); 0: it lets nobody see them. */
uint32_t populate_access(uint32_t flags);

/*
 * Make the pages of `range`, which `region` holds, present for `access` (one MEM_PROT_ bit it has).
 *
 * Returns: FAULT_READY; FAULT_PAST_END, FAULT_NO_FRAME or FAULT_WAIT: the pages before are present.
 *          FAULT_WAIT also, with turns, when these are as many as one turn makes (NEED_TURN).
 */
MUST_USE enum fault_outcome populate_region(struct core *core, struct space *space,
                                            const struct region *region, struct range range,
                                            uint32_t access);

/*
 * Make what is mapped in `range` present; a request that starts over goes on where it was.
 *
 * Returns: FAULT_READY; FAULT_DENIED at a region without access, FAULT_PAST_END, FAULT_NO_FRAME,
 *          FAULT_WAIT: the pages before are present.
 */
MUST_USE enum fault_outcome populate_range(struct core *core, struct space *space,
                                           struct range range);

/*
 * The same, but go on with the next region where one cannot be made present.
 *
 * Returns: whether it has to wait for a page.
 */
MUST_USE bool populate_what_can_be(struct core *core, struct space *space, struct range range);

/* The same as far as it goes without waiting: the rest comes when it is touched. */
void populate_without_waiting(struct core *core, struct space *space, struct range range);

/*
 * Make absent pages of `range`, which `region` holds, present as if each had been written, but that
 * no more is filled than leaves some frames: where the region is anonymous or shared memory that
 * may be written, and the machine is set to fault ahead. Makes port calls.
 */
void populate_bring(struct core *core, struct space *space, const struct region *region,
                    struct range range);

/* Map what has moved to a range, as far as the protection lets anyone see it. */
void populate_moved(struct core *core, struct space *space, struct range range);
