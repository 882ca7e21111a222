/* SPDX-License-Identifier: MIT */
#include "server/shell/advise.h"

#include <mem/prot.h>
#include <mem/proto.h>

#include "server/shell/waits.h"
#include "server/shell/wire.h"

/* What takes all buckets, with `processes` alone. */
static enum err serve_with_all(struct call *call, const struct advise_request *request)
{
    struct core *core = &call->shell->core;

    call_give_buckets(call);
    if (request->advice == MEM_ADVISE_REMOVE) {
        return op_remove(core, call->target, request);
    }
    waits_look_at_the_clock(call->shell);
    const enum err error = op_pageout(core, call->target, request);

    waits_set_timer(call->shell); /* what is to be saved is so soon */
    return error;
}

enum err advise_serve(struct call *call, bool is_linux)
{
    struct wire_advise request;

    enum err error = wire_advise(call->message, &request);
    if (error != ERR_OK) {
        return error;
    }
    const bool takes_all =
        request.advise.advice == MEM_ADVISE_REMOVE || request.advise.advice == MEM_ADVISE_PAGEOUT;
    if (UNLIKELY(takes_all)) {
        error = call_see_deaths(call);
        if (error != ERR_OK) {
            return error;
        }
    }
    error = advise_changes_regions(request.advise.advice)
                ? call_target_to_change(call, request.space)
                : call_target(call, request.space, MEM_RIGHT_MAP);
    if (error != ERR_OK) {
        return error;
    }
    request.advise.is_linux = is_linux;
    if (UNLIKELY(takes_all)) {
        return serve_with_all(call, &request.advise);
    }
    return op_advise(&call->shell->core, call->target, &request.advise);
}

enum err advise_sync(struct call *call, bool is_linux)
{
    struct wire_sync request;

    enum err error = wire_sync(call->message, &request);
    if (error != ERR_OK) {
        return error;
    }
    error = call_target(call, request.space, MEM_RIGHT_MAP);
    if (error != ERR_OK) {
        return error;
    }
    request.sync.is_linux = is_linux;
    return op_sync(&call->shell->core, call->target, &request.sync);
}
