/* SPDX-License-Identifier: MIT */
/*
 * Page faults of user threads as messages, and their answers (abi/fault.h).
 *
 *     page fault --> allowed by now? --yes--> try again
 *                        | no
 *                    ipc_send() to the space's pager endpoint: TRAPPED, then FAULTING
 *                        |
 *        RESUME: entries kept (ipc/pending.h), RUNNABLE     REFUSE: upcall, or the thread's end
 *
 * A fault of the memory server is the kernel's end. A fault in a space whose pager endpoint has
 * ended, or at an address that no region can cover, is refused by the kernel itself.
 */
#pragma once

#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "task/thread.h"

/* Current met a page fault; `access` is one of FAULT_READ, _WRITE, _EXEC. */
void fault_take(struct thread *self, uint64_t address, uint32_t access);

/*
 * Answer the fault of `faulted` with what is in the registers of `self`: FAULT_REPLY_WAIT, REPLY.
 *
 * Returns:   ERR_OK; ERR_INVAL: unknown action or cause, malformed entry.
 * On error:  nothing changed.
 */
MUST_USE enum err fault_answer(struct thread *self, struct thread *faulted);

/*
 * Called by fastpath_fault.S for what it does not do itself: carry out the one entry of a fault's
 * answer.
 *
 * Refused: counted, and the thread faults again. Requires: nothing is kept in ipc/pending.c.
 */
void fault_install(struct thread *faulted, uint64_t where, uint64_t what);
