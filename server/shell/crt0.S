/* SPDX-License-Identifier: MIT */
/*
 * First instructions of the memory server.
 *
 * In:        a0 = address of its message page; sp, gp, tp are zero; .bss is zero (the kernel loads
 * it so). Out:       never; main_start(a0) runs on the stack of the linker script.
 * Destroyed: sp, gp, tp = a0.
 */
    .section .text.start, "ax"
    .globl shell_start
    .type shell_start, @function
shell_start:
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    la sp, shell_stack_top
    mv tp, a0
    call main_start
    ebreak
    .size shell_start, . - shell_start
