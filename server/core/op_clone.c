/* SPDX-License-Identifier: MIT */
#include "server/core/op_clone.h"

#include <base/assert.h>
#include <mem/prot.h>

#include "server/core/budget.h"
#include "server/core/cow.h"
#include "server/core/fault_quick.h"
#include "server/core/huge.h"
#include "server/core/large.h"
#include "server/core/merge.h"
#include "server/core/object.h"
#include "server/core/page.h"
#include "server/core/port.h"
#include "server/core/shadow.h"
#include "server/core/shared.h"
#include "server/core/space_lock.h"
#include "server/core/upkeep.h"

/* Whether a clone gets pages of the region; untouched ones have none. */
static bool clone_has_pages(const struct region *region)
{
    const uint32_t barred = REGION_DONTFORK | REGION_WIPEONFORK | REGION_SHARED;

    return (region->flags & barred) == 0 && (region->flags & REGION_TOUCHED) != 0;
}

/* The commit account: Linux judges each region by itself, which sums up where it counts (R24). */
static enum err clone_check(const struct core *core, struct space *from)
{
    struct limit_change change = {0};
    const bool sums_up = limit_mode(&core->head->commit) == COMMIT_NEVER;

    for (const struct region *region = tree_first(core, &from->tree); region != NULL;
         region = tree_next(core, region)) {
        if ((region->flags & REGION_DONTFORK) == 0 && (region->flags & REGION_ACCOUNT) != 0) {
            change.commit_added = region_pages(region) + (sums_up ? change.commit_added : 0);
            enum err error = limit_check_commit(core, from, &change);

            if (error != ERR_OK) {
                return error;
            }
        }
    }
    return ERR_OK;
}

/* Take from the commit account what up to ARENA_SPARES regions from `region` on add. */
static enum err clone_promise(struct core *core, struct space *to, const struct region *region)
{
    struct limit_change change = {0};

    for (uint32_t i = 0; i < ARENA_SPARES && region != NULL; i++) {
        if ((region->flags & REGION_DONTFORK) == 0 && (region->flags & REGION_ACCOUNT) != 0) {
            change.commit_added += region_pages(region);
        }
        region = tree_next(core, region);
    }
    return limit_promise(core, to, &change);
}

/* The clone's region, after all that it has; a record is in hand. */
static void clone_region(struct core *core, struct space *to, const struct region *region)
{
    struct region_kind kind = region_kind_at(region, region->first);

    kind.flags &= ~REGION_LOCKS;
    if ((kind.flags & REGION_WIPEONFORK) != 0) {
        kind.flags &= ~REGION_TOUCHED;
    }
    merge_insert(core, to, region_range(region), &kind, NULL);
}

/* Whether a clone gets an object of its own for the region. */
static bool clone_has_object(const struct region *region)
{
    return (region->flags & (REGION_HUGETLB | REGION_SHARED | REGION_DONTFORK)) == REGION_HUGETLB;
}

/* Private huge pages: named by an object of the clone's too. In shared_enter(). */
static enum err clone_huge(struct core *core, struct space *from, struct space *to,
                           const struct region *region)
{
    const uint32_t unit = huge_region_unit(core, region);
    struct region_kind kind = region_kind_at(region, region->first);

    if (region_reserve(core, to, 1) != ERR_OK || !object_reserve(core) ||
        !upkeep_reserve(core, to)) {
        return ERR_NOMEM;
    }
    intent_open(core, to, region_range(region));
    intent_write(core);
    const struct object *object = object_at(core, region->object);
    struct object *own =
        huge_make(core, to, object->level, (uint32_t)(object->pages.v / unit), true, false);

    own->mapped = region_pages(region) / unit;
    kind.object = arena_link(core, own);
    merge_insert(core, to, region_range(region), &kind, NULL);
    object_put(core, own);
    intent_close(core);
    return huge_share(core, from, region, own, to);
}

static enum err clone_regions(struct core *core, struct space *from, struct space *to)
{
    const struct region *region = tree_first(core, &from->tree);

    while (region != NULL) {
        if (UNLIKELY(clone_has_object(region))) {
            shared_enter(core);
            const enum err error = clone_huge(core, from, to, region);

            shared_leave(core);
            if (error != ERR_OK) {
                return error;
            }
            region = tree_next(core, region);
            continue;
        }
        if (region_reserve(core, to, ARENA_SPARES) != ERR_OK ||
            clone_promise(core, to, region) != ERR_OK) {
            return ERR_NOMEM;
        }
        shared_enter(core);
        intent_open(core, to, range_of(RANGE_USER_FIRST, RANGE_USER_END));
        intent_write(core);
        for (uint32_t i = 0; i < ARENA_SPARES && region != NULL && !clone_has_object(region); i++) {
            if ((region->flags & REGION_DONTFORK) == 0) {
                clone_region(core, to, region);
            }
            region = tree_next(core, region);
        }
        intent_close(core);
        shared_leave(core);
    }
    return ERR_OK;
}

/* Give the clone, whose leaf stands, a copy of a pinned page (P15). */
static enum err clone_copy(struct core *core, struct space *to, const struct region *region,
                           uint32_t page, uint32_t source)
{
    const uint32_t frame = fault_quick_frame(core, to, page);

    if (frame == 0) {
        return ERR_NOMEM;
    }
    const struct fault_answer answer = {
        .frame = pool_pfn(core, frame),
        .source = pool_pfn(core, source),
        .prot = region_rights(region->flags),
        .how = PORT_COPY,
    };

    *shadow_find(core, to, page) = shadow_entry(SHADOW_OWN, frame);
    shadow_count(core, to);
    to->own++;
    fault_install(core, to, page, &answer);
    return ERR_OK;
}

