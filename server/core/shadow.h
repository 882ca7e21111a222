/* SPDX-License-Identifier: MIT */
/*
 * What is on each page of a space, indexed by page number: three levels of 512 entries, as the page
 * table.
 *
 * Beside every shadow page stands the kernel's page table of the same level and place, made and
 * dropped with it, so that core knows which tables exist. An upper entry holds the arena page
 * below, the number of entries in use there, and the frame of the kernel's table; or it says that
 * one large leaf stands there (large.h). A leaf entry holds a state and a frame:
 *
 *            +--write--> OWN <--write (private: copied)--+
 *   ABSENT --+--read---> ZERO --write--> OWN             |
 *            +--object--------------> WIRED -------------+
 *   OWN -> SHARED          [cow_share]  a clone has the page too
 *   OWN, SHARED -> SWAPPED [reclaim]    its content is a page of a swap area
 *   SWAPPED -> OWN         [swap_fault] written to: the frame of that page, or a copy
 *   SHARED -> OWN          [cow_fault]  a copy, or the frame itself if nobody else has it
 *   ABSENT -> as in the space that is cloned  [cow_share]
 *   all -> ABSENT          [page_clear]
 *
 *   ABSENT  nothing is mapped
 *   OWN     a frame that only this space has; mapped with the region's protection, or less
 *   ZERO    the machine's zero frame; mapped without write, or not at all
 *   WIRED   the frame of the region's object, which has the page; mapped, or not at all
 *   SHARED  a frame that clones may have too; mapped without write, or not at all
 *   SWAPPED a slot of a swap area, in place of a frame (swap.h); mapped without write while its
 *           page is in memory, or not at all
 *
 * I1  A shadow page stands only while a region overlaps what it covers, or its upper entry counts
 *     entries in it.
 * I2  The count in an upper entry is the number of entries other than 0 below it.
 * I3  An OWN entry's frame names this space and page; a SHARED one's counts the entries that name
 *     it, a SWAPPED one's slot too; the totals of the space are right.
 * Owner: the space.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>
#include <base/bits.h>
#include <base/types.h>

#include "server/core/space.h"

#define SHADOW_BITS    9
#define SHADOW_ENTRIES 512u

enum shadow_state {
    SHADOW_ABSENT = 0,
    SHADOW_OWN = 1,
    SHADOW_ZERO = 2,
    SHADOW_WIRED = 3,
    SHADOW_SHARED = 4,
    SHADOW_SWAPPED = 5,
};

/* Leaf entries: frame (or slot) in the low half, state in the high half. */
static inline uint64_t shadow_entry(enum shadow_state state, uint32_t frame)
{
    return (uint64_t)state << 32 | frame;
}

static inline enum shadow_state shadow_entry_state(uint64_t entry)
{
    return (enum shadow_state)(entry >> 32);
}

static inline uint32_t shadow_entry_frame(uint64_t entry)
{
    return (uint32_t)entry;
}

/* Whether the page has a frame that is the space's own, or that clones have too. */
static inline bool shadow_entry_is_private(uint64_t entry)
{
    return shadow_entry_state(entry) == SHADOW_OWN || shadow_entry_state(entry) == SHADOW_SHARED;
}

/* The same, or its content is the space's own and swapped. */
static inline bool shadow_entry_is_counted(uint64_t entry)
{
    return shadow_entry_is_private(entry) || shadow_entry_state(entry) == SHADOW_SWAPPED;
}

/*
 * Upper entries: bits 19..0 arena page below, 29..20 entries in use there, 61..30 frame of the
 * table beside it, 62: the table was adopted, so its frame is not the pool's to give out. 0:
 * nothing below. Of a large leaf: bit 63, its pages in place of the entries (512), its first frame.
 */
#define SHADOW_COUNT_SHIFT 20
#define SHADOW_COUNT_ONE   (UINT64_C(1) << SHADOW_COUNT_SHIFT)
#define SHADOW_FRAME_SHIFT 30
#define SHADOW_ADOPTED     BIT(62)
#define SHADOW_LARGE       BIT(63)

static inline uint32_t shadow_upper_page(uint64_t upper)
{
    return (uint32_t)(upper & (SHADOW_COUNT_ONE - 1));
}

