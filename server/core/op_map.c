/* SPDX-License-Identifier: MIT */
#include "server/core/op_map.h"

#include <abi/layout.h>
#include <base/assert.h>
#include <base/bits.h>
#include <base/checked.h>

#include "server/core/budget.h"
#include "server/core/huge.h"
#include "server/core/huge_rule.h"
#include "server/core/large.h"
#include "server/core/map_plan.h"
#include "server/core/merge.h"
#include "server/core/op_unmap.h"
#include "server/core/pager.h"
#include "server/core/place.h"
#include "server/core/populate.h"
#include "server/core/replace.h"
#include "server/core/shadow.h"
#include "server/core/shared.h"
#include "server/core/upkeep.h"

/* What SHARED_VALIDATE knows (Linux LEGACY_MAP_MASK, which lacks FIXED_NOREPLACE). */
#define MAP_FLAGS_KNOWN                                                                         \
    (MEM_MAP_TYPE | MEM_MAP_FIXED | MEM_MAP_ANONYMOUS | MEM_MAP_GROWSDOWN | MEM_MAP_DENYWRITE | \
     MEM_MAP_EXECUTABLE | MEM_MAP_LOCKED | MEM_MAP_NORESERVE | MEM_MAP_POPULATE |               \
     MEM_MAP_NONBLOCK | MEM_MAP_STACK | MEM_MAP_HUGETLB | MEM_MAP_HUGE_2MB | MEM_MAP_HUGE_1GB)

/*
 * Huge pages, which only anonymous memory has, and of sizes for which there are leaves (Linux
 * ksys_mmap_pgoff()).
 */
static enum err map_check_huge(struct space *space, const struct map_request *request,
                               struct map_plan *plan)
{
    const uint32_t bits = request->flags >> MEM_MAP_HUGE_SHIFT & MEM_MAP_HUGE_MASK;

    if (!map_is_anonymous(request) || (bits != 0 && bits != 21 && bits != 30)) {
        return limit_refuse(space, ERR_INVAL);
    }
    plan->level = bits == 30 ? 2 : 1;
    return ERR_OK;
}

/* Pages that lengths and places are multiples of. */
static uint32_t map_unit(const struct map_plan *plan)
{
    return plan->level == 0 ? 1 : huge_unit(plan->level);
}

/* R1 to R4, and the length of R5. */
static enum err map_check_length(struct space *space, const struct map_request *request,
                                 struct map_plan *plan)
{
    uint64_t limit = space->settings.regions_max;
    uint64_t end;

    if (!bits_is_aligned(request->offset, PAGE_SIZE)) {
        return limit_refuse(space, ERR_INVAL);
    }
    if (!map_is_anonymous(request) && request->object == NULL) {
        return limit_refuse(space, ERR_BADF);
    }
    if (UNLIKELY((request->flags & MEM_MAP_HUGETLB) != 0)) {
        enum err error = map_check_huge(space, request, plan);

        if (error != ERR_OK) {
            return error;
        }
    }
    if (!checked_round_up(request->length, (uint64_t)map_unit(plan) * PAGE_SIZE, &plan->length)) {
        return limit_refuse(space, plan->level != 0 ? ERR_INVAL : ERR_NOMEM);
    }
    if (plan->length == 0) {
        return limit_refuse(space, ERR_NOMEM);
    }
    if ((!map_is_anonymous(request) || plan->level != 0) &&
        (!checked_add(request->offset / PAGE_SIZE, plan->length / PAGE_SIZE, &end) ||
         end > OBJECT_PAGES_MAX)) {
        return limit_refuse(space, ERR_OVERFLOW);
    }
    if (space->tree.count > limit) {
        return limit_refuse_over(space, ERR_NOMEM, MEM_LIMIT_REGIONS, limit, space->tree.count, 1);
    }
    if (plan->length > USER_END) {
        return limit_refuse_over(space, ERR_NOMEM, MEM_LIMIT_ADDRESS_SPACE, USER_END,
                                 space->pages * PAGE_SIZE, plan->length);
    }
    return ERR_OK;
}

