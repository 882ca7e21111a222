/* SPDX-License-Identifier: MIT */
/*
 * How a huge page becomes present: filled, or copied from one that others have too, in steps
 * (huge.h).
 */
#pragma once

#include <base/attr.h>

#include "server/core/fault.h"

/*
 * Make the page present that holds `fault->page`, whose region is of huge pages and allows it.
 *
 * Returns:   FAULT_READY; FAULT_PAST_END: there is no page for it; FAULT_NO_FRAME: none for tables;
 *            FAULT_AGAIN: a step was made, and the fault is to come again. Makes port calls.
 */
MUST_USE enum fault_outcome huge_fault(struct core *core, const struct fault *fault,
                                       struct fault_answer *answer);
