/* SPDX-License-Identifier: MIT */
#include "server/core/op_pageout.h"

#include <stddef.h>

#include <base/assert.h>

#include "server/core/content.h"
#include "server/core/evict.h"
#include "server/core/fault.h"
#include "server/core/object.h"
#include "server/core/page.h"
#include "server/core/pool.h"
#include "server/core/port.h"
#include "server/core/region.h"
#include "server/core/shadow.h"
#include "server/core/shared.h"
#include "server/core/space_lock.h"
#include "server/core/swap.h"
#include "server/core/wait.h"

/*
 * What a turn may do (core->left is in pages that something is done with), in parts: what such a
 * page counts, one that is looked at, a large leaf that is split, and how much else that has to be
 * looked at for them counts as one.
 */
#define PAGEOUT_PAGE  4u
#define PAGEOUT_LOOK  1u
#define PAGEOUT_SPLIT 32u
#define PAGEOUT_LOOKS 8u

/* Whether somebody has a page of an object mapped, or had it and lost only the leaf. */
static bool object_page_is_mapped(struct evict *evict, const struct object *object, uint64_t number)
{
    const struct core *core = evict->core;
    uint32_t regions = 0;

    for (uint32_t link = object->region_first; link != 0;) {
        const struct region *region = region_at(core, link);
        const struct space *space = arena_page(core, region->space);
        uint32_t page;

        if (!evict_may_look(evict, ++regions)) {
            return true; /* for all we know */
        }
        if (region_shows(region, number, &page) &&
            shadow_entry_state(page_entry(core, space, page)) == SHADOW_WIRED) {
            return true;
        }
        link = region->object_next;
    }
    return false;
}

/* A page of a region that shows what its object has. */
static void shown_out(struct evict *evict, struct space *space, const struct region *region,
                      uint32_t page)
{
    struct core *core = evict->core;
    struct object *object = object_at(core, region->object);
    const uint64_t number = region_kind_at(region, page).offset;

    if (!object_has_frames(object) ||
        pool_record(core, content_frame(core, object, number))->pins != 0) {
        return;
    }
    port_remove(core->port, space->kernel, page_to_vpn(page), (npages_t){1});
    page_clear_wired(core, space, range_of(page, page + 1));
    evict->done++;
    if (!object_page_is_mapped(evict, object, number)) {
        evict_object_page(evict, object, number);
    }
}

/* A page that has a slot, and perhaps a frame. */
static void swapped_out(struct evict *evict, const struct space *space, uint32_t page,
                        uint32_t frame)
{
    struct core *core = evict->core;
    struct frame *record = frame == 0 ? NULL : pool_record(core, frame);

    if (record == NULL || record->references > 1) {
        return;
    }
    if (record->owner != 0) {
        /* Nobody else names the slot, so nobody else can have it mapped. */
        port_remove(core->port, space->kernel, page_to_vpn(page), (npages_t){1});
        record->owner = 0;
    }
    evict_slot(evict, frame);
}

static void page_out(struct evict *evict, struct space *space, uint32_t page)
{
    const struct core *core = evict->core;
    const uint64_t entry = page_entry(core, space, page);
    const uint32_t frame = shadow_entry_frame(entry);

    if (!evict_may_take(core, space, page)) {
        return;
    }
    switch (shadow_entry_state(entry)) {
    case SHADOW_OWN:
        evict_own(evict, frame);
        return;
    case SHADOW_SHARED:
        if (pool_record(core, frame)->references == 1) {
            evict_last(evict, space, page, frame);
        }
        return;
    case SHADOW_SWAPPED:
        swapped_out(evict, space, page, swap_frame(core, frame));
        return;
    case SHADOW_WIRED:
        shown_out(evict, space, tree_find(core, &space->tree, page), page);
        return;
    case SHADOW_ZERO:
    case SHADOW_ABSENT:
        return;
    }
    UNREACHABLE();
}

/*
 * What is at `page`, which is not absent. Returns: the page after what was dealt with; `*others`
 * grows by what that counts, if it is not for a page that something was done with.
 */
static uint32_t pageout_at(struct evict *evict, struct space *space, uint32_t page,
                           uint32_t *others)
{
    const struct core *core = evict->core;
    const uint32_t done = evict->done;

    if (shadow_upper_is_large(*shadow_upper(core, space, 0, page))) {
        if (!evict_large(evict, space, page)) {
            *others += PAGEOUT_LOOK;
            return shadow_block_range(shadow_block(page, 0), 0).end;
        }
        *others += PAGEOUT_SPLIT;
    }
    page_out(evict, space, page);
    *others += evict->done == done ? PAGEOUT_LOOK : 0;
    return page + 1;
}

/* What a run has come to, in parts of what a turn may do. */
static uint32_t parts_of(const struct evict *evict, uint32_t others)
{
    return evict->done * PAGEOUT_PAGE + evict->looks / PAGEOUT_LOOKS + others;
}

/* A run is over. It counts whatever it found: there may be one for each region. */
static void charge(struct core *core, uint32_t parts)
{
    const uint32_t pages = parts / PAGEOUT_PAGE + 1;

    core->left -= pages < core->left ? pages : core->left;
}

static enum err pageout_range(struct evict *evict, struct space *space, struct range range)
{
    struct core *core = evict->core;
    /* How the run began leaves as much to do: else it could come to nothing. */
    const uint32_t most = core->left * PAGEOUT_PAGE + parts_of(evict, 0);
    uint32_t others = 0;
    enum err error = ERR_OK;

    while (!range_is_empty(range)) {
        const uint32_t page = page_next(core, space, range);

        if (page == range.end) {
            break;
        }
        if (core->has_turns && parts_of(evict, others) >= most) {
            wait_need(core, &(struct need){.kind = NEED_TURN, .progress = page});
            error = ERR_WAIT;
            break;
        }
        const uint32_t next = pageout_at(evict, space, page, &others);

        range.first = next < range.end ? next : range.end;
    }
    charge(core, parts_of(evict, others));
    return error;
}

enum err op_pageout_range(struct core *core, struct space *space, struct range range)
{
    struct evict evict = {.core = core, .is_asked = true};

    if (fault_turn_is_over(core)) {
        wait_need(core, &(struct need){.kind = NEED_TURN, .progress = range.first});
        return ERR_WAIT;
    }
    shared_enter(core);
    evict_begin(&evict);
    const enum err error = pageout_range(&evict, space, range);

    evict_end(&evict);
    port_hand_over(core->port);
    shared_leave(core);
    AUDIT(space_audit(core, space));
    return error;
}

enum err op_pageout(struct core *core, struct space *space, const struct advise_request *request)
{
    space_lock_all(core);
    const bool is_free = space->work.phase == WORK_NONE;
    const enum err error = is_free ? op_advise(core, space, request) : ERR_MORE;

    port_hand_over(core->port);
    space_unlock_all(core);
    return error;
}

void op_pageout_finish(struct core *core)
{
    const struct leave leave = core->leave;
    struct evict evict = {.core = core, .is_asked = true};

    core->leave = (struct leave){0};
    if (leave.pages == 0) {
        return;
    }
    space_lock_all(core);
    shared_enter(core);
    struct object *object = object_find(core, leave.number);
    const bool is_there = object != NULL && (object->flags & OBJECT_GONE) == 0;

    evict_begin(&evict);
    for (uint64_t i = 0; is_there && i < leave.pages; i++) {
        evict_saved(&evict, object, leave.first + i);
    }
    evict_end(&evict);
    port_hand_over(core->port);
    shared_leave(core);
    space_unlock_all(core);
}
