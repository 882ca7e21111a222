/* SPDX-License-Identifier: MIT */
#include "server/core/op_lock.h"

#include <base/assert.h>
#include <base/checked.h>

#include "server/core/change.h"
#include "server/core/pool.h"
#include "server/core/populate.h"

/* Pages of a range, and what of the request lies beyond user space. */
struct lock_range {
    struct range range;
    uint64_t pages; /* asked for, mapped or not */
    bool is_clipped;
};

/* Pages of the range that are locked already. */
static uint64_t lock_count(const struct core *core, const struct space *space, struct range range)
{
    uint64_t pages = 0;

    for (const struct region *region = tree_find(core, &space->tree, range.first);
         region != NULL && region->first < range.end; region = tree_next(core, region)) {
        if ((region->flags & REGION_LOCKED) != 0) {
            pages += range_pages(range_common(region_range(region), range));
        }
    }
    return pages;
}

/*
 * The pages that the bytes of the request touch. A range that wraps is ERR_RANGE, and `pages` is
 * how many Linux takes it for.
 */
static enum err lock_make_range(const struct lock_request *request, struct lock_range *out)
{
    uint64_t offset = uaddr_to_bytes(request->address) & PAGE_MASK;
    uint64_t length;
    bool wraps = !checked_add(request->length, offset, &length) ||
                 !checked_round_up(length, PAGE_SIZE, &length);

    if (wraps && !request->is_linux) {
        return ERR_INVAL;
    }
    if (wraps) {
        length = (request->length + offset + PAGE_MASK) & ~(uint64_t)PAGE_MASK;
    }
    out->pages = length / PAGE_SIZE;
    return range_make_clipped((uaddr_t){uaddr_to_bytes(request->address) - offset}, length,
                              &out->range, &out->is_clipped) == ERR_OK
               ? ERR_OK
               : ERR_RANGE;
}

/* Give the regions of `range`, all of whose pages are mapped, other locks. */
static enum err lock_change(struct core *core, struct space *space, struct range range,
                            uint32_t locks)
{
    const struct change change = {.clear = REGION_LOCKS, .set = locks};
    struct change_plan plan;
    enum err error = change_check(core, space, range, &change, &plan);

    if (error == ERR_OK && plan.first != NULL) {
        error = change_apply(core, space, range, &change, &plan);
    }
    return error;
}

/* The first page of a range that no region has, or its end. */
static uint32_t lock_find_hole(const struct core *core, const struct space *space,
                               struct range range)
{
    const struct region *region = tree_find(core, &space->tree, range.first);
    uint32_t page = range.first;

    while (page < range.end && region != NULL && region->first <= page) {
        page = region->end;
        region = tree_next(core, region);
    }
    return page < range.end ? page : range.end;
}

/* One region after the other, until a hole; many as one, if they let that happen. */
static enum err lock_each(struct core *core, struct space *space, const struct lock_range *asked,
                          uint32_t locks)
{
    uint32_t page = asked->range.first;

    if (UNLIKELY(change_is_long(core, space, asked->range))) {
        const uint32_t hole = lock_find_hole(core, space, asked->range);
        const enum err error = lock_change(core, space, range_of(page, hole), locks);

        if (error == ERR_MORE) {
            core->more.is_again = true;
            return error;
        }
        page = error == ERR_OK ? hole : page;
        limit_begin(space);
    }
    while (page < asked->range.end) {
        const struct region *region = tree_find(core, &space->tree, page);

        if (region == NULL || region->first > page) {
            return limit_refuse(space, ERR_NOMEM);
        }
        uint32_t end = region->end < asked->range.end ? region->end : asked->range.end;
        enum err error = lock_change(core, space, range_of(page, end), locks);

        if (error != ERR_OK) {
            return error;
        }
        page = end;
    }
    return asked->is_clipped ? limit_refuse(space, ERR_NOMEM) : ERR_OK;
}

static bool lock_has_hole(const struct core *core, const struct space *space,
                          const struct lock_range *asked)
{
    return lock_find_hole(core, space, asked->range) < asked->range.end || asked->is_clipped;
}

/* What LOCK answers when the pages of `range` could be made present, or not. */
static enum err lock_outcome(const struct core *core, struct space *space, struct range range,
                             enum fault_outcome outcome)
{
    enum err error;

    switch (outcome) {
    case FAULT_READY:
        return ERR_OK;
    case FAULT_NO_REGION:
    case FAULT_LARGE:
    case FAULT_AGAIN:
    case FAULT_DENIED:
    case FAULT_PAST_END:
        return limit_refuse(space, ERR_NOMEM);
    case FAULT_WAIT:
        return ERR_WAIT;
    case FAULT_NO_FRAME:
        error = limit_refuse_frames(core, space, range_pages(range));
        ASSERT(error == ERR_NOMEM);
        space->refusal.error = ERR_AGAIN; /* mlock(2): some pages could not be locked */
        return ERR_AGAIN;
    }
    UNREACHABLE();
}

