/* SPDX-License-Identifier: MIT */
/*
 * Requests about processes: SPACE_MAKE, CLONE, SPACE_END, THREAD_MAKE, DONATE, NEXT, BOOT_OBJECT;
 * and how deaths end them.
 *
 * Each function serves one request: judges its words (wire.h), does it, and fills the answer's
 * words. What gives out handles is undone when they cannot be delivered.
 *
 * Returns of all: what mem/proto.h says; ERR_INVAL and ERR_BADF of wire.h; errors of call_target().
 * On error nothing changed.
 */
#pragma once

#include <abi/error.h>
#include <base/attr.h>

#include "server/shell/call.h"

/* ERR_RANGE: priority above the caller's; ERR_PERM: privileges that he lacks; ERR_NOMEM. */
MUST_USE enum err process_space_make(struct call *call);

/* The same; ERR_NOMEM: the commit account too. */
MUST_USE enum err process_clone(struct call *call);

/*
 * ERR_STALE: the space has ended, and was forgotten before; ERR_PERM: it is init's, and the caller
 * is not.
 */
MUST_USE enum err process_space_end(struct call *call);

/* ERR_RANGE: priority above the highest of the space; ERR_NOMEM. */
MUST_USE enum err process_thread_make(struct call *call);

/* ERR_INVAL: what; ERR_NOMEM; ERR_NO_SLOT. */
MUST_USE enum err process_donate(struct call *call);

/* ERR_SRCH: no child; ERR_BUSY: another NEXT waits; ERR_WOULD_BLOCK: nowait, and none has ended. */
MUST_USE enum err process_next(struct call *call);

/* ERR_PERM: the caller is not init. */
MUST_USE enum err process_boot_object(struct call *call);

/* Deaths are there to be taken: end what they mean (abi/authority.h, NEXT_DEATH). */
void process_deaths(struct shell *shell);

/* The same for who holds no lock: so that what has ended is given back before he refuses. */
void process_take_deaths(struct shell *shell);
