/* SPDX-License-Identifier: MIT */
/*
 * The memory server's semantics, as seen by the shell: all of core's public headers, its start and
 * its recovery.
 *
 *   core_init()     once per machine, from what boot found
 *   core_attach()   one more server thread
 *   core_recover()  a new instance of the server, on the arena that the old one left
 *
 * Spaces come with space_make() or space_adopt() and go with space_end(). A request is one call of
 * op_..(), a fault one of fault_handle(), on a space that the shell has taken with space_take();
 * the answer is the value they return. Afterwards the shell calls core_done() once, hands over the
 * port's vector, gives the space back, and answers. Refusals are explained in `space->refusal`
 * until the next request. Each server thread has a struct core of its own (shared.h).
 *
 * What cannot be answered yet says so (FAULT_WAIT, ERR_WAIT): the shell then hands the request to
 * wait_begin() and answers nobody. After each message it takes those whose event has come
 * (wait_take) and starts them over, and it looks for deadlines when their time has come
 * (pull_expire).
 *
 * Not here: messages, handles, rights of callers, time. Core has no globals, no clock and no
 * malloc.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <base/types.h>

#include "server/core/arena.h"
#include "server/core/budget.h"
#include "server/core/burial.h"
#include "server/core/fault.h"
#include "server/core/hold.h"
#include "server/core/name.h"
#include "server/core/object.h"
#include "server/core/op_advise.h"
#include "server/core/op_batch.h"
#include "server/core/op_clone.h"
#include "server/core/op_commit.h"
#include "server/core/op_copy.h"
#include "server/core/op_huge.h"
#include "server/core/op_incore.h"
#include "server/core/op_limits.h"
#include "server/core/op_lock.h"
#include "server/core/op_map.h"
#include "server/core/op_object.h"
#include "server/core/op_pageout.h"
#include "server/core/op_pager.h"
#include "server/core/op_pin.h"
#include "server/core/op_pin_cost.h"
#include "server/core/op_protect.h"
#include "server/core/op_query.h"
#include "server/core/op_remap.h"
#include "server/core/op_remove.h"
#include "server/core/op_supply.h"
#include "server/core/op_swap.h"
#include "server/core/op_unmap.h"
#include "server/core/pool.h"
#include "server/core/populate.h"
#include "server/core/port.h"
#include "server/core/pull.h"
#include "server/core/reclaim.h"
#include "server/core/reserve.h"
#include "server/core/space.h"
#include "server/core/space_lock.h"
#include "server/core/stop.h"
#include "server/core/swap.h"
#include "server/core/thread.h"
#include "server/core/wait.h"
#include "server/core/work.h"

/* `pages` free frames from `first` on. */
struct core_range {
    pfn_t first;
    npages_t pages;
};

struct core_boot {
    /* 1 GiB of addresses of the server, 1 GiB aligned; no page and no table is there yet. */
    void *arena;
    struct port *port;
    pfn_t lowest; /* all frames of RAM, free or not, are in lowest .. end - 1 */
    pfn_t end;
    const struct core_range *ranges; /* free frames, disjoint; at most POOL_RANGES */
    uint32_t range_count;
    uint32_t commit_mode; /* enum commit_mode */
    uint32_t fault_ahead; /* pages after one that is touched where SEQUENTIAL was advised */
    uint32_t reserved;
    uint64_t commit_limit;  /* pages; looked at in COMMIT_NEVER; 0: all frames that core is given */
    uint64_t writeback_age; /* in units of core->time (writeback.h); 0: none */
    uint32_t thread_numbers; /* thread numbers are below this; 0: a table of them */
    uint32_t thread_first;   /* those below are the server's own threads'; 0: the first is */
};

/*
 * Lay out the arena in free frames and become its first server thread (number 0).
 *
 * Returns:   ERR_OK; ERR_NOMEM if there are too few frames, in the largest range too; ERR_INVAL for
 *            ranges that are empty, too many or too far apart.
 * On error:  the machine cannot run; port calls may have been made.
 */
MUST_USE enum err core_init(const struct core_boot *boot, struct core *core);

/* Become server thread `number` (below ARENA_WORKERS) of an arena that stands at `arena`. */
void core_attach(void *arena, uint32_t number, struct port *port, struct core *core);

/*
 * Finish or take back what all server threads were doing when the server died. `core` is the first
 * of the new instance and as yet its only one.
 *
 * Requires:  each server thread of the old instance had come to a port call (shared.h, I5).
 * Returns:   ERR_OK; ERR_STALE if one died by its own fault while it changed a space: `*torn` is
 *            that space's number, and it can only be forgotten.
 */
MUST_USE enum err core_recover(struct core *core, uint32_t *torn);

/* A request is over: give back what only it needed. */
void core_done(struct core *core);

/*
 * Give back everything that is only kept for speed, so that pool_free() is comparable between two
 * times at which the same spaces stand.
 */
void core_settle(struct core *core);

/*
 * The same for all server threads: what others keep in their own lists goes to the shared ones.
 *
 * Requires:  the caller has `processes` and all buckets (space_lock_all), so that nobody else is in
 *            a request.
 */
void core_settle_all(struct core *core);

/* Whether other server threads have free frames, which core_settle_all() would get. */
bool core_is_free_elsewhere(const struct core *core);

/* Check everything; each frame is in exactly one place. Nobody else does anything in core. */
void core_audit(const struct core *core);

/* The same beside other server threads, which wait. The caller has `processes`, and no bucket. */
void core_audit_alone(struct core *core);
