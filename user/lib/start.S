/* SPDX-License-Identifier: MIT */
/*
 * Where a program starts: registers for C, then hf_start().
 *
 * in: sp = the start structure (hf/auxv.h). Everything else is 0. Does not return.
 */
    .section .text.start, "ax", @progbits
    .globl _start
    .type _start, @function
_start:
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    la tp, hf_tls_block
    mv a0, sp
    andi sp, sp, -16
    li fp, 0
    li ra, 0
    tail hf_start
    .size _start, . - _start
