/* SPDX-License-Identifier: MIT */
/*
 * INCORE: which pages of a range have a frame behind them, and SYNC, which writes back what has
 * something behind it: requests that read the regions and leave them as they are.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <base/types.h>

#include "server/core/space.h"

/*
 * Write a byte for each page of the range to `pages`, at most `pages_max`: bit 0 is set if a touch
 * would find it in memory: present, or of an object whose frames are.
 *
 * Returns:   ERR_OK and how many; in this order ERR_INVAL: unaligned; ERR_NOMEM: the range leaves
 *            user space; a hole in what is looked at.
 * On error:  what is in `pages` means nothing.
 * Semantics: mincore(2).
 */
MUST_USE enum err op_incore(struct core *core, struct space *space, uaddr_t address,
                            uint64_t length, uint32_t pages_max, uint8_t *pages, uint32_t *count);

struct sync_request {
    uaddr_t address;
    uint64_t length; /* bytes */
    uint32_t flags;  /* MEM_SYNC_ */
    bool is_linux;   /* a length that wraps is taken modulo 2^64 */
};

/*
 * With MEM_SYNC_SYNC, have the pages of a range saved that have a pager behind them and were
 * written to.
 *
 * Returns:   ERR_OK, also for length 0; in this order ERR_INVAL: unknown flags, unaligned, ASYNC
 *            and SYNC; ERR_NOMEM: the range wraps; per region: ERR_BUSY: INVALIDATE of a locked
 *            one; ERR_NOMEM: a hole, which only ASYNC alone answers before a later ERR_BUSY;
 *            ERR_WAIT: pages are being saved, or (NEED_TURN) the rest of the range is for the
 *            next message; ERR_TIMEDOUT: they, or others of the object since the last SYNC, were
 *            not in time; ERR_IO: they were not for any other reason.
 * On error:  nothing changed.
 * Semantics: msync(2).
 */
MUST_USE enum err op_sync(struct core *core, struct space *space,
                          const struct sync_request *request);
