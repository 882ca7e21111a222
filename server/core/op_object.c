/* SPDX-License-Identifier: MIT */
#include "server/core/op_object.h"

#include <stddef.h>

#include <base/assert.h>

#include "server/core/content.h"
#include "server/core/hold.h"
#include "server/core/op_map.h"
#include "server/core/op_unmap.h"
#include "server/core/page.h"
#include "server/core/paged.h"
#include "server/core/pull.h"
#include "server/core/shared.h"
#include "server/core/space_lock.h"
#include "server/core/swap.h"
#include "server/core/upkeep.h"
#include "server/core/wait.h"

/* R24 for what an object promises more than before. */
static enum err object_check_charge(const struct core *core, struct space *space, uint64_t pages)
{
    const struct limit_change change = {.commit_added = pages};

    return limit_check_commit(core, space, &change);
}

/* Arena pages for an object and a hold, and the charge. */
static enum err object_reserve_made(struct core *core, struct space *space, uint64_t charge)
{
    const struct limit_change change = {.commit_added = charge};

    if (!arena_page_reserve(core, object_needs(core) + hold_needs(core)) ||
        !upkeep_reserve(core, space)) {
        return limit_refuse_frames(core, space, 1);
    }
    const enum err error = limit_promise(core, space, &change);

    if (error != ERR_OK) {
        upkeep_cancel(core, space);
    }
    return error;
}

/* The object, held by the space. Nothing here may fail, or makes a port call. */
static struct object *object_make_held(struct core *core, struct space *space,
                                       const struct object_request *request, uint64_t charge,
                                       bool is_charged)
{
    uint32_t flags = is_charged ? 0 : OBJECT_NORESERVE;

    flags |= (request->flags & MEM_OBJECT_APPEND) != 0 ? OBJECT_APPEND : 0;
    flags |= (request->flags & MEM_OBJECT_OWNED) != 0 ? OBJECT_OWNED : 0;
    flags |= (request->flags & MEM_OBJECT_MANDATORY) != 0 ? OBJECT_MANDATORY : 0;
    struct object *made = object_make_memory(core, space, request->bytes, charge, flags);

    made->seals = request->seals;
    hold_take(core, space, made);
    hold_mark_maker(core, space, made);
    object_put(core, made);
    return made;
}

enum err op_object_make(struct core *core, struct space *space,
                        const struct object_request *request, struct object **object)
{
    const bool is_charged = (request->flags & MEM_OBJECT_NORESERVE) == 0 ||
                            limit_mode(&core->head->commit) == COMMIT_NEVER;
    const uint64_t pages = npages_number(object_pages(request->bytes));
    const uint64_t charge = is_charged ? pages : 0;

    limit_begin(space);
    if ((request->flags & ~MEM_OBJECT_FLAGS) != 0 || (request->seals & ~MEM_SEAL_ALL) != 0) {
        return limit_refuse(space, ERR_INVAL);
    }
    if (request->bytes > OBJECT_BYTES_MAX) {
        return limit_refuse(space, ERR_FBIG);
    }
    enum err error = object_check_charge(core, space, charge);

    if (error != ERR_OK) {
        return error;
    }
    shared_enter(core);
    error = object_reserve_made(core, space, charge);
    if (error == ERR_OK) {
        *object = object_make_held(core, space, request, charge, is_charged);
    }
    shared_leave(core);
    return error;
}

/* What of a region shows pages from `pages` on that an object of `end` pages has. */
static struct range object_lost(const struct region *region, uint64_t pages, uint64_t end)
{
    const uint64_t region_end = region->offset + region_pages(region);
    const uint64_t from = pages > region->offset ? pages : region->offset;
    const uint64_t to = end < region_end ? end : region_end;

    if (from >= to) {
        return range_of(region->end, region->end);
    }
    return range_of(region->first + (uint32_t)(from - region->offset),
                    region->first + (uint32_t)(to - region->offset));
}

static struct space *object_space(const struct core *core, const struct region *region)
{
    return arena_page(core, region->space);
}

/*
 * The page in which an object of `bytes` bytes will end has a frame, or nothing that could be seen
 * again: what follows its end cannot be cleared while only a swap area's pager has it.
 *
 * Returns: ERR_OK; ERR_WAIT: it has to come back first, core->need says so.
 */
static enum err object_have_tail(struct core *core, struct object *object, uint64_t bytes)
{
    const uint64_t page = bytes / PAGE_SIZE;
    uint32_t frame;
    enum err error = ERR_OK;

