/* SPDX-License-Identifier: MIT */
/*
 * What PIN would cost (MEM_PIN_DRY): judged as by op_pin.h, and nothing is changed.
 *
 * The walk goes page by page, as PIN does, and asks of each what tally.h says, and of its frame who
 * pins it. A PIN of the same right after takes just that, and stops at the same page, but for what
 * is not known before: what tally.h does not know; stacks, which do not grow for this; frames that
 * are refused by a budget or the machine leave tables behind; who goes in steps or waits; a page of
 * an object that more than PIN_COST_BACK regions of the range before show once more.
 */
#pragma once

#include "server/core/op_pin.h"

/* Regions that a page of an object is looked for in that may have shown it before. */
#define PIN_COST_BACK 32u

struct pin_cost {
    uint64_t pages;
    uint64_t frames;  /* for pages, copies, tables, and for the record of the pin */
    uint64_t charged; /* of these, to the budget of the space, and of the owner if that is his */
    uint64_t copies;  /* of the frames: those that something is copied to */
    uint64_t counted; /* that count against the owner's lock limit and do not yet */
    uint64_t limit;   /* MEM_UNLIMITED: none */
    uint64_t used;
};

/*
 * Say what op_pin() would do and take, without doing it.
 *
 * Returns:   as op_pin(), but for what only doing it shows.
 * On error:  nothing changed, as without.
 */
MUST_USE enum err op_pin_cost(struct core *core, struct space *space,
                              const struct pin_request *request, struct pin_cost *cost);
