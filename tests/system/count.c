/* SPDX-License-Identifier: MIT */
#include "count.h"

#include <stdlib.h>
#include <string.h>

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

uint64_t count_asked(int *argc, char **argv, const char *name, uint64_t otherwise)
{
    const size_t length = strlen(name);

    if (*argc < 2 || strncmp(argv[1], name, length) != 0 || argv[1][length] != '=') {
        return otherwise;
    }
    const uint64_t count = strtoull(argv[1] + length + 1, NULL, 10);

    memmove(&argv[1], &argv[2], (size_t)(*argc - 1) * sizeof(argv[0]));
    (*argc)--;
    return count;
}
