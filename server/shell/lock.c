/* SPDX-License-Identifier: MIT */
#include "server/shell/lock.h"

#include <mem/proto.h>

#include "server/shell/wire.h"

enum err lock_range(struct call *call, bool is_linux)
{
    struct wire_lock request;

    enum err error = wire_lock(call->message, &request);
    if (error != ERR_OK) {
        return error;
    }
    error = call_target(call, request.space, MEM_RIGHT_MAP);
    if (error != ERR_OK) {
        return error;
    }
    request.lock.is_linux = is_linux;
    return op_lock(&call->shell->core, call->target, &request.lock);
}

enum err lock_undo(struct call *call, bool is_linux)
{
    struct wire_lock request;

    enum err error = wire_unlock(call->message, &request);
    if (error != ERR_OK) {
        return error;
    }
    error = call_target(call, request.space, MEM_RIGHT_MAP);
    if (error != ERR_OK) {
        return error;
    }
    request.lock.is_linux = is_linux;
    return op_unlock(&call->shell->core, call->target, &request.lock);
}

enum err lock_all(struct call *call)
{
    struct wire_number request;

    enum err error = wire_number(call->message, &request);
    if (error != ERR_OK) {
        return error;
    }
    if (request.number > UINT32_MAX) {
        return ERR_INVAL;
    }
    error = call_target(call, request.space, MEM_RIGHT_MAP);
    if (error != ERR_OK) {
        return error;
    }
    return op_lock_all(&call->shell->core, call->target, (uint32_t)request.number);
}

enum err lock_undo_all(struct call *call)
{
    uint64_t space;

    enum err error = wire_space(call->message, &space);
    if (error != ERR_OK) {
        return error;
    }
    error = call_target(call, space, MEM_RIGHT_MAP);
    if (error != ERR_OK) {
        return error;
    }
    return op_unlock_all(&call->shell->core, call->target);
}
