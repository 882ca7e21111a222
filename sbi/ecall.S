/* SPDX-License-Identifier: MIT */
/*
 * The ecall to the firmware (SBI 2.0 ch.3: binary encoding).
 */
    .text

/*
 * sbi_call: one call.
 *
 * In:        a0..a5 arguments, a6 function, a7 extension: where the compiler puts eight arguments
 *            and where the firmware wants them are the same places
 * Out:       a0 error, a1 value: a structure of two words is returned in the same registers
 * Destroyed: nothing else
 * Stack:     not used
 */
    .globl sbi_call
    .type sbi_call, @function
sbi_call:
    ecall
    ret
    .size sbi_call, . - sbi_call
