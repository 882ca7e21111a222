/* SPDX-License-Identifier: MIT */
/*
 * Map entries that came with the answer to a fault and are carried out when the faulted thread
 * resumes.
 *
 * To the memory server it looks as if they had been carried out at once: they are kept in one queue
 * in the order in which they were given, and whoever looks at frames or page tables carries all of
 * them out first (pending_flush). They are never dropped, also when their thread ends. An entry
 * that is refused ends the entries of its thread, is counted in hart->refused_count, and the thread
 * faults again.
 *
 * The kernel lock is given back while frames are filled. Whoever comes to the queue then goes on
 * where its first thread is (pending_progress), and waits where it meets one of those frames.
 *
 * I1  A thread is in the queue exactly while pending_count != 0, and then has THREAD_PENDING.
 * Lock: the kernel lock alone; memory_lock is taken inside.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>

#include "task/thread.h"

/*
 * Keep `count` entries, 1..THREAD_PENDING_MAX, for `thread`.
 *
 * Requires:  the thread is FAULTING and has none; aspace_check() found them well formed.
 */
void pending_add(struct thread *thread, const struct map_entry *entries, uint64_t count);

/* The same where something is kept. */
MUST_USE bool pending_carry_out(void);

/*
 * Carry out everything that is kept, in order. Called before anything else is looked up: the kernel
 * lock may be given back meanwhile.
 *
 * Returns: whether current is the same as before; false: it was ended, there is none, and entries
 *          may be left.
 */
MUST_USE static inline bool pending_flush(void)
{
    return hart_self()->fault_look == 0 || pending_carry_out();
}
