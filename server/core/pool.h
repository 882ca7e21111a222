/* SPDX-License-Identifier: MIT */
/*
 * Taking and giving frames; how they are kept is in frame.h.
 *
 * The usual cases, a frame from or to the list of the calling server thread, are inline: a first
 * touch and the end of a page are made of little else.
 *
 * The list of a server thread and behind it the shared one are a stack: what was taken last and
 * is given first comes back in the order in which it went. So frames that follow each other stay
 * together, and pages that are populated in a row need few entries.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/assert.h>
#include <base/attr.h>
#include <base/types.h>

#include "server/core/arena.h"
#include "server/core/frame.h"
#include "server/core/shared.h"

/* Lengths between which the list of a server thread is kept. */
#define POOL_LIST_MAX   1024u
#define POOL_LIST_SPILL 512u
#define POOL_REFILL     32u

/* What may be taken besides what is anybody's (struct core, `claim`). */
enum pool_claim {
    POOL_ANYBODYS = 0,
    POOL_AREAS = 1, /* what is kept for swap areas: by reclaim, and for pages that come back */
    POOL_PAGE = 2,  /* the frame that was promised to a page that was asked for */
};

static inline struct frame *pool_record(const struct core *core, uint32_t frame)
{
    ASSERT(frame != 0 && frame < core->head->pool.span);
    return &core->frames[frame];
}

static inline pfn_t pool_pfn(const struct core *core, uint32_t frame)
{
    return pfn_add((pfn_t){core->head->pool.base}, (npages_t){frame});
}

/* pool_take() when the calling server thread's list is empty. */
uint32_t pool_take_slow(struct core *core, enum frame_kind kind, uint32_t owner, uint32_t page);

/*
 * Move a few frames to the empty list of the calling server thread: shared ones, else fresh ones.
 * May make port calls (a page of records).
 */
void pool_refill(struct core *core);

/*
 * Move the last frames of the calling server thread to the shared list, all but `keep`, after the
 * port's vector.
 */
void pool_spill(struct core *core, uint32_t keep);

/* How long the list of a server thread is; exact for its own. */
static inline uint32_t pool_length(const struct worker *worker)
{
    return atomic_load_explicit(&worker->free_frames, memory_order_relaxed);
}

/* The list of the calling server thread became longer by `frames`, modulo 2^32. */
static inline void pool_count(struct worker *worker, uint32_t frames)
{
    atomic_store_explicit(&worker->free_frames, pool_length(worker) + frames, memory_order_relaxed);
}

/*
 * Record what a free frame of a list is now. Taking it out of the list is the caller's affair.
 *
 * Returns: the frame after it in the list.
 */
static inline uint32_t pool_claim(struct core *core, uint32_t frame, enum frame_kind kind,
                                  uint32_t owner, uint32_t page)
{
    struct frame *record = &core->frames[frame];
    const uint32_t next = record->page;

    ASSERT(record->kind == FRAME_FREE);
    *record = (struct frame){.kind = (uint8_t)kind, .references = 1, .owner = owner, .page = page};
    return next;
}

/*
 * Take a free frame for `kind` and record its owner (0: nobody) and page.
 *
 * Returns:   the frame; 0 if none is free. May make port calls (a page of records).
 */
static inline uint32_t pool_take(struct core *core, enum frame_kind kind, uint32_t owner,
                                 uint32_t page)
{
    struct worker *worker = core->worker;
    const uint32_t frame = worker->free_first;

    if (UNLIKELY(frame == 0)) {
        return pool_take_slow(core, kind, owner, page);
    }
    worker->free_first = pool_claim(core, frame, kind, owner, page);
    pool_count(worker, UINT32_MAX);
    return frame;
}

/* Make a frame that nothing refers to the first of a list of free ones; its length is the caller's
 * affair. */
static inline void pool_chain(struct core *core, uint32_t frame, uint32_t *first)
{
    struct frame *record = &core->frames[frame];

    ASSERT(record->kind > FRAME_FREE);
    ASSERT(record->pins == 0);
    *record = (struct frame){.kind = FRAME_FREE, .page = *first};
    *first = frame;
}

/* Give back a frame that nothing refers to. Makes no port call. */
static inline void pool_give(struct core *core, uint32_t frame)
{
    pool_chain(core, frame, &core->worker->free_first);
    pool_count(core->worker, 1);
}

/*
 * Frames that can be taken before none is left, over all lists; about that while other server
 * threads work.
 */
uint64_t pool_free(const struct core *core);

/*
 * What the calling server thread gave less what it took, since ever, modulo 2^64: the difference
 * between two times says how many frames came back.
 */
uint64_t pool_balance(const struct core *core);

/*
 * Take a frame for good for the shell's own threads: an object, a message page, a stack.
 *
 * Returns: the frame; 0 if none is free.
 */
uint32_t pool_take_for_shell(struct core *core, enum frame_kind kind);

/*
 * Whether a frame can be promised to who will supply a page (paged.h); one of a reserve is taken
 * out of it. The caller is in shared_enter(), and promises it at once. May make port calls.
 */
bool pool_can_promise(struct core *core);

/* Frames, beside those of its list, that the calling server thread can take. */
uint64_t pool_spare(const struct core *core);

/* Frames beyond `kept` that no other server thread has. */
uint64_t pool_beyond(const struct core *core, uint64_t kept);

/* Move the calling server thread's free frames to the shared list. */
void pool_drain(struct core *core);

/*
 * Back a page of records with a frame that was set aside; or first the page with the record of that
 * frame. The caller is in shared_enter().
 *
 * Returns: whether there was such a frame. Makes a port call.
 */
bool pool_back_records(struct core *core, uint32_t page);

/* The number of a physical frame; 0 if it is not RAM. */
uint32_t pool_frame(const struct core *core, pfn_t pfn);

/* Check lists and fresh ranges. Returns: how many frames are free in all. */
uint64_t pool_audit(const struct core *core);
