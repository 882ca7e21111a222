/* SPDX-License-Identifier: MIT */
/*
 * Changing flags of all regions in a range: what PROTECT and the lasting kinds of ADVISE have in
 * common.
 *
 *   AAAAAA|AAAA        edges that fall into a region whose flags change split it, then
 *   AAAAAA|BBBB CCC    what can be joined again is joined, with the neighbours too
 *
 * Private regions that become writable enter the commit account; one that stops being writable
 * leaves it if it never held a page of its own (Linux mprotect_fixup()).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/core/space.h"

struct change {
    uint32_t clear; /* REGION_ bits */
    uint32_t set;
};

/* What the check found; good until the space changes. */
struct change_plan {
    struct region *first; /* the first region that will differ; NULL: none will */
    uint32_t lost;        /* rights that some region loses */
};

/*
 * Judge limits and have the records for changing `range`, every page of which is in a region.
 *
 * Returns:   ERR_OK and a plan; ERR_NOMEM over the data or commit limit, for a split at the limit
 *            of regions, or without a frame for records (recorded).
 * On error:  nothing changed.
 */
MUST_USE enum err change_check(struct core *core, struct space *space, struct range range,
                               const struct change *change, struct change_plan *plan);

/* Carry out a plan. Holes are passed over. */
void change_apply(struct core *core, struct space *space, struct range range,
                  const struct change *change, const struct change_plan *plan);
