/* SPDX-License-Identifier: MIT */
#include "server/core/shadow.h"

#include <base/assert.h>

#include "server/core/budget.h"
#include "server/core/object.h"
#include "server/core/pool.h"
#include "server/core/port.h"
#include "server/core/run.h"
#include "server/core/shared.h"

STATIC_ASSERT(ARENA_PAGES <= SHADOW_COUNT_ONE, "an arena page fits below the count");

uint64_t *shadow_upper(const struct core *core, const struct space *space, uint32_t level,
                       uint32_t page)
{
    /* The root belongs to the space, which is written through this pointer by who may write it. */
    uint64_t *root = arena_at(core, arena_link(core, &space->root[shadow_block(page, 1)]));

    if (level == 1) {
        return root;
    }
    if (*root == 0) {
        return NULL;
    }
    uint64_t *middle = arena_page(core, shadow_upper_page(*root));

    return &middle[shadow_block(page, 0) & (SHADOW_ENTRIES - 1)];
}

bool shadow_load(const struct core *core, struct space *space, uint32_t page)
{
    uint64_t *upper = shadow_upper(core, space, 0, page);

    if (upper == NULL || *upper == 0 || shadow_upper_is_large(*upper)) {
        return false;
    }
    space->leaf_tag = page >> SHADOW_BITS;
    space->leaf_page = shadow_upper_page(*upper);
    space->leaf_entry = arena_link(core, upper);
    return true;
}

/* Enter a new shadow page and its table. */
static void shadow_enter(const struct core *core, struct space *space, uint32_t level,
                         uint32_t page, uint64_t entry)
{
    uint64_t *upper = shadow_upper(core, space, level, page);

    ASSERT(upper != NULL && *upper == 0);
    *upper = entry;
    if (level == 0) {
        *shadow_upper(core, space, 1, page) += SHADOW_COUNT_ONE;
    }
    space->shadows++;
}

/*
 * Take an arena page and a frame for its table, and announce the step of adding it.
 *
 * Returns: whether there were such.
 */
static bool shadow_take(struct core *core, struct space *space, uint32_t level, uint32_t start)
{
    if (!budget_take(core, space, BUDGET_SHADOW)) {
        return false;
    }
    uint32_t frame =
        arena_page_reserve(core, 1) ? pool_take(core, FRAME_TABLE, space->number, 0) : 0;

    if (frame == 0) {
        budget_give(core, space, BUDGET_SHADOW);
        return false;
    }
    uint32_t below = arena_page_take(core);

    ASSERT(below != 0);
    intent_step_space(core, STEP_TABLE, space, level, start, frame, below);
    return true;
}

/* Have the shadow page of `level` over `page`, and the kernel's table beside it. */
static bool shadow_make_level(struct core *core, struct space *space, uint32_t level, uint32_t page)
{
    const struct intent *intent = &core->worker->intent;
    const uint64_t *upper = shadow_upper(core, space, level, page);
    uint32_t start = shadow_block_range(shadow_block(page, level), level).first;

    ASSERT(upper != NULL && !shadow_upper_is_large(*upper));
    if (*upper != 0) {
        return true;
    }
    shared_enter(core);
    const bool is_taken = shadow_take(core, space, level, start);

    shared_leave(core);
    if (!is_taken) {
        return false;
    }
    port_table_add(core->port, space->kernel, level, page_to_vpn(start),
                   pool_pfn(core, intent->frame));
    shadow_enter(core, space, level, page,
                 intent->page | (uint64_t)intent->frame << SHADOW_FRAME_SHIFT);
    intent_step_done(core);
    return true;
}

uint64_t *shadow_make(struct core *core, struct space *space, uint32_t page)
{
    if (!shadow_make_level(core, space, 1, page) || !shadow_make_level(core, space, 0, page)) {
        return NULL;
    }
    return shadow_find(core, space, page);
}

