/* SPDX-License-Identifier: MIT */
/*
 * The way a page becomes present: for a client's own fault, for POPULATE and for COPY alike.
 *
 *   region look-up -> protection -> what is on the page -> a frame -> what to install
 *
 * A fault keeps no state of its own: should it have to wait, it starts again with the look-up,
 * since the region may have changed, moved or gone meanwhile. It decides and writes down (shadow,
 * totals); installing is left to the caller, because the answer to a client's fault carries it.
 *
 * Not here: who is told of a refused fault (shell).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <base/types.h>

#include "server/core/port.h"
#include "server/core/space.h"

enum fault_outcome {
    FAULT_READY = 0,     /* install what the answer says, then the access works */
    FAULT_NO_REGION = 1, /* SEGV_MAPERR */
    FAULT_DENIED = 2,    /* SEGV_ACCERR: the protection forbids it */
    FAULT_PAST_END = 3,  /* BUS_ADRERR: past the end of the object */
    FAULT_NO_FRAME = 4,  /* BUS_ADRERR: no memory, and nothing to wait for */
    FAULT_LARGE = 5,     /* of fault_quick() alone: READY with a large leaf */
    FAULT_WAIT = 6,      /* core->need says for what */
    FAULT_AGAIN = 7,     /* of fault_quick() alone: a step was made, the fault is to come again */
};

/*
 * Valid with FAULT_READY. Install `frame` at the page, with `prot`, as `how` says, in place of what
 * is mapped there; or the large leaf of which `frame` is the page's.
 */
struct fault_answer {
    pfn_t frame;
    pfn_t source;  /* valid with PORT_COPY */
    uint32_t prot; /* MEM_PROT_ bits */
    uint8_t how;   /* enum port_how */
    bool is_new;   /* the page was absent until now */
    bool is_large; /* large.h, huge.h; never with PORT_COPY */
    uint8_t level; /* of a large leaf: 1, 2 */
};

/*
 * Make the page at `vpn` present in `space` for `access` (one MEM_PROT_ bit).
 *
 * Returns:   FAULT_READY and what to install, or why not. May make port calls (tables).
 * Semantics: faults of semantics.md; one page a touch.
 */
MUST_USE enum fault_outcome fault_handle(struct core *core, struct space *space, vpn_t vpn,
                                         uint32_t access, struct fault_answer *answer);

/*
 * The same where the region need not allow the access: what FORCE of PIN asks for, and what gives a
 * page a frame of its own before its owner writes to it. The region is private, or the access is
 * reading.
 *
 * Returns:   as fault_handle(), but never FAULT_DENIED. `prot` of the answer is what the region
 *            allows, perhaps nothing: then there is nothing to map.
 */
MUST_USE enum fault_outcome fault_force(struct core *core, struct space *space, vpn_t vpn,
                                        uint32_t access, struct fault_answer *answer);

/* What one fault is about, for the parts of fault_quick.h that are called. */
struct fault {
    struct space *space;
    struct region *region;
    uint64_t *entry; /* of the shadow */
    uint32_t page;
    uint32_t access;
};

/*
 * The region that holds `page`, or grows down to it, which the space then remembers; NULL if none.
 */
struct region *fault_find_region(struct core *core, struct space *space, uint32_t page);

/* The entry of a page, whose leaf is made if need be; NULL if there is no frame for that. */
uint64_t *fault_make_entry(struct core *core, struct space *space, uint32_t page);

/*
 * Have `page`, which is written for the first time in a region with REGION_SEQUENTIAL, filled and
 * mapped together with absent pages after it: as many as the machine is set to, within region and
 * leaf.
 *
 * Returns:   whether it was done; not on the zero frame, nor when frames or the budget run low.
 *            Makes port calls.
 */
bool fault_ahead(struct core *core, struct space *space, const struct region *region,
                 uint32_t page);

/*
 * Make a page of a region with an object present that shows the object's frame, or a copy of it
 * once a private one is written.
 *
 * Returns:   as fault_handle().
 */
MUST_USE enum fault_outcome fault_object(struct core *core, const struct fault *fault,
                                         struct fault_answer *answer);

/* A page of an object has to be filled by its pager for `region` first. Returns: FAULT_WAIT. */
enum fault_outcome fault_need(struct core *core, const struct region *region,
                              const struct object *object, uint64_t number);

/* FAULT_WAIT in place of FAULT_NO_FRAME, if it is worth waiting for a frame (reclaim.h). */
enum fault_outcome fault_judge(struct core *core, enum fault_outcome outcome);

/* Carry out an answer through the port. */
void fault_install(struct core *core, const struct space *space, uint32_t page,
                   const struct fault_answer *answer);

/* Install the page that a dead server had decided about. */
void fault_recover(struct core *core);

/*
 * What a turn may do, in pages that are filled in a run (core->left, 660 instructions each): a page
 * that comes singly costs TURN_SINGLE of these, and TURN_PRESENT pages that are there already cost
 * one. A large leaf costs a turn.
 */
#define TURN_SINGLE  3u
#define TURN_PRESENT 16u

/* Whether no more is to be made present before the server has turned to its next message. */
static inline bool fault_turn_is_over(const struct core *core)
{
    return core->has_turns && core->left == 0;
}

/*
 * Make the pages of `range` present for `access` (one MEM_PROT_ bit), and install them, until one
 * cannot be.
 *
 * Returns:   the page at which it stopped; the end of the range if all are present.
 */
uint32_t fault_populate(struct core *core, struct space *space, struct range range,
                        uint32_t access);
