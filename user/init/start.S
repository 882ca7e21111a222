/* SPDX-License-Identifier: MIT */
/*
 * Where init starts: a stack in its bss and registers for C, then init_start().
 *
 * in: a0 = address of the message page, which holds struct init_info. Everything else is 0. Does
 * not return.
 */
#define STACK_BYTES 32768

    .section .text.start, "ax", @progbits
    .globl _start
    .type _start, @function
_start:
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    la tp, hf_tls_block
    la sp, stack_end
    tail init_start
    .size _start, . - _start

    .section .bss.stack, "aw", @nobits
    .balign 16
    .space STACK_BYTES
stack_end:
