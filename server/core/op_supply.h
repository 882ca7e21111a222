/* SPDX-License-Identifier: MIT */
/*
 * PAGER_SUPPLY, PAGER_FAIL, PAGER_WROTE: what a pager answers to what it took (op_pager.h).
 *
 * Answers may be about part of a pull, in any order. One to a pull that has ended, was never given,
 * or is another pager's is STALE, and one about pages that are there already EXIST.
 */
#pragma once

#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <base/types.h>

#include "server/core/object.h"
#include "server/core/space.h"

enum supply_way {
    SUPPLY_COPY = 1, /* from the pager's memory, which stays */
    SUPPLY_MOVE = 2, /* its own pages become the object's; they are absent afterwards */
    SUPPLY_ZERO = 3, /* pages of zeros */
};

struct supply_request {
    uint64_t number; /* of the object */
    uint64_t first;
    uint64_t pages;
    uint64_t generation;
    uaddr_t address; /* of the pager; page aligned; not looked at for SUPPLY_ZERO */
    uint32_t way;    /* enum supply_way */
    uint32_t reserved;
};

/*
 * Fill pages of a pull.
 *
 * Returns:   ERR_OK; ERR_TYPE: no pager; ERR_PERM: the caller does not serve it; ERR_INVAL: no
 *            pages, or an unaligned address; ERR_STALE: no such pull; ERR_RANGE: pages that are not
 *            the pull's; ERR_EXIST at the first page that was supplied, has failed or does not
 *            exist any longer; ERR_FAULT at the first that cannot be read or (MOVE) is not the
 *            pager's alone; ERR_NOMEM at the first without a frame; ERR_WAIT: the pager's own
 *            memory is another pager's. In `*done`, always: how many pages were filled.
 * On error:  what was filled stays so; of MOVE none is, or all.
 */
MUST_USE enum err op_supply(struct core *core, struct space *space, struct object *named,
                            const struct supply_request *request, uint64_t *done);

struct settle_request {
    uint64_t number; /* of the object */
    uint64_t first;
    uint64_t pages;
    uint64_t generation;
    enum err reason; /* ERR_OK: saved */
};

/*
 * Pages of a pull cannot be filled: who waits for them is told `reason`, which is not ERR_OK. A
 * pager's reason is ERR_IO, ERR_NOENT, ERR_ACCES, ERR_NODEV or ERR_NOSPC; any other counts as
 * ERR_IO, so that nobody takes it for what the server says of memory, deadlines or ends.
 *
 * Returns:   ERR_OK; ERR_TYPE, ERR_PERM, ERR_INVAL, ERR_STALE, ERR_RANGE as above.
 * On error:  nothing changed.
 */
MUST_USE enum err op_supply_fail(struct core *core, struct space *space, struct object *named,
                                 const struct settle_request *request);

/*
 * Pages of a pull, all or part of it, are saved, or (a reason) are not: then they are as before,
 * and who waits for them is told; if nobody does, the next SYNC of the object is. The others are
 * still to be answered, in the time that the pull had at first.
 *
 * Returns:   as op_supply_fail(), but that a reason of ERR_OK is legal; ERR_EXIST: one of them was
 *            answered before.
 * On error:  nothing changed.
 */
MUST_USE enum err op_supply_wrote(struct core *core, struct space *space, struct object *named,
                                  const struct settle_request *request);
