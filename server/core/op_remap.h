/* SPDX-License-Identifier: MIT */
/*
 * REMAP: shrink, grow or move a mapping.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <base/types.h>

#include "server/core/space.h"

struct remap_request {
    uaddr_t address;
    uint64_t length_old; /* bytes */
    uint64_t length_new;
    uint32_t flags; /* MEM_REMAP_ */
    uaddr_t target; /* looked at with FIXED or DONTUNMAP */
    bool is_linux;  /* with FIXED, leave done what Linux has done when it refuses (R0) */
};

/*
 * Change length or place of the mapping at `request->address`.
 *
 * Returns:   ERR_OK and where the mapping is. ERR_INVAL: unknown or contradictory flags, unaligned
 *            addresses, new length 0, old length 0 of a private mapping, a target outside user
 *            space or overlapping the old place; ERR_FAULT: nothing mapped there, or the old range
 *            is not inside one region; ERR_PERM: target below the lowest address; ERR_NOMEM: no
 *            room to grow or move, limits, records, frames. With the address: ERR_MORE, where
 *            requests go in steps (work.h): what is locked and new is made present after these,
 *            and `more.rest` says what that is; ERR_WAIT, as populate_what_can_be().
 * On error:  nothing changed; LINUX form, FIXED: what was at the target, and the tail that was to
 *            be cut off, may be unmapped.
 * Semantics: mremap(2).
 */
MUST_USE enum err op_remap(struct core *core, struct space *space,
                           const struct remap_request *request, uaddr_t *address);
