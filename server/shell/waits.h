/* SPDX-License-Identifier: MIT */
/*
 * Requests and faults that are answered later (core: wait.h): held with the token of their thread,
 * started over when their event comes, answered then.
 *
 * What is started over is served by the same functions as at first, on the words that core kept;
 * but a request that has done all except making pages present goes on with that alone, in words
 * that no client can send (WAITS_POPULATE).
 *
 * Owner: the server thread that serves the request, which has the space of who waits, or
 * `processes`; the timer is the first one's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/shell/call.h"

/* Tell core what time it is. */
void waits_look_at_the_clock(struct shell *shell);

/*
 * Hold a fault that said FAULT_WAIT.
 *
 * Returns:   ERR_OK: nobody is to be answered now; else why it cannot wait, to be refused.
 */
MUST_USE enum err waits_hold_fault(struct shell *shell, struct space *space,
                                   const struct message *message);

/*
 * Hold a request that said ERR_WAIT, or was refused (`error`) for want of frames that may come
 * (reclaim.h): then it has changed nothing and starts over.
 *
 * Returns:   ERR_OK if all but making pages present is done and it cannot wait for that;
 *            ERR_WAIT: it is held; else the error to be answered.
 */
MUST_USE enum err waits_hold(struct call *call, enum err error);

/* Hold a request until its target is free to be changed. Returns: ERR_WAIT. */
MUST_USE enum err waits_hold_change(struct call *call);

/* Hold a PAGER_NEXT, in the words of `message`. Returns: ERR_WAIT. */
MUST_USE enum err waits_hold_work(struct call *call, uint32_t pager, const struct message *message);

/*
 * Hold a PIN_NEXT until `deadline`, or an earlier one of a pin that comes meanwhile. Returns:
 * ERR_WAIT.
 */
MUST_USE enum err waits_hold_lease(struct call *call, uint64_t deadline);

/*
 * What the call had to wait for is of no account any longer: it is about to be answered. The caller
 * has the bucket of its space.
 */
void waits_finish(const struct call *call);

/* Start over what can go on by now, and answer it; reclaim frames for what waits for them. */
void waits_go_on_with_all(struct shell *shell);

static inline void waits_go_on(struct shell *shell)
{
    if (UNLIKELY(shell->core.head->pagers.ready.first != 0)) {
        waits_go_on_with_all(shell);
    }
}

/* Whether anything can go on, or is to be reclaimed. */
static inline bool waits_has_more(const struct shell *shell)
{
    return shell->core.head->pagers.ready.first != 0 || reclaim_is_wanted(&shell->core);
}

/*
 * Give a request its answer before others go on, if any do: they may be many, and what they wait
 * for may be what the one who is answered does next.
 *
 * Returns: whether it was given.
 */
bool waits_answer_first(const struct shell *shell, const struct message *message,
                        const uint64_t words[IPC_WORDS]);

/* The same where something may wait for a frame since. */
static inline void waits_go_on_or_reclaim(struct shell *shell)
{
    if (UNLIKELY(waits_has_more(shell))) {
        waits_go_on_with_all(shell);
    }
}

/*
 * Have the kernel tell when the earliest deadline has come, or in a moment if a process is ending
 * in steps (client.h), or shared memory goes in steps (core/burial.h).
 */
void waits_set_timer(struct shell *shell);

/* The time of the timer has come; the caller sets it again. */
void waits_expire(struct shell *shell);
