/* SPDX-License-Identifier: MIT */
/*
 * One request on its way through the shell: who asks, about which space, and the answer so far.
 *
 * I1  `own` is live; `target` is live once call_target() said ERR_OK.
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

struct call {
    struct shell *shell;
    const struct message *message;
    struct space *own;
    struct space *target;
    bool is_held;
    uint64_t *words; /* of the answer, zero at the start; word 0 is filled at the end */
};

/*
 * Make the space that `badge` names the call's target.
 *
 * Returns:   ERR_OK; ERR_TYPE: not a handle to a space; ERR_RIGHTS: it lacks one of `rights`
 *            (MEM_RIGHT_...); ERR_STALE: the space has ended, or (is_held) the caller's.
 */
MUST_USE enum err call_find_target(struct call *call, uint64_t badge, uint32_t rights);

/* The same; 0 names the caller's own space, which is the target at the start. */
MUST_USE static inline enum err call_target(struct call *call, uint64_t badge, uint32_t rights)
{
    return LIKELY(badge == 0) ? ERR_OK : call_find_target(call, badge, rights);
}

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
