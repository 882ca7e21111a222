/* SPDX-License-Identifier: MIT */
/*
 * One request on its way through the shell: who asks, about which space, what it has to itself,
 * and the answer so far.
 *
 *   NOTHING -> OWN         [call_begin]        the bucket of the caller's space
 *   NOTHING -> PROCESSES   [call_begin]        `processes`: buckets are taken by what is called
 *   NOTHING -> BOTH        [call_begin]        `processes`, and the caller's bucket
 *   OWN     -> BOTH        [call_find_target]  `processes`, and the buckets of own and target
 *   PROCESSES -> BOTH      [call_take_both]
 *   any     -> NOTHING     [call_end]
 *
 * Reclaiming frames needs the buckets of every space (core/reclaim.h). It is never done on the way:
 * a call that lacks a frame has its thread wait, gives back all that it has in call_end(), and the
 * loop of main.c then takes `processes` and all buckets from nothing, in their order
 * (waits_go_on_or_reclaim). So nobody waits for a bucket with another in hand but in that order,
 * and nothing is tried and passed over: whoever has a bucket gives it back after one message.
 *
 * I1  `own` is live until call_end(), unless is_held; so is `target` once call_target() said
 *     ERR_OK.
 * I2  is_held: the answer was sent already, will be sent later, or nobody waits for one.
 * Owner: the stack of request_serve().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "server/shell/message.h"
#include "server/shell/shell.h"

enum call_locks {
    CALL_NOTHING = 0,
    CALL_OWN = 1,
    CALL_PROCESSES = 2,
    CALL_BOTH = 3,
};

struct call {
    struct shell *shell;
    const struct message *message;
    struct space *own;
    struct space *target;  /* `own`, as long as no other is named */
    enum call_locks locks; /* that it has */
    enum call_locks wants; /* with which it was begun */
    bool is_held;
    uint64_t *words; /* of the answer, zero at the start; word 0 is filled at the end */
};

/*
 * Find the caller's space and take what `locks` says.
 *
 * Returns: false, and nothing is taken, is_held: it has ended.
 */
MUST_USE bool call_begin(struct call *call, enum call_locks locks);

/* What was refused last is not to be told any longer. */
void call_forget_refusal(struct call *call);

/* Take the buckets of own and target too, if they are not taken. */
void call_take_both(struct call *call);

/*
 * Have `processes`, and what the kernel has ended by now ended here.
 *
 * Returns:   ERR_OK, and the buckets that were taken are; ERR_STALE (is_held): the caller's space
 *            was among it.
 */
MUST_USE enum err call_see_deaths(struct call *call);

/* Give back buckets that are taken, for what takes them by itself. */
void call_give_buckets(struct call *call);

/* Hand over what was decided, and give back what was taken. */
void call_end(struct call *call);

/*
 * Make the space that `badge` names the call's target. No bucket is taken for it in a call that was
 * begun in PROCESSES, nor on error; it may be tried again then.
 *
 * Returns:   ERR_OK; ERR_TYPE: not a handle to a space; ERR_RIGHTS: it lacks one of `rights`
 *            (MEM_RIGHT_...); ERR_STALE: the space has ended, or (is_held) the caller's; ERR_MORE:
 *            work of another request on it comes first (turns.h).
 */
MUST_USE enum err call_find_target(struct call *call, uint64_t badge, uint32_t rights);

/* The same; 0 names the caller's own space, which is the target at the start. */
MUST_USE static inline enum err call_target(struct call *call, uint64_t badge, uint32_t rights)
{
    return LIKELY(badge == 0) ? ERR_OK : call_find_target(call, badge, rights);
}

/*
 * Whether the calling thread lives, for a call that has `processes`. If not, is_held: there is
 * nobody to be answered.
 */
MUST_USE bool call_is_alive(struct call *call);

/*
 * The message page of the calling thread, for a call that has `processes`: it stays while that is
 * so.
 *
 * Returns:   ERR_OK; ERR_STALE (is_held): the thread has ended.
 */
MUST_USE enum err call_page(struct call *call, void **page);

/*
 * call_target() for a request that changes the regions of its target.
 *
 * Returns:   as call_target(); ERR_WAIT: the target is kept, and the request waits (is_held).
 */
MUST_USE enum err call_target_to_change(struct call *call, uint64_t badge);

/*
 * Answer now, with the words that `mask` names as handles, which leave the server's table.
 *
 * Returns:   ERR_OK; ERR_STALE: the caller is gone; ERR_RECEIVER_SLOTS: it has no room for handles.
 * On error:  nobody was answered; the handles are closed; what they were for is the caller's to
 *            undo (P18).
 */
MUST_USE enum err call_answer_handles(struct call *call, uint64_t mask);

/* Make a handle of the server's own, with `badge`, to be given away. Returns: its slot. */
uint64_t call_derive(uint64_t badge);

/* Make a handle to a kernel object named by its frame, to be given away. Returns: its slot. */
uint64_t call_object_handle(uint64_t pfn, uint64_t rights);
