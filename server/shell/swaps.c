/* SPDX-License-Identifier: MIT */
#include "server/shell/swaps.h"

#include <mem/proto_swap.h>

#include "server/shell/objects.h"
#include "server/shell/trial.h"
#include "server/shell/waits.h"
#include "server/shell/wire_swap.h"

static void tell(struct call *call)
{
    struct core *core = &call->shell->core;
    struct swap_view view;

    shared_enter(core);
    swap_look(core, &view);
    shared_leave(core);
    call->words[1] = view.slots;
    call->words[2] = view.used;
    call->words[3] = view.held;
    call->words[4] = swap_reserve_frames(core);
    call->words[5] = core->head->reclaim.count.swapped;
    call->words[6] = core->head->reclaim.count.dropped - core->head->reclaim.count.dropped_paged;
    call->words[7] = core->head->reclaim.count.waits;
}

enum err swaps_serve(struct call *call)
{
    struct wire_swap request;
    struct object *object;
    uint32_t rights;

    enum err error = wire_swap(call->message, &request);
    if (error != ERR_OK) {
        return error;
    }
    if (request.flags == 0) {
        tell(call);
        return ERR_OK;
    }
    error = objects_find_named(call, request.object, &object, &rights);
    if (error != ERR_OK) {
        return error;
    }
    error = (rights & MEM_OBJECT_WRITE) == 0
                ? ERR_ACCES
                : op_swap(&call->shell->core, call->own, object, request.flags == MEM_SWAP_ON);
    return objects_leave(call, object, error);
}

/*
 * Let the call take from a reserve, if there is one for who asks, or for a child of his that he
 * starts. Returns: whether it may now.
 */
static bool may_spend(const struct call *call)
{
    struct core *core = &call->shell->core;
    const struct space *space = call->own;

    if (core->spender != 0) {
        return false;
    }
    if (!reserve_is_for(core, space)) {
        space = call->target;
        if (space->settings.maker != call->own->number || !reserve_is_for(core, space)) {
            return false;
        }
    }
    core->spender = space->number;
    return true;
}

bool swaps_may_retry(struct call *call, enum err error)
{
    if (!trial_lacks_frames(call->own, error) && !trial_lacks_frames(call->target, error)) {
        return false;
    }
    return may_spend(call) || core_is_free_elsewhere(&call->shell->core);
}

void swaps_reclaim(struct shell *shell)
{
    struct core *core = &shell->core;

    waits_look_at_the_clock(shell); /* what is to be saved has its time from now on */
    mutex_take(core, &core->head->processes);
    /*
     * Others may have done it while we waited. A run that nobody wants begins to count anew what
     * was looked at, so that each of several threads has the next one run, for ever.
     */
    if (reclaim_is_wanted(core)) {
        reclaim_serve(core);
        core_done(core);
        port_flush(&shell->port);
    }
    mutex_give(core, &core->head->processes);
}
