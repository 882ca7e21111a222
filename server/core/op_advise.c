/* SPDX-License-Identifier: MIT */
#include "server/core/op_advise.h"

#include <base/assert.h>

#include "server/core/change.h"
#include "server/core/huge.h"
#include "server/core/huge_rule.h"
#include "server/core/large.h"
#include "server/core/op_pageout.h"
#include "server/core/op_unmap.h"
#include "server/core/page.h"
#include "server/core/populate.h"

#define ADVISE_READ_AHEAD (REGION_SEQUENTIAL | REGION_RANDOM)
#define ADVISE_HUGE       (REGION_HUGEPAGE | REGION_NOHUGEPAGE)

enum advise_way {
    ADVISE_UNKNOWN,
    ADVISE_NOTHING, /* taken note of */
    ADVISE_DISCARD,
    ADVISE_CHANGE,
    ADVISE_POPULATE,
    ADVISE_AHEAD, /* make present what is likely to be wanted */
    ADVISE_OUT,   /* make absent what is not */
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
        return ADVISE_AHEAD;
    case MEM_ADVISE_FREE:
    case MEM_ADVISE_COLD:
        return ADVISE_NOTHING;
    case MEM_ADVISE_PAGEOUT:
        return ADVISE_OUT;
    case MEM_ADVISE_DONTNEED:
    case MEM_ADVISE_DONTNEED_LOCKED:
        return ADVISE_DISCARD;
    case MEM_ADVISE_POPULATE_READ:
    case MEM_ADVISE_POPULATE_WRITE:
        return ADVISE_POPULATE;
    default: /* a number from outside, not an enum */
        return ADVISE_UNKNOWN;
    }
}

/* Whether a region of these flags can take the advice (madvise(2), EINVAL). */
static bool advise_is_possible(uint32_t advice, const struct region *region)
{
    switch (advice) {
    case MEM_ADVISE_DONTNEED:
        return (region->flags & REGION_LOCKED) == 0;
    case MEM_ADVISE_COLD:
    case MEM_ADVISE_PAGEOUT:
        return (region->flags & (REGION_LOCKED | REGION_HUGETLB)) == 0;
    case MEM_ADVISE_FREE:
        return (region->flags & REGION_LOCKED) == 0 && region->object == 0;
    case MEM_ADVISE_WIPEONFORK:
        return region->object == 0;
    case MEM_ADVISE_POPULATE_READ:
        return (region->flags & MEM_PROT_READ) != 0;
    case MEM_ADVISE_POPULATE_WRITE:
        return (region->flags & MEM_PROT_WRITE) != 0;
    default: /* the others are for every region */
        return true;
    }
}

/* madvise(2): a kernel resource was not to be had. */
static enum err advise_refuse_frames(const struct core *core, struct space *space)
{
    const enum err error = limit_refuse_frames(core, space, 1);

    ASSERT(error == ERR_NOMEM);
    space->refusal.error = ERR_AGAIN;
    return ERR_AGAIN;
}

/* Give the pages of the range back; regions stay. */
static enum err advise_discard(struct core *core, struct space *space, struct range range)
{
    if (UNLIKELY(space->huges != 0)) {
        const enum err error = huge_check_discard(core, space, &range);

        if (error != ERR_OK || range_is_empty(range)) {
            return error;
        }
    }
    if (large_cut(core, space, range) != ERR_OK) {
        return advise_refuse_frames(core, space);
    }
    if (work_may_be_long(range) && work_is_long(core, space, range, WORK_DISCARD)) {
        intent_open(core, space, range);
        huge_restrict(core, space, range, 0);
        /* Point of no return: nothing below may fail. */
        intent_write(core);
        huge_discard(core, space, range);
        work_begin(core, space, WORK_DISCARD, range, 0);
        intent_close(core);
        return work_go_on(core, space);
    }
    intent_open(core, space, range);
    uint32_t first = unmap_leaves(core, space, range);

