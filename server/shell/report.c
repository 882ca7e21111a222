/* SPDX-License-Identifier: MIT */
#include "server/shell/report.h"

#include <stddef.h>

#include <abi/layout.h>
#include <base/assert.h>
#include <mem/limits.h>
#include <mem/proto.h>

#include "server/core/window.h"
#include "server/shell/client.h"
#include "server/shell/ecall.h"
#include "server/shell/wire.h"

/* Regions taken from core at a time: they pass over the server's stack. */
#define QUERY_BATCH 16u

static struct mem_region region_to_wire(const struct query_region *region)
{
    return (struct mem_region){
        .start = region->start,
        .end = region->end,
        .prot = region->prot,
        .flags =
            region->flags | ((region->attributes & REGION_NOHUGEPAGE) != 0 ? MEM_MAP_STACK : 0),
        .offset = region->offset,
        .object = region->object,
        .resident = (uint32_t)(region->own + region->wired),
        .locked = (uint32_t)region->locked,
        .pinned = region->pinned,
        .dirty = (uint32_t)region->dirty,
        .swapped = (uint32_t)region->swapped,
    };
}

/*
 * Write up to `count` regions from `address` on to the message page at `regions`, which the client
 * can change at any time and is not read.
 *
 * Returns: how many; `*next` is where to go on, 0 if there are no more.
 */
static uint32_t write_regions(struct call *call, uaddr_t address, uint32_t count,
                              struct mem_region *regions, uint64_t *next)
{
    struct query_region batch[QUERY_BATCH];
    uint32_t written = 0;

    *next = 0;
    for (;;) {
        const uint32_t room = count - written;
        /* One more than fits tells whether there is one. */
        const uint32_t found = op_query(&call->shell->core, call->target, address,
                                        room < QUERY_BATCH ? room + 1 : QUERY_BATCH, batch);
        for (uint32_t i = 0; i < found && written < count; i++) {
            regions[written] = region_to_wire(&batch[i]);
            *next = batch[i].end;
            written++;
        }
        if (found < QUERY_BATCH && found <= room) {
            *next = 0;
            return written;
        }
        if (written == count) {
            return written;
        }
        address = (uaddr_t){*next};
    }
}

enum err report_query(struct call *call)
{
    struct wire_query request;
    struct query_totals totals;

    enum err error = wire_query(call->message, &request);
    if (error != ERR_OK) {
        return error;
    }
    error = call_target(call, request.space, MEM_RIGHT_READ);
    if (error != ERR_OK) {
        return error;
    }
    void *page;
    error = call_page(call, &page);
    if (error != ERR_OK) {
        return error;
    }
    if (request.count != 0) {
        call->words[1] = write_regions(call, request.address, request.count, page, &call->words[2]);
    }
    op_query_totals(&call->shell->core, call->target, &totals);
    call->words[3] = totals.regions;
    call->words[4] = totals.pages;
    call->words[5] = totals.own + totals.wired;
    call->words[6] = call->target->merges;
    call->words[7] = call->target->faults;
    return ERR_OK;
}

enum err report_incore(struct call *call)
{
    struct wire_range request;
    uint32_t count;
    void *page;

    enum err error = wire_unmap(call->message, &request);
    if (error != ERR_OK) {
        return error;
    }
    error = call_target(call, request.space, MEM_RIGHT_READ);
    if (error != ERR_OK) {
        return error;
    }
    error = call_page(call, &page);
    if (error == ERR_OK) {
        error = op_incore(&call->shell->core, call->target, request.address, request.length,
                          MEM_INCORE_PAGES_MAX, page, &count);
    }
    if (error == ERR_OK) {
        call->words[1] = count;
    }
    return error;
}

enum err report_refusal(struct call *call)
{
    const struct refusal *refusal = &call->own->refusal;

    enum err error = wire_bare(call->message);
    if (error != ERR_OK) {
        return error;
    }
    call->words[1] = refusal->error;
    if (refusal->error != ERR_OK) {
        call->words[2] = client_of(&call->shell->core, call->own)->refused;
        call->words[3] = refusal->limit;
        call->words[4] = refusal->value;
        call->words[5] = refusal->used;
        call->words[6] = refusal->asked;
    }
    return ERR_OK;
}

/* Frames of core by use: all spaces are looked at. */
struct frame_counts {
    uint64_t user;
    uint64_t tables;
    uint64_t objects;
};

static struct frame_counts count_spaces(const struct core *core)
{
    struct frame_counts counts = {.user = 1 + core->head->pool.cow}; /* 1: the zero frame */

    counts.user += core->head->object_table.frames + core->head->pins.detained;
    for (const struct space *space = space_first(core); space != NULL;
         space = space_next(core, space)) {
        counts.user += space->own - space->shared - space->swapped;
        counts.tables += 2 * (uint64_t)space->shadows - space->adopted_tables;
        counts.tables += (space->root_frame != 0) + window_frames(space);
        counts.objects += space->donated + space->thread_frames + (space->object_frame != 0) +
                          (space->slots_frame != 0);
    }
    return counts;
}

/* The same while nobody changes any, and no server thread keeps frames that it does not need. */
static struct frame_counts count_frames(struct shell *shell)
{
    struct core *core = &shell->core;

    if (shell->head->workers == 1) {
        core_settle(core);
        return count_spaces(core);
    }
    space_lock_all(core);
    core_settle_all(core);
    const struct frame_counts counts = count_spaces(core);
    port_flush(&shell->port);
    space_unlock_all(core);
    return counts;
}

