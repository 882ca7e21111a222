/* SPDX-License-Identifier: MIT */
/*
 * What is known of each frame, and where free ones are: the data of pool.h.
 *
 * Frames have numbers of core's own, from 1 (0 is none): physical number minus that of the frame
 * before RAM. Frames that were never used are known by ranges only; a page of records is backed
 * when the first of its frames is used, so that boot does not touch what nobody needs. The frames
 * for that are set aside together for many pages, so that they do not stand in the way of runs.
 * Used and freed frames are linked through their records, in a list of each server thread and in a
 * shared one.
 *
 *   FRESH -> any      [pool_take]   no record yet
 *   FREE  -> any      [pool_take]
 *   any   -> FREE     [pool_give]
 *   FRESH -> RUN      [run_take]    512 frames at a time (run.h)
 *   RUN   -> LARGE    [run_take]
 *   LARGE -> RUN      [run_give]
 *   LARGE -> USER     [run_split]   each of the 512
 *   RUN   -> FRESH    [run_break]   each of the 512, to be taken one by one
 *   FREE  -> RUN      [run_gather]  all 512 of them
 *   USER  -> COW      [cow_share]
 *   COW   -> USER     [cow_fault]   one space alone has it, and keeps it
 *   USER  -> PINNED   [detain_frame]    its page has gone
 *   PINNED -> FREE    [detain_release] its last pin has gone
 *   USER, COW -> SWAP [swap_enter]  its page is one of the swap area from now on
 *   SWAP  -> USER     [swap_take]   it is written to
 *   USER  -> SWAP     [paged_fill]  the page came back
 *   FRESH -> HUGE     [huge_pool_open] for good
 *
 * I1  A frame is in exactly one place: fresh range, free list, free run, shadow entry, object,
 *     table, arena, message page, kernel object, zero frame, pool of huge pages, pins alone, or
 *     (between two port calls) the step of a server thread.
 * I2  A FRAME_USER record names its owner and its page; one of an object names no owner, and the
 *     link of the object as its page. A FRAME_COW record counts the shadow entries that name it and
 *     has no owner. A FRAME_PINNED record names as owner who pays for it. A FRAME_SWAP record names
 *     its slot as page, counts what refers to that, and its owner is 0 or the page, plus 1, at
 *     which spaces may have it mapped. FRAME_HUGE: huge_pool.h.
 * I3  pool_free() does not count the frames that must become records before fresh ones can be used.
 * Owner: the list in `struct worker` belongs to its server thread, the rest is shared (shared.h);
 * the counts that pool_free() adds up are read by everybody.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <base/types.h>

#define POOL_RANGES 64u
/* Frame records in an arena page. */
#define POOL_RECORDS 256u

enum frame_kind {
    FRAME_FRESH = 0,
    FRAME_FREE = 1,
    FRAME_USER = 2,
    FRAME_TABLE = 3,
    FRAME_ARENA = 4,
    FRAME_MESSAGE = 5,
    FRAME_OBJECT = 6,
    FRAME_COW = 7,     /* user memory that clones share until one writes */
    FRAME_RUN = 8,     /* first of a free run; the records of the others are FRESH, as in LARGE */
    FRAME_LARGE = 9,   /* first of a run that one large leaf maps */
    FRAME_PINNED = 10, /* user memory that only pins keep (detain.h) */
    FRAME_SWAP = 11,   /* user memory that is a page of a swap area (swap.h) */
    FRAME_HUGE = 12,   /* first of a page of a pool (huge_pool.h); the others are FRESH */
};
#define FRAME_KINDS 13u

/* Frames of a run, and of a leaf of 2 MiB. */
#define FRAME_RUN_FRAMES 512u

/* How a page of an object is used, as far as is known. */
enum frame_idle {
    FRAME_USED = 0,
    FRAME_SAMPLED = 1, /* its leaves were removed, and nobody has touched it since (reclaim.h) */
    FRAME_AHEAD = 2,   /* it was asked for ahead (pull.h), and nobody has touched it yet */
    FRAME_LEAVING = 3, /* as SAMPLED, and it goes as soon as it is saved (op_pageout.h) */
};

/* Kept by the arena; freed never (the page of records goes with the machine). */
struct frame {
    uint8_t kind;
    uint8_t idle; /* enum frame_idle */
    uint16_t pins;
    uint32_t references; /* shadow entries that name it; with pins: whose they are (pinner.h) */
    uint32_t owner; /* space; valid in FRAME_USER, _LARGE, _TABLE, _MESSAGE, _OBJECT, _PINNED; 0:
                       none */
    uint32_t page;  /* page of the owner (USER, LARGE); next frame of a list (FREE, OBJECT, RUN) */
};

/* Whether nobody has touched the page of an object since its leaves were removed. */
static inline bool frame_is_idle(const struct frame *record)
{
    return record->idle == FRAME_SAMPLED || record->idle == FRAME_LEAVING;
}

/* Frames first .. end - 1 were never used. */
struct pool_range {
    uint32_t first;
    uint32_t end;
};

/* In the head of the arena. */
struct pool {
    uint64_t base;                /* physical number of frame 0 */
    uint32_t span;                /* frame numbers are below this */
    uint32_t ranges;              /* entries used of `fresh` */
    uint32_t current;             /* the range that frames are taken from */
    _Atomic uint32_t records;     /* pages of records not backed yet that fresh frames need */
    _Atomic uint64_t fresh_left;  /* fresh ranges, `spare`, `broken`, and the shared runs */
    _Atomic uint64_t free_frames; /* length of the shared list */
    uint32_t free_first;
    uint32_t run_first;       /* shared free runs */
    uint64_t spilled;         /* frames that were ever added to the shared list, modulo 2^64 */
    uint64_t gathered;        /* the same when the list was last looked through for a run in vain */
    struct pool_range spare;  /* fresh frames for pages of records, at most `records` */
    struct pool_range broken; /* what is left of a run that single frames are taken from */
    uint32_t zero_frame;      /* constant */
    uint64_t total;           /* all frames that core was given; constant */
    uint64_t cow;             /* frames of kind FRAME_COW */
    uint64_t kept;            /* of the shared ones: not anybody's (reserve.h) */
    _Atomic uint32_t lent;    /* frames that reserves lack (reserve.h) */
    uint32_t reserved;
    uint64_t low; /* with fewer shared ones besides, pages are reclaimed; 0: never */
    struct pool_range fresh[POOL_RANGES];
};

/* Numbers of physical frames, for what needs arithmetic on them. */
static inline uint64_t pfn_number(pfn_t pfn)
{
    return pfn.v;
}

static inline uint64_t npages_number(npages_t pages)
{
    return pages.v;
}

/* Whether lowest .. end - 1 are frames that core can number; then `*span` says how many. */
static inline bool pfn_span(pfn_t lowest, pfn_t end, uint32_t *span)
{
    *span = (uint32_t)(end.v - lowest.v);
    return lowest.v > 0 && lowest.v < end.v && end.v - lowest.v < UINT32_MAX / 2;
}
