/* SPDX-License-Identifier: MIT */
/*
 * Looking at what core knows of a space, in the form of look.h.
 */
#pragma once

#include "look.h"
#include "slot.h"
#include "tests/core/world.h"

/* A slot of step.h. */
struct ours_slot {
    struct object *object; /* which the space holds; NULL: the slot is empty */
    uint32_t rights;       /* enum step_rights it was opened with */
    bool is_named;         /* it can have names */
};

/* One space of a sequence. */
struct ours_side {
    struct space *space;
    bool is_locked; /* all that is outside the zones */
    struct ours_slot slot[STEP_OBJECTS];
};

/* Where sequences are carried out. `side` and what follows are valid in a sequence. */
struct ours {
    struct world *world;
    struct object *filler;
    const struct stage *stage;
    uint64_t frames_free;   /* between two sequences */
    struct ours_side *side; /* whose step it is */
    const struct sequence *sequence;
    const struct room *room;
    uint64_t base_pages; /* of the fillers */
    uint32_t last;       /* side that there is */
    uint32_t batch_end;  /* steps before this one were carried out */
    struct ours_side sides[STEP_SIDES];
};

/* Carry out a step of the side whose turn it is, without a look. */
void ours_do(struct ours *ours, const struct step *step, struct look_head *head);

/* A word of a frame that may hold one word only (model.h). */
uint64_t ours_frame_word(const struct port *port, uint32_t frame, uint32_t offset);

/* Write totals, regions and pages, as far as the level says, into the record being written. */
void ours_look(struct ours *ours, struct look_log *log, struct look_head *head);
