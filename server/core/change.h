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

/* Records that a change may need: a split at each edge. */
#define CHANGE_RECORDS 2u

/*
 * How many splits changing `range` takes at its edges, those left out that join a neighbour at
 * once: what change_check() judges by the limit of regions.
 */
uint32_t change_splits(const struct core *core, const struct space *space, struct range range,
                       const struct change *change);

/*
 * Judge limits and have the records for changing `range`, every page of which is in a region.
 *
 * Returns:   ERR_OK and a plan; ERR_NOMEM over the data or commit limit, for a split at the limit
 *            of regions, or without a frame for records (recorded).
 * On error:  nothing changed.
 */
MUST_USE enum err change_check(struct core *core, struct space *space, struct range range,
                               const struct change *change, struct change_plan *plan);

/*
 * Carry out a plan. Holes are passed over.
 *
 * Returns: ERR_OK; ERR_MORE, with turns: regions still have to change, or leaves to lose rights, in
 *          steps (work.h).
 */
MUST_USE enum err change_apply(struct core *core, struct space *space, struct range range,
                               const struct change *change, const struct change_plan *plan);

/* Whether the regions of a range that is not small are more than a step's; not in a twin. */
bool change_has_many(const struct core *core, const struct space *space, struct range range);

/* Whether that would be more than a step for its regions. */
static inline bool change_is_long(const struct core *core, const struct space *space,
                                  struct range range)
{
    return UNLIKELY(work_may_be_long(range)) && change_has_many(core, space, range);
}

/* Carry out the part of a WORK_CHANGE that `part`, from the start of its range on, is about. */
void change_step(struct core *core, struct space *space, struct range part);
