/* SPDX-License-Identifier: MIT */
/*
 * How many instructions this hart has executed.
 */
#pragma once

#include <stdint.h>

/* The count now, or 0 where a program cannot read one. */
uint64_t instructions_now(void);
