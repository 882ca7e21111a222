/* SPDX-License-Identifier: MIT */
/*
 * The steps about objects, on core. As on Linux, slots are the space's own, and errors are those
 * that the names of the client library answer.
 */
#pragma once

#include "look.h"
#include "ours_look.h"
#include "step.h"

/* The object of a step that maps, and the rights of its handle; NULL: none. */
struct object *ours_object_of(struct ours *ours, const struct step *step, uint32_t *rights);

/* The space whose turn it is is a clone of that of `from`: it has what stands in its slots. */
void ours_object_clone(struct ours *ours, const struct ours_side *from);

/* The sequence is over: take all names back. */
void ours_object_end(struct ours *ours);

/* The steps. */
void ours_object(struct ours *ours, const struct step *step, struct look_head *head);
void ours_close(struct ours *ours, const struct step *step, struct look_head *head);
void ours_resize(struct ours *ours, const struct step *step, struct look_head *head);
void ours_seal(struct ours *ours, const struct step *step, struct look_head *head);
void ours_get(struct ours *ours, const struct step *step, struct look_head *head);
void ours_put(struct ours *ours, const struct step *step, struct look_head *head);
void ours_name(struct ours *ours, const struct step *step, struct look_head *head);
void ours_open(struct ours *ours, const struct step *step, struct look_head *head);
void ours_unname(struct ours *ours, const struct step *step, struct look_head *head);
