/* SPDX-License-Identifier: MIT */
/*
 * What a window of huge pages, in a space and its clone, must look like: worked out page by page
 * from what huge.h says, with nothing of core's structures.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "huge_world.h"

#define HUGE_UNITS   6u /* of the window, more than the pool has */
#define HUGE_OBJECTS 24u
#define HUGE_WORDS   2u /* of a page that are looked at */
#define HUGE_NOTHING (-1)

/* Parts of a page that have these words. */
extern const uint32_t huge_mirror_parts[HUGE_WORDS];

struct huge_mirror_page {
    uint64_t word[HUGE_WORDS];
    uint32_t names; /* objects that have it; without these and pins it is free */
    uint32_t pins;
};

struct huge_mirror_object {
    bool is_used;
    bool is_private;
    bool is_reserved;
    uint32_t promised;
    uint32_t mapped; /* units that show it, of a private one */
    int page[HUGE_UNITS];
    bool was_taken[HUGE_UNITS]; /* by REMOVE */
};

struct huge_mirror_unit {
    int object;
    uint32_t index; /* in it */
    uint32_t prot;
};

struct huge_mirror {
    struct huge_mirror_unit unit[2][HUGE_UNITS]; /* of the space, of its clone */
    struct huge_mirror_page page[POOL];
    struct huge_mirror_object object[HUGE_OBJECTS];
};

/* Nothing is mapped, all pages are free. */
void huge_mirror_init(struct huge_mirror *mirror);

/* Pages that are free, and how many of them are promised. */
uint32_t huge_mirror_free(const struct huge_mirror *mirror);
uint32_t huge_mirror_promised(const struct huge_mirror *mirror);

/* Requests of `side` on units first .. end - 1, in the STRICT form. Returns: what is answered. */
enum err huge_mirror_map(struct huge_mirror *mirror, uint32_t side, uint32_t first, uint32_t end,
                         uint32_t prot, uint32_t flags);
void huge_mirror_unmap(struct huge_mirror *mirror, uint32_t side, uint32_t first, uint32_t end);
enum err huge_mirror_protect(struct huge_mirror *mirror, uint32_t side, uint32_t first,
                             uint32_t end, uint32_t prot);
enum err huge_mirror_discard(struct huge_mirror *mirror, uint32_t side, uint32_t first,
                             uint32_t end);
enum err huge_mirror_remove(struct huge_mirror *mirror, uint32_t side, uint32_t first,
                            uint32_t end);
enum err huge_mirror_clone(struct huge_mirror *mirror);
/* Units of one region go to `target`, which they do not overlap. */
void huge_mirror_move(struct huge_mirror *mirror, uint32_t side, uint32_t first, uint32_t end,
                      uint32_t target);

/* Whether all units are mapped; and what DONTNEED does to those that are. */
bool huge_mirror_has_hole(const struct huge_mirror *mirror, uint32_t side, uint32_t first,
                          uint32_t end);
void huge_mirror_drop(struct huge_mirror *mirror, uint32_t side, uint32_t first, uint32_t end);

/* Where the region of a unit ends. */
uint32_t huge_mirror_end(const struct huge_mirror *mirror, uint32_t side, uint32_t unit);

/* Touch a unit, or have its page for a pin, by force. Returns: the outcome; then `*page` is it. */
enum fault_outcome huge_mirror_touch(struct huge_mirror *mirror, uint32_t side, uint32_t unit,
                                     uint32_t access, int *page);
enum fault_outcome huge_mirror_have(struct huge_mirror *mirror, uint32_t side, uint32_t unit,
                                    bool is_written, int *page);

/*
 * Whether the two spaces, the second of which may be NULL, and the pool are so: regions, which
 * pages are there, what they hold, what is free and promised. Tells what is not.
 */
bool huge_mirror_matches(const struct huge_mirror *mirror, struct space *const spaces[2]);
