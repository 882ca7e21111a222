/* SPDX-License-Identifier: MIT */
/*
 * Budgets: how many frames a space and its descendants may cause to be used.
 *
 * A space made with a budget of its own has it set aside from that of its maker: the maker can no
 * longer use those frames, whether the child does or not, and has them back when the child ends. A
 * space made without one uses its maker's. The space whose budget is used is the payer.
 *
 *   payer P: limit = left + reserved + sum of what each space that P pays for is charged
 *                    + what shared memory costs that P pays for (upkeep.h)
 *                    + frames that only pins keep (detain.h)
 *
 * A space is charged for its pages, its page tables and the shadow beside them, its threads with
 * their message pages, its window's tables, what it donated, its own record, and, in shares of a
 * frame, for the records of its regions, threads, children and pins. What it shares with others is
 * not charged: the zero frame, wired objects, tables of the arena, slabs that are not full.
 *
 * Charging is part of the check of a request or fault and may refuse; the frame itself is taken
 * afterwards, and if there is none the charge is given back.
 *
 * I1  `charged` of a space is what its structure says (budget_count()), pages of its own aside,
 *     which `own` counts.
 * I2  The equation above; `reserved` is the sum of the limits of the budgets that were taken out of
 *     it.
 * I3  A space that ends is charged nothing, and has nothing reserved.
 * Owner: `left` is changed atomically by whoever serves a space that is paid for; the rest of a
 * budget by whoever makes and ends spaces; what a space is charged belongs to who serves it.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>

#include "server/core/arena.h"
#include "server/core/space.h"

/* Without a limit: more frames than any machine has. */
#define BUDGET_UNLIMITED ((uint64_t)INT64_MAX)

/* How many records are charged as one frame: as fit, less a share of the tables of the arena. */
#define BUDGET_REGIONS  62u
#define BUDGET_THREADS  20u
#define BUDGET_CHILDREN 25u
#define BUDGET_PINS     27u

/* What a space costs that has nothing yet: its record, kernel object, root table and slots. */
#define BUDGET_SPACE 4u

/* Frames of the record and tables of a shadow page. */
#define BUDGET_SHADOW 2u

/* Frames of the record and the table of a further block of a window. */
#define BUDGET_WINDOW 2u

/* The space that pays for `space`. */
static inline struct space *budget_payer(const struct core *core, const struct space *space)
{
    return arena_page(core, space->payer);
}

/* Take `frames` from what is left to the payer. Returns: whether there were as many. */
static inline bool budget_draw(const struct core *core, const struct space *space, int64_t frames)
{
    struct budget *budget = &budget_payer(core, space)->budget;

    if (UNLIKELY(atomic_fetch_sub_explicit(&budget->left, frames, memory_order_relaxed) < frames)) {
        atomic_fetch_add_explicit(&budget->left, frames, memory_order_relaxed);
        return false;
    }
    return true;
}

static inline void budget_return(const struct core *core, const struct space *space, int64_t frames)
{
    struct budget *budget = &budget_payer(core, space)->budget;

    atomic_fetch_add_explicit(&budget->left, frames, memory_order_relaxed);
}

/*
 * Charge a space for anything but pages of its own.
 *
 * Returns:   whether the budget allows it; if not, limit_refuse_frames() will say so.
 * On error:  nothing changed.
 */
MUST_USE bool budget_take(const struct core *core, struct space *space, uint32_t frames);

/* Take back such a charge. */
void budget_give(const struct core *core, struct space *space, uint32_t frames);

/*
 * Take a frame of the pool for what the space is charged for, such as a table or an object.
 *
 * Returns:   the frame; 0 if the budget or the machine has none. May make port calls.
 */
MUST_USE uint32_t budget_take_frame(struct core *core, struct space *space, enum frame_kind kind);

/* Give such a frame back, which nothing refers to. Makes no port call. */
void budget_give_frame(struct core *core, struct space *space, uint32_t frame);

/* Remember that the payer refused `frames` frames. */
void budget_refused(const struct core *core, struct space *space, uint64_t frames);

