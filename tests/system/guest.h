/* SPDX-License-Identifier: MIT */
/*
 * How the programs that scripts start say what went wrong: one line, `failed: WHAT[: ERROR]`, and
 * status 1. The script shows that line.
 */
#pragma once

#include <stdbool.h>

#include <abi/error.h>

/* End the program with what failed, and why. */
_Noreturn void guest_fail(const char *what, enum err error);

/* End the program unless a call has succeeded. */
void guest_check(const char *what, enum err error);

/* End the program unless something holds. */
void guest_expect(const char *what, bool holds);

/* End the disk's driver, which the manifest lets this process do. */
void guest_end_driver(void);
