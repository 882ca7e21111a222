/* SPDX-License-Identifier: MIT */
/*
 * MAP over more than one step gives back (work.h, WORK_REPLACE).
 *
 *   AAAAaBBCCCCDDDdd    the new region is to replace what is in the middle
 *   AAAANBBCCCCDDDdd    replace_begin: its first page is there, and keeps its object
 *   AAAAN_______DDDd    the pages of the others go in steps, and their regions stand
 *   AAAANNNNNNNNdddd    replace_step: it takes the place of some regions after the others
 *
 * Owner: the space.
 */
#pragma once

#include <stdbool.h>

#include "server/core/range.h"
#include "server/core/region.h"

struct core;
struct space;

/* Records that replace_begin() needs besides those of cut and insertion. */
#define REPLACE_RECORDS 1u

/*
 * Whether what is in `range` goes in steps. Not where huge pages are: those go at once, as they do
 * in a twin.
 */
bool replace_is_long(const struct core *core, const struct space *space, struct range range);

/*
 * Begin it in a commit, WRITING, which has removed the leaves of the first page: one in no large
 * leaf. The promise for all that comes stands, and becomes the work's.
 */
void replace_begin(struct core *core, struct space *space, struct range range,
                   const struct region_kind *kind);

/* Let the region take the place of those in `part`, from the start of the work's range on. */
void replace_step(struct core *core, struct space *space, struct range part);
