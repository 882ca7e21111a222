/* SPDX-License-Identifier: MIT */
#include "server/core/remap_apply.h"

#include <base/assert.h>

#include "server/core/budget.h"
#include "server/core/huge.h"
#include "server/core/merge.h"
#include "server/core/move.h"
#include "server/core/op_unmap.h"
#include "server/core/page.h"
#include "server/core/populate.h"
#include "server/core/replace.h"
#include "server/core/shadow.h"

/* What is at the new place, or behind the old one. */
static struct region_kind remap_kind(const struct remap_plan *plan, struct range range)
{
    struct region_kind kind = plan->kind;

    if (kind.object == 0) {
        kind.offset = range.first;
    }
    return kind;
}

/* Put the kind at its new place, or behind the old one. */
static void remap_insert(struct core *core, struct space *space, const struct remap_plan *plan)
{
    struct range range = range_is_empty(plan->moved) ? plan->grown : plan->moved;
    const struct region_kind kind = remap_kind(plan, range);

    if (!range_is_empty(range)) {
        merge_insert(core, space, range, &kind, tree_find(core, &space->tree, range.first));
    }
}

/*
 * What stays behind of a region that moved as a whole was never touched (Linux move_vma() unlinks
 * its anon_vma).
 */
static void remap_forget(const struct core *core, const struct space *space,
                         const struct remap_plan *plan)
{
    struct region *region = tree_find(core, &space->tree, plan->old.first);

    if (plan->keeps_old && region != NULL && region->first == plan->old.first &&
        region->end == plan->old.end) {
        region->flags &= ~REGION_TOUCHED;
    }
}

/* The whole region that pages moved out of is locked no longer (Linux move_vma()). */
static void remap_unlock(struct core *core, struct space *space, const struct remap_plan *plan)
{
    struct region *region = tree_find(core, &space->tree, plan->old.first);

    if (plan->keeps_old && region != NULL && (region->flags & REGION_LOCKED) != 0) {
        uint32_t pages = region_pages(region);

        limit_discharge(core, space, region->flags, pages);
        region->flags &= ~REGION_LOCKS;
        limit_charge(core, space, region->flags, pages);
        merge_range(core, space, region, region->end);
    }
}

static void remap_apply(struct core *core, struct space *space, const struct remap_plan *plan)
{
    bool moves = !range_is_empty(plan->moved);

    intent_open(core, space, plan->old);
    uint32_t target = unmap_leaves(core, space, plan->target);
    uint32_t tail = unmap_leaves(core, space, plan->tail);

    (void)unmap_leaves(core, space, plan->old);
    /* Point of no return: nothing below may fail. */
    intent_write(core);
    (void)unmap_apply(core, space, plan->target, target);
    (void)unmap_apply(core, space, plan->tail, tail);
    if (moves) {
        huge_move(core, space, plan->old);
        page_move(core, space, plan->old, plan->moved.first);
        remap_forget(core, space, plan);
        remap_unlock(core, space, plan);
    }
    remap_insert(core, space, plan);
    if (moves && !plan->keeps_old) {
        (void)merge_cut(core, space, plan->old);
    }
    intent_close(core);
    unmap_tables(core, space, plan->target);
    unmap_tables(core, space, plan->tail);
    unmap_tables(core, space, plan->old);
    if (UNLIKELY((plan->kind.flags & REGION_HUGETLB) != 0)) {
        shadow_prune(core, space, plan->moved, plan->moved);
    }
    AUDIT(space_audit(core, space));
}

/* A locked region that grew is present in its new part too. Returns: that part, or nothing. */
static struct range remap_locked(const struct remap_plan *plan)
{
    uint32_t pages = plan->new_pages - plan->old_pages;

    if ((plan->kind.flags & REGION_LOCKS) == REGION_LOCKED && plan->new_pages > plan->old_pages) {
        uint32_t end = range_is_empty(plan->moved) ? plan->grown.end : plan->moved.end;

        return range_of(end - pages, end);
    }
    return range_of(0, 0);
}

/* What goes and comes, where it moves to another place and nothing stays behind. */
static struct move remap_move(const struct core *core, const struct space *space,
                              const struct remap_plan *plan)
{
    const uint32_t end = range_is_empty(plan->tail) ? plan->old.end : plan->tail.end;
    struct move move = {
        .from = plan->old, .to = plan->moved, .gone = range_of(plan->old.first, end)};

    move.replaces = !range_is_empty(plan->target) && replace_is_long(core, space, plan->target);
    return move;
}

/* The commit of a move in steps. */
static void remap_apply_long(struct core *core, struct space *space, const struct remap_plan *plan,
                             const struct move *move)
{
    const struct region_kind kind = remap_kind(plan, plan->moved);

    const uint32_t end = move->replaces ? plan->target.first + 1 : plan->target.end;

    intent_open(core, space, plan->old);
    const uint32_t first = unmap_leaves(core, space, range_of(plan->target.first, end));

    /* Point of no return: nothing below may fail. */
    intent_write(core);
    if (!move->replaces) {
        (void)unmap_apply(core, space, plan->target, first);
    }
    move_begin(core, space, move, &kind);
    intent_close(core);
    AUDIT(space_audit(core, space));
}

/* Do in steps what is long. Returns: ERR_OK: all is done; ERR_MORE; ERR_AGAIN: it is not long. */
static enum err remap_in_steps(struct core *core, struct space *space,
                               const struct remap_plan *plan)
{
    const struct move move = remap_move(core, space, plan);

    if (range_is_empty(plan->moved)) {
        return work_may_be_long(plan->tail) && work_is_long(core, space, plan->tail, WORK_UNMAP)
                   ? unmap_begin(core, space, plan->tail)
                   : ERR_AGAIN;
    }
    /* What stays behind loses its lock with its last page, and was never touched then. */
    if (plan->keeps_old || (plan->kind.flags & REGION_HUGETLB) != 0 ||
        !move_is_long(core, space, &move)) {
        return ERR_AGAIN;
    }
    remap_apply_long(core, space, plan, &move);
    return work_go_on(core, space);
}

enum err remap_carry_out(struct core *core, struct space *space, const struct remap_plan *plan)
{
    const enum err error = remap_in_steps(core, space, plan);

    if (error == ERR_AGAIN) {
        remap_apply(core, space, plan);
        populate_moved(core, space, plan->moved);
    } else if (error == ERR_MORE) {
        core->more.rest = remap_locked(plan);
        return ERR_MORE;
    }
    return populate_what_can_be(core, space, remap_locked(plan)) ? ERR_WAIT : ERR_OK;
}
