/* SPDX-License-Identifier: MIT */
/*
 * ADVISE(PAGEOUT): what reclaim would do to pages that nobody has touched for long, done to those
 * of a range at once, as far as nobody else has them.
 *
 *   page                                   what becomes of it
 *   of a pager's object, clean             goes, and its frame is free
 *   the same, written to                   goes from the space; its frame when it is saved
 *   anonymous, or of shared memory         becomes a page of the swap area, and its frame goes when
 *                                          it is saved; without an area it stays
 *   of an object that others map too, or   goes from this space alone
 *   with more than EVICT_REGIONS regions
 *   of clones                              stays (Linux: mapped more than once)
 *   pinned; of a process that serves a     stays
 *   pager; of an object nobody serves
 *   the zero frame, wired, a device        stays
 *   large leaf                             split, if there is an area; else it stays
 *
 * Nobody waits for what has to be saved: write-back begins with it (writeback.h), a touch meanwhile
 * finds the page where it is and has it stay, and with the message that says it is saved it goes
 * (op_pageout_finish). A server that dies in between leaves pages that reclaim would take next.
 *
 * A message is about some 32 pages or regions, less if much has to be looked at for them (slots of
 * an area that is almost full, regions of objects), and the rest of the range is for the next one.
 *
 * Not here: who may say so, and of which regions (op_advise.h); taking a page (evict.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/core/op_advise.h"

/*
 * op_advise() for PAGEOUT. The caller has `processes`, and no bucket: all are taken.
 *
 * Returns:   as op_advise(); ERR_WAIT (NEED_TURN): the rest of the range is for the next message;
 *            ERR_MORE: what another request has begun with the space comes first.
 * On error:  as op_advise().
 * Semantics: madvise(2), MADV_PAGEOUT.
 */
MUST_USE enum err op_pageout(struct core *core, struct space *space,
                             const struct advise_request *request);

/*
 * Take pages of a range, all of which is in regions that may be asked for it; only who has all
 * buckets.
 *
 * Returns:   ERR_OK; ERR_WAIT (NEED_TURN).
 */
MUST_USE enum err op_pageout_range(struct core *core, struct space *space, struct range range);

/*
 * Take the pages that were to leave and that this message has saved (core->leave), if there are
 * any. The caller has `processes`, and no bucket.
 */
void op_pageout_finish(struct core *core);