static inline uint32_t shadow_upper_count(uint64_t upper)
{
    return (uint32_t)bits_get(upper, SHADOW_COUNT_SHIFT, SHADOW_FRAME_SHIFT - SHADOW_COUNT_SHIFT);
}

static inline uint32_t shadow_upper_frame(uint64_t upper)
{
    return (uint32_t)bits_get(upper, SHADOW_FRAME_SHIFT, 32);
}

/* Whether one large leaf stands there, and no shadow page and no table. */
static inline bool shadow_upper_is_large(uint64_t upper)
{
    return (upper & SHADOW_LARGE) != 0;
}

/*
 * Number of the block of 512 pages (level 0) or of 512 blocks (level 1) that `page` is in, and its
 * pages.
 */
static inline uint32_t shadow_block(uint32_t page, uint32_t level)
{
    return page >> (SHADOW_BITS + level * SHADOW_BITS);
}

static inline struct range shadow_block_range(uint32_t block, uint32_t level)
{
    uint32_t shift = SHADOW_BITS + level * SHADOW_BITS;

    return range_of(block << shift, (block + 1) << shift);
}

/*
 * The entry above the shadow page of `level` that covers `page`; NULL if there is none above that.
 *
 * Whoever may write to the space may write through it.
 */
uint64_t *shadow_upper(const struct core *core, const struct space *space, uint32_t level,
                       uint32_t page);

/* Make the cache name the leaf that covers `page`. Returns: whether it exists; no large leaf. */
bool shadow_load(const struct core *core, struct space *space, uint32_t page);

/* The entry of a page of the cached leaf. */
static inline uint64_t *shadow_cached(const struct core *core, const struct space *space,
                                      uint32_t page)
{
    uint64_t *leaf = arena_page(core, space->leaf_page);

    return &leaf[page & (SHADOW_ENTRIES - 1)];
}

/* The entry of a page; NULL if its leaf does not exist. */
static inline uint64_t *shadow_find(const struct core *core, struct space *space, uint32_t page)
{
    if (UNLIKELY(space->leaf_tag != page >> SHADOW_BITS) && !shadow_load(core, space, page)) {
        return NULL;
    }
    return shadow_cached(core, space, page);
}

/* Count an entry that was absent and now is not; its leaf is the cached one. */
static inline void shadow_count(const struct core *core, const struct space *space)
{
    uint64_t *upper = arena_at(core, space->leaf_entry);

    *upper += SHADOW_COUNT_ONE;
}

/*
 * Have the leaf that covers `page`, and its page tables.
 *
 * Returns:   its entry for `page`; NULL if there is no frame. Makes port calls.
 * On error:  an upper page may have been made (shadow_prune takes it).
 */
MUST_USE uint64_t *shadow_make(struct core *core, struct space *space, uint32_t page);

/* Have what stands above the leaves around `page` (level 1). Returns: as shadow_make(). */
MUST_USE bool shadow_make_upper(struct core *core, struct space *space, uint32_t page);

/* Drop the leaf that covers `page`, if it is there and empty. Makes a port call. */
void shadow_drop_leaf(struct core *core, struct space *space, uint32_t page);

/*
 * Have a leaf with its page table in place of the large leaf at `page`; all entries are those of
 * its frames. Makes port calls; no page is mapped afterwards.
 *
 * Returns:   whether there were frames for it.
 * On error:  nothing changed.
 */
MUST_USE bool shadow_split(struct core *core, struct space *space, uint32_t page);

/* As shadow_make() for an adopted table that stands already. Returns: whether there was a frame. */
MUST_USE bool shadow_adopt(struct core *core, struct space *space, uint32_t level, uint32_t page,
                           pfn_t table);

/*
 * Drop empty shadow pages of the blocks that `range` overlaps and that lie in the free stretch
 * `gap`.
 */
void shadow_prune(struct core *core, struct space *space, struct range range, struct range gap);

/* The same, `tables` at most. Returns: where to go on; the range's end: nowhere. */
uint32_t shadow_prune_some(struct core *core, struct space *space, struct range range,
                           struct range gap, uint32_t tables);

/* Take back the step on a shadow page or its table that a dead server left. */
void shadow_recover(struct core *core);

/* Check I1 to I3. Returns: shadow pages. */
uint32_t shadow_audit(const struct core *core, const struct space *space);
