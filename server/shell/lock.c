/* SPDX-License-Identifier: MIT */
#include "server/shell/lock.h"

#include <mem/proto.h>

#include "server/shell/memory.h"
#include "server/shell/wire.h"

/* What the words of the next message carry over. */
static void carry(struct call *call, const struct lock_cost *cost)
{
    call->shell->carried[0] = cost->charged << 32;
    call->shell->carried[1] = cost->frames;
}

/* The dry run of LOCK, or LOCK_ALL. */
static enum err lock_cost(struct call *call, struct wire_lock *request, bool is_all)
{
    struct core *core = &call->shell->core;
    const uint64_t resume = core->resume;

    enum err error = call_target(call, request->space, MEM_RIGHT_MAP);
    if (error != ERR_OK) {
        return error;
    }
    core->resume = request->progress;
    error = is_all ? op_lock_all_cost(core, call->target, request->lock.flags, &request->cost)
                   : op_lock_cost(core, call->target, &request->lock, &request->cost);
    core->resume = resume;
    if (error == ERR_WAIT) {
        carry(call, &request->cost);
    }
    if (error == ERR_OK) {
        const struct mem_lock_cost_rep rep = {
            .pages = request->cost.pages,
            .frames = request->cost.frames,
            .limit = request->cost.limit,
            .used = request->cost.used,
        };
        memcpy(call->words, &rep, sizeof(rep));
    }
    return error;
}

enum err lock_range(struct call *call, bool is_linux)
{
    struct wire_lock request;

    enum err error = wire_lock(call->message, &request);
    if (error != ERR_OK) {
        return error;
    }
    if ((request.lock.flags & MEM_LOCK_DRY) != 0 && !is_linux) {
        request.lock.is_linux = false;
        return lock_cost(call, &request, false);
    }
    error = call_target_to_change(call, request.space);
    if (error != ERR_OK) {
        return error;
    }
    request.lock.is_linux = is_linux;
    struct core *core = &call->shell->core;
    const uint64_t resume = core->resume;

    core->resume = request.progress > resume ? request.progress : resume;
    error = op_lock(core, call->target, &request.lock);
    core->resume = resume;
    return error;
}

enum err lock_undo(struct call *call, bool is_linux)
{
    struct wire_lock request;

    enum err error = wire_unlock(call->message, &request);
    if (error != ERR_OK) {
        return error;
    }
    error = call_target_to_change(call, request.space);
    if (error != ERR_OK) {
        return error;
    }
    request.lock.is_linux = is_linux;
    return op_unlock(&call->shell->core, call->target, &request.lock);
}

enum err lock_all(struct call *call, bool is_linux)
{
    struct wire_lock request;

    enum err error = wire_lock_all(call->message, &request);
    if (error != ERR_OK) {
        return error;
    }
    if ((request.lock.flags & MEM_LOCK_DRY) != 0 && !is_linux) {
        return lock_cost(call, &request, true);
    }
    error = call_target_to_change(call, request.space);
    if (error != ERR_OK) {
        return error;
    }
    return op_lock_all(&call->shell->core, call->target, request.lock.flags);
}

enum err lock_undo_all(struct call *call)
{
    uint64_t space;

    enum err error = wire_space(call->message, &space);
    if (error != ERR_OK) {
        return error;
    }
    error = call_target_to_change(call, space);
    if (error != ERR_OK) {
        return error;
    }
    return op_unlock_all(&call->shell->core, call->target);
}
