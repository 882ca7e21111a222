/* SPDX-License-Identifier: MIT */
/*
 * Faults on pages that are swapped (swap.h).
 *
 * While the slot has its frame, reading maps that without write, so that the copy in the swap area
 * stays good; but only at one page number, in however many clones, so that reclaim finds who has it
 * mapped. Writing, locking and whoever has it elsewhere get a frame of their own: that of the slot
 * if nobody else has the slot, else a copy.
 */
#pragma once

#include <base/attr.h>

#include "server/core/fault.h"

/*
 * Make a page present whose entry is SWAPPED.
 *
 * Returns:   FAULT_READY; FAULT_WAIT: for the pager; FAULT_NO_FRAME if a copy finds none. May make
 *            port calls (records).
 * On error:  nothing changed.
 */
MUST_USE enum fault_outcome swap_fault(struct core *core, const struct fault *fault,
                                       struct fault_answer *answer);
