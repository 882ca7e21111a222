/* SPDX-License-Identifier: MIT */
/*
 * A space: one process as the kernel sees it.
 *
 * struct space lies at the start of a donated frame of its own (kind SPACE). It joins the page
 * tables, the threads, the table of handles and the slabs of small objects of one process; what may
 * be mapped where is the memory server's to know.
 *
 *   (frame) --space_make--> LIVE --space_end--> ENDED --FRAME_RELEASE--> (frame)
 *
 *   LIVE   threads and handles work.
 *   ENDED  no thread is left that could run, all objects of its slabs have ended, all slots are
 *          free; tables and leaves stand until the memory server takes them.
 *
 * I1  Every thread frame of the space that was not released is in `threads`, ended ones too.
 * I2  Every frame in slabs[] and slot_frames[] is OBJECT of that kind and belongs to this space.
 * Locks: as grouped below; the order is in kernel/README.md.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <base/list.h>
#include <base/types.h>

#include "mm/aspace.h"
#include "task/handle.h"
#include "task/object.h"

#define SPACE_SLOT_FRAMES_MAX 64u  /* 8,192 slots */
#define SPACE_SLABS_MAX       128u /* 8,064 endpoints and notifications */

enum space_state {
    SPACE_LIVE = 1,
    SPACE_ENDED = 2,
};

struct cell; /* a free 64-byte cell: task/slab.h */

struct space {
    struct object object;

    /* Constant after it was made. */
    struct handle_slot pager; /* where faults go: an endpoint that the memory server made */
    uint64_t fault_badge;
    struct aspace aspace; /* guards itself */
    uint64_t priority_max;

    /* Guarded by task_lock. */
    enum space_state state;
    struct list threads; /* thread.space_link */
    struct cell *free_cells;
    uint64_t slab_count;
    struct death death;
    struct cell *slabs[SPACE_SLABS_MAX];

    /* Guarded by handle_lock. */
    uint64_t slot_frame_count;
    struct handle_slot *slot_frames[SPACE_SLOT_FRAMES_MAX];
};

STATIC_ASSERT(sizeof(struct space) <= PAGE_SIZE, "a space fits into its frame");

/*
 * Make a space in the zeroed frame at `space`, with the zeroed first frame of slots at `slots`.
 *
 * Requires:  the frames have their kinds already; space->aspace has been made by the caller.
 */
void space_init(struct space *space, struct handle_slot *slots, uint64_t fault_badge,
                uint64_t priority_max);

/* Number of slots in the table of `space`; handles are below it. */
static inline uint64_t space_slot_count(const struct space *space)
{
    return space->slot_frame_count * SLOTS_FIRST;
}