/* R5 to R8: the place that the client insists on. */
static enum err map_check_fixed(const struct core *core, struct space *space,
                                const struct map_request *request, struct map_plan *plan)
{
    uint64_t address = uaddr_to_bytes(request->address);

    if (plan->level != 0 && address % ((uint64_t)map_unit(plan) * PAGE_SIZE) != 0) {
        return limit_refuse(space, ERR_INVAL); /* before anything else about the place */
    }
    if (address > USER_END - plan->length) {
        return limit_refuse_over(space, ERR_NOMEM, MEM_LIMIT_ADDRESS_SPACE, USER_END, address,
                                 plan->length);
    }
    if (range_make(request->address, plan->length, &plan->range) != ERR_OK) {
        return limit_refuse(space, ERR_INVAL);
    }
    if (address < uaddr_to_bytes(space->settings.lowest) &&
        (space->settings.privileges & SPACE_PRIVILEGE_LOW) == 0) {
        return limit_refuse(space, ERR_PERM);
    }
    if (plan->range.first < RANGE_USER_FIRST) {
        return limit_refuse(space, ERR_NOMEM);
    }
    plan->next = place_next(core, space, plan->range, &plan->replaces);
    if (plan->replaces && (request->flags & MEM_MAP_FIXED_NOREPLACE) != 0) {
        return limit_refuse(space, ERR_EXIST);
    }
    return ERR_OK;
}

/* R9: a place of our choice, or the hint if it is free. */
static enum err map_check_place(const struct core *core, struct space *space,
                                const struct map_request *request, struct map_plan *plan)
{
    uint32_t pages = (uint32_t)(plan->length / PAGE_SIZE);
    struct place place;

    const bool is_found =
        plan->level != 0
            ? place_find_huge(core, space, request->address, pages, map_unit(plan), &place)
            : place_find(core, space, request->address, pages, map_is_own(request), &place);

    if (!is_found) {
        return limit_refuse_over(space, ERR_NOMEM, MEM_LIMIT_ADDRESS_SPACE, USER_END,
                                 space->pages * PAGE_SIZE, plan->length);
    }
    plan->range = place.range;
    plan->next = place.next;
    return ERR_OK;
}

/* R10 and R11, for locks that are asked for or inherited. */
static enum err map_check_locks(struct space *space, const struct map_request *request,
                                const struct map_plan *plan)
{
    if ((request->flags & MEM_MAP_LOCKED) != 0 && !limit_may_lock(space)) {
        return limit_refuse_over(space, ERR_PERM, MEM_LIMIT_LOCKED, 0, space->locked, 0);
    }
    return limit_check_locked(space, range_pages(plan->range), ERR_AGAIN);
}

/* R12 and R20 without an object; huge pages have one, and are judged so. */
static enum err map_check_anonymous(struct space *space, const struct map_request *request)
{
    uint32_t type = request->flags & MEM_MAP_TYPE;

    if (UNLIKELY((request->flags & MEM_MAP_HUGETLB) != 0)) {
        if (type == 0 || type > MEM_MAP_SHARED_VALIDATE) {
            return limit_refuse(space, ERR_INVAL);
        }
        if (type == MEM_MAP_SHARED_VALIDATE && (request->flags & ~MAP_FLAGS_KNOWN) != 0) {
            return limit_refuse(space, ERR_OPNOTSUPP);
        }
        return (request->flags & MEM_MAP_GROWSDOWN) != 0 ? limit_refuse(space, ERR_INVAL) : ERR_OK;
    }
    if (type != MEM_MAP_PRIVATE && type != MEM_MAP_SHARED) {
        return limit_refuse(space, ERR_INVAL);
    }
    if ((request->flags & MEM_MAP_GROWSDOWN) != 0 && type == MEM_MAP_SHARED) {
        return limit_refuse(space, ERR_INVAL);
    }
    return ERR_OK;
}

