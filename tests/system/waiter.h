/* SPDX-License-Identifier: MIT */
/*
 * Knowing that a thread has come to its wait, on however many harts and however slow they are.
 *
 * Not here: threads that wait for a message; nobody can see that.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Let others run until a thread waits for the notification, of which no bits are set; at most ten
 * seconds.
 *
 * Returns:   whether one does; if not, the running test has failed.
 */
bool waiter_is_there(uint64_t notification);
