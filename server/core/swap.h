/* SPDX-License-Identifier: MIT */
/*
 * Swap: where private pages and pages of shared memory are while there is no frame for them.
 *
 * A swap area is an object of a pager (paged.h) that its holder has declared to be one; its pages
 * are *slots*. A page that is reclaimed gives its frame to a slot, as a page of that object that is
 * to be saved, and the shadow entry, or the word of the memory object, names the slot from then on:
 *
 *   OWN, SHARED --reclaim--> SWAPPED --read---> SWAPPED, the slot's frame mapped without write
 *                               |   `--write--> OWN: the frame leaves the slot, or is copied if
 *                               |               others have the slot too
 *                               `--CLONE------> SWAPPED in both
 *
 *   slot:  (free) --swap_enter--> DIRTY --saved--> CLEAN --reclaim--> AWAY <--> ASKED --> CLEAN
 *            ^                      |                |                 |
 *            '----------------------+----------------+-----------------' nothing refers to it
 *
 * So saving, supplying, deadlines, failures and the end of the process that serves the area are
 * those of any object of a pager, and a touch that comes before the frame is gone finds it there.
 *
 * A swapped page stays charged to whoever paid for it: a budget counts what is in memory and in
 * swap alike, so that coming back can never be refused. The area raises the budget that the ones of
 * all others stem from, and the limit of the commit account, by its slots.
 *
 * I1  A slot in use counts what names it: `references` of its frame, or the count of its word while
 *     it has none. One that nothing names is in use only while the pager has it (AWAY or ASKED with
 *     a count of 0): it must not be given out again before that is over.
 * I2  The sum of these counts is that of `swapped` of all spaces and memory objects.
 * I3  At most one area is given new pages. An area that is not stays until its slots are free.
 * Owner: who is in shared_enter(). New slots are for who has all buckets (reclaim.h).
 *
 * Not here: which pages are swapped, and when (reclaim.h); touching one (swap_fault.h); the request
 * (op_swap.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct core;
struct object;
struct space;

#define SWAP_AREAS 8u
#define SWAP_SHIFT 28
#define SWAP_SLOTS (UINT32_C(1) << SWAP_SHIFT)
#define SWAP_NONE  UINT32_MAX

/* Frames that only who makes memory may take while there is a swap area. */
#define SWAP_RESERVE 32u

struct swap_area {
    uint32_t object; /* link; 0: none */
    uint32_t hand;   /* slot where to look for a free one */
    uint32_t root;   /* space whose budget it has raised; 0: it has ended */
    uint32_t is_closed;
    uint64_t raised; /* slots by which it has raised that and the commit limit */
};

/* In the head of the arena. */
struct swap_table {
    struct swap_area areas[SWAP_AREAS];
    uint32_t current; /* index of the area that is given pages, plus 1; 0: none */
    uint32_t reserved;
};

/* A slot's name is its area in bits 30 .. 28, and its number. */
static inline uint32_t swap_slot(uint32_t name)
{
    return name & (SWAP_SLOTS - 1);
}

/* The name of the first slot of an area. */
uint32_t swap_name(const struct core *core, const struct object *object);

/* The object of a slot's area. */
struct object *swap_object(const struct core *core, uint32_t name);

/* The object that is given pages, if somebody serves it; NULL: there is none. */
struct object *swap_current(const struct core *core);

/* What an area with so many slots costs who declared it. */
uint64_t swap_cost(uint64_t slots);

/*
 * Have a free slot; `*looks` grows by how many were looked at for that.
 *
 * Returns:   its name; SWAP_NONE: there is no area, slot or frame. May make port calls.
 */
uint32_t swap_reserve(struct core *core, uint32_t *looks);

/*
 * Give the frame of a page to the slot that was just reserved; `references` entries or words name
 * it from now on. No port call.
 */
void swap_enter(struct core *core, uint32_t name, uint32_t frame, uint32_t references);

/* One more names a slot that is in use. */
void swap_get(struct core *core, uint32_t name);

/*
 * One less names it; nothing of it is mapped for that one any longer. No port call.
 *
 * Returns:   the frame that nothing refers to any longer, which is the caller's; 0: none.
 */
uint32_t swap_put(struct core *core, uint32_t name);

/*
 * Take the frame out of a slot that only one names, for the page that does: `owner` and `page` are
 * those of its record (frame.h). No port call.
 *
 * Returns:   the frame; 0: the slot has none.
 */
uint32_t swap_take(struct core *core, uint32_t name, uint32_t owner, uint32_t page);

/* The frame of a slot; 0: it has none. */
uint32_t swap_frame(const struct core *core, uint32_t name);

/* `count` entries of a space more are SWAPPED, modulo 2^32; its own pages are counted elsewhere. */
void swap_count(struct space *space, uint32_t count);

/* Make an object of a pager an area, which gets all new pages. Everything has been checked. */
void swap_open(struct core *core, struct space *space, struct object *object);

/* An index for a further area; SWAP_AREAS: there is none left. */
uint32_t swap_find_free(const struct core *core);

/* A space ends: no budget of its is raised any longer. May make port calls. */
void swap_end(struct core *core, const struct space *space);

/* The area gets no new pages any longer. */
void swap_close(struct core *core, struct object *object);

/* Let go of areas that get no pages any longer and have none. May make port calls. */
void swap_tidy(struct core *core);

/* Slots of the area that is given pages, and those in use of others when they were closed. */
uint64_t swap_slots(const struct core *core);

/* Frames that only who makes memory may take because there are areas. */
uint64_t swap_reserve_frames(const struct core *core);

/* What there is of swap. */
struct swap_view {
    uint64_t slots;   /* of the area that is given pages */
    uint64_t used;    /* of all areas */
    uint64_t swapped; /* pages that are swapped, in memory for it or not */
    uint64_t held;    /* of the slots: those whose page is in memory */
};
void swap_look(const struct core *core, struct swap_view *view);

/* Check I1 and I2. */
void swap_audit(const struct core *core);
