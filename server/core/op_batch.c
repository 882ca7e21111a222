/* SPDX-License-Identifier: MIT */
#include "server/core/op_batch.h"

#include <base/assert.h>

#include "server/core/huge.h"
#include "server/core/huge_twin.h"
#include "server/core/large.h"
#include "server/core/op_unmap.h"
#include "server/core/page.h"
#include "server/core/populate.h"
#include "server/core/port.h"
#include "server/core/shadow.h"
#include "server/core/shared.h"
#include "server/core/space_lock.h"
#include "server/core/twin.h"

/* Whether an operation can be undone until the commit, and cannot fail after it. */
static bool batch_can_hold(const struct batch_op *op)
{
    switch (op->sort) {
    case BATCH_MAP:
    case BATCH_UNMAP:
    case BATCH_PROTECT:
    case BATCH_UNLOCK:
        return true;
    case BATCH_REMAP:
        return op->remap.flags == 0;
    case BATCH_ADVISE:
        return op->advise.advice != MEM_ADVISE_POPULATE_READ &&
               op->advise.advice != MEM_ADVISE_POPULATE_WRITE &&
               op->advise.advice != MEM_ADVISE_REMOVE;
    case BATCH_LOCK:
        return op->lock.flags == MEM_LOCK_ONFAULT;
    }
    UNREACHABLE();
}

static enum err batch_run(struct core *core, struct space *space, struct batch_op *op)
{
    switch (op->sort) {
    case BATCH_MAP:
        return op_map(core, space, &op->map, &op->address);
    case BATCH_UNMAP:
        return op_unmap(core, space, op->unmap.address, op->unmap.length);
    case BATCH_PROTECT:
        return op_protect(core, space, &op->protect);
    case BATCH_REMAP:
        return op_remap(core, space, &op->remap, &op->address);
    case BATCH_ADVISE:
        return op_advise(core, space, &op->advise);
    case BATCH_LOCK:
        return op_lock(core, space, &op->lock);
    case BATCH_UNLOCK:
        return op_unlock(core, space, &op->lock);
    }
    UNREACHABLE();
}

/* The pages of a span that an operation accepted; lengths are rounded up. */
static struct range batch_range(uaddr_t address, uint64_t length)
{
    struct range range = {0, 0};

    if (length != 0) {
        enum err error = range_make(address, length, &range);

        ASSERT(error == ERR_OK);
    }
    return range;
}

/* What a length is rounded up to of what begins at `address`: huge pages are whole. */
static uint64_t batch_unit(const struct core *core, const struct space *twin, uaddr_t address)
{
    uint32_t page;
    const struct region *region =
        vpn_to_page(uaddr_to_vpn(address), &page) ? tree_find(core, &twin->tree, page) : NULL;

    return region != NULL && huge_is_region(region)
               ? (uint64_t)huge_region_unit(core, region) * PAGE_SIZE
               : PAGE_SIZE;
}

/* The pages that an operation, which the twin has just taken, takes away; empty: none. */
static struct range batch_find_cleared(const struct core *core, const struct space *twin,
                                       const struct batch_op *op)
{
    uint64_t unit;
    uint64_t kept;
    uint64_t old;

    switch (op->sort) {
    case BATCH_MAP:
        unit = batch_unit(core, twin, op->address);
        return batch_range(op->address, (op->map.length + unit - 1) & ~(unit - 1));
    case BATCH_UNMAP:
        return batch_range(op->unmap.address, op->unmap.length);
    case BATCH_REMAP:
        unit = batch_unit(core, twin, op->remap.address);
        kept = (op->remap.length_new + unit - 1) & ~(unit - 1);
        old = (op->remap.length_old + unit - 1) & ~(unit - 1);
        if (kept < old) {
            return batch_range((uaddr_t){uaddr_to_bytes(op->remap.address) + kept}, old - kept);
        }
        break;
    case BATCH_ADVISE:
        if (op->advise.advice == MEM_ADVISE_DONTNEED ||
            op->advise.advice == MEM_ADVISE_DONTNEED_LOCKED) {
            return batch_range(op->advise.address, op->advise.length);
        }
        break;
    case BATCH_PROTECT:
    case BATCH_LOCK:
    case BATCH_UNLOCK:
        break;
    }
    return (struct range){0, 0};
}

/* The pages that a LOCK or UNLOCK which was accepted is about: those that its bytes touch. */
static struct range batch_locked(const struct batch_op *op)
{
    const uint64_t offset = uaddr_to_bytes(op->lock.address) & PAGE_MASK;

    return batch_range((uaddr_t){uaddr_to_bytes(op->lock.address) - offset},
                       op->lock.length == 0 ? 0 : op->lock.length + offset);
}