static enum err lock_populate(struct core *core, struct space *space, struct range range)
{
    return lock_outcome(core, space, range, populate_range(core, space, range));
}

/* All of the range or nothing: pages become present before anything is promised. */
static enum err lock_all_of(struct core *core, struct space *space, const struct lock_range *asked,
                            uint32_t locks)
{
    if (lock_has_hole(core, space, asked)) {
        return limit_refuse(space, ERR_NOMEM);
    }
    if (locks == REGION_LOCKED) {
        enum err error = lock_populate(core, space, asked->range);

        if (error != ERR_OK) {
            return error;
        }
    }
    return lock_change(core, space, asked->range, locks);
}

/* Over the limit? What is locked already does not count twice. */
static enum err lock_check_limit(const struct core *core, struct space *space,
                                 const struct lock_range *asked)
{
    if (limit_check_locked(space, asked->pages, ERR_NOMEM) == ERR_OK) {
        return ERR_OK;
    }
    return limit_check_locked(space, asked->pages - lock_count(core, space, asked->range),
                              ERR_NOMEM);
}

/* Judge a request but for the regions of its range. Returns: as op_lock(). */
static enum err lock_check(const struct core *core, struct space *space,
                           const struct lock_request *request, uint32_t known,
                           struct lock_range *asked)
{
    limit_begin(space);
    if ((request->flags & ~known) != 0) {
        return limit_refuse(space, ERR_INVAL);
    }
    if (!limit_may_lock(space)) {
        return limit_refuse_over(space, ERR_PERM, MEM_LIMIT_LOCKED, 0, space->locked, 0);
    }
    enum err wraps = lock_make_range(request, asked);

    if (wraps == ERR_INVAL) {
        return limit_refuse(space, ERR_INVAL);
    }
    enum err error = lock_check_limit(core, space, asked);

    if (error != ERR_OK) {
        return error;
    }
    space->refusal.error = ERR_OK;
    return wraps != ERR_OK ? limit_refuse(space, ERR_INVAL) : ERR_OK;
}

enum err op_lock(struct core *core, struct space *space, const struct lock_request *request)
{
    bool is_onfault = (request->flags & MEM_LOCK_ONFAULT) != 0;
    uint32_t locks = is_onfault ? REGION_LOCKS : REGION_LOCKED;
    struct lock_range asked = {.range = range_of(0, 0)};
    enum err error = lock_check(core, space, request, MEM_LOCK_ONFAULT, &asked);

    if (error != ERR_OK || (range_is_empty(asked.range) && !asked.is_clipped)) {
        return error;
    }
    if (!request->is_linux) {
        return lock_all_of(core, space, &asked, locks);
    }
    error = lock_each(core, space, &asked, locks);
    return error != ERR_OK || is_onfault ? error : op_lock_rest(core, space, asked.range);
}

/* Pages of the range that would be locked, and are not yet; huge ones never are. */
static uint64_t lock_count_new(const struct core *core, const struct space *space,
                               struct range range)
{
    uint64_t pages = 0;

    for (const struct region *region = tree_find(core, &space->tree, range.first);
         region != NULL && region->first < range.end; region = tree_next(core, region)) {
        if ((region->flags & (REGION_LOCKED | REGION_HUGETLB)) == 0) {
            pages += range_pages(range_common(region_range(region), range));
        }
    }
    return pages;
}

enum err op_lock_cost(struct core *core, struct space *space, const struct lock_request *request,
                      struct lock_cost *cost)
{
    const bool is_onfault = (request->flags & MEM_LOCK_ONFAULT) != 0;
    const struct change change = {.clear = REGION_LOCKS,
                                  .set = is_onfault ? REGION_LOCKS : REGION_LOCKED};
    struct lock_range asked = {.range = range_of(0, 0)};

    ASSERT(!request->is_linux);
    lock_cost_begin(space, cost);
    enum err error = lock_check(core, space, request, MEM_LOCK_ONFAULT | MEM_LOCK_DRY, &asked);

    if (error != ERR_OK || (range_is_empty(asked.range) && !asked.is_clipped)) {
        return error;
    }
    if (lock_has_hole(core, space, &asked)) {
        return limit_refuse(space, ERR_NOMEM);
    }
    if (is_onfault) {
        lock_cost_edges(core, space, asked.range, cost);
    } else {
        error = lock_outcome(core, space, asked.range,
                             lock_cost_populate(core, space, asked.range, false, cost));
    }
    if (error == ERR_OK) {
        error = lock_cost_judge(core, space, asked.range, &change, cost);
    }
    if (error == ERR_OK) {
        cost->pages = lock_count_new(core, space, asked.range);
        cost->frames += cost->edges;
    }
    return error;
}

