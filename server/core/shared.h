/* SPDX-License-Identifier: MIT */
/*
 * What server threads share, and by which rule.
 *
 * | what                                          | whose                                         |
 * |-----------------------------------------------|-----------------------------------------------|
 * | a space with its regions, shadow pages and    | who has the lock of its bucket                |
 * | tables, its refusal, the list of the bucket   | (space_take)                                  |
 * | which spaces and threads there are, thread    | who has `processes`; to make and end a space  |
 * | numbers, the shell's clients                  | takes the bucket's lock besides               |
 * | shared list of frames, frames never used,     | who is between shared_enter() and             |
 * | arena pages, slabs                            | shared_leave()                                |
 * | memory objects, and in a space the objects   | who is between shared_enter() and             |
 * | that it pays for (upkeep.h)                   | shared_leave()                                |
 * | `references` of objects, `used` of the commit | atomic; a reference more needs one that       |
 * | account                                       | stands                                        |
 * | struct worker: its list of frames, region     | its server thread; free_frames is read by all |
 * | records in hand, intent                       |                                               |
 * | record of a frame                             | who has the frame: the space, list, table ... |
 * |                                               | that I1 of frame.h names                      |
 *
 * Order: `processes`, then buckets (at most two, in the order of their places: space_take_two),
 * then `shared`. Nothing is taken twice, but that shared_enter() may be nested. A fault takes the
 * lock of its bucket alone, unless its thread's list of frames is empty or a table is missing.
 *
 * I1  While a commit is WRITING no lock is taken (waiting is a port call): what a commit sets free
 *     goes to the server thread's own lists, and is given back by intent_close() and core_done().
 * I2  Frames go to the shared list, and a commit that is in there ends, only after the vector of
 *     the port has been handed over: whoever gets those frames, or has the same pages and frees
 *     them, may install them before this server thread hands over anything more.
 * I3  Before the lock of a bucket is given back the vector is handed over, so that what is done to
 *     a space reaches the kernel in the order in which it was decided. The answer to a fault cannot
 *     be: it is left with the space (space.h, `answer`), and who comes next settles it first.
 * I4  A server thread does nothing in core without having `processes` or a bucket, but for reading
 *     its own worker and lengths of lists: who has `processes` and all buckets is alone
 *     (core_settle_all).
 * I5  At every port call but port_wake(), waiting included, everything is named by what recovery
 *     looks at: nothing is in a server thread's registers alone.
 */
#pragma once

#include "server/core/mutex.h"

/* Have frames, arena pages and slabs to oneself; may be nested. May make port calls. */
static inline void shared_enter(struct core *core)
{
    if (core->depth == 0) {
        mutex_take(core, &core->head->shared);
    }
    core->depth++;
}

static inline void shared_leave(struct core *core)
{
    core->depth--;
    if (core->depth == 0) {
        mutex_give(core, &core->head->shared);
    }
}
