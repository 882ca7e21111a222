/* SPDX-License-Identifier: MIT */
/*
 * Upcalls: a thread is made to continue at an entry that it registered, its state kept for it in
 * its message page (struct upcall_context, abi/fault.h).
 *
 *     OUT --upcall_enter()--> IN --upcall_resume()--> OUT
 *     IN, or not registered --upcall_enter()--> end
 *
 * Owner: the thread itself, or who owns it while it waits.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <abi/fault.h>
#include <base/attr.h>

#include "task/thread.h"

/*
 * Make `thread`, whose x[] is its full user state, continue at its upcall entry; end it if there is
 * none, or if it is in an upcall already.
 *
 * Requires:  task_lock is not held; the caller owns the thread (running, or detached from its
 *            wait).
 * Returns:   whether it lives.
 */
bool upcall_enter(struct thread *thread, enum cause cause, uint64_t detail, uint64_t access);

/* The kernel call UPCALL_RESUME: restore the context; ERR_INVAL in the registers if there is
 * none. */
void upcall_resume(struct thread *self);
