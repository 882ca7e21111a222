/* SPDX-License-Identifier: MIT */
#include "server/shell/batch.h"

#include <stddef.h>

#include <abi/layout.h>
#include <base/assert.h>
#include <mem/proto.h>

#include "server/core/op_batch.h"
#include "server/shell/wire.h"

STATIC_ASSERT(MEM_BATCH_MAX == BATCH_MAX, "core takes what a message page holds");

/* Words of an operation: the head and five more. */
#define OP_WORDS (sizeof(struct mem_batch_op) / sizeof(uint64_t))

static enum err read_span(const struct message *message, struct batch_op *op)
{
    struct wire_range range;
    enum err error = wire_unmap(message, &range);

    if (error == ERR_OK) {
        op->unmap = (struct batch_span){range.address, range.length};
    }
    return error;
}

static enum err read_map(const struct message *message, struct batch_op *op)
{
    struct wire_map map;
    enum err error = wire_map(message, &map);

    if (error == ERR_OK) {
        op->map = map.map;
        op->map.object = NULL;
        op->map.rights = 0;
    }
    return error;
}

static enum err read_protect(const struct message *message, struct batch_op *op)
{
    struct wire_protect protect;
    enum err error = wire_protect(message, &protect);

    if (error == ERR_OK) {
        op->protect = protect.protect;
        op->protect.is_linux = false;
    }
    return error;
}

static enum err read_remap(const struct message *message, struct batch_op *op)
{
    struct wire_remap remap;
    enum err error = wire_remap(message, &remap);

    if (error == ERR_OK) {
        op->remap = remap.remap;
        op->remap.is_linux = false;
    }
    return error;
}

static enum err read_advise(const struct message *message, struct batch_op *op)
{
    struct wire_advise advise;
    enum err error = wire_advise(message, &advise);

    if (error == ERR_OK) {
        op->advise = advise.advise;
        op->advise.is_linux = false;
    }
    return error;
}

static enum err read_lock(const struct message *message, bool is_unlock, struct batch_op *op)
{
    struct wire_lock lock;
    enum err error = is_unlock ? wire_unlock(message, &lock) : wire_lock(message, &lock);

    if (error == ERR_OK && lock.progress != 0) {
        error = ERR_INVAL; /* here nothing goes on later */
    }
    if (error == ERR_OK) {
        op->lock = lock.lock;
        op->lock.is_linux = false;
    }
    return error;
}

/* Read one operation as if it had come by itself. */
static enum err read_op(const struct message *message, struct batch_op *op)
{
    enum mem_request number;
    bool is_linux;
    enum err error = wire_head(message, &number, &is_linux);

    if (error != ERR_OK || is_linux) {
        return error != ERR_OK ? error : ERR_INVAL;
    }
    switch ((uint32_t)number) {
    case MEM_MAP:
        op->sort = BATCH_MAP;
        return read_map(message, op);
    case MEM_UNMAP:
        op->sort = BATCH_UNMAP;
        return read_span(message, op);
    case MEM_PROTECT:
        op->sort = BATCH_PROTECT;
        return read_protect(message, op);
    case MEM_REMAP:
        op->sort = BATCH_REMAP;
        return read_remap(message, op);
    case MEM_ADVISE:
        op->sort = BATCH_ADVISE;
        return read_advise(message, op);
    case MEM_LOCK:
        op->sort = BATCH_LOCK;
        return read_lock(message, false, op);
    case MEM_UNLOCK:
        op->sort = BATCH_UNLOCK;
        return read_lock(message, true, op);
    default: /* requests that are about no region, or answer more than an address */
        return ERR_OPNOTSUPP;
    }
}

/* Copy an operation out of the client's page, which may change at any time: each word once. */
static struct message fetch_op(const struct mem_batch_op *op)
{
    const volatile uint64_t *words = &op->head;
    struct message message = {0};

    for (unsigned i = 0; i < OP_WORDS; i++) {
        message.words[i] = words[i];
    }
    return message;
}

/* Say where MAP and REMAP put it, in the client's page, which is not read again. */
static void write_answers(struct mem_batch_op *page, const struct batch_op *ops, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (ops[i].sort == BATCH_MAP || ops[i].sort == BATCH_REMAP) {
            page[i].words[0] = uaddr_to_number(ops[i].address);
        }
    }
}

enum err batch_serve(struct call *call)
{
    struct batch_op ops[BATCH_MAX];
    struct wire_number request = {0};

    enum err error = wire_number(call->message, &request);
    if (error == ERR_OK && (request.number == 0 || request.number > BATCH_MAX)) {
        error = ERR_INVAL;
    }
    call->words[1] = call->message->words[1];
    if (error == ERR_OK) {
        error = call_target_to_change(call, request.space);
    }
    if (error != ERR_OK) {
        return error;
    }
    const uint32_t count = (uint32_t)request.number;
    void *memory;
    error = call_page(call, &memory);
    if (error != ERR_OK) {
        return error;
    }
    struct mem_batch_op *page = memory;
    for (uint32_t i = 0; i < count; i++) {
        const struct message one = fetch_op(&page[i]);

        error = read_op(&one, &ops[i]);
        if (error != ERR_OK) {
            call->words[1] = i;
            return error;
        }
    }
    uint32_t refused = count;
    error = op_batch(&call->shell->core, call->target, ops, count, &refused);
    call->words[1] = error == ERR_OK ? 0 : refused;
    if (error == ERR_OK) {
        write_answers(page, ops, count);
    }
    return error;
}
