/* SPDX-License-Identifier: MIT */
/*
 * Choosing the arguments of steps: near edges of regions and zones, lengths that fit exactly or
 * just not, numbers that are nearly right. Percentages and lists are taste, tuned by how soon
 * mutants are found.
 */
#pragma once

#include <stdint.h>

#include "draw.h"

/* One of the members of an array. */
#define PICK(random, list) ((list)[random_below((random), sizeof(list) / sizeof((list)[0]))])

/* A page: near an edge of a region, hot, or any. */
uint32_t pick_page(struct draw *draw);

/* Bytes of a range from `page` on. */
uint64_t pick_length(struct draw *draw, uint32_t page);

/* The address of a page, or one that is nearly right. */
uint64_t pick_addr(struct draw *draw, uint32_t page);

/* A protection. */
uint64_t pick_prot(struct draw *draw);

/* A range in `addr` and `length`. */
void pick_range(struct draw *draw, struct step *step);

/* An address of a word to touch. */
uint64_t pick_word(struct draw *draw);
