/* SPDX-License-Identifier: MIT */
/*
 * What is said of other processes while they run: by the console's driver, so that no line of
 * theirs is in the middle of it, and by the kernel where there is no driver that answers.
 */
#pragma once

#include <stdint.h>

#include <base/attr.h>

/*
 * Say a line, with its newline, and keep it in the log. `console`: the driver's endpoint, or
 * HANDLE_NONE. A driver that does not take the line for a second is taken for dead.
 */
PRINTF_LIKE(2, 3) void say(uint64_t console, const char *format, ...);
