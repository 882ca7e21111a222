/* SPDX-License-Identifier: MIT */
/*
 * Fault-around: who reads a page of a pager's object has those beside it mapped that are there,
 * without a fault for each. Nothing is asked for, and nothing gets a frame.
 *
 * Owner: the caller has the bucket of the space, and is in shared_enter().
 */
#pragma once

#include "server/core/fault.h"

/* Pages around a fault: those of the aligned block that it is in. A power of two up to 512. */
#define AROUND_PAGES 16u

/*
 * Map what is there of the object, without a gap, before and behind the page of a fault that has
 * just become present; as far as its region, its block, and pages that the space does not have yet
 * reach. Not where use is said to be random. Makes port calls.
 */
void around_map(struct core *core, const struct fault *fault, struct object *object);
