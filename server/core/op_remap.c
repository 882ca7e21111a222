/* SPDX-License-Identifier: MIT */
#include "server/core/op_remap.h"

#include <abi/layout.h>
#include <base/assert.h>
#include <base/bits.h>
#include <base/checked.h>

#include "server/core/budget.h"
#include "server/core/huge.h"
#include "server/core/huge_rule.h"
#include "server/core/large.h"
#include "server/core/merge.h"
#include "server/core/object.h"
#include "server/core/op_unmap.h"
#include "server/core/page.h"
#include "server/core/place.h"
#include "server/core/remap_apply.h"
#include "server/core/shadow.h"

/* A move needs this much room below the limit of regions (Linux move_vma(), mremap_to()). */
#define REMAP_MOVE_ROOM   3u
#define REMAP_TARGET_ROOM 5u
/* Cuts of target, tail and old place, and the new region. */
#define REMAP_RECORDS (3 * MERGE_CUT_RECORDS + MERGE_INSERT_RECORDS)

static bool remap_has(const struct remap_request *request, uint32_t flag)
{
    return (request->flags & flag) != 0;
}

/* Flags, alignment, lengths: in the order of mremap(2). */
static enum err remap_check_arguments(struct space *space, const struct remap_request *request,
                                      struct remap_plan *plan)
{
    bool has_move = remap_has(request, MEM_REMAP_MAYMOVE);
    struct range range;
    uint64_t old_length;
    uint64_t new_length;

    if ((request->flags & ~MEM_REMAP_ALL) != 0 ||
        (remap_has(request, MEM_REMAP_FIXED) && !has_move) ||
        (remap_has(request, MEM_REMAP_DONTUNMAP) &&
         (!has_move || request->length_old != request->length_new)) ||
        !bits_is_aligned(uaddr_to_bytes(request->address), PAGE_SIZE) ||
        !checked_round_up(request->length_new, PAGE_SIZE, &new_length) || new_length == 0) {
        return limit_refuse(space, ERR_INVAL);
    }
    if (!checked_round_up(request->length_old, PAGE_SIZE, &old_length)) {
        /* Linux rounds it up to 0. */
        old_length = 0;
    }
    /* Nothing mapped: EFAULT, as for an address that is nowhere. */
    if (range_make(request->address, 0, &range) != ERR_OK) {
        return limit_refuse(space, ERR_FAULT);
    }
    plan->old = range;
    if (old_length > USER_END || new_length > USER_END) {
        plan->old_pages = (uint32_t)((old_length > USER_END ? USER_END : old_length) / PAGE_SIZE);
        plan->new_pages = (uint32_t)((new_length > USER_END ? USER_END : new_length) / PAGE_SIZE);
        return ERR_RANGE;
    }
    plan->old_pages = (uint32_t)(old_length / PAGE_SIZE);
    plan->new_pages = (uint32_t)(new_length / PAGE_SIZE);
    return ERR_OK;
}

/* The region that holds the first page to be remapped; NULL if none. */
static const struct region *remap_region(const struct core *core, const struct space *space,
                                         const struct remap_plan *plan)
{
    const struct region *region = tree_find(core, &space->tree, plan->old.first);

    return region == NULL || region->first > plan->old.first ? NULL : region;
}

/*
 * Whether the old range may become larger or move (Linux vma_to_resize()), and what of it is kept.
 */
static enum err remap_check_resize(struct space *space, const struct region *region,
                                   struct remap_plan *plan)
{
    bool is_shared = (region->flags & REGION_SHARED) != 0;

    if (plan->old_pages == 0 && !is_shared) {
        return limit_refuse(space, ERR_INVAL);
    }
    if (plan->old_pages > region->end - plan->old.first) {
        return limit_refuse(space, ERR_FAULT);
    }
    plan->old = range_of(plan->old.first, plan->old.first + plan->old_pages);
    plan->kind = region_kind_at(region, plan->old.first);
    if (plan->kind.object != 0 && plan->kind.offset + plan->new_pages > OBJECT_PAGES_MAX) {
        return limit_refuse(space, ERR_INVAL);
    }
    if ((plan->kind.flags & REGION_LOCKED) != 0 && plan->new_pages > plan->old_pages) {
        return limit_check_locked(space, plan->new_pages - plan->old_pages, ERR_AGAIN);
    }
    return ERR_OK;
}

/* R23 and R24 for what the space will have after all. */
static enum err remap_check_limits(const struct core *core, struct space *space,
                                   struct remap_plan *plan)
{
    uint32_t stays = plan->keeps_old ? 0 : range_pages(plan->old);
    uint32_t pages = plan->new_pages > stays ? plan->new_pages - stays : 0;
    struct limit_change change = {.pages_added = pages};

    change.data_added = region_is_data(plan->kind.flags) ? pages : 0;
    change.commit_added = (plan->kind.flags & REGION_ACCOUNT) != 0 ? pages : 0;
    limit_subtract(core, space, plan->target, &change);
    plan->change = change;
    return limit_check(core, space, &change);
}

static enum err remap_check_regions(struct space *space, uint32_t room)
{
    uint64_t limit = space->settings.regions_max;

