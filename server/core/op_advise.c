/* SPDX-License-Identifier: MIT */
#include "server/core/op_advise.h"

#include <base/assert.h>

#include "server/core/change.h"
#include "server/core/op_unmap.h"
#include "server/core/page.h"

#define ADVISE_READ_AHEAD (REGION_SEQUENTIAL | REGION_RANDOM)
#define ADVISE_HUGE       (REGION_HUGEPAGE | REGION_NOHUGEPAGE)

enum advise_way {
    ADVISE_UNKNOWN,
    ADVISE_UNSUPPORTED,
    ADVISE_NOTHING, /* taken note of */
    ADVISE_DISCARD,
    ADVISE_CHANGE,
};

/* How to take the advice; with ADVISE_CHANGE, `*change` says what of the regions changes. */
static enum advise_way advise_way(uint32_t advice, struct change *change)
{
    switch (advice) {
    case MEM_ADVISE_NORMAL:
        *change = (struct change){ADVISE_READ_AHEAD, 0};
        return ADVISE_CHANGE;
    case MEM_ADVISE_RANDOM:
        *change = (struct change){ADVISE_READ_AHEAD, REGION_RANDOM};
        return ADVISE_CHANGE;
    case MEM_ADVISE_SEQUENTIAL:
        *change = (struct change){ADVISE_READ_AHEAD, REGION_SEQUENTIAL};
        return ADVISE_CHANGE;
    case MEM_ADVISE_DONTFORK:
        *change = (struct change){0, REGION_DONTFORK};
        return ADVISE_CHANGE;
    case MEM_ADVISE_DOFORK:
        *change = (struct change){REGION_DONTFORK, 0};
        return ADVISE_CHANGE;
    case MEM_ADVISE_WIPEONFORK:
        *change = (struct change){0, REGION_WIPEONFORK};
        return ADVISE_CHANGE;
    case MEM_ADVISE_KEEPONFORK:
        *change = (struct change){REGION_WIPEONFORK, 0};
        return ADVISE_CHANGE;
    case MEM_ADVISE_HUGEPAGE:
        *change = (struct change){ADVISE_HUGE, REGION_HUGEPAGE};
        return ADVISE_CHANGE;
    case MEM_ADVISE_NOHUGEPAGE:
        *change = (struct change){ADVISE_HUGE, REGION_NOHUGEPAGE};
        return ADVISE_CHANGE;
    case MEM_ADVISE_WILLNEED:
        return ADVISE_NOTHING;
    case MEM_ADVISE_DONTNEED:
        return ADVISE_DISCARD;
    case MEM_ADVISE_FREE:
    case MEM_ADVISE_COLD:
    case MEM_ADVISE_PAGEOUT:
    case MEM_ADVISE_POPULATE_READ:
    case MEM_ADVISE_POPULATE_WRITE:
        return ADVISE_UNSUPPORTED;
    default: /* a number from outside, not an enum */
        return ADVISE_UNKNOWN;
    }
}

/* Whether the range has holes, and whether a region in it cannot take the advice. */
static void advise_survey(const struct core *core, const struct space *space, struct range range,
                          uint32_t advice, bool *has_hole, bool *is_refused)
{
    const struct region *region = tree_find(core, &space->tree, range.first);
    uint32_t page = range.first;

    *has_hole = false;
    *is_refused = false;
    for (; region != NULL && region->first < range.end; region = tree_next(core, region)) {
        *has_hole = *has_hole || region->first > page;
        if (advice == MEM_ADVISE_WIPEONFORK && region->object != 0) {
            *is_refused = true;
        }
        page = region->end;
    }
    *has_hole = *has_hole || page < range.end;
}

/* Give the pages of the range back; regions stay. */
static void advise_discard(struct core *core, struct space *space, struct range range)
{
    intent_open(core, space, range);
    uint32_t first = unmap_leaves(core, space, range);

    /* Point of no return: nothing below may fail. */
    intent_write(core);
    page_clear(core, space, range_of(first, range.end));
    intent_close(core);
    AUDIT(space_audit(core, space));
}

static enum err advise_regions(struct core *core, struct space *space, struct range range,
                               const struct change *change)
{
    struct change_plan plan;
    enum err error = change_check(core, space, range, change, &plan);

    if (error == ERR_OK && plan.first != NULL) {
        change_apply(core, space, range, change, &plan);
    }
    return error;
}

enum err op_advise(struct core *core, struct space *space, const struct advise_request *request)
{
    struct change change = {0};
    struct range range;
    bool is_clipped;
    bool has_hole;
    bool is_refused;
    enum advise_way way = advise_way(request->advice, &change);

    limit_begin(space);
    if (way == ADVISE_UNKNOWN ||
        range_make_clipped(request->address, request->length, &range, &is_clipped) != ERR_OK) {
        return limit_refuse(space, ERR_INVAL);
    }
    if (way == ADVISE_UNSUPPORTED) {
        return limit_refuse(space, ERR_OPNOTSUPP);
    }
    advise_survey(core, space, range, request->advice, &has_hole, &is_refused);
    if (is_refused) {
        return limit_refuse(space, ERR_INVAL);
    }
    has_hole = has_hole || is_clipped;
    if (has_hole && !request->is_linux) {
        return limit_refuse(space, ERR_NOMEM);
    }
    if (way == ADVISE_DISCARD) {
        advise_discard(core, space, range);
    } else if (way == ADVISE_CHANGE) {
        enum err error = advise_regions(core, space, range, &change);

        if (error != ERR_OK) {
            return error;
        }
    }
    return has_hole ? limit_refuse(space, ERR_NOMEM) : ERR_OK;
}
