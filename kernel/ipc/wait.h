/* SPDX-License-Identifier: MIT */
/*
 * Ending waits from outside: time-outs, deaths, interruptions.
 *
 * A waiting thread belongs to the queue it is in, or to its token. Whoever takes it from there owns
 * it and gives it its next state: so a wait ends exactly once, whoever comes first.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>

#include "task/thread.h"

/*
 * Take `thread` from whatever it waits for, if it waits.
 *
 * Returns:   true: the caller owns it now, in an unchanged state; false: it did not wait.
 */
bool wait_detach(struct thread *thread);

/* Let the wait of `thread` end with TIMEDOUT at `latest`, not 0. */
void wait_set_timeout(struct thread *thread, uint64_t latest);

/* The wait of `thread` has no latest time any longer. */
void wait_cancel_timeout(struct thread *thread);

/* Make a thread runnable that the caller has detached; its call ends with `error` and `value`. */
void wait_finish(struct thread *thread, enum err error, uint64_t value);
