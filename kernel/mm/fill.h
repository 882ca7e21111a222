/* SPDX-License-Identifier: MIT */
/*
 * Filling frames, with zeros or with a copy, while other harts work in the kernel.
 *
 *      with the kernel lock               without                   with it, or while its holder
 *                                                                   waits for this hart
 *     fill_begin(): words BUSY     -->  fill_run(): stores,   -->  fill_commit(): words as asked,
 *     fill_begin_leaf(): the same,      544 instructions a page     the leaf valid if it is still
 *       a leaf without V in its slot                                there
 *
 * To everybody else the pages are in place from the beginning:
 *
 *   the page is removed, restricted    The leaf in the slot is counted and treated like any other,
 *   or replaced meanwhile              but for V. fill_commit() makes valid what is there if it
 *                                      names the frame and is not valid: less rights, or nothing.
 *   the frame is wanted elsewhere,     It is BUSY, which nothing may be done with, and whoever
 *   or a copied one written            finds that waits until no hart fills (frame_settle).
 *   the table goes                     UNTABLE waits likewise, before it looks.
 *   the thread is ended                Its hart is asked to leave it (harts_have_done): it finishes
 *                                      the pages first, and finds no current thread afterwards.
 *   the space is ended and released    Its tables stand until UNTABLE; the hart is not in it.
 *   a page of the space faults         It is not allowed yet, so the memory server is asked, and
 *                                      answers with the frame that is there: see above.
 *
 * Who waits has the kernel lock; the other hart finishes its pages, at most FILL_MAX, finds the
 * lock taken and does what is asked (harts_serve), fill_commit() first. So nobody waits for long.
 *
 * With one hart nobody waits, and pages are zeroed at once.
 *
 * Pages that may be executed are filled with the lock held: they want every hart's fence.i before
 * they are valid. So are the frames of kernel objects, and everything at boot.
 *
 * I1  The words of a hart's fill are BUSY, and no others are; its slot is in a table of level 0.
 * I2  Between the beginning and the end a hart looks at no other frames, but for the quick way of
 *     the next entries (aspace_apply() returns ERR_INTR when it is time).
 * I3  source is NULL while nothing is filled.
 * Lock: memory_lock. Owner: struct hart embeds it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "mm/frame.h"
#include "riscv/hart.h"
#include "riscv/sv39.h"

/* This hart has begun to fill frames. */
static inline bool fill_is_open(void)
{
    return hart_self()->fill.count != 0;
}

/* No other frame can be added to them. */
static inline bool fill_is_full(void)
{
    const struct fill *fill = &hart_self()->fill;

    return fill->count == FILL_MAX || fill->source != NULL;
}

/* Add a BUSY frame, which will be of the kind. Requires: !fill_is_full(); all are of one kind. */
ALWAYS_INLINE void fill_add(uint64_t *word, pte_t *slot_opt, enum frame_kind kind)
{
    struct fill *fill = &hart_self()->fill;
    struct fill_page *page = &fill->pages[fill->count];

    page->word = word;
    page->slot = slot_opt;
    fill->count++;
    fill->kind = kind;
}

/*
 * Begin to zero up to `count` unused neighbours, the first of which is not CLEAN: they will be
 * CLEAN. Those that are CLEAN or in use, and what is behind them, are left.
 *
 * Requires:  nothing was begun.
 */
void fill_begin(uint64_t *word, uint64_t count) REQUIRES(memory_lock);

/*
 * Begin to fill one more unused frame with zeros, for `leaf`, which goes into the slot.
 *
 * Requires:  nothing is in the slot; !fill_is_full(), and nothing but this was begun.
 */
ALWAYS_INLINE void fill_begin_leaf(uint64_t *word, pte_t *slot, pte_t leaf) REQUIRES(memory_lock)
{
    *word = FRAME_BUSY + FRAME_ONE;
    *slot = leaf & ~PTE_VALID;
    fill_add(word, slot, FRAME_USER);
}

/*
 * Zero the frames of a large leaf from number `*done` on, FILL_MAX between looks for an interrupt,
 * while there are no other harts. Their words stay.
 *
 * Returns:   ERR_OK; ERR_INTR: an interrupt is pending, go on later; ERR_FRAME_KIND: the next are
 *            in use. *done says how many are zero.
 */
COLD MUST_USE enum err fill_zero(pfn_t pfn, uint64_t pages, uint64_t *done) REQUIRES(memory_lock);

/*
 * Make frames that are zero USER with one leaf: those whose words, up to `end`, are between `least`
 * and CLEAN. Returns: where it stopped.
 */
uint64_t *fill_count(uint64_t *word, const uint64_t *end, uint64_t least) REQUIRES(memory_lock);

/* Begin to change a frame, USER or CLEAN, which will be USER. Requires: nothing was begun. */
void fill_begin_bytes(uint64_t *word) REQUIRES(memory_lock);

/*
 * The one frame that was begun gets a copy of this one, USER, CLEAN or WIRED; that is USER, if not
 * WIRED, when it is read.
 */
void fill_read(uint64_t *from) REQUIRES(memory_lock);

/* Store what was begun. Needs no lock. */
void fill_run(void);

/* The stores are done: end it. */
void fill_commit(struct fill *fill) REQUIRES(memory_lock);

/* fill_run() and fill_commit() at once: while there are no other harts. */
void fill_finish(void) REQUIRES(memory_lock);

/* Wait until no other hart fills anything; they may be asked more than once. (task/harts.c) */
void fill_settle(void);
