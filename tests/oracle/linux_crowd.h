/* SPDX-License-Identifier: MIT */
/*
 * Filling a process with so many regions that only a few more may be made: what the limit of
 * regions does cannot be seen otherwise, since it is the machine's, not the process's.
 *
 * The crowd stands in the filler far above the window: pages side by side whose protection
 * alternates, each a region. The last ones come and go with the number that a sequence asks for.
 */
#pragma once

#include "slot.h"

/* Most regions that a sequence may have to spare. */
#define CROWD_SPARE_MAX 48u

/* Make the crowd; `maps` is the file that lists regions. */
void crowd_make(const struct slot *slot, int maps);

/* Leave as many regions to spare as the sequence says; its zones are empty. */
void crowd_change(const struct slot *slot);
