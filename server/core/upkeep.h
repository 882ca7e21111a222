/* SPDX-License-Identifier: MIT */
/*
 * Who pays for shared memory: the budget of the space that made it (budget.h).
 *
 * A memory object costs its frames, the pages of the table from page to frame, and a share of a
 * frame for its records, whoever touches the pages, and who is refused a page is told of that
 * budget. It may outlive its payer, held, named or mapped by others: then the space that lent the
 * payer its budget pays. That one has the budget back less what the objects cost, in one step: so
 * it always suffices, and nobody else can take it. After the last lender nobody pays.
 *
 * I1  A payer's list has all objects that it pays for, `objects` many, and `object_charge` is what
 *     they cost (upkeep_count()).
 * I2  `payer` of an object is a live space that has a budget of its own, or 0.
 * Owner: who is in shared_enter(), as for the objects themselves (shared.h); so the payer of an
 * object that somebody looks at does not end meanwhile.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>

#include "server/core/object.h"
#include "server/core/space.h"

/* How many objects are charged as one frame. */
#define UPKEEP_OBJECTS 20u

/*
 * Charge for the record of an object that `space` is about to make. The caller stays in
 * shared_enter() until it has made it or called upkeep_cancel().
 *
 * Returns:   whether the budget allows it (recorded).
 * On error:  nothing changed.
 */
MUST_USE bool upkeep_reserve(const struct core *core, struct space *space);

/* Take that back: no object is made. */
void upkeep_cancel(const struct core *core, struct space *space);

/* Enter an object that `space` made and upkeep_reserve() has charged for. */
void upkeep_open(const struct core *core, const struct space *space, struct object *object);

/*
 * Charge for `frames` frames more of an object, which `space_opt` wants.
 *
 * Returns:   whether the payer's budget allows it (recorded for `space_opt`).
 * On error:  nothing changed.
 */
MUST_USE bool upkeep_take(const struct core *core, struct space *space_opt,
                          const struct object *object, uint64_t frames);

/* Take such a charge back. */
void upkeep_give(const struct core *core, const struct object *object, uint64_t frames);

/*
 * A pinned frame of an object is its no longer, but has to be kept: what it costs goes on being
 * paid.
 */
void upkeep_detain(struct core *core, const struct object *object, uint32_t frame);

/* An object that has no frames any longer goes. */
void upkeep_close(const struct core *core, struct object *object);

/*
 * Have who lent it the budget pay for the objects of a space that ends, and close its budget
 * (budget_close()). May wait for the lock, before anything is changed.
 */
void upkeep_inherit(struct core *core, struct space *space);

/* What the objects that a space pays for cost, by their structure. */
uint64_t upkeep_count(const struct core *core, const struct space *space);

/* Check I1 and I2 for a space. */
void upkeep_audit(const struct core *core, const struct space *space);
