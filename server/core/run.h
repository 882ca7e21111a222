/* SPDX-License-Identifier: MIT */
/*
 * Runs: 512 consecutive frames, the first of which is a multiple of 512, for one large leaf.
 *
 *   frames never used --+                    +--> large leaf --+--> 512 single pages  [run_split]
 *   512 free frames   --+--> list of runs ---+                 |
 *   [run_gather]             ^               +--> single frames, when there are no others
 *                            |                    [run_break]  |
 *                            +---------------------------------+
 *
 * A run that was never used is cut from the end of a fresh range, single frames from its beginning,
 * so that the two stay apart for long. A run that comes back whole stays whole, in the list of its
 * server thread or in the shared one. What came back frame by frame is gathered when no other run
 * is left: those of the shared list are looked through that were given last, RUN_GATHER_MAX at
 * most, and again only after as many have come back as a run has.
 *
 * I1  A free run's first record is FRAME_RUN, a used one's FRAME_LARGE; the other 511 are zero.
 * I2  All pages of records of a run are there.
 * Owner: the list in `struct worker` belongs to its server thread, the rest is shared (shared.h).
 */
#pragma once

#include <stdint.h>

#include <base/attr.h>

#include "server/core/arena.h"

/* Free runs that a server thread keeps. */
#define RUN_KEEP 2u

/* Most frames of the shared list that are looked through for a run. */
#define RUN_GATHER_MAX 16384u

/*
 * Take a free run for a large leaf of the space `owner` at `page`.
 *
 * Returns:   its first frame; 0 if there is none. May make port calls (pages of records).
 */
uint32_t run_take(struct core *core, uint32_t owner, uint32_t page);

/* Give back a run that nothing refers to. Makes no port call. */
void run_give(struct core *core, uint32_t frame);

/* Make a run that a large leaf has 512 frames of the same space and pages. */
void run_split(struct core *core, uint32_t frame);

/*
 * Cut `frames` frames, a multiple of `unit`, the first of which is a multiple of `unit` too (as the
 * machine counts), from those that were never used: for good, so they leave `fresh_left`. `unit` is
 * a multiple of 512. Their records are there, and zero. The caller is in shared_enter().
 *
 * Returns: the first; 0 if there is no such row. Makes port calls (pages of records).
 */
uint32_t run_carve(struct core *core, uint64_t frames, uint32_t unit);

/*
 * Let single frames be taken from a free run. The caller is in shared_enter(), and `broken` is
 * empty.
 *
 * Returns: whether there was a run.
 */
bool run_break(struct core *core);

/* Move the calling server thread's runs to the shared ones, all but `keep`, after the port's
 * vector. */
void run_spill(struct core *core, uint32_t keep);

/*
 * Runs that the calling server thread could take one after the other; those that would have to be
 * gathered first are not counted.
 */
uint64_t run_free(const struct core *core);

/* Check I1 and I2 for free runs. Returns: their frames. */
uint64_t run_audit(const struct core *core);
