/* SPDX-License-Identifier: MIT */
/*
 * Looking at what core knows of a space, in the form of look.h.
 */
#pragma once

#include "look.h"
#include "slot.h"
#include "tests/core/world.h"

/* Where sequences are carried out. `space` and what follows are valid in a sequence. */
struct ours {
    struct world *world;
    struct object *filler;
    const struct stage *stage;
    struct space *space;
    const struct room *room;
    uint64_t frames_free; /* between two sequences */
    uint64_t base_pages;  /* of the fillers */
    bool is_locked;       /* all that is outside the zones */
};

/* A word of a frame that may hold one word only (model.h). */
uint64_t ours_frame_word(const struct port *port, uint32_t frame, uint32_t offset);

/* Write totals, regions and pages, as far as the level says, into the record being written. */
void ours_look(struct ours *ours, struct look_log *log, struct look_head *head);
