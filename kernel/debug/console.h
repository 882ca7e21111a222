/* SPDX-License-Identifier: MIT */
/*
 * The console of the firmware: bytes out and in, and lines with numbers for the kernel's own few
 * words.
 *
 * Out by SBI DBCN where it is there, else by the legacy call, one byte each.
 *
 * The log is the last of what was written by the kernel and by LOG_WRITE, with time, source and
 * level (abi/log.h), in a ring. Positions count bytes since the start of the machine and only grow.
 * What the ring has lost it loses by whole records.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/attr.h>

/* Find out what the firmware offers. Before it, nothing is printed. */
void console_init(void);

/*
 * Write bytes of kernel memory, and keep what was written in the log with source and level
 * (abi/log.h).
 *
 * Returns: how many were written, at least 1 unless length is 0.
 */
size_t console_write(const char *bytes, size_t length, uint64_t source, uint32_t level);

/* Position of the oldest record in the log. */
uint64_t console_log_first(void);

/*
 * Copy at most `room` bytes of the log from `position` on.
 *
 * Returns: how many; UINT64_MAX: `position` is not in the ring, nor its end.
 */
uint64_t console_copy_log(uint64_t position, char *to, uint64_t room);

/* Read one byte. Returns: it, or -1 if there is none. */
int console_read(void);

/*
 * Write to the console as printf() would: %s %c %d %u %x, the last three with l or ll too, and %%.
 */
PRINTF_LIKE(1, 2) void console_print(const char *format, ...);

/* The console is the firmware's newer one (DBCN). */
bool console_is_dbcn(void);