    /* Point of no return: nothing below may fail. */
    intent_write(core);
    page_clear(core, space, range_of(first, range.end));
    huge_discard(core, space, range);
    intent_close(core);
    space->leaf_tag = SPACE_NO_TAG; /* so that a large leaf can come where nothing is left */
    AUDIT(space_audit(core, space));
    return ERR_OK;
}

static enum err advise_regions(struct core *core, struct space *space, struct range range,
                               const struct change *change)
{
    struct change_plan plan;
    enum err error = change_check(core, space, range, change, &plan);

    if (error == ERR_OK && plan.first != NULL) {
        error = change_apply(core, space, range, change, &plan);
    }
    space->leaf_tag = SPACE_NO_TAG; /* the next fault looks whether a large leaf can come */
    if (error == ERR_NOMEM) {
        /* madvise(2): a kernel resource was not to be had. */
        space->refusal.error = ERR_AGAIN;
        return ERR_AGAIN;
    }
    return error;
}

/* Every region of the range has the right that is asked for. */
static enum err advise_populate(struct core *core, struct space *space, struct range range,
                                uint32_t access)
{
    for (const struct region *region = tree_find(core, &space->tree, range.first);
         region != NULL && region->first < range.end; region = tree_next(core, region)) {
        struct range part = range_common(region_range(region), range);

        if (part.end <= core->resume) {
            continue;
        }
        part.first = part.first < core->resume ? (uint32_t)core->resume : part.first;
        switch (populate_region(core, space, region, part, access)) {
        case FAULT_READY:
            break;
        case FAULT_NO_REGION:
        case FAULT_LARGE:
        case FAULT_AGAIN:
        case FAULT_DENIED:
        case FAULT_PAST_END:
            return limit_refuse(space, ERR_FAULT);
        case FAULT_WAIT:
            return ERR_WAIT;
        case FAULT_NO_FRAME:
            return limit_refuse_frames(core, space, range_pages(part));
        }
    }
    return ERR_OK;
}

/* Nobody waits for these pages: what finds no frame, or would take the last ones, is left out. */
static enum err advise_ahead(struct core *core, struct space *space, struct range range)
{
    if (space->kernel.v == 0) {
        return ERR_OK; /* a twin (twin.h) has regions only */
    }
    for (const struct region *region = tree_find(core, &space->tree, range.first);
         region != NULL && region->first < range.end; region = tree_next(core, region)) {
        populate_bring(core, space, region, range_common(region_range(region), range));
        if (core->need.kind == NEED_TURN) {
            return ERR_WAIT;
        }
        core->need = (struct need){0}; /* a page that has to come first is left out too */
    }
    return ERR_OK;
}

/* All regions of the range can take the advice. */
static enum err advise_apply(struct core *core, struct space *space, struct range range,
                             uint32_t advice)
{
    struct change change = {0};

    switch (advise_way(advice, &change)) {
    case ADVISE_NOTHING:
        return ERR_OK;
    case ADVISE_DISCARD:
        return advise_discard(core, space, range);
    case ADVISE_CHANGE:
        return advise_regions(core, space, range, &change);
    case ADVISE_POPULATE:
        return advise_populate(core, space, range,
                               advice == MEM_ADVISE_POPULATE_WRITE ? MEM_PROT_WRITE
                                                                   : MEM_PROT_READ);
    case ADVISE_AHEAD:
        return advise_ahead(core, space, range);
    case ADVISE_OUT:
        return space->kernel.v != 0 ? op_pageout_range(core, space, range) : ERR_OK;
    case ADVISE_UNKNOWN:
        break;
    }
    UNREACHABLE();
}