    if ((bytes & PAGE_MASK) == 0) {
        return ERR_OK;
    }
    shared_enter(core);
    if (content_is_swapped(core, object, page)) {
        const uint32_t name = content_slot(core, object, page);

        if (!content_return(core, object, page, &frame)) {
            wait_need(core, &(struct need){.kind = NEED_PAGE,
                                           .object = arena_link(core, swap_object(core, name)),
                                           .page = swap_slot(name),
                                           .pages = 1,
                                           .hint = HINT_NONE});
            error = ERR_WAIT;
        }
    }
    shared_leave(core);
    return error;
}

static void object_shrink(struct core *core, const struct space *space, struct object *object,
                          uint64_t bytes)
{
    const uint64_t pages = npages_number(object_pages(bytes));
    const uint64_t before = npages_number(object->pages);

    shared_enter(core);
    intent_open(core, space, range_of(0, 0));
    for (uint32_t link = object->region_first; link != 0;) {
        const struct region *region = region_at(core, link);

        (void)unmap_leaves(core, object_space(core, region), object_lost(region, pages, before));
        link = region->object_next;
    }
    /* Point of no return: nothing below may fail. */
    intent_write(core);
    for (uint32_t link = object->region_first; link != 0;) {
        const struct region *region = region_at(core, link);

        page_clear(core, object_space(core, region), object_lost(region, pages, before));
        link = region->object_next;
    }
    if (object->kind == OBJECT_PAGED) {
        paged_drop(core, object, pages);
    } else {
        content_drop(core, object, pages);
    }
    object_set_bytes(core, object, bytes);
    intent_close(core);
    content_clear_tail(core, object);
    if (object->kind == OBJECT_PAGED) {
        pull_shrink(core, object);
    }
    shared_leave(core);
}

/*
 * How long an object is to be after this message, which is to have `bytes` in the end: with turns,
 * its last pages go, so many at a time.
 */
static uint64_t object_shrink_step(struct core *core, const struct object *object, uint64_t bytes)
{
    const uint64_t pages = npages_number(object_pages(bytes));

    if (!core->has_turns) {
        return bytes;
    }
    shared_enter(core);
    const uint64_t kept = content_turn_back(core, object, pages, CONTENT_TURN);

    shared_leave(core);
    return kept == pages ? bytes : kept * PAGE_SIZE;
}

/* More bytes than before. */
static enum err object_grow(struct core *core, struct space *space, struct object *object,
                            uint64_t bytes)
{
    const uint64_t pages = npages_number(object_pages(bytes));

    if (object->kind == OBJECT_MEMORY && (object->flags & OBJECT_NORESERVE) == 0) {
        const struct limit_change change = {.commit_added = pages - object->charge};
        enum err error = object_check_charge(core, space, change.commit_added);

        if (error == ERR_OK) {
            error = limit_promise(core, space, &change);
        }
        if (error != ERR_OK) {
            return error;
        }
    }
    object_set_bytes(core, object, bytes);
    return ERR_OK;
}

/* Whether the size is the space's to change. */
static bool object_is_sized_by(struct core *core, const struct space *space,
                               const struct object *object)
{
    if ((object->flags & OBJECT_OWNED) == 0) {
        return true;
    }
    shared_enter(core);
    const bool is_maker = hold_is_maker(core, space, object);

    shared_leave(core);
    return is_maker;
}

/* Whether `space` may say how long the object is, if its rights allow it. */
static bool object_is_resizable(const struct core *core, const struct space *space,
                                const struct object *object)
{
    return object->kind == OBJECT_MEMORY ||
           (object->kind == OBJECT_PAGED && (object->flags & OBJECT_SWAP) == 0 &&
            pager_of(core, object)->space == space->number);
}

