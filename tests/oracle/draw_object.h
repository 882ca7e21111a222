/* SPDX-License-Identifier: MIT */
/*
 * Drawing steps about objects, and mappings of them.
 */
#pragma once

#include "draw.h"

/* Make a mapping one of an object. */
void draw_map_object(struct draw *draw, struct step *step);

/* Take in what a step did to objects. */
void draw_see_object(struct draw *draw, const struct step *step, const struct look_head *head);

/* Draw a step of each kind. */
void draw_object(struct draw *draw, struct step *step);
void draw_close(struct draw *draw, struct step *step);
void draw_resize(struct draw *draw, struct step *step);
void draw_seal(struct draw *draw, struct step *step);
void draw_get(struct draw *draw, struct step *step);
void draw_put(struct draw *draw, struct step *step);
void draw_name(struct draw *draw, struct step *step);
void draw_open(struct draw *draw, struct step *step);
void draw_unname(struct draw *draw, struct step *step);
