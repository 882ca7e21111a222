/* SPDX-License-Identifier: MIT */
/*
 * What PIN may do with which pages: the rules that decide and change nothing.
 *
 * Not here: doing it (op_pin.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/core/op_pin.h"
#include "server/core/region.h"

static inline bool pin_has(const struct pin_request *request, uint32_t flags)
{
    return (request->flags & flags) != 0;
}

/* Whether the request can be made by its owner. Returns: ERR_OK, ERR_INVAL (P12), ERR_PERM. */
MUST_USE enum err pin_rule_check(struct space *space, const struct pin_request *request);

/* P2, P3: whether pages of the region can be pinned so (Linux check_vma_flags()). */
bool pin_rule_allows(const struct core *core, const struct region *region,
                     const struct pin_request *request);

/* P4: whether the owner's next write would go to another frame than the one that is pinned. */
bool pin_rule_unshares(const struct region *region, const struct pin_request *request,
                       uint64_t entry);

/* P14: how many frames more the owner may pin. */
uint64_t pin_rule_allowance(const struct space *owner);
