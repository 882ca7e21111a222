/* SPDX-License-Identifier: MIT */
/*
 * ADVISE: what a client says about its use of a range.
 *
 * DONTNEED (DONTNEED_LOCKED: of locked regions too) gives pages back. POPULATE_READ and _WRITE make
 * pages present. NORMAL, RANDOM, SEQUENTIAL, DONTFORK, DOFORK, WIPEONFORK, KEEPONFORK, HUGEPAGE and
 * NOHUGEPAGE are properties of regions, which keep neighbours apart. WILLNEED makes some pages
 * present, PAGEOUT takes some (op_pageout.h: it is for who has all buckets; in a batch it is judged
 * only). FREE and COLD are judged and leave pages as they are, as Linux does while nobody wants
 * frames.
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
    bool has_hole;   /* then: one was passed before this turn, and is answered in the end */
};

/* Whether the advice changes regions; it may be any number. */
bool advise_changes_regions(uint32_t advice);

/*
 * Take advice for a range.
 *
 * Returns:   ERR_OK, also for length 0. In this order: ERR_INVAL: unknown advice, unaligned
 *            address, wrapping range; per region: ERR_NOMEM: a hole; ERR_INVAL: DONTNEED, FREE,
 *            COLD, PAGEOUT of a locked region, FREE and WIPEONFORK of one that is not private and
 *            anonymous, POPULATE without the right; ERR_AGAIN: splits at the limit of regions, no
 *            record; POPULATE: ERR_FAULT: past the end of an object; ERR_NOMEM: no frame.
 * On error:  nothing changed but residence; LINUX form: the regions before the one that refuses
 *            have taken the advice; holes are passed over and refused in the end, but for
 *            POPULATE, which stops there.
 * Semantics: madvise(2).
 */
MUST_USE enum err op_advise(struct core *core, struct space *space,
                            const struct advise_request *request);
