/* SPDX-License-Identifier: MIT */
/*
 * Taking a page from whoever has it, so that its frame becomes free: what reclaim.h says is done
 * with each kind of page.
 *
 * What is taken is written down after all leaves are removed, and without a port call until the
 * frame is where it belongs: so a server that dies in between has changed nothing.
 *
 * Owner: who has `processes`, all buckets, and is in shared_enter().
 *
 * Not here: which pages (sweep.h, op_pageout.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "server/core/reclaim.h"

struct core;
struct object;
struct space;

/* One run. */
struct evict {
    struct core *core;
    uint64_t freed; /* frames */
    bool is_asked;  /* by PAGEOUT: now, whether or not the page is used, or else once it is saved */
    uint32_t done;  /* pages that something was done with */
    uint32_t looks; /* at slots, at pagers, and EVICT_REGION for each region */
    uint32_t swaps; /* unless asked */
    uint32_t full;  /* page of a pager that has enough to save; 0: none is known */
    uint32_t names[RECLAIM_SWAPS]; /* slots that were filled, to be saved */
};

/* What it costs to look at a region, in looks at slots or pagers. */
#define EVICT_REGION 4u

/* Regions of an object that PAGEOUT looks at for a page: with more it leaves that to reclaim. */
#define EVICT_REGIONS 16u

/* A run with `core` and `is_asked` begins: who makes memory has nothing taken; it ends. */
void evict_begin(struct evict *evict);
void evict_end(struct evict *evict);

/* Whether PAGEOUT may look at another region of an object, the `regions`th: it does. */
static inline bool evict_may_look(struct evict *evict, uint32_t regions)
{
    evict->looks += EVICT_REGION;
    return regions <= EVICT_REGIONS;
}

/* Whether a page of a region of a space may be taken, whatever it is. */
bool evict_may_take(const struct core *core, const struct space *space, uint32_t page);

/*
 * Take the page whose frame this is: of a space (FRAME_USER), of clones (FRAME_COW), of a swap area
 * (FRAME_SWAP). Makes port calls.
 */
void evict_own(struct evict *evict, uint32_t frame);
void evict_shared(struct evict *evict, uint32_t frame);
void evict_slot(struct evict *evict, uint32_t frame);

/* The same for a page of an object that has frames, whether or not it is there. */
void evict_object_page(struct evict *evict, struct object *object, uint64_t number);

/* The same for a page of clones that only `space` has any longer, and that may be taken. */
void evict_last(struct evict *evict, struct space *space, uint32_t page, uint32_t frame);

/* Take a page of a pager's object that was to leave, if it is saved, and nobody has touched it. */
void evict_saved(struct evict *evict, struct object *object, uint64_t number);

/*
 * Have the large leaf split that `page` is in, if its pages could be taken. Makes port calls.
 *
 * Returns: whether it was, so that they can be taken one by one; not without a frame or budget.
 */
bool evict_large(const struct evict *evict, struct space *space, uint32_t page);

/* Have the slots saved that were filled. */
void evict_save(struct evict *evict);
