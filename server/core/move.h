/* SPDX-License-Identifier: MIT */
/*
 * REMAP to another place of more than one step is about (work.h, WORK_MOVE).
 *
 *   ooooAAAAAAtttoooo    nnnnnn    A is to move, what follows it to go
 *   ooooAAAAAAtttoooo    AAAAAA    move_begin: there are two regions; where others are in the way
 *                                  the new one takes their place first (replace.h)
 *   ooooAAAA__tttoooo    ____AA    move_step: pages, with their leaves, the last first
 *   oooo         oooo    AAAAAA    WORK_UNMAP, unless the old region is to stay
 *
 * Owner: the space.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "server/core/range.h"
#include "server/core/region.h"

struct core;
struct space;

/* What moves where, and what goes then. */
struct move {
    struct range from; /* may be empty: the pages are to be in two places */
    struct range to;   /* at least as long */
    struct range gone; /* what is unmapped in the end: what moved and what is cut off, or nothing */
    bool replaces;     /* what is in the way goes in steps too; else there is nothing */
};

/* Whether it goes in steps. Not where huge pages are in the way or cut off. */
bool move_is_long(const struct core *core, const struct space *space, const struct move *move);

/*
 * Begin it in a commit, WRITING, which has removed the leaf of the first page of `to` if it
 * replaces. Tables are there, and no large leaf is in either. The promise for all that comes
 * becomes the work's.
 */
void move_begin(struct core *core, struct space *space, const struct move *move,
                const struct region_kind *kind);

/* Move the pages in `part`, the last of the work's range. Makes port calls. */
void move_step(struct core *core, struct space *space, struct range part);
