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
 * I1  A thread is in the queue exactly while pending_count != 0, and then has THREAD_PENDING.
 * Lock: pending_lock inside; memory_lock is taken under it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "task/thread.h"

/*
 * Keep `count` entries, 1..THREAD_PENDING_MAX, for `thread`.
 *
 * Requires:  the thread is FAULTING and has none; aspace_check() found them well formed.
 */
void pending_add(struct thread *thread, const struct map_entry *entries, uint64_t count);

/* Carry out everything that is kept, in order. */
void pending_flush(void);
