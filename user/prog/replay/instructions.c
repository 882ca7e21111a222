/* SPDX-License-Identifier: MIT */
/*
 * The one place of the program that asks which machine it is compiled for.
 */
#include "instructions.h"

uint64_t instructions_now(void)
{
    uint64_t count = 0;

#if defined(__riscv) && __riscv_xlen == 64
    __asm__ volatile("rdinstret %0" : "=r"(count));
#endif
    return count;
}
