/* SPDX-License-Identifier: MIT */
/*
 * Requests in steps: what is left of one that gives back more pages, regions or tables than the
 * server may deal with before it turns to its next message.
 *
 * The request is checked, has what it needs, and is committed by entering this record in its space;
 * from then on nothing refuses it. Each step is a commit of its own and small. Until the last one
 * the space is nobody's: whoever has a request or fault about it makes a step instead, and comes
 * again. So nobody sees the space half changed, no step waits for who asked, and a high priority
 * helps a low one.
 *
 *   NONE -> PAGES     [work_begin]    PAGES -> REGIONS -> TABLES -> NONE  [work_step]  WORK_UNMAP
 *                                     PAGES -> NONE                       [work_step]  WORK_DISCARD
 *                                     PAGES -> REPLACE -> NONE            [work_step]  WORK_REPLACE
 *   NONE -> MOVE      [move_begin]    MOVE -> NONE                        [work_step]  WORK_MOVE
 *   NONE -> RESTRICT  [work_begin]    RESTRICT -> NONE                    [work_step]  WORK_PROTECT
 *   NONE -> (RESTRICT ->) CHANGE  [change_apply]  CHANGE -> NONE          [work_step]  WORK_CHANGE
 *   all -> NONE       [work_forget]   the space ends
 *
 * For NONE stands what follows, if anything does: WORK_MOVE where there is `from`, and after it
 * WORK_UNMAP where there is `gone`.
 *
 *   PAGES     pages of `range` are still to be given back, the last first
 *   REGIONS   no page of `whole` is present; regions in `range` are still to go, the first first
 *   TABLES    `whole` is free of regions; tables that only `range` needed are still to go
 *   RESTRICT  leaves of `range` may still give more than `rights`, which its regions say by now or,
 *             in WORK_CHANGE, will say
 *   CHANGE    regions in `range` are still to have other flags (change.h), the first first; none of
 *             them that will reaches beyond it
 *   REPLACE   regions in `range` are still to go, the first first, for the region that ends where
 *             it begins (replace.h)
 *   MOVE      pages of `range` are still to go to another place (move.h), the last first
 *
 * I1  Between steps space_audit() holds, but that a region that goes or changes may be like the
 *     next one, and tables may stand over what is free.
 * I2  Where regions go, a region that goes beyond the end of `whole` begins in it: no step splits.
 * I3  The caches of the space name nothing, so that a fault looks a region up and finds none.
 * I4  `promised` is in `used` of the commit account (limit.h), modulo 2^64: what regions that come
 *     or change may still need, less what those that went give back when all is done.
 * Owner: the space. After the server's death recovery makes all steps that are left.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/core/range.h"

struct core;
struct space;

/* What one step may be about at most. A large leaf is a step, and the leaves of one table are. */
#define WORK_PAGES   64u
#define WORK_FILLED  32u /* pages that are filled in a run; fault.h says what others cost */
#define WORK_REGIONS 32u
#define WORK_TABLES  4u

enum work_kind {
    WORK_UNMAP = 0,   /* pages, regions and tables go */
    WORK_DISCARD = 1, /* pages go */
    WORK_PROTECT = 2, /* leaves lose rights */
    WORK_CHANGE = 3,  /* leaves lose rights, if need be, and regions change their flags */
    WORK_REPLACE = 4, /* pages go, and regions for another */
    WORK_MOVE = 5,    /* pages get another place */
};

enum work_phase {
    WORK_NONE = 0,
    WORK_PAGES_GO = 1,
    WORK_REGIONS_GO = 2,
    WORK_TABLES_GO = 3,
    WORK_RESTRICT_GO = 4,
    WORK_CHANGE_GO = 5,
    WORK_REPLACE_GO = 6,
    WORK_MOVE_GO = 7,
};

/* All but `ticket` is valid unless in NONE. */
struct work {
    uint8_t phase; /* enum work_phase */
    uint8_t kind;  /* enum work_kind */
    uint16_t reserved;
    uint32_t rights;    /* valid in RESTRICT */
    struct range range; /* what is left of the phase */
    struct range whole;
    struct range from; /* what moves after this; empty: nothing */
    struct range gone; /* what is unmapped then; empty: nothing */
    uint32_t to;       /* where `whole` goes in WORK_MOVE, `from` after this */
    uint64_t ticket;   /* of the work begun last */
    uint32_t clear;    /* valid in WORK_CHANGE: struct change */
    uint32_t set;
    uint64_t promised; /* pages of the commit account */
};

/*
 * What is left of a request that said ERR_MORE; in struct core, for the shell. All zero: another's
 * work comes first, and it is to be asked again.
 */
struct more {
    uint64_t ticket;   /* not 0: it is done when the work with this number is */
    struct range rest; /* not empty: then it is to be asked again for these pages */
    bool is_again;     /* then it is to be asked again as it is, and finds that done */
    uint64_t ending;   /* not 0: it is done when this client of the shell has ended */
    uint64_t burial;   /* not 0: when this object has gone (burial.h), whatever was answered */
    uint32_t buried;   /* what this message has given back of such objects; not 0 if `burial` is */
};

/* Whether `range` can hold more than a step's worth: so that a small one costs nothing. */
static inline bool work_may_be_long(struct range range)
{
    return range_pages(range) > WORK_REGIONS;
}

/* Whether what is in `range` is more than one step of this kind; not in a twin, without pages. */
bool work_is_long(const struct core *core, const struct space *space, struct range range,
                  enum work_kind kind);

/* Whether the regions in `range` are more than a step's. */
bool work_has_many_regions(const struct core *core, const struct space *space, struct range range);

/* Have it done in steps. In a commit, WRITING. */
void work_begin(struct core *core, struct space *space, enum work_kind kind, struct range range,
                uint32_t rights);

/*
 * What is left of a request whose commit was work_begin(), for its answer.
 *
 * Returns: ERR_OK, where core does everything at once: all is done; ERR_MORE.
 */
MUST_USE enum err work_go_on(struct core *core, struct space *space);

/*
 * In the commit, WRITING: see to it that no region that begins before `range` goes beyond it (I2),
 * for which there is a record in hand.
 */
void work_part(struct core *core, struct space *space, struct range range);

/*
 * The last pages of `range` that are present, in one leaf or one large leaf, at most a step. Where
 * they begin the rest of the range ends; none: there may be more before that.
 */
struct range work_last_pages(const struct core *core, const struct space *space,
                             struct range range);

/* Make a step. May make port calls. Returns: whether it was the last. */
bool work_step(struct core *core, struct space *space);

/* Make all steps that are left. */
void work_finish(struct core *core, struct space *space);

/* In the commit of a step, WRITING: what it has charged and given back is settled in the end. */
void work_keep_promise(struct core *core, struct work *work);

/* The space ends, and all that it has goes. */
void work_forget(struct core *core, struct space *space);
