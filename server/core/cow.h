/* SPDX-License-Identifier: MIT */
/*
 * Pages that a space and its clones share until one of them writes.
 *
 * CLONE makes the frames of touched private pages FRAME_COW: shadow entries of several spaces name
 * them, none of which is mapped with write. The first write by a space copies the page, unless
 * nobody else has the frame any longer: then it keeps it. The zero frame is shared already and
 * stays as it is.
 *
 * I1  `references` of a FRAME_COW record is the number of SHARED entries that name the frame; its
 *     page is where they were when it was shared first (reclaim.h finds them there).
 * I2  pool.cow is the number of such frames; space->shared the number of such entries.
 * Owner: entries: the space; records of such frames and pool.cow: who is in shared_enter().
 *
 * Not here: which regions a clone gets (op_clone.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/assert.h>
#include <base/attr.h>

#include "server/core/fault.h"
#include "server/core/pool.h"
#include "server/core/range.h"

/* One entry less names the frame. Returns: whether it was the last, and the frame can be given. */
static inline bool cow_put(const struct core *core, uint32_t frame)
{
    struct frame *record = &core->frames[frame];

    ASSERT(record->kind == FRAME_COW);
    record->references--;
    return record->references == 0;
}

/*
 * Make a page present whose entry is SHARED.
 *
 * Returns:   FAULT_READY; FAULT_NO_FRAME if a copy finds none. May make port calls (records).
 * On error:  nothing changed.
 */
MUST_USE enum fault_outcome cow_fault(struct core *core, const struct fault *fault,
                                      struct fault_answer *answer);

/* Pages of `range`, which lies in one leaf that stands, whose contents are the space's own. */
uint32_t cow_count(const struct core *core, struct space *space, struct range range);

/*
 * Enter the pages of `range`, which lie in one leaf, in the space `to`, whose leaf stands: private
 * pages as SHARED in both, others as they are; none that `to` has already, a copy.
 *
 * Requires:  no page of the range is mapped with write. In a commit, WRITING.
 */
void cow_share(struct core *core, struct space *from, struct space *to, struct range range);
