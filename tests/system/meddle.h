/* SPDX-License-Identifier: MIT */
/*
 * Doing anything to a space that one has a handle to: whatever is drawn, with places and objects
 * that others do it to at the same time.
 *
 * A space has two windows. In OWN lie private pages of its process alone: their words are zero, or
 * have its mark in the upper half. In MIXED lies anything, shared memory too.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "area.h"

#define MEDDLE_PAGES   1200u /* of a window: more than one page table maps, not a multiple */
#define MEDDLE_OWN     UINT64_C(0x1000000000)
#define MEDDLE_MIXED   UINT64_C(0x2000000000)
#define MEDDLE_OBJECTS 3u                     /* the last one is a pager's */
#define MEDDLE_BYTES   (UINT64_C(600) * PAGE) /* of an object */
#define MEDDLE_PINS    8u
#define MEDDLE_BUFFER  (UINT64_C(16) * PAGE)

/* Status with which a process ends that finds in OWN what it has not written there. */
#define MEDDLE_LEAKED 66u

/* What one thread draws from, and what it remembers. Owner: the thread. */
struct meddler {
    uint64_t random;
    uint64_t mark;
    uint64_t pins[MEDDLE_PINS]; /* numbers; 0: none */
    uint64_t *buffer;           /* MEDDLE_BUFFER bytes */
};

struct meddle_place {
    uint64_t addr;
    uint64_t length;
};

/* Handles to objects of all of a process; 0: there is none. */
extern uint64_t meddle_objects[MEDDLE_OBJECTS];

/* Returns: whether there is memory for its buffer. */
bool meddle_init(struct meddler *meddler, uint64_t seed, uint64_t mark);

/* A number below `below`. */
uint64_t meddle_draw(struct meddler *meddler, uint64_t below);

/* Some pages of a window. */
struct meddle_place meddle_draw_place(struct meddler *meddler, uint64_t window);

/* A word read from OWN: end with MEDDLE_LEAKED if nobody of this process can have written it. */
void meddle_check(const struct meddler *meddler, uint64_t addr, uint64_t word);

/*
 * Do one thing to `space`. `mark` is that of its process; 0: it is not known, nothing is written to
 * OWN, nor is what stands there looked at.
 */
void meddle(struct meddler *meddler, uint64_t space, uint64_t mark);
