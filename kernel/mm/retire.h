/* SPDX-License-Identifier: MIT */
/*
 * The end of boot: its code becomes ordinary memory.
 */
#pragma once

#include <base/attr.h>

/*
 * Make the pages of the boot code writable and no longer executable, and enter user mode.
 *
 * Lies outside of the boot code, which calls it as its last act. What the pages hold is no secret.
 */
NORETURN void retire_boot(void);
