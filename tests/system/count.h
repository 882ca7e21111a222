/* SPDX-License-Identifier: MIT */
/*
 * Counting instructions, where the machine does; and how much of something a run is asked for.
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

/*
 * The number in the program's first word, if that is `NAME=NUMBER`: the word is taken out, so that
 * the others can be given to TAP_RUN. Otherwise `otherwise`.
 */
uint64_t count_asked(int *argc, char **argv, const char *name, uint64_t otherwise);
