/* SPDX-License-Identifier: MIT */
/*
 * The pages of a shared-memory object: a frame for each page that anyone has touched.
 *
 * Frames are filled with zeros before they enter the object, by a port call of their own and not
 * with the installation for whoever touched the page: he may end before that is carried out, and
 * others would find what the frame held before.
 *
 * Not here: which spaces map the pages (object.h); leaves are removed before pages are dropped.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>

#include "server/core/object.h"
#include "server/core/pool.h"

/* A word of a memory object is a frame, or the name of a slot with this bit (swap.h). */
#define CONTENT_SWAPPED (UINT32_C(1) << 31)

/* Pages that are taken out for everybody in one turn, where each costs several spaces a leaf. */
#define CONTENT_TURN 32u

/* Whether a page of a memory object is swapped; then its slot. */
bool content_is_swapped(const struct core *core, const struct object *object, uint64_t page);
uint32_t content_slot(const struct core *core, const struct object *object, uint64_t page);

/* Have a swapped page back. Returns: false: its slot has no frame; else its frame. */
bool content_return(struct core *core, struct object *object, uint64_t page, uint32_t *frame);

/* A page of a memory object with a frame, which is mapped nowhere, gives it to a reserved slot. */
void content_swap(struct core *core, struct object *object, uint64_t page, uint32_t name);

/* The frame of a page of a memory or paged object; 0 if it has none. */
uint32_t content_frame(const struct core *core, const struct object *object, uint64_t page);

/* Whether a frame is a page of a memory or paged object. */
static inline bool content_owns(const struct frame *record)
{
    return record->kind == FRAME_USER && record->owner == 0;
}

/* Such a frame has one pin more, or less: `pinned` of a memory object counts them. */
void content_note_pin(const struct core *core, const struct frame *record, bool is_more);

/*
 * Give a page of a memory object a frame, filled with zeros, because `space` wants it.
 *
 * Requires:  the page exists and has none.
 * Returns:   the frame; 0 if there is none, or the payer's budget is used up. Makes port calls.
 * On error:  nothing changed.
 */
MUST_USE uint32_t content_make(struct core *core, struct space *space, struct object *object,
                               uint64_t page);

/* Give back the frames of pages from `first` to `end`, which are mapped nowhere. No port call. */
void content_remove(struct core *core, struct object *object, uint64_t first, uint64_t end);

/* The same for all pages from `first` on. */
void content_drop(struct core *core, struct object *object, uint64_t first);

/*
 * The same for the last pages of an object that has lost its last reference: at most `pages`, and
 * fewer where they lie far apart. Its `hand` is where the pages end that are left.
 */
void content_drop_some(struct core *core, struct object *object, uint32_t pages);

/*
 * Where a turn ends that takes out pages of a memory object from `first` on: before `*left`, of
 * which each page costs 1 and gaps their share, is used up, and at `end`. The object need not have
 * a page there.
 */
uint64_t content_turn(const struct core *core, const struct object *object, uint64_t first,
                      uint64_t end, uint64_t *left);

/* Where a turn begins that takes out the last pages, down to `first`: at `first`, or at a page. */
uint64_t content_turn_back(const struct core *core, const struct object *object, uint64_t first,
                           uint64_t left);

/*
 * Fill what follows the object's last byte on its page, which is not swapped, with zeros, if the
 * page has a frame. A step of its own: a new instance of the server finishes it. Makes a port call.
 */
void content_clear_tail(struct core *core, const struct object *object);

/* Take back the page that a dead server was about to fill, or finish clearing a tail. */
void content_recover(struct core *core);

/* Check that the frames say whose they are. */
void content_audit(const struct core *core, const struct object *object);