    if ((uint64_t)space->tree.count + room >= limit) {
        return limit_refuse_over(space, ERR_NOMEM, MEM_LIMIT_REGIONS, limit, space->tree.count,
                                 room);
    }
    return ERR_OK;
}

/*
 * Records, and shadow pages at the new place for what is to move. On error those made are dropped
 * again.
 */
static enum err remap_reserve(struct core *core, struct space *space, const struct remap_plan *plan)
{
    const enum err error = huge_check_both(core, space, plan->target, plan->tail);

    if (error != ERR_OK) {
        return error;
    }
    if (region_reserve(core, space, REMAP_RECORDS) != ERR_OK ||
        large_split_all(core, space, plan->target) != ERR_OK || /* tables come where they stand */
        large_cut(core, space, plan->tail) != ERR_OK ||
        (!range_is_empty(plan->moved) && large_split_all(core, space, plan->old) != ERR_OK)) {
        return limit_refuse_frames(core, space, 1);
    }
    uint32_t page = page_next(core, space, plan->old);

    if (page < plan->old.end && huge_first(core, space, plan->target) != NULL) {
        return limit_refuse(space, ERR_OPNOTSUPP);
    }
    while (page < plan->old.end && !range_is_empty(plan->moved)) {
        uint32_t target = plan->moved.first + (page - plan->old.first);
        uint32_t left = shadow_block_range(shadow_block(target, 0), 0).end - target;

        if (shadow_make(core, space, target) == NULL) {
            unmap_tables(core, space, plan->moved);
            return limit_refuse_frames(core, space, 1);
        }
        /* One leaf is enough for the pages that go to the same 2 MiB. */
        uint32_t next = plan->old.end - page > left ? page + left : plan->old.end;

        page = page_next(core, space, range_of(next, plan->old.end));
    }
    return ERR_OK;
}

static struct range remap_tail(const struct remap_plan *plan)
{
    return range_of(plan->old.first + plan->new_pages, plan->old.first + plan->old_pages);
}

/* Less than before, in place: what UNMAP of the tail would do and say. */
static enum err remap_check_shrink(struct core *core, struct space *space, struct remap_plan *plan)
{
    if (plan->old_pages > RANGE_USER_END - plan->old.first) {
        return limit_refuse(space, ERR_INVAL);
    }
    plan->tail = remap_tail(plan);
    plan->old = range_of(plan->old.first, plan->old.first);
    plan->keeps_old = true;
    enum err error = limit_check_splits(space, unmap_splits(core, space, plan->tail) ? 1 : 0);

    return error != ERR_OK ? error : remap_reserve(core, space, plan);
}

static enum err remap_refuse_place(struct space *space, const struct remap_plan *plan)
{
    return limit_refuse_over(space, ERR_NOMEM, MEM_LIMIT_ADDRESS_SPACE, USER_END,
                             space->pages * PAGE_SIZE, (uint64_t)plan->new_pages * PAGE_SIZE);
}

static enum err remap_find_place(const struct core *core, struct space *space, uaddr_t hint,
                                 struct remap_plan *plan)
{
    struct place place;

    if (!place_find(core, space, hint, plan->new_pages, plan->kind.object == 0, &place)) {
        return remap_refuse_place(space, plan);
    }
    plan->moved = place.range;
    return ERR_OK;
}

/* To the place that the client names, or near it. */
static enum err remap_check_target(struct core *core, struct space *space,
                                   const struct remap_request *request, struct remap_plan *plan)
{
    bool is_fixed = remap_has(request, MEM_REMAP_FIXED);
    bool is_shrinking = plan->old_pages > plan->new_pages;
    struct range target;
    struct range old;

    if (range_make(request->target, (uint64_t)plan->new_pages * PAGE_SIZE, &target) != ERR_OK) {
        return limit_refuse(space, ERR_INVAL);
    }
    if (range_make(request->address, (uint64_t)plan->old_pages * PAGE_SIZE, &old) != ERR_OK) {
        return limit_refuse(space, is_shrinking ? ERR_INVAL : ERR_FAULT);
    }
    if (range_meets(old, target)) {
        return limit_refuse(space, ERR_INVAL);
    }
    enum err error = remap_check_regions(space, REMAP_TARGET_ROOM);

    if (error != ERR_OK) {
        return error;
    }
    if (is_fixed) {
        plan->target = target;
        plan->has_begun = true;
    }
    if (is_shrinking) {
        plan->tail = remap_tail(plan);
        plan->old_pages = plan->new_pages;
    }
    const struct region *region = remap_region(core, space, plan);

    /* With old length 0 the target may name the very page to be mapped once more: it goes first. */
    if (region == NULL || (is_fixed && range_holds(target, plan->old.first))) {
        return limit_refuse(space, ERR_FAULT);
    }
    plan->keeps_old = remap_has(request, MEM_REMAP_DONTUNMAP);
    error = remap_check_resize(space, region, plan);
    if (error != ERR_OK) {
        return error;
    }
    error = remap_check_limits(core, space, plan);
    if (error != ERR_OK) {
        return error;
    }
    if (!is_fixed) {
        error = remap_find_place(core, space, request->target, plan);
        return error != ERR_OK ? error : remap_reserve(core, space, plan);
    }
    if (uaddr_to_bytes(request->target) < uaddr_to_bytes(space->settings.lowest) &&
        (space->settings.privileges & SPACE_PRIVILEGE_LOW) == 0) {
        return limit_refuse(space, ERR_PERM);
    }
    if (target.first < RANGE_USER_FIRST) {
        return limit_refuse(space, ERR_NOMEM);
    }
    plan->moved = target;
    return remap_reserve(core, space, plan);
}