enum err op_lock_rest(struct core *core, struct space *space, struct range range)
{
    const enum err error = lock_populate(core, space, range);

    if (error == ERR_WAIT && core->need.kind == NEED_TURN) {
        core->need.end = range.end;
    }
    return error;
}

enum err op_unlock(struct core *core, struct space *space, const struct lock_request *request)
{
    struct lock_range asked;

    limit_begin(space);
    if (request->flags != 0 || lock_make_range(request, &asked) != ERR_OK) {
        return limit_refuse(space, ERR_INVAL);
    }
    if (range_is_empty(asked.range) && !asked.is_clipped) {
        return ERR_OK;
    }
    return request->is_linux ? lock_each(core, space, &asked, 0)
                             : lock_all_of(core, space, &asked, 0);
}

/* Give every region `locks`, and those to come `future`. */
static enum err lock_everything(struct core *core, struct space *space, uint32_t locks,
                                uint32_t future)
{
    const struct range all = range_of(RANGE_USER_FIRST, RANGE_USER_END);
    const struct change change = {.clear = REGION_LOCKS, .set = locks};
    struct change_plan plan;
    enum err error = change_check(core, space, all, &change, &plan);

    if (error != ERR_OK) {
        return error;
    }
    /* No rights are lost: nothing calls out between the two. */
    space->future = future;
    return plan.first != NULL ? change_apply(core, space, all, &change, &plan) : ERR_OK;
}

static uint32_t lock_all_locks(uint32_t flags)
{
    return (flags & MEM_LOCK_ALL_ONFAULT) != 0 ? REGION_LOCKS : REGION_LOCKED;
}

/* Judge LOCK_ALL by its flags and the lock limit. Returns: as op_lock_all(). */
static enum err lock_all_check(struct space *space, uint32_t flags)
{
    const uint64_t limit = space->settings.locked_max / PAGE_SIZE;

    limit_begin(space);
    if (flags == 0 || flags == MEM_LOCK_ALL_ONFAULT || (flags & ~MEM_LOCK_ALL_FLAGS) != 0) {
        return limit_refuse(space, ERR_INVAL);
    }
    if (!limit_may_lock(space)) {
        return limit_refuse_over(space, ERR_PERM, MEM_LIMIT_LOCKED, 0, space->locked, 0);
    }
    if ((flags & MEM_LOCK_CURRENT) != 0 && space->pages > limit &&
        (space->settings.privileges & SPACE_PRIVILEGE_LOCK) == 0) {
        return limit_refuse_over(space, ERR_NOMEM, MEM_LIMIT_LOCKED, limit, space->locked,
                                 space->pages - space->locked);
    }
    return ERR_OK;
}

enum err op_lock_all_cost(struct core *core, struct space *space, uint32_t flags,
                          struct lock_cost *cost)
{
    const struct range all = range_of(RANGE_USER_FIRST, RANGE_USER_END);
    const struct change change = {.clear = REGION_LOCKS, .set = lock_all_locks(flags)};
    const struct lock_cost nothing = {0};
    enum err error = lock_all_check(space, flags & ~MEM_LOCK_DRY);

    lock_cost_begin(space, cost);
    if (error != ERR_OK || (flags & MEM_LOCK_CURRENT) == 0) {
        return error;
    }
    /* The regions come first, so that is all that can be refused; once, not in every turn. */
    error = core->resume == 0 ? lock_cost_judge(core, space, all, &change, &nothing) : ERR_OK;
    if (error == ERR_OK && change.set == REGION_LOCKED &&
        lock_cost_populate(core, space, all, true, cost) == FAULT_WAIT) {
        return ERR_WAIT;
    }
    if (error == ERR_OK) {
        cost->pages = lock_count_new(core, space, all);
        cost->frames += cost->edges;
    }
    return error;
}

enum err op_lock_all(struct core *core, struct space *space, uint32_t flags)
{
    const uint32_t locks = lock_all_locks(flags);
    const uint32_t future = (flags & MEM_LOCK_FUTURE) != 0 ? locks : 0;
    enum err error = lock_all_check(space, flags);

    if (error != ERR_OK) {
        return error;
    }
    if ((flags & MEM_LOCK_CURRENT) == 0) {
        space->future = future;
        return ERR_OK;
    }
    error = lock_everything(core, space, locks, future);

    core->more.is_again = error == ERR_MORE && locks == REGION_LOCKED; /* to populate */
    if (error == ERR_OK && locks == REGION_LOCKED &&
        populate_what_can_be(core, space, range_of(RANGE_USER_FIRST, RANGE_USER_END))) {
        return ERR_WAIT;
    }
    return error;
}

enum err op_unlock_all(struct core *core, struct space *space)
{
    limit_begin(space);
    return lock_everything(core, space, 0, 0);
}
