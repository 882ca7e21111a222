/* SPDX-License-Identifier: MIT */
#include "server/core/replace.h"

#include <base/assert.h>

#include "server/core/budget.h"
#include "server/core/huge.h"
#include "server/core/limit.h"
#include "server/core/merge.h"
#include "server/core/op_unmap.h"
#include "server/core/space.h"

bool replace_is_long(const struct core *core, const struct space *space, struct range range)
{
    return work_may_be_long(range) && space->kernel.v != 0 &&
           huge_first(core, space, range) == NULL &&
           (work_is_long(core, space, range, WORK_DISCARD) ||
            work_has_many_regions(core, space, range));
}

void replace_begin(struct core *core, struct space *space, struct range range,
                   const struct region_kind *kind)
{
    const struct range first = range_of(range.first, range.first + 1);
    struct region *next = unmap_apply(core, space, first, first.first);

    merge_insert(core, space, first, kind, next);
    /* It may be one with what was before it, and that with what is to go. */
    work_part(core, space, range_of(first.end, range.end));
    work_begin(core, space, WORK_REPLACE, range_of(first.end, range.end), 0);
    work_keep_promise(core, &space->work);
}

void replace_step(struct core *core, struct space *space, struct range part)
{
    struct work *work = &space->work;

    if (range_is_empty(part)) {
        return; /* the server died behind the last commit */
    }
    intent_open(core, space, part);
    intent_write(core);
    (void)merge_cut(core, space, part);
    struct region *region = tree_find(core, &space->tree, part.first - 1);

    ASSERT(region != NULL && region->end == part.first);
    limit_charge(core, space, region->flags, range_pages(part));
    tree_resize(core, region, range_of(region->first, part.end));
    work->range.first = part.end;
    if (range_is_empty(work->range)) {
        merge_range(core, space, region, part.end);
        work_part(core, space, work->gone); /* of two records that became one */
    }
    work_keep_promise(core, work);
    intent_close(core);
}
