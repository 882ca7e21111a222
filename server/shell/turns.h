/* SPDX-License-Identifier: MIT */
/*
 * Requests that go on in further messages (mem/proto_turn.h; core/work.h): steps, and the answers
 * that say what is to be sent next.
 *
 * Owner: as call.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/shell/call.h"

/* A new message: as much may be done for it as for any. */
static inline void turns_begin(struct shell *shell)
{
    shell->core.left = WORK_FILLED;
    shell->carried[0] = 0;
    shell->carried[1] = 0;
}

/*
 * What becomes of a request that was served, if shared memory went with it, of which some may be
 * given back in steps (core/burial.h).
 *
 * Returns: the same error; ERR_MORE: it is answered when that is given back.
 */
MUST_USE enum err turns_bury(struct call *call, uint64_t number, enum err error);

/* The same for all requests with which shared memory may go. */
static inline enum err turns_follow(struct call *call, uint64_t number, enum err error)
{
    return LIKELY(call->shell->core.more.buried == 0) ? error : turns_bury(call, number, error);
}

/* The same for a frequent request, whose answer is filled, and for what nobody asked for. */
void turns_bury_quick(struct shell *shell, struct answer *answer);
void turns_bury_event(struct shell *shell);

/* Whether a request that core did not finish goes on in another message, as turns_answer() says. */
static inline bool turns_has_more(const struct call *call, enum err error)
{
    return error == ERR_MORE || (error == ERR_WAIT && call->shell->core.need.kind == NEED_TURN);
}

/* Make a step if one is due, and fill the answer: what is to be sent next, or that it is over. */
void turns_answer(struct call *call, enum err error);

/*
 * Make a step of the work in the caller's space, which the call has.
 *
 * Returns: whether the call is answered with that; else it is served now.
 */
MUST_USE bool turns_help(struct call *call, uint64_t number);

/* The same for a fault: its thread then runs into it again. */
void turns_help_fault(struct shell *shell, struct space *space);

/* GO_ON. */
MUST_USE enum err turns_go_on(struct call *call);
