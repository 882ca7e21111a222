/* SPDX-License-Identifier: MIT */
#include "count.h"

#define ROUNDS UINT64_C(10000)

/* The loop took as many instructions as it has, give or take those of counting. */
static bool count_matches(void)
{
    uint64_t left = ROUNDS;
    const uint64_t start = count_instructions();
    __asm__ volatile("1: addi %0, %0, -1\n\tbnez %0, 1b" : "+r"(left));
    const uint64_t taken = count_instructions() - start;

    return taken >= 2 * ROUNDS && taken < 2 * ROUNDS + 20;
}

bool count_is_exact(void)
{
    /* Some emulators count what other harts do meanwhile, so once need not be enough. */
    return count_matches() || count_matches() || count_matches();
}
