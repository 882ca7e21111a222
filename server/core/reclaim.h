/* SPDX-License-Identifier: MIT */
/*
 * Reclaim: taking frames from pages that nobody has touched lately, for who needs one.
 *
 *   no frame --> the fault or request waits --> reclaim_serve --+--> frames: who waits goes on
 *                  (NEED_FRAME)                                  +--> pages are being saved: who
 *   few frames ---------------------------------> ^              |    waits goes on when one is
 *                                                                '--> nothing: no memory
 *
 * A hand goes round all frames, as that of a clock. The page tables are only a cache, so whether a
 * page is in use is found out by removing its leaves: who touches it has a minor fault.
 *
 *   page of a space, its own or shared     its leaves go, and its frame is a page of the swap area
 *   by clones; of shared memory            that is to be saved (swap.h); a touch has it back as
 *                                          long as the frame has not gone
 *   page of a pager's object, or of the    leaves removed, and not touched since the hand was here
 *   swap area: CLEAN                       last: the frame is free
 *   the same, DIRTY                        saved
 *   large leaf                             split
 *
 * Never taken: what is pinned or locked; pages of processes that serve pagers, since they may be
 * needed to make room, or that have made one with a reserve, since they may have to start who
 * serves it next; pages of objects that no process serves any longer, which could not come
 * back; pages of clones that one of them has moved elsewhere (REMAP), where nobody could find them.
 *
 * Order of locks: reclaim_serve() takes all buckets, from nothing but `processes` (shared.h). So
 * whoever lacks a frame must have given back its bucket first: that is why it waits in its thread's
 * record, even if frames are found at once. Nothing is tried and skipped: buckets are held for the
 * time of one message, and whoever waits for a lock gets its turn.
 *
 * I1  While threads wait for a frame, reclaim is wanted, or something is being saved that will not
 *     last for ever (pull_is_saving): its end has them look again; or a process is awaited that
 *     will serve what could not be saved (reserve.h).
 * I2  pool.kept is what the swap areas have for reclaim and for pages that come back, a frame for
 *     each page that a pager was asked for, and what is left of reserves: nobody takes these but
 *     who reclaims, who supplies a page, and the memory maker that a reserve is for.
 * Owner: who is in shared_enter(); `is_wanted` is atomic.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/core/wait.h"

struct core;

/* Frames that are looked at before the buckets are given back. */
#define RECLAIM_LOOKS 16384u
/* Frames that are set free at once, if there are as many to be had. */
#define RECLAIM_BATCH 32u
#define RECLAIM_MOST  256u
/*
 * Pages that are given to the swap area at once; and how many may be in it unsaved, or are to be
 * saved by any pager, before reclaim has no more saved: the time that a pager has for each piece of
 * work begins when it is asked, also of what SYNC and faults need of it next.
 */
#define RECLAIM_SWAPS  64u
#define RECLAIM_FLIGHT 128u
/* How often a request that gets no further is tried with frames of a reserve: none may mend it. */
#define RECLAIM_TRIES 8u

/* What was done since boot. */
struct reclaim_counts {
    uint64_t runs;
    uint64_t looked;        /* at frames */
    uint64_t looks;         /* at what else has to be looked at for a page (evict.h) */
    uint64_t sampled;       /* pages of objects whose leaves were removed */
    uint64_t dropped;       /* clean pages whose frame was taken */
    uint64_t dropped_paged; /* of these, pages of objects that are no swap areas */
    uint64_t swapped;       /* pages given to a swap area */
    uint64_t waits;         /* for a frame */
    uint64_t failed;        /* runs that found nothing, with somebody waiting */
};

/* In the head of the arena. */
struct reclaim {
    struct wait_list waiters;
    _Atomic uint32_t is_wanted;
    uint32_t hand;    /* frame */
    uint32_t insists; /* somebody was woken, and had too few: more, however many are there */
    uint32_t reserved;
    uint64_t scanned; /* frames since one was set free */
    uint64_t makers;  /* mark of spaces that make memory, of the last run of evict.h */
    struct reclaim_counts count;
};

/* Whether there is anybody whose pages could be taken: without pagers, no page can come back. */
bool reclaim_is_possible(const struct core *core);

/* Have reclaim_serve() run soon, if it is possible. */
void reclaim_want(struct core *core);

/* With fewer frames than this, pages are reclaimed before somebody has to wait. */
uint64_t reclaim_low(const struct core *core);

/*
 * Whether who found no frame should wait for one: then core->need says so. A request that can go on
 * where it was says where; any other starts over. Whose budget was used up is not to ask: however
 * many frames are there by now, it is what was refused that counts.
 */
bool reclaim_need(struct core *core);

/* Something was saved, or nothing is on its way any longer (`outcome`): who waits looks again. */
void reclaim_wake(struct core *core, enum err outcome);

/* Whether reclaim_serve() has something to do. */
bool reclaim_is_wanted(const struct core *core);

/*
 * Set frames free, or begin to, and wake who waits for them; at most RECLAIM_LOOKS are looked at.
 *
 * Requires:  the caller has `processes`, and no bucket; no fault of its is to be answered.
 */
void reclaim_serve(struct core *core);

/* Forget who waits, after the server died. */
void reclaim_recover(struct core *core);

/* Check I1 and I2. */
void reclaim_audit(const struct core *core);