/* Take leaves, or rights from them, as the operation does. In a commit, READY. */
static void batch_leaves(struct core *core, struct space *space, const struct batch_op *op)
{
    struct range range = op->cleared;

    if (!range_is_empty(range)) {
        (void)unmap_leaves(core, space, range);
    }
    if (op->sort == BATCH_PROTECT) {
        range = batch_range(op->protect.address, op->protect.length);
        range.first = huge_has_leaves(space) ? range.first : page_next(core, space, range);
        if (!range_is_empty(range)) {
            port_restrict(core->port, space->kernel, page_to_vpn(range.first), range_npages(range),
                          region_rights(op->protect.prot));
        }
    }
}

static void batch_commit(struct core *core, struct space *space, struct space *twin,
                         const struct batch_op *ops, uint32_t count)
{
    intent_open(core, space, range_of(RANGE_USER_FIRST, RANGE_USER_END));
    for (uint32_t i = 0; i < count; i++) {
        batch_leaves(core, space, &ops[i]);
    }
    /* Point of no return: nothing below may fail. */
    intent_write(core);
    for (uint32_t i = 0; i < count; i++) {
        page_clear(core, space, ops[i].cleared);
    }
    huge_twin_settle(core, space, twin);
    twin_exchange(core, space, twin);
    for (uint32_t i = 0; i < count; i++) {
        if (ops[i].sort == BATCH_ADVISE) {
            huge_discard(core, space, ops[i].cleared);
        }
    }
    intent_close(core);
}

/* Make present what is locked in the range, or all of it that is not locked on fault. */
static void batch_populate_range(struct core *core, struct space *space, struct range range,
                                 bool is_asked)
{
    for (const struct region *region = tree_find(core, &space->tree, range.first);
         region != NULL && region->first < range.end; region = tree_next(core, region)) {
        uint32_t locks = region->flags & REGION_LOCKS;

        /* A page of 1 GiB would keep everybody waiting: it comes with its first touch. */
        if (huge_is_region(region) && huge_region_unit(core, region) != huge_unit(1)) {
            continue;
        }
        if ((is_asked && locks == 0) || locks == REGION_LOCKED) {
            populate_without_waiting(core, space, range_common(region_range(region), range));
        }
    }
}

/* What the operation would have made present; what finds no frame does not matter (R27). */
static void batch_populate(struct core *core, struct space *space, const struct batch_op *op)
{
    const uint32_t asked = MEM_MAP_POPULATE | MEM_MAP_NONBLOCK;

    if (op->sort == BATCH_MAP) {
        const bool is_huge = (op->map.flags & MEM_MAP_HUGETLB) != 0;
        const uint32_t locks = (space->future & REGION_LOCKS) |
                               ((op->map.flags & MEM_MAP_LOCKED) != 0 ? REGION_LOCKED : 0);

        /* Regions of huge pages do not say whether they are locked. */
        batch_populate_range(core, space, op->cleared,
                             is_huge && locks != 0 ? locks == REGION_LOCKED
                                                   : (op->map.flags & asked) == MEM_MAP_POPULATE);
    } else if (op->sort == BATCH_PROTECT && (op->protect.prot & MEM_PROT_WRITE) != 0) {
        batch_populate_range(core, space, batch_range(op->protect.address, op->protect.length),
                             false);
    } else if (op->sort == BATCH_REMAP && op->remap.length_new > op->remap.length_old) {
        const struct range whole = batch_range(op->address, op->remap.length_new);
        const struct range old = batch_range(op->address, op->remap.length_old);

        batch_populate_range(core, space, range_of(old.end, whole.end), false);
    }
}

/* Run the operations on the twin. Returns: the error of the one that is refused. */
static enum err batch_try(struct core *core, struct space *space, struct space *twin,
                          struct batch_op *ops, uint32_t count, uint32_t *refused)
{
    for (uint32_t i = 0; i < count; i++) {
        enum err error = batch_run(core, twin, &ops[i]);

        if (error != ERR_OK) {
            space->refusal = twin->refusal;
            *refused = i;
            return error;
        }
        ops[i].cleared = batch_find_cleared(core, twin, &ops[i]);
    }
    return ERR_OK;
}

/* Whether all operations can be part of a batch; settings of the space for its twin. */
static enum err batch_check(struct core *core, struct space *space, const struct batch_op *ops,
                            uint32_t count, uint32_t *refused, struct space_settings *settings)
{
    enum err error = ERR_OK;

    space_lock(core, space->number);
    if (space->work.phase != WORK_NONE) {
        space_unlock(core, space->number);
        return ERR_MORE;
    }
    limit_begin(space);
    for (uint32_t i = 0; i < count && error == ERR_OK; i++) {
        if (!batch_can_hold(&ops[i])) {
            *refused = i;
            error = limit_refuse(space, ERR_OPNOTSUPP);
        }
    }
    *settings = space->settings;
    space_unlock(core, space->number);
    return error;
}

