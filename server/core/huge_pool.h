/* SPDX-License-Identifier: MIT */
/*
 * Pools of huge pages: rows of frames that are set aside at boot, for HUGETLB alone.
 *
 *   frames never used --huge_pool_open--> free --huge_pool_take--> an object's, or several's
 *                                          ^                            |
 *                                          +------huge_pool_give--------+
 *
 * A page has the size of a leaf of level 1 (2 MiB) or 2 (1 GiB). Its frames left the machine's
 * totals when the pool was opened: neither a budget nor the commit account knows of them (R19).
 * What a pool promises is counted here: a mapping that reserves its pages finds them later,
 * whatever others take.
 *
 * A free page is filled with zeros before it is taken, a few frames a step, so that nobody waits
 * for a whole GiB: only the first of the list, and `clean` says how far.
 *
 * A page can be pinned in parts (pin.h). One that is, and that no object names any longer, is
 * nobody's until the last pin goes (P16): it is not free.
 *
 * I1  The record of a page's first frame is FRAME_HUGE. Free: `references` is 0, and `page` links
 *     the list. Else `page` counts the objects that name it, and `owner` its frames with pins;
 *     `references` is whose pins that frame has itself, 1: none (pinner.h). Records of the other
 *     frames are FRESH, and zero but for the same two fields while they have pins.
 * I2  `reserved` is the sum of what objects were promised, and at most `free`.
 * Owner: who is in shared_enter().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

struct core;
struct space;

/* Sizes of huge pages, by level of their leaves less 1. */
#define HUGE_SIZES 2u

/* Frames that are zeroed, or copied with twice the cost, in one step. */
#define HUGE_STEP 32u

/* In the head of the arena. */
struct huge_pool {
    uint32_t first; /* frame of its first page; 0: there is no pool */
    uint32_t total; /* pages */
    uint32_t free;
    uint32_t reserved;
    uint32_t free_first; /* first frame of the first free page; 0: none */
    uint32_t clean;      /* frames of that page that are zero */
};

/* Frames of a page whose leaf is of `level`. */
static inline uint32_t huge_unit(uint32_t level)
{
    return level == 1 ? 512u : 512u * 512u;
}

/*
 * Set frames for `pages` pages of `level` aside, which leave the machine's totals and the budget
 * that of `space` stems from.
 *
 * Requires:  no pool of this level is open.
 * Returns:   ERR_OK; ERR_NOMEM if there is no such row of frames that were never used, or the
 *            budget has not as many left (recorded). Makes port calls (pages of records).
 * On error:  nothing changed.
 */
MUST_USE enum err huge_pool_open(struct core *core, struct space *space, uint32_t level,
                                 uint32_t pages);

/* Pages that nobody has been promised. */
uint32_t huge_pool_spare(const struct core *core, uint32_t level);

/* Promise `pages` that huge_pool_spare() has, or will have in the same commit; or take it back. */
void huge_pool_promise(struct core *core, uint32_t level, uint32_t pages);
void huge_pool_unpromise(struct core *core, uint32_t level, uint32_t pages);

/* Zero some frames of the first free page, which is there. Returns: whether all of it is zero. */
MUST_USE bool huge_pool_clean(struct core *core, uint32_t level);

/* Take the first free page, which is there, clean or not, for one object. Returns: its frame. */
uint32_t huge_pool_take(struct core *core, uint32_t level);

/* How many objects name a page, and how many of its frames have pins. It is not free. */
uint32_t huge_pool_names(const struct core *core, uint32_t frame);
uint32_t huge_pool_pinned(const struct core *core, uint32_t frame);

/* One object more names the page. */
void huge_pool_name(struct core *core, uint32_t frame);

/*
 * One object less names the page, which it maps nowhere. Without any, and without pins, it is free.
 * Makes no port call.
 */
void huge_pool_give(struct core *core, uint32_t level, uint32_t frame);

/* Whether a frame, of whatever kind, is part of a page of a pool. */
bool huge_pool_has(const struct core *core, uint32_t frame);

/*
 * A frame of a page has its first pin, or its last is gone, by its record (pinner.h). Makes no port
 * call.
 */
void huge_pool_pin(struct core *core, uint32_t frame);
void huge_pool_unpin(struct core *core, uint32_t frame);

/* Frames of all pools. */
uint64_t huge_pool_frames(const struct core *core);

/* Check I1, and I2 against what all objects have: pages, counted by each, and promises. */
void huge_pool_audit(const struct core *core, uint32_t level, uint64_t named, uint64_t promised);