/* The same of the budget that `payer` uses, for what `space` wanted. */
void budget_refused_by(const struct core *core, struct space *space, const struct space *payer,
                       uint64_t frames);

/* Remember for `space` what was refused to `refused`, if anything. */
void budget_tell(struct space *space, const struct space *refused);

/* Charge a space for `pages` pages more of its own. As budget_take(). */
MUST_USE static inline bool budget_take_all_pages(const struct core *core, struct space *space,
                                                  uint32_t pages)
{
    if (UNLIKELY(!budget_draw(core, space, pages))) {
        budget_refused(core, space, pages);
        return false;
    }
    return true;
}

/* As many pages as the budget allows, at most `pages`. Returns: how many. */
uint32_t budget_take_pages(const struct core *core, struct space *space, uint32_t pages);

/* Take back the charge for pages of its own. */
static inline void budget_give_pages(const struct core *core, const struct space *space,
                                     uint32_t pages)
{
    budget_return(core, space, pages);
}

/* budget_take_regions() when more must be charged. */
MUST_USE bool budget_take_regions_slow(const struct core *core, struct space *space,
                                       uint32_t count);

/* Have `count` regions more charged than there are, at most BUDGET_REGIONS. As budget_take(). */
MUST_USE static inline bool budget_take_regions(const struct core *core, struct space *space,
                                                uint32_t count)
{
    return LIKELY(space->tree.count + count <= space->region_room) ||
           budget_take_regions_slow(core, space, count);
}

/*
 * Have `count` region records in hand, at most ARENA_SPARES, and the space charged for them.
 *
 * Returns:   ERR_OK; ERR_NOMEM if there is no frame for them. May make port calls.
 * On error:  nothing changed but what is in hand.
 */
MUST_USE static inline enum err region_reserve(struct core *core, struct space *space,
                                               uint32_t count)
{
    if (UNLIKELY(!budget_take_regions(core, space, count))) {
        return ERR_NOMEM;
    }
    return LIKELY(core->worker->spares >= count) ? ERR_OK : region_reserve_slow(core, count);
}

/* Take back what is charged for regions that are gone, but for a frame. */
void budget_settle_regions(const struct core *core, struct space *space);

/*
 * Charge a space for the record of a thread or a child more, before it is counted. As
 * budget_take().
 */
MUST_USE bool budget_take_thread(const struct core *core, struct space *space);
MUST_USE bool budget_take_child(const struct core *core, struct space *space);

/* Take that back, after it is no longer counted. */
void budget_give_thread(const struct core *core, struct space *space);
void budget_give_child(const struct core *core, struct space *space);

/*
 * Give a space that is being made its budget: out of that of `parent_opt` (NULL: out of nothing),
 * or its maker's own if `frames_max` is 0.
 *
 * Returns:   whether there was as much (recorded with the parent).
 * On error:  nothing changed.
 */
MUST_USE bool budget_open(const struct core *core, struct space *space, struct space *parent_opt);

/*
 * Give a budget back whose space is charged nothing any more, but for `kept` frames, which its
 * lender goes on paying for.
 */
void budget_close(const struct core *core, struct space *space, uint64_t kept);

/* The space whose budget that of `space` stems from. */
uint32_t budget_root(const struct core *core, const struct space *space);

/*
 * Raise what all budgets stem from, that of the space with number `root` (0: none), and the commit
 * account, by so many pages (modulo 2^64).
 */
void budget_raise(const struct core *core, uint32_t root, uint64_t pages);

/* What a budget is, to be told. */
struct budget_view {
    uint64_t limit; /* MEM_UNLIMITED: none */
    uint64_t used;  /* `reserved` included */
    uint64_t reserved;
};

/* The budget that pays for `space`. */
struct budget_view budget_view(const struct core *core, const struct space *space);

/* What a space is charged, pages of its own aside, by its structure. */
uint64_t budget_count(const struct space *space);

/* Make all charges what the structures say, after a server died between a charge and its frame. */
void budget_recover(const struct core *core);

/* Check I1 and I2 for all spaces. */
void budget_audit(const struct core *core);