/* MEM_STATS_WAITS. */
static void report_waits(struct call *call)
{
    struct core *core = &call->shell->core;

    shared_enter(core);
    const struct wait_counts *count = &core->head->pagers.count;
    call->words[1] = count->first;
    call->words[2] = count->second;
    call->words[3] = count->again;
    call->words[4] = count->queued;
    call->words[5] = count->timeouts;
    call->words[6] = count->stale;
    call->words[7] = core->head->reclaim.count.waits;
    shared_leave(core);
}

/* MEM_STATS_PAGES. */
static void report_pages(struct call *call)
{
    struct core *core = &call->shell->core;

    shared_enter(core);
    const struct wait_counts *count = &core->head->pagers.count;
    call->words[1] = count->pulls;
    call->words[2] = count->joined;
    call->words[3] = count->saves;
    call->words[4] = count->ahead;
    call->words[5] = count->hits;
    call->words[6] = count->around;
    call->words[7] = core->head->reclaim.count.dropped;
    shared_leave(core);
}

/* MEM_STATS_RESERVE. */
static void report_reserve(struct call *call)
{
    struct core *core = &call->shell->core;
    struct reserve_view view;

    shared_enter(core);
    reserve_look(core, &view);
    call->words[1] = view.frames;
    call->words[2] = view.left;
    call->words[3] = view.spent;
    call->words[4] = swap_reserve_frames(core);
    call->words[5] = core->head->pool.kept - view.left - call->words[4];
    shared_leave(core);
}

/* MEM_STATS_FRAMES. */
static enum err report_frames(struct call *call)
{
    const struct shell_head *head = call->shell->head;
    const struct core *core = &call->shell->core;

    /* Whoever knows that something has ended finds its frames free. */
    const enum err error = call_see_deaths(call);
    if (error != ERR_OK) {
        return error;
    }
    const struct frame_counts counts = count_frames(call->shell);
    const uint64_t given = core->head->pool.total;
    const uint64_t free = pool_free(core);
    call->words[1] = head->frames_total;
    call->words[2] = free;
    call->words[3] = counts.user;
    call->words[4] = counts.tables;
    call->words[5] = given - free - counts.user - counts.tables - counts.objects;
    call->words[6] = counts.objects;
    call->words[7] = head->frames_total - given - huge_pool_frames(core);
    return ERR_OK;
}

static enum err report_stats(struct call *call)
{
    uint32_t which;

    const enum err error = wire_stats(call->message, &which);
    if (error != ERR_OK) {
        return error;
    }
    if (which == MEM_STATS_FRAMES) {
        return report_frames(call);
    }
    (which == MEM_STATS_WAITS   ? report_waits
     : which == MEM_STATS_PAGES ? report_pages
                                : report_reserve)(call);
    return ERR_OK;
}

static enum err report_limits(struct call *call)
{
    struct wire_limits request;
    struct limits_view view;

    enum err error = wire_limits(call->message, &request);
    if (error != ERR_OK) {
        return error;
    }
    if (request.limits.which == MEM_LIMIT_BUDGET) {
        error = call_see_deaths(call);
        if (error != ERR_OK) {
            return error;
        }
    }
    error = call_target(call, request.space,
                        request.limits.is_set ? MEM_RIGHT_CONTROL : MEM_RIGHT_READ);
    if (error != ERR_OK) {
        return error;
    }
    error = op_limits(&call->shell->core, call->target, &request.limits, &view);
    if (error == ERR_OK) {
        call->words[1] = view.value;
        call->words[2] = view.used;
        call->words[3] = view.ceiling;
        call->words[4] = view.reserved;
    }
    return error;
}

static enum err report_commit(struct call *call)
{
    struct commit_request request;
    struct commit_view view;

    enum err error = wire_commit(call->message, &request);
    if (error != ERR_OK) {
        return error;
    }
    if (request.is_set && call->own->number != call->shell->head->init) {
        return ERR_PERM;
    }
    error = op_commit(&call->shell->core, call->own, &request, &view);
    if (error == ERR_OK) {
        call->words[1] = view.mode;
        call->words[2] = view.percent;
        call->words[3] = view.limit;
        call->words[4] = view.used;
        call->words[5] = view.frames;
        call->words[6] = view.names;
        call->words[7] = view.shared;
    }
    return error;
}

static enum err report_worker(struct call *call)
{
    const struct arena_head *head = call->shell->core.head;
    const uint32_t count = call->shell->head->workers;
    uint64_t number;

    enum err error = wire_index(call->message, &number);
    if (error != ERR_OK) {
        return error;
    }
    if (number >= count) {
        return ERR_RANGE;
    }
    const struct worker *worker = &head->workers[number];
    call->words[1] = count;
    call->words[2] = atomic_load_explicit(&worker->waits, memory_order_relaxed);
    call->words[3] = atomic_load_explicit(&worker->free_frames, memory_order_relaxed);
    return ERR_OK;
}

static enum err report_huge(struct call *call)
{
    struct huge_request request;
    struct huge_view view;

    enum err error = wire_huge(call->message, &request);
    if (error != ERR_OK) {
        return error;
    }
    if (request.is_set && call->own->number != call->shell->head->init) {
        return ERR_PERM;
    }
    error = op_huge(&call->shell->core, call->own, &request, &view);
    if (error == ERR_OK) {
        call->words[1] = view.total;
        call->words[2] = view.free;
        call->words[3] = view.reserved;
    }
    return error;
}

enum err report_account(struct call *call, enum mem_request number)
{
    if (number == MEM_WORKER) {
        return report_worker(call);
    }
    if (number == MEM_HUGE) {
        return report_huge(call);
    }
    if (number == MEM_STATS) {
        return report_stats(call);
    }
    return number == MEM_LIMITS ? report_limits(call) : report_commit(call);
}
