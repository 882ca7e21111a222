/* SPDX-License-Identifier: MIT */
/*
 * The pages of an object that a pager fills: a word for each that is there or was asked for.
 *
 *             paged_ask           paged_fill            paged_touch
 *   (absent) ----------> ASKED -----------------> CLEAN -----------> DIRTY
 *       ^  paged_unask     |                        ^                |   ^
 *       |------------------'                        | paged_saved    |   | paged_saved
 *       |                                           |                v   |
 *       |   paged_drop, from all                    '----------- SAVING  |  paged_save: to SAVING
 *       '-----------------------                     paged_touch:   v    |
 *                                                                 AGAIN -'
 *
 *   ASKED   a pull of the pager covers it: the word holds its slot
 *   CLEAN   as the pager has it; no leaf lets anyone write
 *   DIRTY   written since; shared regions may write
 *   SAVING  the pager is saving it; no leaf lets anyone write
 *   AGAIN   written while the pager saves it
 *
 * I1  All but ASKED hold a frame, whose record names no owner and the object as its page.
 * I2  `resident` of the object counts frames, `unsaved` those that are not CLEAN.
 * I3  Words exist only for pages below the object's end. Its payer has paid for a frame for each.
 * Owner: who is in shared_enter(). A frame stays its page's while anyone has a bucket: only who has
 * all takes pages away (op_object.h), or makes them SAVING.
 *
 * Not here: pulls (pull.h); leaves are removed before pages are dropped.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>

#include "server/core/object.h"

enum paged_state {
    PAGED_ABSENT = 0,
    PAGED_ASKED = 1,
    PAGED_CLEAN = 2,
    PAGED_DIRTY = 3,
    PAGED_SAVING = 4,
    PAGED_AGAIN = 5,
};
#define PAGED_STATES 6u

#define PAGED_SHIFT 28
#define PAGED_VALUE ((UINT32_C(1) << PAGED_SHIFT) - 1)

static inline enum paged_state paged_word_state(uint32_t word)
{
    return (enum paged_state)(word >> PAGED_SHIFT);
}

/* The frame, 0 if there is none. */
static inline uint32_t paged_word_frame(uint32_t word)
{
    return paged_word_state(word) > PAGED_ASKED ? word & PAGED_VALUE : 0;
}

/* The slot of the pull; valid in ASKED. */
static inline uint32_t paged_word_slot(uint32_t word)
{
    return word & PAGED_VALUE;
}

/* The word of a page, which need not exist. */
uint32_t paged_word(const struct core *core, const struct object *object, uint64_t page);

/*
 * Note that a pull asks for a page, which exists and is absent.
 *
 * Returns:   whether there were frames for it and the payer's budget allows it (recorded for
 *            `space_opt`). May make port calls.
 * On error:  nothing changed.
 */
MUST_USE bool paged_ask(struct core *core, struct space *space_opt, struct object *object,
                        uint64_t page, uint32_t slot);
/* Take that back. */
void paged_unask(struct core *core, struct object *object, uint64_t page);

/* A frame that holds what the pager supplied, and that nothing else refers to, becomes the page. */
void paged_fill(struct core *core, struct object *object, uint64_t page, uint32_t frame);

/* A page that is there is written to. */
void paged_touch(struct core *core, struct object *object, uint64_t page);

/* Whether shared regions may write to the page as it is. */
bool paged_is_writable(const struct core *core, const struct object *object, uint64_t page);

/* The pager begins to save a page if it is DIRTY; it is done with what is SAVING or AGAIN. */
void paged_save(struct core *core, struct object *object, uint64_t page);
void paged_saved(struct core *core, struct object *object, uint64_t page, bool is_saved);

/*
 * Give back all pages from `first` on, which are mapped nowhere. No port call. Pulls that had asked
 * for some of them are told by pull_shrink().
 */
void paged_drop(struct core *core, struct object *object, uint64_t first);

/* Forget what was asked and what was being saved, after the server died. */
void paged_recover(struct core *core, struct object *object);

/* Check I1 to I3. */
void paged_audit(const struct core *core, const struct object *object);
