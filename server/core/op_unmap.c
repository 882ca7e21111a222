/* SPDX-License-Identifier: MIT */
#include "server/core/op_unmap.h"

#include <base/assert.h>

#include "server/core/budget.h"
#include "server/core/huge.h"
#include "server/core/huge_rule.h"
#include "server/core/huge_twin.h"
#include "server/core/large.h"
#include "server/core/merge.h"
#include "server/core/page.h"
#include "server/core/port.h"
#include "server/core/shadow.h"

bool unmap_splits(const struct core *core, const struct space *space, struct range range)
{
    const struct region *region = tree_find(core, &space->tree, range.first);

    return region != NULL && region->first < range.first && region->end > range.end;
}

uint32_t unmap_leaves(struct core *core, struct space *space, struct range range)
{
    uint32_t first = huge_has_leaves(space) ? range.first : page_next(core, space, range);

    if (first < range.end) {
        struct range rest = range_of(first, range.end);

        port_remove(core->port, space->kernel, page_to_vpn(first), range_npages(rest));
    }
    return first;
}

struct region *unmap_apply(struct core *core, struct space *space, struct range range,
                           uint32_t first)
{
    if (first < range.end) {
        page_clear(core, space, range_of(first, range.end));
    }
    if (UNLIKELY(space->huges != 0)) {
        huge_twin_unmap(core, space, range);
    }
    return merge_cut(core, space, range);
}

struct range unmap_gap(const struct core *core, const struct space *space,
                       const struct region *next_opt)
{
    const struct region *prev = tree_before(core, &space->tree, next_opt);

    return range_of(prev == NULL ? 0 : prev->end, next_opt == NULL ? RANGE_PAGES : next_opt->first);
}

void unmap_tables(struct core *core, struct space *space, struct range range)
{
    const struct region *next = tree_find(core, &space->tree, range.first);

    while (!range_is_empty(range)) {
        struct range gap = {0, 0};

        if (next == NULL || next->first > range.first) {
            gap = unmap_gap(core, space, next);
            shadow_prune(core, space, range_common(range, gap), gap);
        }
        if (next == NULL || next->end >= range.end) {
            return;
        }
        range.first = next->end;
        next = tree_next(core, next);
    }
}

static enum err unmap_check(struct core *core, struct space *space, uaddr_t address,
                            uint64_t length, struct range *range)
{
    /* munmap(2): every bad argument is EINVAL. */
    if (range_make(address, length, range) != ERR_OK || range_is_empty(*range)) {
        return limit_refuse(space, ERR_INVAL);
    }
    uint32_t splits = unmap_splits(core, space, *range) ? 1 : 0;
    enum err error = limit_check_splits(space, splits);

    if (error == ERR_OK) {
        error = huge_check_edges(core, space, *range);
    }
    if (error != ERR_OK) {
        return error;
    }
    if (region_reserve(core, space, splits) != ERR_OK || large_cut(core, space, *range) != ERR_OK) {
        return limit_refuse_frames(core, space, 1);
    }
    return ERR_OK;
}

enum err unmap_begin(struct core *core, struct space *space, struct range range)
{
    intent_open(core, space, range);
    huge_restrict(core, space, range, 0);
    /* Point of no return: nothing below may fail. */
    intent_write(core);
    work_part(core, space, range);
    work_begin(core, space, WORK_UNMAP, range, 0);
    intent_close(core);
    AUDIT(space_audit(core, space));
    return work_go_on(core, space);
}

enum err op_unmap(struct core *core, struct space *space, uaddr_t address, uint64_t length)
{
    struct range range;

    limit_begin(space);
    enum err error = unmap_check(core, space, address, length, &range);

    if (error != ERR_OK) {
        return error;
    }
    if (UNLIKELY(work_may_be_long(range)) && work_is_long(core, space, range, WORK_UNMAP)) {
        return unmap_begin(core, space, range);
    }
    intent_open(core, space, range);
    uint32_t first = unmap_leaves(core, space, range);

    /* Point of no return: nothing below may fail. */
    intent_write(core);
    const struct region *next = unmap_apply(core, space, range, first);

    intent_close(core);
    shadow_prune(core, space, range, unmap_gap(core, space, next));
    AUDIT(space_audit(core, space));
    return ERR_OK;
}

enum err unmap_at_once(struct core *core, struct space *space, struct range range)
{
    const bool has_turns = core->has_turns;

    core->has_turns = false;
    const enum err error = op_unmap(core, space, vpn_to_uaddr(page_to_vpn(range.first)),
                                    (uint64_t)range_pages(range) * PAGE_SIZE);
    core->has_turns = has_turns;
    return error;
}
