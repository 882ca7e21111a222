/* SPDX-License-Identifier: MIT */
/*
 * What is drawn otherwise where there are huge pages.
 */
#pragma once

#include "draw.h"

/* Make most mappings ones of huge pages, some of a size of which there are none. */
void draw_huge_map(struct draw *draw, struct step *step);

/* Core has few frames beside the pool: keep what is not of huge pages small. */
void draw_huge_keep_small(const struct draw *draw, struct step *step);

/*
 * Whether the offset of a MAP is none that is refused before the place is looked at, which Linux
 * does the other way round (known_object.c): such are not for batches.
 */
bool draw_huge_can_batch(const struct step *step);

/*
 * A step was carried out: Linux leaves regions of huge pages cut where it cut them, though it be
 * refused or undone.
 */
void draw_huge_see(struct draw *draw, const struct step *step);
