/* SPDX-License-Identifier: MIT */
#include "server/core/op_protect.h"

#include <base/assert.h>

#include "server/core/change.h"
#include "server/core/populate.h"
#include "server/core/work.h"

/*
 * The arguments alone, in the order of mprotect(2). Length 0 gives an empty range; what leaves user
 * space is cut off and reported in `*is_clipped`.
 */
static enum err protect_check_arguments(struct space *space, const struct protect_request *request,
                                        struct range *range, bool *is_clipped)
{
    if (range_make_clipped(request->address, 0, range, is_clipped) != ERR_OK) {
        return limit_refuse(space, ERR_INVAL);
    }
    if (request->length == 0) {
        *range = range_of(0, 0);
        return ERR_OK;
    }
    if (range_make_clipped(request->address, request->length, range, is_clipped) != ERR_OK) {
        return limit_refuse(space, ERR_NOMEM);
    }
    if ((request->prot & ~MEM_PROT_ALL) != 0) {
        return limit_refuse(space, ERR_INVAL);
    }
    return ERR_OK;
}

/* Whether `region` (NULL: none) holds `page` and may have the protection. */
static enum err protect_check_region(struct space *space, const struct protect_request *request,
                                     const struct region *region, uint32_t page)
{
    if (region == NULL || region->first > page) {
        return limit_refuse(space, ERR_NOMEM);
    }
    if ((request->prot & ~(region->flags >> REGION_MAY_SHIFT)) != 0) {
        return limit_refuse(space, ERR_ACCES);
    }
    return ERR_OK;
}

static enum err protect_change(struct core *core, struct space *space,
                               const struct protect_request *request, struct range range)
{
    const struct change change = {.clear = REGION_PROT, .set = request->prot};
    struct change_plan plan;
    enum err error = change_check(core, space, range, &change, &plan);

    if (error == ERR_OK && plan.first != NULL) {
        error = change_apply(core, space, range, &change, &plan);
    }
    return error;
}

/*
 * What is locked and private, and may be written from now on, is made present for it, so that no
 * write has to fault (Linux mprotect_fixup()); what finds no frame stays as it is.
 */
NOINLINE static void protect_populate(struct core *core, struct space *space, struct range range)
{
    for (const struct region *region = tree_find(core, &space->tree, range.first);
         region != NULL && region->first < range.end; region = tree_next(core, region)) {
        if (region_is_private_writable(region->flags) &&
            (region->flags & REGION_LOCKS) == REGION_LOCKED) {
            populate_without_waiting(core, space, range_common(region_range(region), range));
        }
    }
}

/* protect_populate() after the change was carried out, or was begun. */
NOINLINE static enum err protect_wake(struct core *core, struct space *space, struct range range,
                                      enum err error)
{
    if (error == ERR_MORE) { /* what follows is about pages of the space */
        work_finish(core, space);
        core->more = (struct more){0};
        error = ERR_OK;
    }
    if (error == ERR_OK) {
        protect_populate(core, space, range);
    }
    return error;
}

/* Whether a region is one of those that protect_populate() is for, if it becomes writable. */
static bool protect_wakes(const struct protect_request *request, const struct region *region)
{
    return (request->prot & MEM_PROT_WRITE) != 0 && !region_is_private_writable(region->flags) &&
           (region->flags & (REGION_LOCKS | REGION_SHARED)) == REGION_LOCKED;
}

/* All of the range or nothing. */
ALWAYS_INLINE enum err protect_all(struct core *core, struct space *space,
                                   const struct protect_request *request, struct range range)
{
    const struct region *region = tree_find(core, &space->tree, range.first);
    bool wakes = false;

    for (uint32_t page = range.first; page < range.end;) {
        enum err error = protect_check_region(space, request, region, page);

        if (error != ERR_OK) {
            return error;
        }
        wakes = wakes || protect_wakes(request, region);
        page = region->end;
        region = tree_next(core, region);
    }
    enum err error = protect_change(core, space, request, range);

    return UNLIKELY(wakes) ? protect_wake(core, space, range, error) : error;
}

/* One region after the other, until one refuses. */
static enum err protect_each(struct core *core, struct space *space,
                             const struct protect_request *request, struct range range)
{
    for (uint32_t page = range.first; page < range.end;) {
        const struct region *region = tree_find(core, &space->tree, page);
        enum err error = protect_check_region(space, request, region, page);

        if (error != ERR_OK) {
            return error;
        }
        uint32_t end = region->end < range.end ? region->end : range.end;
        bool wakes = protect_wakes(request, region);

        error = protect_change(core, space, request, range_of(page, end));
        if (UNLIKELY(wakes)) {
            error = protect_wake(core, space, range_of(page, end), error);
        }
        if (error == ERR_MORE) {
            core->more.rest = range_of(end, range.end);
        }
        if (error != ERR_OK) {
            return error;
        }
        page = end;
    }
    return ERR_OK;
}

/* What of the range, from its start on, is mapped and may have the protection. */
static struct range protect_allowed(const struct core *core, const struct space *space,
                                    const struct protect_request *request, struct range range)
{
    const struct region *region = tree_find(core, &space->tree, range.first);
    uint32_t page = range.first;

    while (page < range.end && region != NULL && region->first <= page &&
           (request->prot & ~(region->flags >> REGION_MAY_SHIFT)) == 0) {
        page = region->end;
        region = tree_next(core, region);
    }
    return range_of(range.first, page < range.end ? page : range.end);
}

/*
 * The LINUX form: what comes before the first region that refuses is as one, unless a limit has to
 * say which is the first.
 */
NOINLINE static enum err protect_many(struct core *core, struct space *space,
                                      const struct protect_request *request, struct range range)
{
    const struct range part = protect_allowed(core, space, request, range);
    const enum err error = protect_all(core, space, request, part);

    if (error == ERR_MORE) {
        core->more.rest = range_of(part.end, range.end);
        return error;
    }
    if (error == ERR_OK) {
        range.first = part.end;
    }
    limit_begin(space);
    return protect_each(core, space, request, range);
}

enum err op_protect(struct core *core, struct space *space, const struct protect_request *request)
{
    struct range range;
    bool is_clipped = false;

    limit_begin(space);
    enum err error = protect_check_arguments(space, request, &range, &is_clipped);

    if (error == ERR_OK && is_clipped && !request->is_linux) {
        error = limit_refuse(space, ERR_NOMEM);
    }
    if (error != ERR_OK) {
        return error;
    }
    if (range_is_empty(range)) {
        return is_clipped ? limit_refuse(space, ERR_NOMEM) : ERR_OK;
    }
    if (!request->is_linux) {
        error = protect_all(core, space, request, range);
    } else if (change_is_long(core, space, range)) {
        error = protect_many(core, space, request, range);
    } else {
        error = protect_each(core, space, request, range);
    }
    return error == ERR_OK && is_clipped ? limit_refuse(space, ERR_NOMEM) : error;
}