/* More than before: in place if there is room behind, else elsewhere if it may move. */
static enum err remap_check_grow(struct core *core, struct space *space,
                                 const struct remap_request *request, struct remap_plan *plan)
{
    const struct region *region = remap_region(core, space, plan);
    enum err error = remap_check_resize(space, region, plan);

    if (error == ERR_OK) {
        error = remap_check_limits(core, space, plan);
    }
    if (error != ERR_OK) {
        return error;
    }
    uint32_t delta = plan->new_pages - plan->old_pages;
    bool is_taken;

    if (plan->old.end == region->end && delta <= RANGE_USER_END - plan->old.end) {
        struct range grown = range_of(plan->old.end, plan->old.end + delta);

        (void)place_next(core, space, grown, &is_taken);
        if (!is_taken) {
            plan->grown = grown;
            plan->kind = region_kind_at(region, plan->old.end - 1);
            plan->kind.offset++;
            plan->old = range_of(plan->old.first, plan->old.first);
            plan->keeps_old = true;
            return remap_reserve(core, space, plan);
        }
    }
    if (!remap_has(request, MEM_REMAP_MAYMOVE)) {
        return remap_refuse_place(space, plan);
    }
    error = remap_find_place(core, space, (uaddr_t){0}, plan);
    if (error != ERR_OK) {
        return error;
    }
    error = remap_check_regions(space, REMAP_MOVE_ROOM);
    return error != ERR_OK ? error : remap_reserve(core, space, plan);
}

static enum err remap_check(struct core *core, struct space *space,
                            const struct remap_request *request, struct remap_plan *plan)
{
    enum err error = remap_check_arguments(space, request, plan);

    if (error != ERR_OK && error != ERR_RANGE) {
        return error;
    }
    const struct region *region = remap_region(core, space, plan);

    if (region == NULL) {
        return limit_refuse(space, ERR_FAULT);
    }
    const enum err refused =
        huge_check_remap(core, space, region, request, &plan->old_pages, &plan->new_pages);

    if (refused != ERR_OK) {
        return refused;
    }
    if (remap_has(request, MEM_REMAP_FIXED | MEM_REMAP_DONTUNMAP)) {
        return error == ERR_RANGE ? limit_refuse(space, ERR_INVAL)
                                  : remap_check_target(core, space, request, plan);
    }
    if (error == ERR_RANGE && plan->old_pages >= plan->new_pages) {
        return limit_refuse(space, ERR_INVAL);
    }
    if (error == ERR_RANGE) {
        return limit_refuse_over(space, ERR_NOMEM, MEM_LIMIT_ADDRESS_SPACE, USER_END,
                                 space->pages * PAGE_SIZE, request->length_new);
    }
    if (plan->old_pages == plan->new_pages) {
        plan->old = range_of(plan->old.first, plan->old.first);
        plan->keeps_old = true;
        return ERR_OK;
    }
    return plan->old_pages > plan->new_pages ? remap_check_shrink(core, space, plan)
                                             : remap_check_grow(core, space, request, plan);
}

/* The last of the checks. On error what was reserved is dropped again. */
static enum err remap_promise(struct core *core, struct space *space, const struct remap_plan *plan)
{
    const enum err error = limit_promise(core, space, &plan->change);

    if (error != ERR_OK) {
        unmap_tables(core, space, plan->moved);
    }
    return error;
}

/* What Linux has done when it refuses after it began; the refusal that is recorded stands. */
static void remap_begin(struct core *core, struct space *space, const struct remap_plan *plan)
{
    const struct refusal refusal = space->refusal;
    const struct range ranges[] = {plan->target, plan->tail};

    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (!range_is_empty(ranges[i]) && unmap_at_once(core, space, ranges[i]) != ERR_OK) {
            break;
        }
    }
    space->refusal = refusal;
}

enum err op_remap(struct core *core, struct space *space, const struct remap_request *request,
                  uaddr_t *address)
{
    struct remap_plan plan = {0};

    limit_begin(space);
    enum err error = remap_check(core, space, request, &plan);

    if (error == ERR_OK) {
        error = remap_promise(core, space, &plan);
    }
    if (error != ERR_OK) {
        if (request->is_linux && plan.has_begun) {
            remap_begin(core, space, &plan);
        }
        return error;
    }
    *address =
        range_is_empty(plan.moved) ? request->address : vpn_to_uaddr(page_to_vpn(plan.moved.first));
    return remap_carry_out(core, space, &plan);
}
