/* SPDX-License-Identifier: MIT */
/*
 * ADVISE: what a client says about its use of a range.
 *
 * DONTNEED gives pages back. NORMAL, RANDOM, SEQUENTIAL, DONTFORK, DOFORK, WIPEONFORK, KEEPONFORK,
 * HUGEPAGE and NOHUGEPAGE are properties of regions, which keep neighbours apart. WILLNEED is taken
 * note of only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <base/types.h>

#include "server/core/space.h"

struct advise_request {
    uaddr_t address;
    uint64_t length; /* bytes */
    uint32_t advice; /* MEM_ADVISE_ */
    bool is_linux;   /* process what is mapped although there are holes (R0) */
};

/*
 * Take advice for a range.
 *
 * Returns:   ERR_OK, also for length 0. In this order: ERR_INVAL: unknown advice, unaligned
 *            address, wrapping range; ERR_OPNOTSUPP: FREE, COLD, PAGEOUT, POPULATE_READ,
 *            POPULATE_WRITE; ERR_INVAL: WIPEONFORK of a region that is not private and anonymous;
 *            ERR_NOMEM: a hole; ERR_AGAIN: splits at the limit of regions, no record.
 * On error:  nothing changed; LINUX form: for a hole, all that is mapped has been processed; for
 *            the other errors, what is before the region that refuses.
 * Semantics: madvise(2).
 */
MUST_USE enum err op_advise(struct core *core, struct space *space,
                            const struct advise_request *request);
