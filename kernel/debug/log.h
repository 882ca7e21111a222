/* SPDX-License-Identifier: MIT */
/*
 * The last of what was written to the console by the kernel and by LOG_WRITE, with time, source and
 * level (abi/log.h), in a ring.
 *
 * Positions count bytes since the start of the machine and only grow. What the ring has lost it
 * loses by whole records.
 *
 * Lock: console_lock, held by the caller; a panic goes without.
 */
#pragma once

#include <stdint.h>

#define LOG_BYTES 8192u

/* Keep a record of `length` bytes, less than half of the ring. */
void log_append(uint64_t source, uint32_t level, const char *bytes, uint64_t length);

/* Position of the oldest record. */
uint64_t log_first(void);

/*
 * Copy at most `room` bytes from `position` on.
 *
 * Returns: how many; UINT64_MAX: `position` is not in the ring, nor its end.
 */
uint64_t log_copy(uint64_t position, char *to, uint64_t room);
