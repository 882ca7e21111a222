/* SPDX-License-Identifier: MIT */
/*
 * Write-back: pages of pagers' objects that were written to are saved though nobody waits for it.
 *
 *   an object has unsaved pages --> `age` goes by --> a round: its hand goes over all its pages and
 *        ^                                            has each saved that is DIRTY, a few at a time
 *        '--- it has unsaved pages, new ones ---------'
 *
 * So what is written is on its way after `age` at the earliest, and after twice that and the time
 * of a round at the latest. If more than a tenth of the machine's frames is unsaved, a round begins
 * at once. A pager has at most WRITEBACK_PULLS pieces of work of saving before it is given more by
 * this, and core looks at WRITEBACK_LOOKS pages at most, WRITEBACK_STEPS times in `age`: that is
 * the rate. All objects that are in a round share it, and those of a pager its pieces of work, in
 * equal parts, each step beginning after the one that had its part last: so one that is written to
 * without end, or is very large, keeps no other waiting. SYNC and reclaim do not wait for it, nor
 * it for them. What cannot be saved stays DIRTY until the next round, and the next SYNC is told.
 *
 * Not for swap areas, which nobody looks at again, nor while nobody serves the pager.
 *
 * Pages that are to leave (FRAME_LEAVING, op_pageout.h), of swap areas too, do not wait for a
 * round: leave_pages of the object before leave_end are looked through for them at once, from the
 * last down, with half as many looks and pieces of work; each that ends has the next begin. The
 * objects of a pager that have such pages are in a list of its, and only they are looked at: the
 * first has a piece of work, or some looks, and goes to the end. The next step begins with the
 * pager after the one that had its share last.
 *
 * I1  `unsaved` of the table is the sum of those of all objects but swap areas.
 * I2  An object is in the list `leaving` of its pager exactly if it has leave_pages.
 * Owner: who is in shared_enter().
 */
#pragma once

#include <stdint.h>

struct core;
struct object;
struct pager;

#define WRITEBACK_PULLS 8u
#define WRITEBACK_LOOKS 256u
#define WRITEBACK_STEPS 50u
/* Least that an object looks at when its turn comes: with many, each has one now and then. */
#define WRITEBACK_LOOKS_LEAST 16u
/* What an object with pages that are to leave looks at before the next one does. */
#define WRITEBACK_LOOKS_LEAVING 64u

/*
 * Have pages saved whose time has come by core->time.
 *
 * Returns:   when to call this again; UINT64_MAX: there is nothing to wait for. May make port
 *            calls.
 */
uint64_t writeback_run(struct core *core);

/* A DIRTY page is to be saved as soon as its pager has time for it, which is FRAME_LEAVING. */
void writeback_hurry(struct core *core, struct object *object, uint64_t page);

/* An object leaves its pager. */
void writeback_forget(struct core *core, struct pager *pager, struct object *object);

/* Check I1 and I2. */
void writeback_audit(const struct core *core);
