/* SPDX-License-Identifier: MIT */
/*
 * x86-64: the byte 0xc3 is a return; zeros are `add %al, (%rax)`, which with an address in rax that
 * is not canonical ends in a general protection fault: SIGSEGV with SI_KERNEL.
 */
#include "linux_fetch.h"

void fetch(uint64_t addr)
{
    uint64_t not_canonical = UINT64_C(1) << 63;

    /* The call's return address must not be put into the red zone. */
    __asm__ volatile("sub $128, %%rsp\n\t"
                     "call *%[addr]\n\t"
                     "add $128, %%rsp"
                     :
                     : [addr] "r"(addr), "a"(not_canonical)
                     : "memory", "cc");
}

bool fetch_was_zeros(int number, const siginfo_t *info)
{
    return number == SIGSEGV && info->si_code == SI_KERNEL;
}
