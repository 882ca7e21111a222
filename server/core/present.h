/* SPDX-License-Identifier: MIT */
/*
 * Pages that are present already, for requests that make pages present: LOCK, POPULATE and their
 * like. They are mapped again, since the page table is a cache and may have lost them; what stands
 * on consecutive frames is mapped as one vector.
 *
 * Owner: the space.
 */
#pragma once

#include <stdint.h>

#include <base/attr.h>

#include "server/core/space.h"

/*
 * Map the pages from `page` on that the space has on frames of its own, as long as they are
 * consecutive on consecutive frames, within the region and the leaf that hold `page`, and before
 * `end`. The region allows the access that they are made present for.
 *
 * Returns: how many pages that are; 0 where the first is none of them. Makes port calls.
 */
MUST_USE uint32_t present_run(struct core *core, struct space *space, uint32_t page, uint32_t end);
