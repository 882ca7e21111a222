/* SPDX-License-Identifier: MIT */
/*
 * Counting instructions, where the machine does.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Instructions that this hart has executed, user and kernel. */
static inline uint64_t count_instructions(void)
{
    uint64_t count;
    __asm__ volatile("rdinstret %0" : "=r"(count));
    return count;
}

/* Whether the machine counts instructions, as it does with -icount, and not its host's time. */
bool count_is_exact(void);
