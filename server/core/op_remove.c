/* SPDX-License-Identifier: MIT */
#include "server/core/op_remove.h"

#include <base/assert.h>

#include "server/core/content.h"
#include "server/core/huge_hole.h"
#include "server/core/op_unmap.h"
#include "server/core/page.h"
#include "server/core/port.h"
#include "server/core/shared.h"
#include "server/core/space_lock.h"
#include "server/core/wait.h"

/* Pages of shared memory that a message may take out where there are no turns. */
#define REMOVE_ALL UINT64_MAX

/* Whether what a region shows may be taken out of its object (Linux madvise_remove()). */
static enum err remove_check(const struct core *core, const struct region *region)
{
    const uint32_t needed = REGION_SHARED | MEM_PROT_WRITE << REGION_MAY_SHIFT;

    if ((region->flags & REGION_LOCKED) != 0 || region->object == 0) {
        return ERR_INVAL;
    }
    if ((region->flags & needed) != needed) {
        return ERR_ACCES;
    }
    const struct object *object = object_at(core, region->object);

    if (object->kind != OBJECT_MEMORY && object->kind != OBJECT_HUGE) {
        return ERR_OPNOTSUPP;
    }
    return (object->seals & (MEM_SEAL_WRITE | MEM_SEAL_FUTURE_WRITE)) != 0 ? ERR_PERM : ERR_OK;
}

/* What of a region shows pages of the object from `first` up to `end`. */
static struct range remove_shown(const struct region *region, uint64_t first, uint64_t end)
{
    const uint64_t region_end = region->offset + region_pages(region);
    const uint64_t from = first > region->offset ? first : region->offset;
    const uint64_t to = end < region_end ? end : region_end;

    if (from >= to) {
        return range_of(region->first, region->first);
    }
    return range_of(region->first + (uint32_t)(from - region->offset),
                    region->first + (uint32_t)(to - region->offset));
}

static void remove_pages(struct core *core, const struct space *space, struct object *object,
                         uint64_t first, uint64_t end)
{
    shared_enter(core);
    intent_open(core, space, range_of(0, 0));
    for (uint32_t link = object->region_first; link != 0;) {
        const struct region *region = region_at(core, link);

        (void)unmap_leaves(core, arena_page(core, region->space), remove_shown(region, first, end));
        link = region->object_next;
    }
    /* Point of no return: nothing below may fail. */
    intent_write(core);
    for (uint32_t link = object->region_first; link != 0;) {
        const struct region *region = region_at(core, link);

        page_clear_wired(core, arena_page(core, region->space), remove_shown(region, first, end));
        link = region->object_next;
    }
    if (object->kind == OBJECT_HUGE) {
        huge_hole_take(core, object, first, end);
    } else {
        content_remove(core, object, first, end);
    }
    intent_close(core);
    shared_leave(core);
}

/*
 * Pages first .. end - 1 of a huge page, which stays, become zero: with turns, no more than a step
 * of them. Returns: the page after the last that is done.
 */
static uint64_t remove_words(struct core *core, const struct object *object, uint64_t first,
                             uint64_t end)
{
    if (first >= end) {
        return end;
    }
    shared_enter(core);
    const uint64_t done = huge_hole_wipe(core, object, first, end);

    shared_leave(core);
    return done;
}

/*
 * The same of huge pages: those that are not all in it become zero where it is (Linux
 * hugetlbfs_punch_hole()). Returns: the page of the object after the last that is done.
 */
static uint64_t remove_huge(struct core *core, const struct space *space, struct object *object,
                            uint64_t first, uint64_t end)
{
    const struct huge_hole hole = huge_hole_find(object, first, end);
    const uint64_t head = hole.first < end ? hole.first : end;
    const uint64_t done = remove_words(core, object, first, head);

    if (done < head || head == end) {
        return done;
    }
    if (hole.first < hole.end) {
        remove_pages(core, space, object, hole.first, hole.end);
    }
    return remove_words(core, object, hole.end, end);
}

/*
 * The same of shared memory: as many pages as are `*left`. Returns: the page of the object after
 * the last that is done.
 */
static uint64_t remove_memory(struct core *core, const struct space *space, struct object *object,
                              uint64_t first, uint64_t end, uint64_t *left)
{
    if (*left != REMOVE_ALL) {
        shared_enter(core);
        end = content_turn(core, object, first, end, left);
        shared_leave(core);
    }
    if (first < end) {
        remove_pages(core, space, object, first, end);
    }
    return end;
}

/*
 * The part of a region, which remove_check() let pass. Returns: ERR_OK; ERR_WAIT: it goes on with
 * the next message.
 */
static enum err remove_part(struct core *core, struct space *space, const struct region *region,
                            struct range range, uint64_t *left)
{
    const struct range part = range_common(region_range(region), range);
    const uint64_t first = region->offset + (part.first - region->first);
    const uint64_t end = first + range_pages(part);
    struct object *object = object_at(core, region->object);

    const uint64_t done = object->kind == OBJECT_HUGE
                              ? remove_huge(core, space, object, first, end)
                              : remove_memory(core, space, object, first, end, left);

    if (done == end) {
        return ERR_OK;
    }
    wait_need(core, &(struct need){.kind = NEED_TURN, .progress = part.first + (done - first)});
    return ERR_WAIT;
}

/*
 * Go over the regions of the range: judge them only, or do what can be done, up to one that
 * refuses. Regions stay as they are. `has_hole`: there was one before the range.
 */
static enum err remove_walk(struct core *core, struct space *space, struct range range,
                            bool is_judged_only, bool passes_holes, bool has_hole)
{
    const struct region *region = tree_find(core, &space->tree, range.first);
    uint64_t left = core->has_turns ? CONTENT_TURN : REMOVE_ALL;

    for (uint32_t page = range.first; page < range.end;) {
        if (region == NULL || region->first > page) {
            has_hole = true;
            if (region == NULL || region->first >= range.end || !passes_holes) {
                break;
            }
        }
        enum err error = remove_check(core, region);

        if (error != ERR_OK) {
            return limit_refuse(space, error);
        }
        if (!is_judged_only && remove_part(core, space, region, range, &left) == ERR_WAIT) {
            core->need.has_hole = has_hole;
            return ERR_WAIT;
        }
        page = region->end;
        region = tree_next(core, region);
    }
    return has_hole ? limit_refuse(space, ERR_NOMEM) : ERR_OK;
}

static enum err remove_all(struct core *core, struct space *space,
                           const struct advise_request *request)
{
    struct range range;
    bool is_clipped;

    limit_begin(space);
    if (range_make_clipped(request->address, request->length, &range, &is_clipped) != ERR_OK) {
        return limit_refuse(space, ERR_INVAL);
    }
    if (range_is_empty(range) && !is_clipped) {
        return ERR_OK;
    }
    if (is_clipped && !request->is_linux) {
        return limit_refuse(space, ERR_NOMEM);
    }
    enum err error = ERR_OK;

    if (!request->is_linux) {
        error = remove_walk(core, space, range, true, false, false);
    }
    if (error == ERR_OK) {
        error = remove_walk(core, space, range, false, request->is_linux,
                            request->is_linux && request->has_hole);
    }
    return error == ERR_OK && is_clipped ? limit_refuse(space, ERR_NOMEM) : error;
}

enum err op_remove(struct core *core, struct space *space, const struct advise_request *request)
{
    space_lock_all(core);
    const enum err error = remove_all(core, space, request);

    AUDIT(space_audit(core, space));
    port_hand_over(core->port);
    space_unlock_all(core);
    return error;
}
