/* SPDX-License-Identifier: MIT */
/*
 * Bringing a process to where the stage is.
 *
 * Randomization is off and the stack limit is set such that the mapping base comes to lie 37 pages
 * above a multiple of 1 GiB, a little above a third of the address space: there the window is the
 * lowest thing after the program itself, so that lists of regions need not be read to their end,
 * and the search that Linux makes upwards when there is nothing below the base begins below the
 * window. Two program starts lead there.
 */
#pragma once

#include "slot.h"

/*
 * Start the program again (with `argv`, of which the last word counts the starts) until the mapping
 * base is where it should be; return in the last one, with the slot's stage filled in as far as it
 * is known by then.
 */
void start_enter(char **argv, struct slot *slot);
