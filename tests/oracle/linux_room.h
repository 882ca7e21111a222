/* SPDX-License-Identifier: MIT */
/*
 * Preparing an address space of Linux, so that everything in it but the zones of a sequence is
 * occupied.
 *
 * Randomization is off and the stack limit is set such that the mapping base comes to lie 37 pages
 * above a multiple of 1 GiB, a little above a third of the address space: there the window is the
 * lowest thing after the program itself, so that lists of regions need not be read to their end,
 * and the search that Linux makes upwards when there is nothing below the base begins below the
 * window. Two program starts lead there. Fillers are shared mappings of a file without protection:
 * they join each other, but nothing in a zone.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "slot.h"

/* Files of this process, opened while it was root. */
struct room_files {
    int maps;
    int smaps;
    int pagemap;
    int memory;
    int statm;
};

/*
 * Bring this process to where the stage is. Starts the program again (with `argv`, of which the
 * last word counts the starts) until the mapping base is where it should be; returns in the last
 * one.
 */
void room_enter(char **argv, struct slot *slot);

/* Drop privileges if asked to, fill everything and open the files. */
void room_prepare(struct slot *slot, struct room_files *files);

/* Empty the zones of the last sequence, make those of the next one, and take back limits. */
void room_change(const struct slot *slot);

/* Pages that count against RLIMIT_AS (0) and RLIMIT_DATA (1) outside the zones. */
uint64_t room_pages(unsigned which);

/* Pages of data inside the zones, from statm's number. */
uint64_t room_data_pages(uint64_t statm_data);

/* Report a failure and end. */
_Noreturn void room_fail(const char *what);
