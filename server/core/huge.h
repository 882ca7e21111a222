/* SPDX-License-Identifier: MIT */
/*
 * Regions of huge pages (HUGETLB): where their pages come from, and what becomes of them.
 *
 * Each MAP with HUGETLB makes an object for that region alone, private or shared: a map from the
 * number of a huge page to its first frame, out of a pool (huge_pool.h). The object is the truth
 * about the pages; the shadow of a space knows nothing of them, so whatever takes leaves away asks
 * here too.
 *
 *   absent --touched, read or written--> the object's --UNMAP, DONTNEED (private)--> the pool's
 *                                            |                                           ^
 *                            CLONE (private) |                +--the other object goes---+
 *                                            v                |
 *                                 also that of the clone's object --written--> a copy
 *
 * A clone of a private region has an object of its own that names the same pages, and no promise. A
 * page that several objects name is mapped without write; who writes gets a copy from what is
 * promised to nobody, or a bus error (Linux takes the page from the clone instead).
 *
 * Filling and copying go in steps of HUGE_STEP frames: a fault that made one has FAULT_AGAIN, and
 * comes again. One copy at a time is under way in an object (`copy_frame`).
 *
 *   reserved object:   promised + pages it has, or had (REMOVE) <= pages that it is for
 *   private:           `mapped` pages are in regions, each in one
 *   shared:            all its pages are kept until its last region goes, or REMOVE takes them
 *
 * I1  Edges of such regions are multiples of the size of their pages, and so is their offset.
 * I2  `huges` of a space counts them. A private object is mapped by one space alone.
 * I3  A page that more than one object names is mapped without write.
 * Owner: pages and promises: who is in shared_enter(); so a commit of a space that has such regions
 * is, like one with memory objects.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/core/huge_pool.h"
#include "server/core/range.h"
#include "server/core/space.h"

/* In place of a frame: the page was taken out (huge_hole.h), and is promised no longer. */
#define HUGE_TAKEN (UINT32_C(1) << 31)

/* Whether a region is one of huge pages; and how many pages one of those has. */
static inline bool huge_is_region(const struct region *region)
{
    return (region->flags & REGION_HUGETLB) != 0;
}
uint32_t huge_region_unit(const struct core *core, const struct region *region);

/* Whether leaves may stand of which the shadow knows nothing; a twin (twin.h) has none at all. */
static inline bool huge_has_leaves(const struct space *space)
{
    return UNLIKELY(space->huges != 0) && space->kernel.v != 0;
}

/* The first such region that overlaps the range; NULL if none. */
const struct region *huge_first(const struct core *core, const struct space *space,
                                struct range range);
/* The same from a region on, which may be NULL. */
const struct region *huge_next(const struct core *core, const struct region *region_opt,
                               struct range range);

/*
 * An object of huge pages of `level` for a mapping of `pages` huge pages, private or shared; if it
 * is reserved, that many are promised to it. Requires as object_make_memory(), and that the pool
 * has, or will have, as many to promise.
 */
struct object *huge_make(struct core *core, const struct space *space, uint32_t level,
                         uint32_t pages, bool is_private, bool is_reserved);

/* Take back what is promised to an object beyond `promised`. */
void huge_unpromise(struct core *core, struct object *object, uint64_t promised);

/* Give up a copy that is under way. */
void huge_stop_copy(struct core *core, struct object *object);

/* Give back what an object has that nobody refers to. */
void huge_free(struct core *core, struct object *object);

/* Of an object, or of a part of it: pages that it is for, has, and alone has. */
struct huge_share {
    uint64_t pages;
    uint64_t held;
    uint64_t last;
};

/* What the part of a region in the range shows, and all of an object. In shared_enter(). */
struct huge_share huge_shown(const struct core *core, const struct region *region,
                             struct range range);
struct huge_share huge_all(const struct core *core, const struct object *object);

/*
 * Take rights that are not in `rights` from the leaves of such regions in the range, 0: the leaves.
 * In a commit, READY.
 */
void huge_restrict(struct core *core, const struct space *space, struct range range,
                   uint32_t rights);

/*
 * Part of a private region is unmapped: its pages go, and what was promised for them. No leaf is
 * left there. In a commit, WRITING.
 */
void huge_drop(struct core *core, const struct region *region, struct range range);

/*
 * The range is given back (DONTNEED), of which whole huge pages count: private pages go. No leaf is
 * left there. In a commit, WRITING. Of a twin nothing is given back. Unmapping: huge_twin_unmap().
 */
void huge_discard(struct core *core, const struct space *space, struct range range);

/* A private region moves: copies that are under way are given up. In a commit, WRITING. */
void huge_move(struct core *core, const struct space *space, struct range range);

/*
 * Let the object `to`, new and private, name the pages of a private region of `from`, whose clone
 * it is for; of those that are pinned it has copies (P15).
 *
 * Returns:   ERR_OK; ERR_NOMEM without a frame for its table (recorded for the payer), or a page
 *            for a copy (recorded in `from`). Makes port calls.
 * On error:  `to` names some of them.
 */
MUST_USE enum err huge_share(struct core *core, struct space *from, const struct region *region,
                             struct object *to, struct space *clone);

/* The first frame of huge page `index` of an object; 0 if it is absent. In shared_enter(). */
uint32_t huge_frame(const struct core *core, const struct object *object, uint64_t index);

/* Whether the page that holds page `number` of the object is there. */
bool huge_is_resident(struct core *core, const struct object *object, uint64_t number);

/* How many 4 KiB pages of a region are there; and how many have pins. */
uint64_t huge_count(struct core *core, const struct region *region);
uint64_t huge_pinned(struct core *core, const struct region *region);

/* Check an object. */
void huge_audit(const struct core *core, const struct object *object);

/* Check all pools and objects against each other. */
void huge_audit_all(const struct core *core);
