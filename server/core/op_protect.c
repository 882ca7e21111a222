/* SPDX-License-Identifier: MIT */
#include "server/core/op_protect.h"

#include <base/assert.h>

#include "server/core/change.h"

/* The arguments alone, in the order of mprotect(2). Length 0 gives an empty range. */
static enum err protect_check_arguments(struct space *space, const struct protect_request *request,
                                        struct range *range)
{
    enum err error = range_make(request->address, 0, range);

    if (error == ERR_INVAL) {
        return limit_refuse(space, ERR_INVAL);
    }
    if (request->length == 0) {
        *range = range_of(0, 0);
        return ERR_OK;
    }
    if (range_make(request->address, request->length, range) != ERR_OK) {
        return limit_refuse(space, ERR_NOMEM);
    }
    if ((request->prot & ~MEM_PROT_ALL) != 0) {
        return limit_refuse(space, ERR_INVAL);
    }
    return ERR_OK;
}

/*
 * Where the range first meets a hole or a region that may not have the protection; its end if
 * nowhere.
 */
static uint32_t protect_find_refusal(const struct core *core, struct space *space,
                                     const struct protect_request *request, struct range range,
                                     enum err *error)
{
    const struct region *region = tree_find(core, &space->tree, range.first);
    uint32_t page = range.first;

    *error = ERR_OK;
    while (page < range.end) {
        if (region == NULL || region->first > page) {
            *error = limit_refuse(space, ERR_NOMEM);
            return page;
        }
        if ((request->prot & ~(region->flags >> REGION_MAY_SHIFT)) != 0) {
            *error = limit_refuse(space, ERR_ACCES);
            return page;
        }
        page = region->end;
        region = tree_next(core, region);
    }
    return range.end;
}

enum err op_protect(struct core *core, struct space *space, const struct protect_request *request)
{
    const struct change change = {.clear = REGION_PROT, .set = request->prot};
    struct range range;
    enum err refusal;
    bool differs;

    limit_begin(space);
    enum err error = protect_check_arguments(space, request, &range);

    if (error != ERR_OK || range_is_empty(range)) {
        return error;
    }
    uint32_t end = protect_find_refusal(core, space, request, range, &refusal);

    if (refusal != ERR_OK) {
        if (!request->is_linux || end == range.first) {
            return refusal;
        }
        range = range_of(range.first, end);
    }
    const struct refusal kept = space->refusal;

    error = change_check(core, space, range, &change, &differs);
    if (error != ERR_OK) {
        return error;
    }
    if (differs) {
        change_apply(core, space, range, &change);
    }
    space->refusal = kept;
    return refusal;
}
