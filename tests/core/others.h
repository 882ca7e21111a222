/* SPDX-License-Identifier: MIT */
/*
 * Clients beside that of a stall, for schedules by chance: clones of it, and strangers that map the
 * pager's object too. Each has one thread, which touches, unmaps, syncs, and pins its own pages and
 * those of the stall's client; each may end at any time, whatever it and others wait for.
 *
 * Owner: the test program; valid between others_start() and stall_finish().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define OTHERS 2u

/* What they have done so far, in all schedules. */
struct other_counts {
    uint64_t clones;
    uint64_t ended;         /* spaces */
    uint64_t ended_waiting; /* of these, while their thread waited */
    uint64_t ended_pinning; /* of these, that held pins */
    uint64_t foreign_pins;  /* made of another's pages */
};

/* There are none. */
void others_start(uint32_t pages);

/* One of them comes, does something, or goes. */
void others_step(uint64_t draw, struct other_counts *counts);

/* A number by which the stall's client can pin another's pages; 0: there is none. */
uint32_t others_number(uint64_t draw);

/* After stall_restart(). */
void others_find_again(void);

/* No thread is forgotten: it waits in some list, or was answered; pins in the making have one. */
void others_check(void);

/* Print what they have done, all of which has to have happened. */
void others_report(const struct other_counts *counts);

/* Whether all have been answered. */
bool others_are_answered(void);