/* All of the range or nothing. */
static enum err advise_all(struct core *core, struct space *space, struct range range,
                           uint32_t advice)
{
    const struct region *region = tree_find(core, &space->tree, range.first);

    for (uint32_t page = range.first; page < range.end;) {
        if (region == NULL || region->first > page) {
            return limit_refuse(space, ERR_NOMEM);
        }
        if (!advise_is_possible(advice, region)) {
            return limit_refuse(space, ERR_INVAL);
        }
        page = region->end;
        region = tree_next(core, region);
    }
    return advise_apply(core, space, range, advice);
}

/* What of the range, from its start in `region` on, is mapped and can take the advice. */
static struct range advise_possible(const struct core *core, const struct region *region,
                                    struct range range, uint32_t advice)
{
    uint32_t page = range.first;

    while (page < range.end && region != NULL && region->first <= page &&
           advise_is_possible(advice, region)) {
        page = region->end;
        region = tree_next(core, region);
    }
    return range_of(range.first, page < range.end ? page : range.end);
}

/* The end of what is advised next: many regions as one, if they let that happen. */
static enum err advise_next(struct core *core, struct space *space, const struct region *region,
                            struct range range, uint32_t advice, uint32_t *end)
{
    *end = region->end < range.end ? region->end : range.end;
    if (UNLIKELY(advise_changes_regions(advice) && change_is_long(core, space, range))) {
        const struct range part = advise_possible(core, region, range, advice);
        const enum err error = advise_apply(core, space, part, advice);

        if (error == ERR_OK || error == ERR_MORE) {
            *end = part.end;
            return error;
        }
        limit_begin(space);
    }
    return advise_apply(core, space, range_of(range.first, *end), advice);
}

/*
 * One region after the other until one refuses; holes are passed over and answered in the end, but
 * for POPULATE, which they end.
 */
static enum err advise_each(struct core *core, struct space *space, struct range range,
                            const struct advise_request *request, bool stops_at_hole)
{
    bool has_hole = request->has_hole;
    uint32_t hole = range.end; /* the last of this turn */

    for (uint32_t page = range.first; page < range.end;) {
        const struct region *region = tree_find(core, &space->tree, page);

        if (region == NULL || region->first > page) {
            has_hole = true;
            if (region == NULL || stops_at_hole || region->first >= range.end) {
                break;
            }
            hole = page;
            page = region->first;
        }
        uint32_t end;

        if (!advise_is_possible(request->advice, region)) {
            return limit_refuse(space, ERR_INVAL);
        }
        enum err error =
            advise_next(core, space, region, range_of(page, range.end), request->advice, &end);

        if (error == ERR_MORE) {
            /* A hole that was passed is found once more, and answered in the end. */
            core->more.rest = range_of(hole < end ? hole : end, range.end);
        } else if (error == ERR_WAIT && core->need.kind == NEED_TURN) {
            core->need.has_hole = has_hole;
        }
        if (error != ERR_OK) {
            return error;
        }
        page = end;
    }
    return has_hole ? limit_refuse(space, ERR_NOMEM) : ERR_OK;
}

bool advise_changes_regions(uint32_t advice)
{
    struct change change;

    return advise_way(advice, &change) == ADVISE_CHANGE;
}

enum err op_advise(struct core *core, struct space *space, const struct advise_request *request)
{
    struct change change;
    struct range range;
    bool is_clipped;
    enum advise_way way = advise_way(request->advice, &change);
    enum err error;

    limit_begin(space);
    if (way == ADVISE_UNKNOWN ||
        range_make_clipped(request->address, request->length, &range, &is_clipped) != ERR_OK) {
        return limit_refuse(space, ERR_INVAL);
    }
    if (range_is_empty(range) && !is_clipped) {
        return ERR_OK;
    }
    if (is_clipped && !request->is_linux) {
        return limit_refuse(space, ERR_NOMEM);
    }
    error = request->is_linux ? advise_each(core, space, range, request, way == ADVISE_POPULATE)
                              : advise_all(core, space, range, request->advice);
    return error == ERR_OK && is_clipped ? limit_refuse(space, ERR_NOMEM) : error;
}
