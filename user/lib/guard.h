/* SPDX-License-Identifier: MIT */
/*
 * The stack protector: functions that the compiler guards put a value between their variables and
 * the return address, and look at it before they return.
 */
#pragma once

#include <stdint.h>

#include <base/attr.h>

/* The value, another one in every process; its first byte in memory is 0, which ends strings. */
extern uint64_t __stack_chk_guard;

/* Choose the value from a process's random bytes. Called before any function that is guarded. */
void guard_init(const uint64_t random[2]);

/* Called by a guarded function that finds its value changed: say so and end with status 134. */
NORETURN void __stack_chk_fail(void);
