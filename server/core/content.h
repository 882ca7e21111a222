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

#include <stdint.h>

#include <base/attr.h>

#include "server/core/object.h"

/* The frame of a page of a memory or paged object; 0 if it has none. */
uint32_t content_frame(const struct core *core, const struct object *object, uint64_t page);

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
 * Fill what follows the object's last byte on its page with zeros, if the page has a frame. A step
 * of its own: a new instance of the server finishes it. Makes a port call.
 */
void content_clear_tail(struct core *core, const struct object *object);

/* Take back the page that a dead server was about to fill, or finish clearing a tail. */
void content_recover(struct core *core);

/* Check that the frames say whose they are. */
void content_audit(const struct core *core, const struct object *object);
