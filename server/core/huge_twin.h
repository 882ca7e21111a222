/* SPDX-License-Identifier: MIT */
/*
 * Huge pages in a batch, and what requests that unmap some give back to a pool.
 *
 * Operations run on a twin (twin.h), whose regions name the same objects as those of its space, and
 * whose changes must leave no trace if the batch is refused. So what is unmapped on the twin stays
 * with its object until the commit; only objects that a MAP of the batch has made, which no region
 * of the space shows, change at once.
 *
 *   MAP      promises what the pool has, and what will come back to it by the commit: until then
 *            `reserved` of the pool may be more than `free`
 *   commit   huge_twin_settle(): pages go that the twin no longer shows; afterwards `reserved` is
 *            at most `free` again
 *   refusal  the twin ends, and with it what was promised
 *
 * So all of it is one shared_enter(). DONTNEED has promised again what is left after all.
 *
 * I1  Nothing moves in a batch: what a region of the twin shows at an address is shown there in the
 *     space too, or a MAP of the batch has made it.
 * Owner: who is in shared_enter().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "server/core/object.h"
#include "server/core/range.h"
#include "server/core/space.h"

/*
 * Let go of the private pages of a range that is unmapped, but for those of a twin's objects that
 * the space that it is of shows. In a commit, WRITING.
 */
void huge_twin_unmap(struct core *core, const struct space *space, struct range range);

/*
 * Pages of the pool of `level` that are nobody's once the range of the space is unmapped: free ones
 * without promises; of a twin, once it is exchanged, too.
 *
 * Returns: how many; negative: others were promised what only the commit gives back.
 */
int64_t huge_twin_spare(const struct core *core, const struct space *space, struct range range,
                        uint32_t level);

/* Have pages go that `space` shows, and `twin` not. In a commit, WRITING, before the exchange. */
void huge_twin_settle(struct core *core, const struct space *space, const struct space *twin);
