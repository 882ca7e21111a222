/* SPDX-License-Identifier: MIT */
#include "server/core/work.h"

#include <base/assert.h>

#include "server/core/burial.h"
#include "server/core/change.h"
#include "server/core/huge_twin.h"
#include "server/core/merge.h"
#include "server/core/move.h"
#include "server/core/op_unmap.h"
#include "server/core/page.h"
#include "server/core/port.h"
#include "server/core/replace.h"
#include "server/core/shadow.h"
#include "server/core/space.h"

/* Empty parts of a range that one step passes over. */
#define WORK_LOOKS 600u

void work_keep_promise(struct core *core, struct work *work)
{
    work->promised += core->worker->promised;
    core->worker->promised = 0;
}

/* What is left of what was promised goes back. */
static void work_settle(struct core *core, struct work *work)
{
    atomic_fetch_sub_explicit(&core->head->commit.used, work->promised, memory_order_relaxed);
    work->promised = 0;
}

/* The caches name nothing (I3). */
static void work_drop_caches(struct space *space)
{
    space->region_cache = 0;
    space->leaf_tag = SPACE_NO_TAG;
}

bool work_has_many_regions(const struct core *core, const struct space *space, struct range range)
{
    const struct region *region = tree_find(core, &space->tree, range.first);

    for (uint32_t i = 0; i < WORK_REGIONS; i++) {
        if (region == NULL || region->first >= range.end) {
            return false;
        }
        region = tree_next(core, region);
    }
    return region != NULL && region->first < range.end;
}

/* Pages present in one leaf, from `end` down to `first`. Returns: where `count` of them begin. */
static uint32_t work_count_down(const uint64_t *leaf, uint32_t first, uint32_t end, uint32_t count)
{
    while (end > first && count > 0) {
        end--;
        count -= leaf[end & (SHADOW_ENTRIES - 1)] != 0 ? 1 : 0;
    }
    return end;
}

/* Pages of `range` present in the leaf under `upper`, counted no further than is of interest. */
static uint32_t work_count(const struct core *core, uint64_t upper, struct range range)
{
    const uint32_t count = shadow_upper_count(upper);
    uint32_t found = 0;

    if (count <= WORK_PAGES || range_pages(range) == SHADOW_ENTRIES) {
        return count;
    }
    const uint64_t *leaf = arena_page(core, shadow_upper_page(upper));

    for (uint32_t page = range.first; page < range.end && found <= WORK_PAGES; page++) {
        found += leaf[page & (SHADOW_ENTRIES - 1)] != 0 ? 1 : 0;
    }
    return found;
}

bool work_is_long(const struct core *core, const struct space *space, struct range range,
                  enum work_kind kind)
{
    uint32_t pages = 0;
    uint32_t tables = 0;

    if (space->kernel.v == 0) {
        return false;
    }
    for (uint32_t page = range.first; page < range.end;) {
        const uint64_t top = *shadow_upper(core, space, 1, page);

        if (top == 0 || (shadow_upper_count(top) == 0 && kind != WORK_UNMAP)) {
            page = shadow_block_range(shadow_block(page, 1), 1).end;
            continue;
        }
        const uint64_t upper = *shadow_upper(core, space, 0, page);
        const struct range block = shadow_block_range(shadow_block(page, 0), 0);

        tables += upper != 0 ? 1 : 0;
        pages +=
            shadow_upper_is_large(upper) ? 1 : work_count(core, upper, range_common(block, range));
        if (tables > WORK_TABLES || (pages > WORK_PAGES && kind != WORK_PROTECT)) {
            return true;
        }
        page = block.end;
    }
    return kind == WORK_UNMAP && work_has_many_regions(core, space, range);
}

static enum work_phase work_first_phase(enum work_kind kind)
{
    switch (kind) {
    case WORK_UNMAP:
    case WORK_DISCARD:
    case WORK_REPLACE:
        return WORK_PAGES_GO;
    case WORK_PROTECT:
        return WORK_RESTRICT_GO;
    case WORK_CHANGE:
        return WORK_CHANGE_GO;
    case WORK_MOVE:
        return WORK_MOVE_GO;
    }
    UNREACHABLE();
}

void work_begin(struct core *core, struct space *space, enum work_kind kind, struct range range,
                uint32_t rights)
{
    ASSERT(core->worker->intent.phase == INTENT_WRITING);
    ASSERT(space->work.phase == WORK_NONE && !range_is_empty(range));
    space->work = (struct work){
        .phase = (uint8_t)work_first_phase(kind),
        .kind = (uint8_t)kind,
        .rights = rights,
        .range = range,
        .whole = range,
        .ticket = space->work.ticket + 1,
    };
    work_drop_caches(space);
}

void work_part(struct core *core, struct space *space, struct range range)
{
    if (unmap_splits(core, space, range)) {
        (void)merge_split(core, space, tree_find(core, &space->tree, range.first), range.end);
    }
}

enum err work_go_on(struct core *core, struct space *space)
{
    burial_note(core, space); /* the commit may have been the last to have something */
    if (!core->has_turns) {
        work_finish(core, space);
        return ERR_OK;
    }
    core->more.ticket = space->work.ticket;
    return ERR_MORE;
}

struct range work_last_pages(const struct core *core, const struct space *space, struct range range)
{
    uint32_t end = range.end;

