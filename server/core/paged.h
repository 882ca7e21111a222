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
 *   In a swap area (swap.h) a page that is used is AWAY instead of absent, DIRTY at first (from
 *   absent), and becomes AWAY when its frame goes; it is absent when nothing names it.
 *
 *   ASKED   a pull of the pager covers it: the word holds its slot
 *   AWAY    only the pager has it; the word counts what names it. Without any: it is being saved
 *   CLEAN   as the pager has it; no leaf lets anyone write
 *   DIRTY   written since; shared regions may write
 *   SAVING  the pager is saving it; no leaf lets anyone write
 *   AGAIN   written while the pager saves it, or pinned when that began: then a device may write to
 *           it unseen. A page with a pin for writing is DIRTY or AGAIN as long as that stands
 *
 * I1  All but ASKED and AWAY hold a frame, whose record names no owner and the object as its page;
 *     in a swap area it is FRAME_SWAP.
 * I2  `resident` of the object counts frames, `unsaved` those that are not CLEAN.
 * I3  Words exist only for pages below the object's end. Its payer has paid for a frame for each,
 *     but in a swap area.
 * I4  pool.kept counts the pages ASKED: so there are frames to supply them with.
 * Owner: who is in shared_enter(). A frame stays its page's while anyone has a bucket: only who has
 * all takes pages away (op_object.h), or makes them SAVING.
 *
 * Not here: pulls (pull.h); leaves are removed before pages are dropped.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/core/object.h"
#include "server/core/pool.h"

struct pull;

enum paged_state {
    PAGED_ABSENT = 0,
    PAGED_ASKED = 1,
    PAGED_AWAY = 2,
    PAGED_CLEAN = 3,
    PAGED_DIRTY = 4,
    PAGED_SAVING = 5,
    PAGED_AGAIN = 6,
};
#define PAGED_STATES 7u

#define PAGED_SHIFT 28
#define PAGED_VALUE ((UINT32_C(1) << PAGED_SHIFT) - 1)

/* Of ASKED and AWAY: the slot of the pull, and in a swap area what names the page. */
#define PAGED_COUNT_SHIFT 8
#define PAGED_COUNT_ONE   (UINT32_C(1) << PAGED_COUNT_SHIFT)
#define PAGED_COUNT_MAX   (PAGED_VALUE >> PAGED_COUNT_SHIFT)

static inline enum paged_state paged_word_state(uint32_t word)
{
    return (enum paged_state)(word >> PAGED_SHIFT);
}

/* The frame, 0 if there is none. */
static inline uint32_t paged_word_frame(uint32_t word)
{
    return paged_word_state(word) > PAGED_AWAY ? word & PAGED_VALUE : 0;
}

/* The slot of the pull; valid in ASKED. */
static inline uint32_t paged_word_slot(uint32_t word)
{
    return word & (PAGED_COUNT_ONE - 1);
}

/* What names the page of a swap area; valid in ASKED and AWAY. */
static inline uint32_t paged_word_count(uint32_t word)
{
    return (word & PAGED_VALUE) >> PAGED_COUNT_SHIFT;
}

/* The word of a page, which need not exist. */
uint32_t paged_word(const struct core *core, const struct object *object, uint64_t page);

/* Have a page go from its state to another, with a frame, slot or count. For swap.h too. */
void paged_set_state(struct core *core, struct object *object, uint64_t page, enum paged_state to,
                     uint32_t value);

/* Whether the pager can be asked for a page that is not there. */
bool paged_is_askable(const struct object *object, uint32_t word);

/*
 * Note that a pull asks for a page, which exists and is absent.
 *
 * Returns:   ERR_OK; ERR_NOMEM: the payer's budget does not allow it (recorded for `space_opt`);
 *            ERR_AGAIN: there is no frame for it now. May make port calls.
 * On error:  nothing changed.
 */
MUST_USE enum err paged_ask(struct core *core, struct space *space_opt, struct object *object,
                            uint64_t page, uint32_t slot);
/* Take that back. */
void paged_unask(struct core *core, struct object *object, uint64_t page);

/*
 * A frame that holds what the pager supplied for a pull, and that nothing else refers to, becomes
 * the page.
 */
void paged_fill(struct core *core, struct object *object, uint64_t page, uint32_t frame,
                const struct pull *pull);

/* Somebody uses a page of an object that is there. */
static inline void paged_note_use(struct core *core, uint32_t frame)
{
    struct frame *record = pool_record(core, frame);

    if (UNLIKELY(record->idle == FRAME_AHEAD)) {
        core->head->pagers.count.hits++;
    }
    record->idle = FRAME_USED;
}

/* A page that is there is written to. */
void paged_touch(struct core *core, struct object *object, uint64_t page);

/* Whether shared regions may write to the page as it is. */
bool paged_is_writable(const struct core *core, const struct object *object, uint64_t page);

/* The pager begins to save a page if it is DIRTY; it is done with what is SAVING or AGAIN. */
void paged_save(struct core *core, struct object *object, uint64_t page);
void paged_saved(struct core *core, struct object *object, uint64_t page, bool is_saved);

/*
 * Give back a CLEAN page, which is mapped nowhere: the pager has it. No port call.
 */
void paged_evict(struct core *core, struct object *object, uint64_t page);

/*
 * Give back all pages from `first` on, which are mapped nowhere. No port call. Pulls that had asked
 * for some of them are told by pull_shrink().
 */
void paged_drop(struct core *core, struct object *object, uint64_t first);

/* Forget what was asked and what was being saved, after the server died. */
void paged_recover(struct core *core, struct object *object);

/* Check I1 to I3. */
void paged_audit(const struct core *core, const struct object *object);
