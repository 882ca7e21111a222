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

static bool advise_is_refused(const struct region *region, uint32_t advice)
{
    return advice == MEM_ADVISE_WIPEONFORK && region->object != 0;
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
        *is_refused = *is_refused || advise_is_refused(region, advice);
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

/* What has no room is to be tried again, as madvise(2) says. */
static enum err advise_change(struct core *core, struct space *space, struct range range,
                              const struct change *change)
{
    struct change_plan plan;

    if (change_check(core, space, range, change, &plan) != ERR_OK) {
        space->refusal.error = ERR_AGAIN;
        return ERR_AGAIN;
    }
    if (plan.first != NULL) {
        change_apply(core, space, range, change, &plan);
    }
    return ERR_OK;
}

/* One region after the other, until one refuses; holes are passed over. */
static enum err advise_each(struct core *core, struct space *space, struct range range,
                            uint32_t advice, const struct change *change)
{
    for (uint32_t page = range.first; page < range.end;) {
        const struct region *region = tree_find(core, &space->tree, page);

        if (region == NULL || region->first >= range.end) {
            return ERR_OK;
        }
        if (advise_is_refused(region, advice)) {
            return limit_refuse(space, ERR_INVAL);
        }
        struct range piece = range_common(region_range(region), range_of(page, range.end));
        enum err error = advise_change(core, space, piece, change);

        if (error != ERR_OK) {
            return error;
        }
        page = piece.end;
    }
    return ERR_OK;
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
    has_hole = has_hole || is_clipped;
    if (!request->is_linux && (is_refused || has_hole)) {
        return limit_refuse(space, is_refused ? ERR_INVAL : ERR_NOMEM);
    }
    enum err error = ERR_OK;

    if (way == ADVISE_DISCARD) {
        advise_discard(core, space, range);
    } else if (way == ADVISE_CHANGE && request->is_linux) {
        error = advise_each(core, space, range, request->advice, &change);
    } else if (way == ADVISE_CHANGE) {
        error = advise_change(core, space, range, &change);
    }
    return error == ERR_OK && has_hole ? limit_refuse(space, ERR_NOMEM) : error;
}
