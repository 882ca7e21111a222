/* SPDX-License-Identifier: MIT */
/*
 * PROTECT: change the protection of a range.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <base/types.h>

#include "server/core/space.h"

struct protect_request {
    uaddr_t address;
    uint64_t length; /* bytes */
    uint32_t prot;
    bool is_linux; /* on an error part-way, leave the part before it changed (R0) */
};

/*
 * Give the pages of a range the protection `request->prot`.
 *
 * Returns:   ERR_OK, also for length 0. In this order: ERR_INVAL if the address is not aligned;
 *            ERR_NOMEM if the range wraps or leaves user space; ERR_INVAL for unknown bits; then,
 *            region by region, ERR_NOMEM for a hole, ERR_ACCES for a protection that the region may
 *            never have; ERR_NOMEM over the data or commit limit, for splits at the limit of
 *            regions, and without a record.
 * On error:  nothing changed; LINUX form: what is before the hole or the refusing region has
 *            changed.
 * Semantics: mprotect(2).
 */
MUST_USE enum err op_protect(struct core *core, struct space *space,
                             const struct protect_request *request);