bool shadow_make_upper(struct core *core, struct space *space, uint32_t page)
{
    return shadow_make_level(core, space, 1, page);
}

/* The shadow page `below`, all zero, gets the entries of a run's frames. */
static void shadow_fill(const struct core *core, uint32_t below, uint32_t frame)
{
    uint64_t *leaf = arena_page(core, below);

    for (uint32_t i = 0; i < SHADOW_ENTRIES; i++) {
        leaf[i] = shadow_entry(SHADOW_OWN, frame + i);
    }
}

bool shadow_split(struct core *core, struct space *space, uint32_t page)
{
    const struct intent *intent = &core->worker->intent;
    const struct range block = shadow_block_range(shadow_block(page, 0), 0);
    uint64_t *upper = shadow_upper(core, space, 0, page);

    ASSERT(shadow_upper_is_large(*upper));
    shared_enter(core);
    const bool is_taken = shadow_take(core, space, 0, block.first);

    shared_leave(core);
    if (!is_taken) {
        return false;
    }
    /* Should the server die here, only the leaf is gone, which any may at any time. */
    port_remove(core->port, space->kernel, page_to_vpn(block.first), range_npages(block));
    port_table_add(core->port, space->kernel, 0, page_to_vpn(block.first),
                   pool_pfn(core, intent->frame));
    const uint32_t frame = shadow_upper_frame(*upper);

    shadow_fill(core, intent->page, frame);
    run_split(core, frame);
    *upper = intent->page | SHADOW_ENTRIES * SHADOW_COUNT_ONE |
             (uint64_t)intent->frame << SHADOW_FRAME_SHIFT;
    space->larges--;
    space->shadows++;
    intent_step_done(core);
    return true;
}

bool shadow_adopt(struct core *core, struct space *space, uint32_t level, uint32_t page,
                  pfn_t table)
{
    if (!budget_take(core, space, 1)) {
        return false;
    }
    uint32_t below = arena_page_take(core);

    if (below == 0) {
        budget_give(core, space, 1);
        return false;
    }
    shadow_enter(core, space, level, page,
                 below | (uint64_t)pool_frame(core, table) << SHADOW_FRAME_SHIFT | SHADOW_ADOPTED);
    space->adopted_tables++;
    return true;
}

/* Write down that an empty shadow page and its table are gone. */
static void shadow_leave(struct core *core, struct space *space, uint32_t level, uint32_t page)
{
    uint64_t *upper = shadow_upper(core, space, level, page);
    uint64_t entry = *upper;

    ASSERT(shadow_upper_count(entry) == 0);
    *upper = 0;
    if (level == 0) {
        *shadow_upper(core, space, 1, page) -= SHADOW_COUNT_ONE;
        if (space->leaf_tag == page >> SHADOW_BITS) {
            space->leaf_tag = SPACE_NO_TAG;
        }
    }
    arena_page_give(core, shadow_upper_page(entry));
    if ((entry & SHADOW_ADOPTED) != 0) {
        space->adopted_tables--;
        budget_give(core, space, 1);
    } else {
        pool_give(core, shadow_upper_frame(entry));
        budget_give(core, space, BUDGET_SHADOW);
    }
    space->shadows--;
}

/* Drop the shadow page of `level` over `page`, if it is there and empty. */
static void shadow_drop(struct core *core, struct space *space, uint32_t level, uint32_t page)
{
    const uint64_t *upper = shadow_upper(core, space, level, page);

    if (upper == NULL || *upper == 0 || shadow_upper_count(*upper) != 0) {
        return;
    }
    uint64_t entry = *upper;
    uint32_t start = shadow_block_range(shadow_block(page, level), level).first;
    uint32_t frame = shadow_upper_frame(entry);

    intent_step_space(core, STEP_UNTABLE, space, level, start, frame, 0);
    port_table_remove(core->port, space->kernel, level, page_to_vpn(start), pool_pfn(core, frame));
    shared_enter(core);
    shadow_leave(core, space, level, page);
    intent_step_done(core);
    shared_leave(core);
}