/* R12 to R20 with an object, ours: no pager. Leaves in `*may` what the region may become. */
static enum err map_check_object(struct core *core, struct space *space,
                                 const struct map_request *request, uint32_t *may)
{
    uint32_t type = request->flags & MEM_MAP_TYPE;
    uint32_t rights = request->rights;

    if (type == 0 || type > MEM_MAP_SHARED_VALIDATE) {
        return limit_refuse(space, ERR_INVAL);
    }
    if (type == MEM_MAP_SHARED_VALIDATE && (request->flags & ~MAP_FLAGS_KNOWN) != 0) {
        return limit_refuse(space, ERR_OPNOTSUPP);
    }
    if (type != MEM_MAP_PRIVATE && (rights & MAP_RIGHT_WRITE) == 0) {
        if ((request->prot & MEM_PROT_WRITE) != 0) {
            return limit_refuse(space, ERR_ACCES);
        }
        *may &= ~MEM_PROT_WRITE;
    } else if (type != MEM_MAP_PRIVATE && (request->object->flags & OBJECT_APPEND) != 0) {
        return limit_refuse(space, ERR_ACCES);
    }
    if (type != MEM_MAP_PRIVATE && (request->object->flags & OBJECT_MANDATORY) != 0) {
        return limit_refuse(space, ERR_AGAIN);
    }
    if ((rights & MAP_RIGHT_READ) == 0) {
        return limit_refuse(space, ERR_ACCES);
    }
    if ((rights & MAP_RIGHT_EXEC) == 0) {
        if ((request->prot & MEM_PROT_EXEC) != 0) {
            return limit_refuse(space, ERR_PERM);
        }
        *may &= ~MEM_PROT_EXEC;
    }
    if ((rights & MAP_RIGHT_MAPPABLE) == 0 || (request->object->flags & OBJECT_SWAP) != 0 ||
        (request->object->kind == OBJECT_DEVICE && type == MEM_MAP_PRIVATE)) {
        return limit_refuse(space, ERR_NODEV);
    }
    if ((request->flags & MEM_MAP_GROWSDOWN) != 0) {
        return limit_refuse(space, ERR_INVAL);
    }
    if (request->object->kind == OBJECT_PAGED && pager_waits_for(core, request->object, space)) {
        return limit_refuse(space, ERR_DEADLK);
    }
    return ERR_OK;
}

/* R12 to R22: what the region is; its locks are known already. */
static enum err map_check_kind(struct core *core, struct space *space,
                               const struct map_request *request, struct map_plan *plan)
{
    uint32_t may = MEM_PROT_ALL;
    uint32_t type = request->flags & MEM_MAP_TYPE;
    bool is_anonymous = map_is_anonymous(request);
    enum err error = is_anonymous ? map_check_anonymous(space, request)
                                  : map_check_object(core, space, request, &may);

    if (error != ERR_OK) {
        return error;
    }
    plan->kind.flags |= (request->prot & MEM_PROT_ALL) | may << REGION_MAY_SHIFT;
    if (type != MEM_MAP_PRIVATE) {
        plan->kind.flags |= REGION_SHARED;
    }
    if ((request->flags & MEM_MAP_NORESERVE) != 0 &&
        (plan->level != 0 || limit_mode(&core->head->commit) != COMMIT_NEVER)) {
        plan->kind.flags |= REGION_NORESERVE;
    }
    if (region_is_private_writable(plan->kind.flags) &&
        (plan->kind.flags & REGION_NORESERVE) == 0 && plan->level == 0) {
        plan->kind.flags |= REGION_ACCOUNT;
    }
    plan->kind.flags |= (request->flags & MEM_MAP_GROWSDOWN) != 0 ? REGION_GROWSDOWN : 0;
    if ((request->flags & MEM_MAP_STACK) != 0) {
        /* As Linux since 6.7: stacks are not worth huge pages. */
        plan->kind.flags |= REGION_NOHUGEPAGE;
    }
    if (UNLIKELY(plan->level != 0)) {
        plan->kind.flags |= REGION_HUGETLB; /* R19: not charged; and never locked, as Linux */
        plan->kind.flags &= ~REGION_LOCKS;
        plan->makes_object = true;
        plan->is_odd = request->offset % ((uint64_t)map_unit(plan) * PAGE_SIZE) != 0;
        return ERR_OK;
    }
    plan->makes_object = is_anonymous && type == MEM_MAP_SHARED;
    if (!is_anonymous) {
        plan->kind.object = arena_link(core, request->object);
        plan->kind.offset = request->offset / PAGE_SIZE;
    } else if (plan->makes_object) {
        plan->charge = (plan->kind.flags & REGION_NORESERVE) != 0 ? 0 : plan->length / PAGE_SIZE;
    } else {
        plan->kind.offset = plan->range.first;
    }
    return ERR_OK;
}