    for (uint32_t i = 0; i < WORK_LOOKS && end > range.first; i++) {
        const uint64_t *upper = shadow_upper(core, space, 0, end - 1);
        const uint32_t level = upper == NULL ? 1 : 0;
        const struct range block = shadow_block_range(shadow_block(end - 1, level), level);
        const uint32_t first = block.first > range.first ? block.first : range.first;

        if (upper != NULL && shadow_upper_count(*upper) != 0) {
            if (shadow_upper_is_large(*upper)) {
                return range_of(first, end);
            }
            const uint64_t *leaf = arena_page(core, shadow_upper_page(*upper));
            return range_of(work_count_down(leaf, first, end, WORK_PAGES), end);
        }
        end = first;
    }
    return range_of(end, end);
}

static void work_clear_pages(struct core *core, struct space *space)
{
    const struct range part = work_last_pages(core, space, space->work.range);

    if (range_is_empty(part)) {
        space->work.range.end = part.first;
        return;
    }
    intent_open(core, space, part);
    const uint32_t first = unmap_leaves(core, space, part);

    intent_write(core);
    page_clear(core, space, range_of(first, part.end));
    space->work.range.end = part.first;
    intent_close(core);
}

/* What a step's number of regions from the start of `range` on cover. */
static struct range work_first_regions(const struct core *core, const struct space *space,
                                       struct range range)
{
    const struct region *region = tree_find(core, &space->tree, range.first);
    uint32_t end = range.first;

    for (uint32_t i = 0; i < WORK_REGIONS; i++) {
        if (region == NULL || region->first >= range.end) {
            return range;
        }
        end = region->end;
        region = tree_next(core, region);
    }
    return range_of(range.first, end < range.end ? end : range.end);
}

static void work_cut_regions(struct core *core, struct space *space)
{
    const struct range part = work_first_regions(core, space, space->work.range);

    intent_open(core, space, part);
    intent_write(core);
    huge_twin_unmap(core, space, part);
    (void)merge_cut(core, space, part);
    space->work.range.first = part.end;
    work_keep_promise(core, &space->work);
    intent_close(core);
}

static void work_drop_tables(struct core *core, struct space *space)
{
    const struct region *next = tree_find(core, &space->tree, space->work.whole.first);
    const struct range gap = unmap_gap(core, space, next);

    space->work.range.first = shadow_prune_some(core, space, space->work.range, gap, WORK_TABLES);
}

/* Take rights from the leaves of the next table that has some. */
static void work_restrict(struct core *core, struct space *space)
{
    const uint32_t first = page_next(core, space, space->work.range);
    struct range part = range_of(first, space->work.range.end);

    if (!range_is_empty(part)) {
        part = range_common(part, shadow_block_range(shadow_block(first, 0), 0));
        port_restrict(core->port, space->kernel, page_to_vpn(part.first), range_npages(part),
                      space->work.rights);
    }
    space->work.range.first = part.end;
}

static enum work_phase work_next_phase(const struct work *work)
{
    switch ((enum work_phase)work->phase) {
    case WORK_PAGES_GO:
        return work->kind == WORK_UNMAP     ? WORK_REGIONS_GO
               : work->kind == WORK_REPLACE ? WORK_REPLACE_GO
                                            : WORK_NONE;
    case WORK_REGIONS_GO:
        return WORK_TABLES_GO;
    case WORK_RESTRICT_GO:
        return work->kind == WORK_CHANGE ? WORK_CHANGE_GO : WORK_NONE;
    case WORK_NONE:
    case WORK_TABLES_GO:
    case WORK_CHANGE_GO:
    case WORK_REPLACE_GO:
    case WORK_MOVE_GO:
        return WORK_NONE;
    }
    UNREACHABLE();
}

/* Go on with `range`, which is not empty, in another way. */
static void work_follow(struct work *work, enum work_kind kind, struct range *range)
{
    work->kind = (uint8_t)kind;
    work->phase = (uint8_t)work_first_phase(kind);
    work->whole = *range;
    work->range = *range;
    *range = range_of(0, 0);
}

/* The phase is over. Returns: whether it was the last. */
static bool work_turn(struct core *core, struct work *work)
{
    work->phase = (uint8_t)work_next_phase(work);
    work->range = work->whole;
    if (work->phase == WORK_NONE && !range_is_empty(work->from)) {
        work_follow(work, WORK_MOVE, &work->from);
    } else if (work->phase == WORK_NONE && !range_is_empty(work->gone)) {
        work_follow(work, WORK_UNMAP, &work->gone);
    }
    if (work->phase != WORK_NONE) {
        return false;
    }
    work_settle(core, work);
    return true;
}

bool work_step(struct core *core, struct space *space)
{
    struct work *work = &space->work;

    switch ((enum work_phase)work->phase) {
    case WORK_NONE:
        return true;
    case WORK_PAGES_GO:
        work_clear_pages(core, space);
        break;
    case WORK_REGIONS_GO:
        work_cut_regions(core, space);
        break;
    case WORK_TABLES_GO:
        work_drop_tables(core, space);
        break;
    case WORK_RESTRICT_GO:
        work_restrict(core, space);
        break;
    case WORK_CHANGE_GO:
        change_step(core, space, work_first_regions(core, space, work->range));
        break;
    case WORK_REPLACE_GO:
        replace_step(core, space, work_first_regions(core, space, work->range));
        break;
    case WORK_MOVE_GO:
        move_step(core, space, work_last_pages(core, space, work->range));
        break;
    }
    work_drop_caches(space);
    burial_note(core, space);
    const bool is_over = range_is_empty(work->range) && work_turn(core, work);

    AUDIT(space_audit(core, space));
    return is_over;
}

void work_finish(struct core *core, struct space *space)
{
    while (!work_step(core, space)) {
        /* Each leaves less to do. */
    }
}

void work_forget(struct core *core, struct space *space)
{
    work_settle(core, &space->work);
    space->work.phase = WORK_NONE;
}