static enum err object_resize(struct core *core, struct space *space, struct object *object,
                              uint32_t rights, uint64_t bytes)
{
    limit_begin(space);
    if (!object_is_resizable(core, space, object)) {
        return limit_refuse(space, ERR_INVAL);
    }
    if ((rights & MAP_RIGHT_WRITE) == 0 || !object_is_sized_by(core, space, object)) {
        return limit_refuse(space, ERR_ACCES);
    }
    if (bytes > OBJECT_BYTES_MAX) {
        return limit_refuse(space, ERR_FBIG);
    }
    const bool shrinks = bytes < object->bytes;
    const bool grows = bytes > object->bytes;

    if ((object->kind == OBJECT_MEMORY && (object->flags & OBJECT_APPEND) != 0) ||
        (shrinks && (object->seals & MEM_SEAL_SHRINK) != 0) ||
        (grows && (object->seals & MEM_SEAL_GROW) != 0)) {
        return limit_refuse(space, ERR_PERM);
    }
    if (shrinks) {
        const enum err error = object_have_tail(core, object, bytes);

        if (error != ERR_OK) {
            return error;
        }
        const uint64_t step = object_shrink_step(core, object, bytes);

        object_shrink(core, space, object, step);
        if (step != bytes) {
            wait_need(core, &(struct need){.kind = NEED_TURN});
            return ERR_WAIT;
        }
        return ERR_OK;
    }
    return object_grow(core, space, object, bytes);
}

enum err op_object_resize(struct core *core, struct space *space, struct object *object,
                          uint32_t rights, uint64_t bytes)
{
    space_lock_all(core);
    const enum err error = object_resize(core, space, object, rights, bytes);

    port_hand_over(core->port);
    space_unlock_all(core);
    return error;
}

/* Whether some shared region may be written, now or later. */
static bool object_is_mapped_for_writing(const struct core *core, const struct object *object)
{
    const uint32_t may_write = MEM_PROT_WRITE << REGION_MAY_SHIFT | REGION_SHARED;

    for (uint32_t link = object->region_first; link != 0;) {
        const struct region *region = region_at(core, link);

        if ((region->flags & may_write) == may_write) {
            return true;
        }
        link = region->object_next;
    }
    return false;
}

static enum err object_seal(struct core *core, struct space *space, struct object *object,
                            uint32_t rights, uint32_t seals)
{
    limit_begin(space);
    if ((rights & MAP_RIGHT_WRITE) == 0) {
        return limit_refuse(space, ERR_PERM);
    }
    if ((seals & ~MEM_SEAL_ALL) != 0 || object->kind != OBJECT_MEMORY) {
        return limit_refuse(space, ERR_INVAL);
    }
    if ((object->seals & MEM_SEAL_SEAL) != 0) {
        return limit_refuse(space, ERR_PERM);
    }
    if ((seals & ~object->seals & MEM_SEAL_WRITE) != 0 &&
        (object->pinned != 0 || object_is_mapped_for_writing(core, object))) {
        return limit_refuse(space, ERR_BUSY);
    }
    object->seals |= seals;
    return ERR_OK;
}

enum err op_object_seal(struct core *core, struct space *space, struct object *object,
                        uint32_t rights, uint32_t seals)
{
    shared_enter(core);
    const enum err error = object_seal(core, space, object, rights, seals);

    shared_leave(core);
    return error;
}

enum err op_object_slice(struct core *core, struct space *space, const struct object *whole,
                         uint32_t rights, uint64_t offset, uint64_t bytes, struct object **object)
{
    limit_begin(space);
    if (whole->kind != OBJECT_WIRED || (offset & PAGE_MASK) != 0) {
        return limit_refuse(space, ERR_INVAL);
    }
    if ((rights & SLICE_RIGHTS) != SLICE_RIGHTS) {
        return limit_refuse(space, ERR_ACCES);
    }
    if (offset > object_bytes(whole) || bytes > object_bytes(whole) - offset) {
        return limit_refuse(space, ERR_RANGE);
    }
    shared_enter(core);
    const enum err error = object_reserve_made(core, space, 0);

    if (error == ERR_OK) {
        *object = object_make_slice(core, space, whole, offset / PAGE_SIZE, bytes);
        hold_take(core, space, *object);
        hold_mark_maker(core, space, *object);
        object_put(core, *object);
    }
    shared_leave(core);
    return error;
}

enum err op_object_again(struct core *core, const struct space *space, uint64_t number,
                         uint32_t rights)
{
    shared_enter(core);
    const struct object *object = object_find(core, number);
    bool is_held = false;
    const bool has_rights =
        object != NULL && hold_has_rights(core, space, object, rights, &is_held);
    const bool is_slice = is_held && object->kind == OBJECT_WIRED;

    shared_leave(core);
    if (!is_held) {
        return ERR_NOENT;
    }
    return !has_rights || (is_slice && (rights & ~SLICE_RIGHTS) != 0) ? ERR_ACCES : ERR_OK;
}