/* The pages whose edges an operation may make edges of regions; empty: none. */
static struct range batch_changed(const struct batch_op *op)
{
    switch (op->sort) {
    case BATCH_PROTECT:
        return batch_range(op->protect.address, op->protect.length);
    case BATCH_ADVISE:
        return batch_range(op->advise.address, op->advise.length);
    case BATCH_LOCK:
    case BATCH_UNLOCK:
        return batch_locked(op);
    case BATCH_MAP:
    case BATCH_UNMAP:
    case BATCH_REMAP:
        break;
    }
    return op->cleared;
}

/* Split large leaves that lie only partly in what the operations change. */
static enum err batch_split(struct core *core, struct space *space, const struct batch_op *ops,
                            uint32_t count, uint32_t *refused)
{
    for (uint32_t i = 0; i < count; i++) {
        if (large_cut(core, space, batch_changed(&ops[i])) != ERR_OK) {
            *refused = i;
            return limit_refuse_frames(core, space, 1);
        }
    }
    return ERR_OK;
}

/* What follows the commit: tables that nobody needs, pages that are to be present. */
static void batch_finish(struct core *core, struct space *space, const struct batch_op *ops,
                         uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        unmap_tables(core, space, ops[i].cleared);
        if (ops[i].sort == BATCH_MAP && (ops[i].map.flags & MEM_MAP_HUGETLB) != 0) {
            shadow_prune(core, space, ops[i].cleared, ops[i].cleared); /* of what was there */
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        batch_populate(core, space, &ops[i]);
    }
}

/* Try it on the twin, and commit it. */
static enum err batch_try_and_commit(struct core *core, struct space *space, struct space *twin,
                                     struct batch_op *ops, uint32_t count, uint32_t *refused)
{
    enum err error = batch_try(core, space, twin, ops, count, refused);

    if (error == ERR_OK) {
        error = batch_split(core, space, ops, count, refused);
    }
    if (error != ERR_OK) {
        twin_refuse(core, space, twin);
        return error;
    }
    batch_commit(core, space, twin, ops, count);
    return ERR_OK;
}

/* Whether it may be about huge pages: then nobody else may take any meanwhile (huge_twin.h). */
static bool batch_has_huge(const struct space *space, const struct batch_op *ops, uint32_t count)
{
    bool has_huge = space->huges != 0;

    for (uint32_t i = 0; i < count; i++) {
        has_huge =
            has_huge || (ops[i].sort == BATCH_MAP && (ops[i].map.flags & MEM_MAP_HUGETLB) != 0);
    }
    return has_huge;
}

/* All of it with a twin that is empty, on a space whose bucket the caller has. */
static enum err batch_on_twin(struct core *core, struct space *space, struct space *twin,
                              struct batch_op *ops, uint32_t count, uint32_t *refused)
{
    const bool has_huge = batch_has_huge(space, ops, count);

    *refused = count;
    enum err error = twin_make(core, space, twin);

    if (error != ERR_OK) {
        return error;
    }
    if (has_huge) {
        shared_enter(core);
    }
    error = batch_try_and_commit(core, space, twin, ops, count, refused);
    if (error != ERR_OK && has_huge) {
        twin_clear(core, twin); /* and what its objects were promised */
    }
    if (has_huge) {
        shared_leave(core);
    }
    if (error == ERR_OK) {
        batch_finish(core, space, ops, count);
    }
    return error;
}

enum err op_batch(struct core *core, struct space *space, struct batch_op *ops, uint32_t count,
                  uint32_t *refused)
{
    struct space_settings settings;
    struct space *twin;

    ASSERT(count >= 1 && count <= BATCH_MAX);
    enum err error = batch_check(core, space, ops, count, refused, &settings);

    if (error != ERR_OK) {
        return error;
    }
    error = twin_begin(core, &settings, space->number, &twin);
    space_lock(core, space->number);
    if (error != ERR_OK) {
        *refused = count;
        error = limit_refuse_frames(core, space, 1);
        space_unlock(core, space->number);
        return error;
    }
    if (space->work.phase != WORK_NONE) { /* begun while the lock was free */
        error = ERR_MORE;
    } else {
        error = batch_on_twin(core, space, twin, ops, count, refused);
    }
    AUDIT(space_audit(core, space));
    port_hand_over(core->port);
    space_unlock(core, space->number);
    space_end(core, twin);
    return error;
}
