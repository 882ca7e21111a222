/* SPDX-License-Identifier: MIT */
/*
 * The space under test, a child of the test program's: filled but for the zones of a sequence, as
 * core's was on the host, so that free choice has to find the same places.
 *
 * Its mapping base is random. Spaces are made until one has it a multiple of 2 MiB away from
 * core's, so that alignment means the same; addresses near the base are translated, all others are
 * the same.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <hf/process.h>
#include <mem/limits.h>

#include "guest_hand.h"
#include "script.h"

/* One of the spaces of a sequence: the first stays, the others are clones. */
struct place_side {
    struct hf_process process;
    struct hand hand;
};

struct place {
    struct place_side sides[STEP_SIDES];
    struct place_side *side; /* whose step it is */
    uint32_t last;           /* side that there is */
    uint32_t batch_end;      /* steps before this one were carried out */
    uint32_t left;           /* steps after the one that is carried out */
    const struct script_head *head;
    const struct room *room; /* of the sequence */
    uint64_t base;           /* of mapping, here */
    uint64_t base_pages;     /* of what fills it */
    unsigned tries;          /* spaces that were made */
};

/* Make the space. Returns: whether all went well; else an expectation of the test has failed. */
bool place_make(struct place *place, const struct script_head *head);

/* Make room for a sequence: its zones are empty, limits are as at the start. */
bool place_begin(struct place *place, const struct script_sequence *sequence);

/*
 * Make a clone of the side whose turn it is, in place of those after it, and let it have its turn.
 * Not for the last of STEP_SIDES.
 */
bool place_clone(struct place *place);

/* End it; expects that it gives back every frame. */
void place_end(struct place *place);

/* What an address of core's is here, and the reverse. */
uint64_t place_from_core(const struct place *place, uint64_t address);
uint64_t place_to_core(const struct place *place, uint64_t address);

/* Set a limit of the space, in bytes or regions, and leave its ceiling. */
bool place_limit(const struct place *place, enum mem_limit which, uint64_t value);

/* What counts against a limit, in pages. */
bool place_used(const struct place *place, enum mem_limit which, uint64_t *pages);