/* R23 to R26: limits, judged after what goes; records. */
static enum err map_check_room(struct core *core, struct space *space, struct map_plan *plan)
{
    uint32_t pages = range_pages(plan->range);
    uint32_t splits = plan->replaces && unmap_splits(core, space, plan->range) ? 1 : 0;
    uint32_t records = splits + MERGE_INSERT_RECORDS;
    struct limit_change change = {.pages_added = pages};

    change.data_added = region_is_data(plan->kind.flags) ? pages : 0;
    change.commit_added = (plan->kind.flags & REGION_ACCOUNT) != 0 ? pages : plan->charge;
    if (plan->replaces) {
        const enum err cut = huge_check_edges(core, space, plan->range);

        if (cut != ERR_OK) {
            return cut;
        }
        limit_subtract(core, space, plan->range, &change);
        if (change.data_added != 0) {
            /* All that goes makes up for new data, not data alone (Linux 6.12, mmap_region()). */
            change.data_removed = change.pages_removed;
        }
        plan->is_long = plan->level == 0 && replace_is_long(core, space, plan->range);
        records += plan->is_long ? REPLACE_RECORDS : 0;
    }
    enum err error = limit_check(core, space, &change);

    if (error == ERR_OK) {
        error = limit_check_splits(space, splits);
    }
    if (error != ERR_OK) {
        return error;
    }
    if (plan->is_odd) {
        return limit_refuse(space, ERR_INVAL);
    }
    if (region_reserve(core, space, records) != ERR_OK ||
        (plan->replaces && large_cut(core, space, plan->range) != ERR_OK) ||
        (plan->is_long && large_split(core, space, plan->range.first) != ERR_OK)) {
        return limit_refuse_frames(core, space, 1);
    }
    if (UNLIKELY(plan->makes_object) && (!object_reserve(core) || !upkeep_reserve(core, space))) {
        return limit_refuse_frames(core, space, 1);
    }
    error = limit_promise(core, space, &change);
    if (error == ERR_OK && plan->level != 0 && (plan->kind.flags & REGION_NORESERVE) == 0) {
        error = huge_check_promise(core, space, plan->range, plan->level);
    }
    if (error != ERR_OK && plan->makes_object) {
        upkeep_cancel(core, space);
    }
    return error;
}

/* Seals of shared memory, after all else (Linux mmap_region(), seal_check_write()). */
static enum err map_check_seals(const struct core *core, struct space *space, struct map_plan *plan)
{
    const uint32_t seals = object_at(core, plan->kind.object)->seals;

    if ((plan->kind.flags & REGION_SHARED) != 0 &&
        (seals & (MEM_SEAL_WRITE | MEM_SEAL_FUTURE_WRITE)) != 0) {
        if ((plan->kind.flags & MEM_PROT_WRITE) != 0) {
            return limit_refuse(space, ERR_PERM);
        }
        plan->kind.flags &= ~(MEM_PROT_WRITE << REGION_MAY_SHIFT);
    }
    return ERR_OK;
}

static enum err map_check(struct core *core, struct space *space, const struct map_request *request,
                          struct map_plan *plan)
{
    enum err error = map_check_length(space, request, plan);

    if (error != ERR_OK) {
        return error;
    }
    error = map_is_fixed(request) ? map_check_fixed(core, space, request, plan)
                                  : map_check_place(core, space, request, plan);
    if (error != ERR_OK) {
        return error;
    }
    plan->kind.flags = space->future;
    plan->kind.flags |= (request->flags & MEM_MAP_LOCKED) != 0 ? REGION_LOCKED : 0;
    plan->locks = plan->kind.flags & REGION_LOCKS;
    if (UNLIKELY(plan->kind.flags != 0)) {
        error = map_check_locks(space, request, plan);
        if (error != ERR_OK) {
            return error;
        }
    }
    error = map_check_kind(core, space, request, plan);
    if (error != ERR_OK) {
        return error;
    }
    error = map_check_room(core, space, plan);
    if (error == ERR_OK && plan->kind.object != 0) {
        error = map_check_seals(core, space, plan);
    }
    return error;
}

