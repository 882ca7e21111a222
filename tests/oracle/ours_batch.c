/* SPDX-License-Identifier: MIT */
/*
 * BATCH, checked against its operations.
 */
#include "ours_batch.h"

#include <string.h>

#include <base/assert.h>

#include "server/core/core.h"

/* Answers that Linux never gives: what is wrong with a refused batch. */
#define WRONG_CHANGED UINT64_C(0xbad1) /* something changed */
#define WRONG_EARLIER UINT64_C(0xbad2) /* an operation before the one refused is refused alone */
#define WRONG_ERROR   UINT64_C(0xbad3) /* alone it is refused otherwise, or not at all */

#define LOOK_BYTES (UINT64_C(1) << 20)

static struct batch_op batch_op_of(const struct step *step)
{
    struct batch_op op = {.sort = BATCH_UNMAP};

    if (step->op == STEP_MAP) {
        op.sort = BATCH_MAP;
        op.map = (struct map_request){.address = {step->addr},
                                      .length = step->length,
                                      .prot = (uint32_t)step->prot,
                                      .flags = (uint32_t)step->flags,
                                      .offset = step->offset};
    } else if (step->op == STEP_UNMAP) {
        op.unmap = (struct batch_span){{step->addr}, step->length};
    } else if (step->op == STEP_PROTECT) {
        op.sort = BATCH_PROTECT;
        op.protect = (struct protect_request){
            .address = {step->addr}, .length = step->length, .prot = (uint32_t)step->prot};
    } else if (step->op == STEP_REMAP) {
        op.sort = BATCH_REMAP;
        op.remap = (struct remap_request){.address = {step->addr},
                                          .length_old = step->length,
                                          .length_new = step->size,
                                          .target = {step->target}};
    } else if (step->op == STEP_ADVISE) {
        op.sort = BATCH_ADVISE;
        op.advise = (struct advise_request){
            .address = {step->addr}, .length = step->length, .advice = (uint32_t)step->value};
    } else {
        ASSERT(step->op == STEP_LOCK || step->op == STEP_UNLOCK);
        op.sort = step->op == STEP_LOCK ? BATCH_LOCK : BATCH_UNLOCK;
        op.lock = (struct lock_request){
            .address = {step->addr}, .length = step->length, .flags = (uint32_t)step->flags};
    }
    return op;
}

/* The operation alone, in its STRICT form, which must refuse it. */
static enum err refuse_alone(struct ours *ours, struct batch_op *op)
{
    struct core *core = &ours->world->core;
    struct space *space = ours->side->space;

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

static void look_all(struct ours *ours, struct look_log *log, unsigned char *bytes)
{
    look_log_init(log, bytes, LOOK_BYTES);
    ours_look(ours, log, look_begin(log, LOOK_FULL));
    look_end(log);
}

/* Do an operation by itself. Returns: whether it was not refused. */
static bool do_alone(struct ours *ours, const struct step *member, struct look_head *head)
{
    struct look_head done = {0};

    ours_do(ours, member, &done);
    head->error = done.error;
    if (done.error == 0) {
        head->answer = step_batch_answer(head->answer, done.answer);
    }
    return done.error == 0;
}

/*
 * What a refused batch comes to: its operations one by one, up to the one that is refused. That one
 * is refused in the form that batches have, STRICT; in the other, as Linux, it may find room for
 * its regions one after the other, and then the rest are done too.
 */
static void take_apart(struct ours *ours, const struct step *members, uint32_t count,
                       struct batch_op *op, uint32_t refused, enum err error,
                       struct look_head *head)
{
    for (uint32_t i = 0; i < refused; i++) {
        if (!do_alone(ours, &members[i], head)) {
            head->answer = WRONG_EARLIER;
            return;
        }
    }
    if (refuse_alone(ours, op) != error) {
        head->answer = WRONG_ERROR;
        return;
    }
    for (uint32_t i = refused; i < count && do_alone(ours, &members[i], head); i++) {
    }
}

void ours_batch(struct ours *ours, const struct step *step, struct look_head *head)
{
    static unsigned char bytes[2][LOOK_BYTES];
    const uint32_t index = (uint32_t)(step - ours->sequence->step);
    const uint32_t count = step_members(step, ours->sequence->steps - index - 1);
    struct batch_op ops[STEP_BATCH_MAX];
    struct look_log before;
    struct look_log after;
    uint32_t refused = 0;

    ours->batch_end = index + 1 + count;
    for (uint32_t i = 0; i < count; i++) {
        ops[i] = batch_op_of(&step[1 + i]);
    }
    if (count == 0) {
        return;
    }
    look_all(ours, &before, bytes[0]);
    enum err error = op_batch(&ours->world->core, ours->side->space, ops, count, &refused);
    core_done(&ours->world->core);
    if (error == ERR_OK) {
        for (uint32_t i = 0; i < count; i++) {
            bool has_address = ops[i].sort == BATCH_MAP || ops[i].sort == BATCH_REMAP;
            head->answer = step_batch_answer(head->answer, has_address ? ops[i].address.v : 0);
        }
        return;
    }
    ASSERT(refused < count);
    look_all(ours, &after, bytes[1]);
    if (before.used != after.used || memcmp(bytes[0], bytes[1], before.used) != 0) {
        head->answer = WRONG_CHANGED;
        return;
    }
    take_apart(ours, &step[1], count, &ops[refused], refused, error, head);
}
