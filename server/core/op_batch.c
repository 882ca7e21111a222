/* SPDX-License-Identifier: MIT */
#include "server/core/op_batch.h"

#include <base/assert.h>

#include "server/core/large.h"
#include "server/core/op_unmap.h"
#include "server/core/page.h"
#include "server/core/populate.h"
#include "server/core/port.h"
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

/* The pages that an operation takes away; empty: none. */
static struct range batch_cleared(const struct batch_op *op)
{
    uint64_t kept;

    switch (op->sort) {
    case BATCH_MAP:
        return batch_range(op->address, op->map.length);
    case BATCH_UNMAP:
        return batch_range(op->unmap.address, op->unmap.length);
    case BATCH_REMAP:
        kept = (op->remap.length_new + PAGE_MASK) & ~PAGE_MASK;
        if (kept < op->remap.length_old) {
            return batch_range((uaddr_t){uaddr_to_bytes(op->remap.address) + kept},
                               op->remap.length_old - kept);
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
    struct range range = batch_cleared(op);

    if (!range_is_empty(range)) {
        (void)unmap_leaves(core, space, range);
    }
    if (op->sort == BATCH_PROTECT) {
        range = batch_range(op->protect.address, op->protect.length);
        range.first = page_next(core, space, range);
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
        page_clear(core, space, batch_cleared(&ops[i]));
    }
    twin_exchange(core, space, twin);
    intent_close(core);
}

/* Make present what is locked in the range, or all of it that is not locked on fault. */
static void batch_populate_range(struct core *core, struct space *space, struct range range,
                                 bool is_asked)
{
    for (const struct region *region = tree_find(core, &space->tree, range.first);
         region != NULL && region->first < range.end; region = tree_next(core, region)) {
        uint32_t locks = region->flags & REGION_LOCKS;

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
        batch_populate_range(core, space, batch_range(op->address, op->map.length),
                             (op->map.flags & asked) == MEM_MAP_POPULATE);
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
    }
    return ERR_OK;
}

/* Whether all operations can be part of a batch; settings of the space for its twin. */
static enum err batch_check(struct core *core, struct space *space, const struct batch_op *ops,
                            uint32_t count, uint32_t *refused, struct space_settings *settings)
{
    enum err error = ERR_OK;

    space_lock(core, space->number);
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
    return batch_cleared(op);
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
        unmap_tables(core, space, batch_cleared(&ops[i]));
    }
    for (uint32_t i = 0; i < count; i++) {
        batch_populate(core, space, &ops[i]);
    }
}

/* All of it with a twin that is empty, on a space whose bucket the caller has. */
static enum err batch_on_twin(struct core *core, struct space *space, struct space *twin,
                              struct batch_op *ops, uint32_t count, uint32_t *refused)
{
    *refused = count;
    enum err error = twin_make(core, space, twin);

    if (error != ERR_OK) {
        return error;
    }
    error = batch_try(core, space, twin, ops, count, refused);
    if (error == ERR_OK) {
        error = batch_split(core, space, ops, count, refused);
    }
    if (error != ERR_OK) {
        twin_refuse(core, space, twin);
        return error;
    }
    batch_commit(core, space, twin, ops, count);
    batch_finish(core, space, ops, count);
    return ERR_OK;
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
    error = batch_on_twin(core, space, twin, ops, count, refused);
    AUDIT(space_audit(core, space));
    port_hand_over(core->port);
    space_unlock(core, space->number);
    space_end(core, twin);
    return error;
}