/* The object behind one anonymous shared region. Returns: its link. */
static uint32_t map_make_object(struct core *core, const struct space *space,
                                const struct map_plan *plan)
{
    const bool is_charged = plan->charge != 0;

    if (plan->level != 0) {
        const uint32_t pages = range_pages(plan->range) / map_unit(plan);

        return arena_link(core, huge_make(core, space, plan->level, pages,
                                          (plan->kind.flags & REGION_SHARED) == 0,
                                          (plan->kind.flags & REGION_NORESERVE) == 0));
    }
    const uint32_t flags = OBJECT_UNNAMED | (is_charged ? 0 : OBJECT_NORESERVE);

    return arena_link(core, object_make_memory(core, space, plan->length, plan->charge, flags));
}

static void map_apply(struct core *core, struct space *space, const struct map_plan *plan)
{
    struct region_kind kind = plan->kind;
    struct region *next = plan->next;
    uint32_t first = plan->range.end;

    intent_open(core, space, plan->range);
    if (UNLIKELY(plan->is_long)) {
        (void)unmap_leaves(core, space, range_of(plan->range.first, plan->range.first + 1));
    } else if (plan->replaces) {
        first = unmap_leaves(core, space, plan->range);
    }
    /* Point of no return: nothing below may fail. */
    intent_write(core);
    if (UNLIKELY(plan->makes_object)) {
        kind.object = map_make_object(core, space, plan);
    } else if (kind.object != 0) {
        /* What is replaced may be all that keeps it. */
        object_get(object_at(core, kind.object));
    }
    if (UNLIKELY(plan->is_long)) {
        replace_begin(core, space, plan->range, &kind);
    } else {
        if (plan->replaces) {
            next = unmap_apply(core, space, plan->range, first);
        }
        merge_insert(core, space, plan->range, &kind, next);
    }
    if (kind.object != 0) {
        object_put(core, object_at(core, kind.object));
    }
    intent_close(core);
    if (UNLIKELY(plan->level != 0)) {
        shadow_prune(core, space, plan->range, plan->range); /* tables of what was there */
    }
    AUDIT(space_audit(core, space));
}

static bool map_is_to_populate(const struct map_request *request, const struct map_plan *plan)
{
    uint32_t locks = plan->locks;
    bool is_asked = (request->flags & (MEM_MAP_POPULATE | MEM_MAP_NONBLOCK)) == MEM_MAP_POPULATE;

    return (is_asked && locks == 0) || locks == REGION_LOCKED;
}

/*
 * R27: what cannot be made present does not fail the request. Returns: ERR_OK; ERR_WAIT, ERR_MORE.
 */
static enum err map_populate(struct core *core, struct space *space,
                             const struct map_request *request, const struct map_plan *plan)
{
    if (UNLIKELY(plan->is_long) && work_go_on(core, space) == ERR_MORE) {
        core->more.rest = map_is_to_populate(request, plan) ? plan->range : (struct range){0, 0};
        return ERR_MORE;
    }
    if (UNLIKELY(map_is_to_populate(request, plan))) {
        return populate_what_can_be(core, space, plan->range) ? ERR_WAIT : ERR_OK;
    }
    return ERR_OK;
}

enum err op_map(struct core *core, struct space *space, const struct map_request *request,
                uaddr_t *address)
{
    struct map_plan plan = {0};

    limit_begin(space);
    const bool is_together = map_is_together(request);

    if (UNLIKELY(is_together)) {
        shared_enter(core);
    }
    const enum err error = map_check(core, space, request, &plan);

    if (LIKELY(error == ERR_OK)) {
        map_apply(core, space, &plan);
    }
    if (UNLIKELY(is_together)) {
        shared_leave(core);
    }
    if (error != ERR_OK) {
        return error;
    }
    *address = vpn_to_uaddr(page_to_vpn(plan.range.first));
    return map_populate(core, space, request, &plan);
}