/* Copy what is pinned of the range. Returns: ERR_NOMEM without a frame; `*copied` says how many. */
static enum err clone_pinned(struct core *core, struct space *from, struct space *to,
                             const struct region *region, struct range range, uint32_t *copied)
{
    const uint64_t *source = shadow_find(core, from, range.first);
    enum err error = ERR_OK;

    *copied = 0;
    if (atomic_load_explicit(&from->together, memory_order_relaxed) == 0) {
        return ERR_OK; /* no pins */
    }
    shared_enter(core);
    for (uint32_t i = 0; i < range_pages(range) && error == ERR_OK; i++) {
        if (shadow_entry_state(source[i]) == SHADOW_OWN &&
            pool_record(core, shadow_entry_frame(source[i]))->pins != 0) {
            error = clone_copy(core, to, region, range.first + i, shadow_entry_frame(source[i]));
            *copied += error == ERR_OK ? 1 : 0;
        }
    }
    shared_leave(core);
    return error;
}

/* Pages of one region that lie in one leaf. */
static enum err clone_leaf(struct core *core, struct space *from, struct space *to,
                           const struct region *region, struct range range)
{
    const uint32_t rights = region_rights(region->flags);
    uint32_t copied;

    if (large_split(core, from, range.first) != ERR_OK) {
        return ERR_NOMEM;
    }

    if (shadow_make(core, to, range.first) == NULL ||
        clone_pinned(core, from, to, region, range, &copied) != ERR_OK ||
        !budget_take_all_pages(core, to, cow_count(core, from, range) - copied)) {
        return ERR_NOMEM;
    }
    shared_enter(core);
    intent_open(core, from, range);
    if ((rights & MEM_PROT_WRITE) != 0) {
        port_restrict(core->port, from->kernel, page_to_vpn(range.first), range_npages(range),
                      rights & ~MEM_PROT_WRITE);
    }
    intent_write(core);
    cow_share(core, from, to, range);
    intent_close(core);
    shared_leave(core);
    return ERR_OK;
}

static enum err clone_pages(struct core *core, struct space *from, struct space *to)
{
    for (const struct region *region = tree_first(core, &from->tree); region != NULL;
         region = tree_next(core, region)) {
        struct range rest = region_range(region);

        if (!clone_has_pages(region)) {
            continue;
        }
        for (uint32_t page = page_next(core, from, rest); page < rest.end;
             page = page_next(core, from, rest)) {
            struct range block = shadow_block_range(shadow_block(page, 0), 0);
            struct range part = range_common(block, range_of(page, rest.end));
            enum err error = clone_leaf(core, from, to, region, part);

            if (error != ERR_OK) {
                return error;
            }
            rest.first = part.end;
        }
    }
    return ERR_OK;
}

/* All of `from`, whose bucket the caller has, in a space that nobody knows yet. */
static enum err clone_fill(struct core *core, struct space *from, struct space *to)
{
    enum err error = clone_regions(core, from, to);

    if (error == ERR_OK) {
        error = clone_pages(core, from, to);
    }
    AUDIT(space_audit(core, from));
    return error;
}

/* Keep for `from` what there was too little of; `to_opt` knows if it was of its budget. */
static enum err clone_refuse_frames(struct core *core, struct space *from,
                                    const struct space *to_opt)
{
    space_lock(core, from->number);
    if (to_opt != NULL && to_opt->budget_asked != 0) {
        budget_tell(from, to_opt);
    }
    /* Without a huge page that has been told. */
    const enum err error =
        from->refusal.error == ERR_OK ? limit_refuse_frames(core, from, 1) : ERR_NOMEM;

    space_unlock(core, from->number);
    return error;
}

/* What the clone may do, if the commit account has room for it. */
static enum err clone_begin(struct core *core, struct space *from, struct space_settings *settings,
                            struct space_ceilings *ceilings)
{
    space_lock(core, from->number);
    if (from->work.phase != WORK_NONE) {
        space_unlock(core, from->number);
        return ERR_MORE;
    }
    limit_begin(from);
    const enum err error = clone_check(core, from);

    *settings = from->settings;
    *ceilings = from->ceilings;
    space_unlock(core, from->number);
    return error;
}

enum err op_clone(struct core *core, struct space *from, const struct clone_request *request,
                  struct space **clone)
{
    struct space_settings settings;
    struct space_ceilings ceilings;
    struct space *to;
    enum err error = clone_begin(core, from, &settings, &ceilings);

    if (error != ERR_OK) {
        return error;
    }
    settings.privileges = request->privileges;
    settings.priority = request->priority;
    settings.frames_max = request->frames_max;
    settings.maker = request->maker;
    if (space_begin(core, &settings, &to) != ERR_OK) {
        return clone_refuse_frames(core, from, NULL);
    }
    to->ceilings = ceilings;
    space_lock(core, from->number);
    error = from->work.phase != WORK_NONE ? ERR_MORE : clone_fill(core, from, to);
    port_hand_over(core->port);
    space_unlock(core, from->number);
    if (error != ERR_OK) {
        error = error == ERR_MORE ? error : clone_refuse_frames(core, from, to);
        space_end(core, to);
        return error;
    }
    space_ready(core, to);
    AUDIT(space_audit(core, to));
    *clone = to;
    return ERR_OK;
}
