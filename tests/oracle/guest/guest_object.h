/* SPDX-License-Identifier: MIT */
/*
 * The steps about objects as requests. Objects are the test program's own and their handles in
 * slots of step.h, those of each side; bytes go through a buffer of the program's, since
 * OBJECT_COPY is for one's own space.
 */
#pragma once

#include "guest_step.h"

/* Before a sequence: no objects, no names. Returns: whether requests for that were answered. */
bool guest_object_forget(void);

/* The side whose turn it is is a clone of number `from`: it has what stands in its slots. */
bool guest_object_clone(const struct place *place, uint32_t from);

/*
 * A handle for a step that maps, in `*object`; 0 if its slot is empty. `*derived` is one that the
 * caller closes then, or 0.
 */
bool guest_object_handle(const struct place *place, const struct step *step, uint64_t *object,
                         uint64_t *derived);

/* The steps; guest_step() says what they answer. */
bool guest_object(struct place *place, const struct step *step, struct guest_answer *answer);
bool guest_close(struct place *place, const struct step *step, struct guest_answer *answer);
bool guest_resize(struct place *place, const struct step *step, struct guest_answer *answer);
bool guest_seal(struct place *place, const struct step *step, struct guest_answer *answer);
bool guest_get(struct place *place, const struct step *step, struct guest_answer *answer);
bool guest_put(struct place *place, const struct step *step, struct guest_answer *answer);
bool guest_name(struct place *place, const struct step *step, struct guest_answer *answer);
bool guest_open(struct place *place, const struct step *step, struct guest_answer *answer);
bool guest_unname(struct place *place, const struct step *step, struct guest_answer *answer);
