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

/*
 * Make the pages of `range`, which `region` holds, present for `access` (one MEM_PROT_ bit it has).
 *
 * Returns: FAULT_READY; FAULT_PAST_END, FAULT_NO_FRAME or FAULT_WAIT: the pages before are present.
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
