/* SPDX-License-Identifier: MIT */
#include "server/core/op_incore.h"

#include <base/assert.h>
#include <base/checked.h>

#include "server/core/object.h"
#include "server/core/page.h"
#include "server/core/paged.h"
#include "server/core/shadow.h"
#include "server/core/shared.h"
#include "server/core/swap.h"

/* Pages that a message of SYNC looks at with turns. */
#define SYNC_LOOKS 256u

/* Whether a touch of `page` would find it in memory. */
static bool incore_has_page(struct core *core, const struct space *space,
                            const struct region *region, uint32_t page)
{
    const uint64_t entry = page_entry(core, space, page);

    if (shadow_entry_state(entry) == SHADOW_SWAPPED) {
        shared_enter(core);
        const bool is_held = swap_frame(core, shadow_entry_frame(entry)) != 0;

        shared_leave(core);
        return is_held;
    }
    if (entry != 0) {
        return true;
    }
    return region->object != 0 && object_is_resident(core, object_at(core, region->object),
                                                     region_kind_at(region, page).offset);
}

enum err op_incore(struct core *core, struct space *space, uaddr_t address, uint64_t length,
                   uint32_t pages_max, uint8_t *pages, uint32_t *count)
{
    struct range range;

    limit_begin(space);
    enum err error = range_make(address, length, &range);

    if (error != ERR_OK) {
        return limit_refuse(space, error == ERR_INVAL ? ERR_INVAL : ERR_NOMEM);
    }
    if (range_pages(range) > pages_max) {
        range.end = range.first + pages_max;
    }
    const struct region *region = tree_find(core, &space->tree, range.first);

    for (uint32_t page = range.first; page < range.end; page++) {
        if (region != NULL && region->end <= page) {
            region = tree_next(core, region);
        }
        if (region == NULL || region->first > page) {
            return limit_refuse(space, ERR_NOMEM);
        }
        pages[page - range.first] = incore_has_page(core, space, region, page) ? 1 : 0;
    }
    *count = range_pages(range);
    return ERR_OK;
}

/* The regions of a range, in order. */
static enum err sync_check_regions(const struct core *core, struct space *space, struct range range,
                                   uint32_t flags)
{
    const struct region *region = tree_find(core, &space->tree, range.first);
    uint32_t page = range.first;
    bool has_hole = false;

    while (page < range.end) {
        if (region == NULL || region->first > page) {
            has_hole = true;
            if (region == NULL || flags == MEM_SYNC_ASYNC || region->first >= range.end) {
                break;
            }
        }
        if ((flags & MEM_SYNC_INVALIDATE) != 0 && (region->flags & REGION_LOCKED) != 0) {
            return limit_refuse(space, ERR_BUSY);
        }
        page = region->end;
        region = tree_next(core, region);
    }
    return has_hole ? limit_refuse(space, ERR_NOMEM) : ERR_OK;
}

/* What SYNC answers for pages that were not saved, whatever the pager or its end was the reason. */
static enum err sync_refuse(struct space *space, enum err reason)
{
    return limit_refuse(space, reason == ERR_TIMEDOUT ? ERR_TIMEDOUT : ERR_IO);
}

/*
 * Have the pages of a region of a pager saved that are not, with turns as far as `*left` of those
 * that are there have been looked at. Returns: ERR_WAIT for the first.
 */
static enum err sync_pages(struct core *core, struct space *space, const struct region *region,
                           struct range range, uint32_t *left)
{
    struct object *object = object_at(core, region->object);
    enum err error = ERR_OK;

    shared_enter(core);
    if (object->write_error != ERR_OK) {
        error = sync_refuse(space, (enum err)object->write_error);
        object->write_error = ERR_OK;
    }
    const uint64_t start = region_kind_at(region, range.first).offset;
    uint64_t number = start;
    uint32_t word;

    /* What has no page is passed. */
    while (error == ERR_OK && object->unsaved != 0 &&
           (word = radix_from(core, &object->frames, number, &number)) != 0 &&
           number - start < range_pages(range)) {
        const uint32_t page = range.first + (uint32_t)(number - start);
        const enum paged_state state = paged_word_state(word);

        if (core->has_turns && *left == 0) {
            wait_need(core, &(struct need){.kind = NEED_TURN, .progress = page});
            error = ERR_WAIT;
        } else if (state > PAGED_CLEAN) {
            /* What was written since the saving began is to be saved after it. */
            wait_need(core, &(struct need){.kind = NEED_SAVED,
                                           .object = arena_link(core, object),
                                           .page = number,
                                           .pages = range.end - page,
                                           .progress = page + (state == PAGED_AGAIN ? 0u : 1u)});
            error = ERR_WAIT;
        }
        *left -= *left != 0 ? 1 : 0;
        number++;
    }
    shared_leave(core);
    return error;
}

/*
 * Have what is shared in a range saved. What is written to while it waits is not waited for again.
 */
static enum err sync_regions(struct core *core, struct space *space, struct range range)
{
    uint32_t left = SYNC_LOOKS;

    if (core->outcome != ERR_OK) {
        return sync_refuse(space, core->outcome);
    }
    for (const struct region *region = tree_find(core, &space->tree, range.first);
         region != NULL && region->first < range.end; region = tree_next(core, region)) {
        if (region->object == 0 || (region->flags & REGION_SHARED) == 0 ||
            object_at(core, region->object)->kind != OBJECT_PAGED) {
            continue;
        }
        const enum err error =
            sync_pages(core, space, region, range_common(region_range(region), range), &left);

        if (error != ERR_OK) {
            return error;
        }
    }
    return ERR_OK;
}

enum err op_sync(struct core *core, struct space *space, const struct sync_request *request)
{
    const uint32_t both = MEM_SYNC_ASYNC | MEM_SYNC_SYNC;
    struct range range;
    uint64_t length;
    bool is_clipped;

    limit_begin(space);
    if ((request->flags & ~MEM_SYNC_ALL) != 0 || (request->flags & both) == both ||
        (uaddr_to_bytes(request->address) & PAGE_MASK) != 0) {
        return limit_refuse(space, ERR_INVAL);
    }
    if (!checked_round_up(request->length, PAGE_SIZE, &length)) {
        /* Linux rounds it up to 0. */
        return request->is_linux ? ERR_OK : limit_refuse(space, ERR_NOMEM);
    }
    if (range_make_clipped(request->address, length, &range, &is_clipped) != ERR_OK) {
        return limit_refuse(space, ERR_NOMEM);
    }
    /* What it has waited for is behind it: only the rest is judged once more. */
    if (core->resume > range.first) {
        range.first = core->resume < range.end ? (uint32_t)core->resume : range.end;
    }
    enum err error = sync_check_regions(core, space, range, request->flags);

    if (error == ERR_OK && (request->flags & MEM_SYNC_SYNC) != 0) {
        error = sync_regions(core, space, range);
    }
    return error == ERR_OK && is_clipped ? limit_refuse(space, ERR_NOMEM) : error;
}
