/* SPDX-License-Identifier: MIT */
/*
 * Bytes to and from whoever is in front of the machine: by the console if the process was given
 * one, else by the log handle.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Write all of it; in the log it is a warning if `is_error`. Returns: `count`, or -1 with errno if
 * nothing could be written.
 */
ssize_t console_write(const void *buffer, size_t count, bool is_error);

/*
 * Wait for at least one byte and take what is there, up to the end of a line. Carriage return is a
 * newline; control-D is the end of the input.
 *
 * Returns: bytes taken; 0 at the end of the input; -1 with errno.
 */
ssize_t console_read(void *buffer, size_t count);
