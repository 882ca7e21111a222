/* SPDX-License-Identifier: MIT */
/*
 * PIN and UNPIN (P1 to P18): pages of a space are made present by the code of a client's own fault,
 * and stay in their frames until the pin goes.
 *
 *   page by page:  region, rights (P2, P3) -> present, and nobody else's (P4, P5) -> in the pin
 *
 * A page that the owner's next write would copy is given its frame before it is pinned for reading,
 * so that the write is seen through the pin. Rows of present pages go straight into the pin.
 *
 *   a page has to wait:  NOWAIT: count, or AGAIN (P13)
 *                        MAY_DROP: the space is free; that page is tried once more with it kept;
 *                        then on with the next (P8). A prefault ends where it waited (P10)
 *                        else the space is kept throughout (P9), if it can be: not another's, nor
 *                        for an object with endless patience. The answer says if it was not (P11)
 *
 * Not here: the ledger, and what becomes of pinned frames (pin.h); handles (shell).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <base/types.h>
#include <mem/proto_pin.h>

#include "server/core/pin.h"
#include "server/core/space.h"

struct pin_request {
    struct space *owner; /* who pins */
    uaddr_t address;     /* of any byte of the first page */
    uint64_t pages;
    uint32_t flags; /* MEM_PIN_... */
    uint32_t lease_ms;
    uint64_t due;    /* when the lease is over; with lease_ms */
    uint64_t device; /* number of its object; 0: none */
    uint64_t now;
    char purpose[PIN_PURPOSE];
};

struct pin_answer {
    uint64_t pages;      /* present, and pinned with GET */
    struct pin *pin_opt; /* NULL without GET */
    bool is_dropped;     /* P11 */
};

/*
 * Pin pages of `space`, or make them present. The caller has the buckets of both spaces.
 *
 * Returns:   ERR_OK: `answer->pages` of them, in order. In this order: ERR_INVAL: unknown flags, or
 *            such as do not go together (P12), too many pages; ERR_PERM: FRAMES or a device without
 *            the owner's privilege. Of the first page: ERR_FAULT (P2, P3, P5); ERR_NOMEM: no frame,
 *            over the lock limit (P14), or too many pins; ERR_AGAIN: NOWAIT, and it would have to
 *            wait (P13: it is asked for). ERR_WAIT: a page has to wait (P8 to P10): what is pinned
 *            so far is named by core->need and `answer`, and the request is to start over, or to be
 *            ended by op_pin_end(); or, with NEED_TURN, a step of a huge page was made: nothing is
 *            pinned, and the request is to come again as it came. ERR_STALE: it started over, but
 *            its pin has gone: its thread has ended.
 * On error:  nothing changed but residence, and (ERR_WAIT) what was pinned so far.
 * Semantics: get_user_pages() of Linux 4.1; unsharing, LONGTERM and accounting of 6.12.
 */
MUST_USE enum err op_pin(struct core *core, struct space *space, const struct pin_request *request,
                         struct pin_answer *answer);

/*
 * End a PIN that said ERR_WAIT and cannot wait, for the reason `error`.
 *
 * Returns:   ERR_OK if pages were pinned (or made present) before; else `error`.
 */
MUST_USE enum err op_pin_end(struct core *core, struct space *space,
                             const struct pin_request *request, enum err error,
                             struct pin_answer *answer);

/*
 * Undo PIN. The caller has the owner's bucket.
 *
 * Returns:   ERR_OK; ERR_INVAL: flags; ERR_STALE: there is no pin with this number; ERR_PERM: it is
 *            another's.
 * On error:  nothing changed.
 */
MUST_USE enum err op_unpin(struct core *core, struct space *owner, uint64_t number, uint64_t flags);