void shadow_drop_leaf(struct core *core, struct space *space, uint32_t page)
{
    shadow_drop(core, space, 0, page);
}

/* Drop up to `tables` empty leaves of `inner`, which is in one GiB. Returns: where to go on. */
static uint32_t shadow_prune_leaves(struct core *core, struct space *space, struct range inner,
                                    struct range gap, uint32_t *tables)
{
    const uint32_t top = shadow_block(inner.first, 1);
    const uint64_t *middle = arena_page(core, shadow_upper_page(space->root[top]));

    for (uint32_t block = shadow_block(inner.first, 0); block <= shadow_block(inner.end - 1, 0);
         block++) {
        struct range covered = shadow_block_range(block, 0);

        if (middle[block & (SHADOW_ENTRIES - 1)] != 0 && range_covers(gap, covered)) {
            if (*tables == 0) {
                return covered.first;
            }
            (*tables)--;
            shadow_drop(core, space, 0, covered.first);
        }
    }
    return inner.end;
}

uint32_t shadow_prune_some(struct core *core, struct space *space, struct range range,
                           struct range gap, uint32_t tables)
{
    /* Usually the gap is too small to cover a table. */
    if (range_is_empty(range) || range_pages(gap) < SHADOW_ENTRIES || space->shadows == 0) {
        return range.end;
    }
    for (uint32_t top = shadow_block(range.first, 1); top <= shadow_block(range.end - 1, 1);
         top++) {
        struct range inner = range_common(shadow_block_range(top, 1), range);

        if (space->root[top] == 0) {
            continue;
        }
        const uint32_t next = shadow_prune_leaves(core, space, inner, gap, &tables);

        if (next != inner.end) {
            return next;
        }
        if (range_covers(gap, shadow_block_range(top, 1))) {
            if (tables == 0) {
                return inner.end - 1;
            }
            tables--;
            shadow_drop(core, space, 1, inner.first);
        }
    }
    return range.end;
}

void shadow_prune(struct core *core, struct space *space, struct range range, struct range gap)
{
    (void)shadow_prune_some(core, space, range, gap, UINT32_MAX);
}

void shadow_recover(struct core *core)
{
    const struct intent *intent = &core->worker->intent;
    bool is_making = intent->step == STEP_TABLE;

    if (!is_making && intent->step != STEP_UNTABLE) {
        return;
    }
    struct space *space = arena_page(core, intent->step_space);

    if (is_making) {
        port_table_remove(core->port, space->kernel, intent->level, page_to_vpn(intent->where),
                          pool_pfn(core, intent->frame));
        arena_page_give(core, intent->page);
        pool_give(core, intent->frame);
        intent_step_done(core);
        return;
    }
    uint32_t level = intent->level;
    uint32_t where = intent->where;

    intent_step_done(core);
    shadow_drop(core, space, level, where);
}

/* Whether `region_opt`, the first that ends behind the start of `range`, or work wants a table. */
static bool shadow_is_wanted(const struct space *space, const struct region *region_opt,
                             struct range range)
{
    return (region_opt != NULL && region_opt->first < range.end) ||
           (space->work.phase != WORK_NONE &&
            !range_is_empty(range_common(space->work.whole, range)));
}

