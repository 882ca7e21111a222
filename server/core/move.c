/* SPDX-License-Identifier: MIT */
#include "server/core/move.h"

#include <base/assert.h>

#include "server/core/huge.h"
#include "server/core/merge.h"
#include "server/core/op_unmap.h"
#include "server/core/page.h"
#include "server/core/populate.h"
#include "server/core/replace.h"
#include "server/core/space.h"

bool move_is_long(const struct core *core, const struct space *space, const struct move *move)
{
    if (space->kernel.v == 0 || huge_first(core, space, move->to) != NULL ||
        huge_first(core, space, move->gone) != NULL) {
        return false; /* a twin (twin.h), without pages; or huge pages */
    }
    return (work_may_be_long(move->from) && work_is_long(core, space, move->from, WORK_DISCARD)) ||
           (work_may_be_long(move->gone) && work_is_long(core, space, move->gone, WORK_UNMAP)) ||
           move->replaces;
}

void move_begin(struct core *core, struct space *space, const struct move *move,
                const struct region_kind *kind)
{
    if (move->replaces) {
        replace_begin(core, space, move->to, kind);
        space->work.from = move->from;
    } else {
        merge_insert(core, space, move->to, kind, tree_find(core, &space->tree, move->to.first));
        work_begin(core, space, WORK_MOVE, move->from, 0);
        work_keep_promise(core, &space->work);
    }
    space->work.to = move->to.first;
    space->work.gone = move->gone;
    work_part(core, space, move->gone);
}

void move_step(struct core *core, struct space *space, struct range part)
{
    struct work *work = &space->work;
    const uint32_t to = work->to + (part.first - work->whole.first);

    if (range_is_empty(part)) {
        work->range.end = part.first;
        return;
    }
    intent_open(core, space, part);
    (void)unmap_leaves(core, space, part);
    /* Point of no return: nothing below may fail. */
    intent_write(core);
    page_move(core, space, part, to);
    work->range.end = part.first;
    intent_close(core);
    populate_moved(core, space, range_of(to, to + range_pages(part)));
}
