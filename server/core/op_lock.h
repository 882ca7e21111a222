/* SPDX-License-Identifier: MIT */
/*
 * LOCK, UNLOCK, LOCK ALL, UNLOCK ALL: whether pages of a range are promised to stay present.
 *
 * Being locked is a property of regions, which keeps neighbours apart. Locked pages count against
 * the lock limit by the region, present or not. LOCK ON FAULT marks a region without making its
 * pages present.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <base/types.h>

#include "server/core/lock_cost.h"
#include "server/core/space.h"

struct lock_request {
    uaddr_t address; /* of any byte: the pages that the bytes touch are meant */
    uint64_t length; /* bytes */
    uint32_t flags;  /* MEM_LOCK_ONFAULT, MEM_LOCK_DRY; 0 for UNLOCK */
    bool is_linux;   /* stop at a hole, and keep what was done before (R0) */
};

/*
 * Lock the pages of a range, and make them present unless MEM_LOCK_ONFAULT is given.
 *
 * Returns:   ERR_OK, also for length 0. In this order: ERR_INVAL: unknown flag, for this call also
 *            MEM_LOCK_DRY; ERR_PERM: the space
 *            may not lock (R10); ERR_INVAL (STRICT): length wraps; ERR_NOMEM: over the lock limit;
 *            ERR_INVAL: the range wraps; ERR_NOMEM: a hole, splits at the limit of regions, no
 *            record; ERR_NOMEM: a page without access or past the end of its object; ERR_AGAIN: no
 *            frame.
 * On error:  nothing changed but residence; LINUX form: what is before the hole is locked; if only
 *            pages could not be made present, all is locked.
 * Semantics: mlock(2), mlock2(2); Linux takes a length that wraps modulo 2^64.
 */
MUST_USE enum err op_lock(struct core *core, struct space *space,
                          const struct lock_request *request);

/*
 * Say what op_lock() in the STRICT form would do and take, with MEM_LOCK_DRY, without doing it:
 * lock_cost.h says what is not known before. `cost` is 0, or what the turn before left.
 *
 * Returns:   as op_lock(), for the same reasons in the same order; ERR_WAIT only with turns
 *            (NEED_TURN): `cost` and core->need are for the next one.
 * On error:  nothing changed, as without.
 */
MUST_USE enum err op_lock_cost(struct core *core, struct space *space,
                               const struct lock_request *request, struct lock_cost *cost);

/*
 * What is left of LOCK in the LINUX form: make pages of `range`, which is locked, present.
 *
 * Returns: ERR_OK; ERR_NOMEM, ERR_AGAIN as op_lock(); ERR_WAIT.
 */
MUST_USE enum err op_lock_rest(struct core *core, struct space *space, struct range range);

/*
 * Undo LOCK for a range.
 *
 * Returns:   ERR_OK; ERR_INVAL: flags, range wraps; ERR_NOMEM: a hole, splits, no record.
 * On error:  nothing changed; LINUX form: what is before the hole is unlocked.
 * Semantics: munlock(2).
 */
MUST_USE enum err op_unlock(struct core *core, struct space *space,
                            const struct lock_request *request);

/*
 * Lock every region that is there (MEM_LOCK_CURRENT), that is to come (MEM_LOCK_FUTURE), or both;
 * with MEM_LOCK_ALL_ONFAULT on fault. What is to come is as this request says, whatever was before.
 *
 * Returns:   ERR_OK; ERR_INVAL: flags; ERR_PERM: the space may not lock; ERR_NOMEM: CURRENT, and
 *            the space has more pages than it may lock; no record. Pages that cannot be made
 *            present do not fail it.
 * On error:  nothing changed.
 * Semantics: mlockall(2).
 */
MUST_USE enum err op_lock_all(struct core *core, struct space *space, uint32_t flags);

/*
 * Say what op_lock_all() would do and take, with MEM_LOCK_DRY or without, without doing it, as
 * op_lock_cost(); without MEM_LOCK_CURRENT that is nothing.
 *
 * Returns:   as op_lock_all(), for the same reasons in the same order; ERR_WAIT only with turns
 *            (NEED_TURN): `cost` and core->need are for the next one.
 * On error:  nothing changed, as without.
 */
MUST_USE enum err op_lock_all_cost(struct core *core, struct space *space, uint32_t flags,
                                   struct lock_cost *cost);

/*
 * Unlock every region, and lock none to come.
 *
 * Returns:   ERR_OK; ERR_NOMEM: no record.
 * On error:  nothing changed.
 * Semantics: munlockall(2).
 */
MUST_USE enum err op_unlock_all(struct core *core, struct space *space);
