/* SPDX-License-Identifier: MIT */
#include "server/core/op_advise.h"

#include <base/assert.h>

#include "server/core/change.h"
#include "server/core/large.h"
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
    case MEM_ADVISE_PAGEOUT:
        return ADVISE_NOTHING;
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
    case MEM_ADVISE_COLD:
    case MEM_ADVISE_PAGEOUT:
        return (region->flags & REGION_LOCKED) == 0;
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
    if (large_cut(core, space, range) != ERR_OK) {
        return advise_refuse_frames(core, space);
    }
    intent_open(core, space, range);
    uint32_t first = unmap_leaves(core, space, range);

    /* Point of no return: nothing below may fail. */
    intent_write(core);
    page_clear(core, space, range_of(first, range.end));
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
        change_apply(core, space, range, change, &plan);
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
static void advise_ahead(struct core *core, struct space *space, struct range range)
{
    if (space->kernel.v == 0) {
        return; /* a twin (twin.h) has regions only */
    }
    for (const struct region *region = tree_find(core, &space->tree, range.first);
         region != NULL && region->first < range.end; region = tree_next(core, region)) {
        fault_bring(core, space, region, range_common(region_range(region), range));
    }
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
        advise_ahead(core, space, range);
        return ERR_OK;
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

/*
 * One region after the other until one refuses; holes are passed over and answered in the end, but
 * for POPULATE, which they end.
 */
static enum err advise_each(struct core *core, struct space *space, struct range range,
                            uint32_t advice, bool stops_at_hole)
{
    bool has_hole = false;

    for (uint32_t page = range.first; page < range.end;) {
        const struct region *region = tree_find(core, &space->tree, page);

        if (region == NULL || region->first > page) {
            has_hole = true;
            if (region == NULL || stops_at_hole || region->first >= range.end) {
                break;
            }
            page = region->first;
        }
        uint32_t end = region->end < range.end ? region->end : range.end;

        if (!advise_is_possible(advice, region)) {
            return limit_refuse(space, ERR_INVAL);
        }
        enum err error = advise_apply(core, space, range_of(page, end), advice);

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
    error = request->is_linux
                ? advise_each(core, space, range, request->advice, way == ADVISE_POPULATE)
                : advise_all(core, space, range, request->advice);
    return error == ERR_OK && is_clipped ? limit_refuse(space, ERR_NOMEM) : error;
}