/* A leaf: its frames say whose they are, and some region wants it. Returns: entries in use. */
static uint32_t shadow_audit_leaf(const struct core *core, const struct space *space,
                                  uint32_t block, uint64_t upper)
{
    const uint64_t *leaf = arena_page(core, shadow_upper_page(upper));
    struct range range = shadow_block_range(block, 0);
    const struct region *region = tree_find(core, &space->tree, range.first);
    uint32_t used = 0;

    ASSERT(shadow_is_wanted(space, region, range));
    for (uint32_t i = 0; i < SHADOW_ENTRIES; i++) {
        uint32_t page = range.first + i;

        if (leaf[i] == 0) {
            continue;
        }
        used++;
        region = tree_find(core, &space->tree, page);
        ASSERT(region != NULL && region->first <= page);
        switch (shadow_entry_state(leaf[i])) {
        case SHADOW_OWN: {
            const struct frame *frame = pool_record(core, shadow_entry_frame(leaf[i]));

            ASSERT(frame->kind == FRAME_USER && (frame->references == 1 || frame->pins != 0));
            ASSERT(frame->owner == space->number && frame->page == page);
            ASSERT((region->flags & REGION_TOUCHED) != 0);
            break;
        }
        case SHADOW_SHARED: {
            const struct frame *frame = pool_record(core, shadow_entry_frame(leaf[i]));

            ASSERT(frame->kind == FRAME_COW); /* references: who is in shared_enter() */
            ASSERT((region->flags & (REGION_TOUCHED | REGION_SHARED)) == REGION_TOUCHED);
            break;
        }
        case SHADOW_SWAPPED: /* the slot counts it: who is in shared_enter() */
            ASSERT((region->flags & (REGION_TOUCHED | REGION_SHARED)) == REGION_TOUCHED);
            break;
        case SHADOW_ZERO:
            ASSERT(region->object == 0);
            break;
        case SHADOW_WIRED:
            ASSERT(region->object != 0);
            /* Whether it has a frame is for who is in shared_enter() to see. */
            ASSERT(object_has_frames(object_at(core, region->object)) ||
                   object_has_page(object_at(core, region->object),
                                   region_kind_at(region, page).offset));
            break;
        case SHADOW_ABSENT:
            UNREACHABLE();
        }
    }
    return used;
}

/* A large leaf: its run says whose it is, and one region has all of it. */
static void shadow_audit_large(const struct core *core, const struct space *space, uint32_t block,
                               uint64_t upper)
{
    const struct range range = shadow_block_range(block, 0);
    const struct frame *frame = pool_record(core, shadow_upper_frame(upper));
    const struct region *region = tree_find(core, &space->tree, range.first);

    ASSERT(shadow_upper_page(upper) == 0 && (upper & SHADOW_ADOPTED) == 0);
    ASSERT(shadow_upper_count(upper) == SHADOW_ENTRIES);
    ASSERT(frame->kind == FRAME_LARGE && frame->references == 1);
    ASSERT(frame->owner == space->number && frame->page == range.first);
    ASSERT(region != NULL && range_covers(region_range(region), range));
    ASSERT(region->object == 0 && (region->flags & REGION_TOUCHED) != 0);
}

uint32_t shadow_audit(const struct core *core, const struct space *space)
{
    uint32_t pages = 0;
    uint32_t larges = 0;

    for (uint32_t top = 0; top < SPACE_ROOT; top++) {
        uint32_t leaves = 0;

        if (space->root[top] == 0) {
            continue;
        }
        pages++;
        const uint64_t *middle = arena_page(core, shadow_upper_page(space->root[top]));
        const struct region *region =
            tree_find(core, &space->tree, shadow_block_range(top, 1).first);

        ASSERT(shadow_is_wanted(space, region, shadow_block_range(top, 1)));
        for (uint32_t i = 0; i < SHADOW_ENTRIES; i++) {
            if (shadow_upper_is_large(middle[i])) {
                shadow_audit_large(core, space, top * SHADOW_ENTRIES + i, middle[i]);
                leaves++;
                larges++;
            } else if (middle[i] != 0) {
                leaves++;
                ASSERT(shadow_upper_count(middle[i]) ==
                       shadow_audit_leaf(core, space, top * SHADOW_ENTRIES + i, middle[i]));
            }
        }
        ASSERT(shadow_upper_count(space->root[top]) == leaves);
        pages += leaves;
    }
    ASSERT(larges == space->larges);
    ASSERT(pages - larges == space->shadows);
    return pages - larges;
}
