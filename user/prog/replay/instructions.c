/* SPDX-License-Identifier: MIT */
/*
 * The one place of the program that asks which machine it is compiled for.
 */
#include "instructions.h"

#include <unistd.h>

/* There where the counter runs, but counts something else (sbi/README.md). */
#define UNCOUNTED "/boot/uncounted"

uint64_t instructions_now(void)
{
    uint64_t count = 0;

    if (access(UNCOUNTED, F_OK) == 0) {
        return 0;
    }
#if defined(__riscv) && __riscv_xlen == 64
    __asm__ volatile("rdinstret %0" : "=r"(count));
#endif
    return count;
}
