/* SPDX-License-Identifier: MIT */
/*
 * The hand: what the only thread of the space under test runs. A copy of these bytes is put into
 * that space, so nothing here depends on where it lies, and it uses no memory of its own.
 *
 *   a job comes as the answer of its call:   a0 = HAND_..., a1 = address, a2 = word to store
 *   what became of it goes out with the next: a0 = cause of the upcall (0: none), a1 = its detail,
 *                                             a2 = word read, or pc of the upcall, a3 = its access
 *
 * s2..s5 hold a0..a3 of the next call, s6 and s7 the job, s8 where an upcall goes on.
 */
#include "guest_code.h"

    .section .rodata.hand, "a", @progbits
    .balign 8
    .option push
    .option norelax
    .globl hand_code
    .type hand_code, @object
hand_code:
    li t0, HAND_SYS_UPCALL_SET
    li t1, 0
    lla a0, hand_upcall
    mv a1, sp
    ecall
    bnez t0, hand_give_up
    li s2, 0
    li s3, 0
    li s4, 0
    li s5, 0
hand_next:
    li t0, HAND_SYS_CALL
    li t1, HAND_SLOT
    li t2, 0
    mv a0, s2
    mv a1, s3
    mv a2, s4
    mv a3, s5
    li a4, 0
    li a5, 0
    li a6, 0
    li a7, 0
    ecall
    bnez t0, hand_give_up
    mv s6, a1
    mv s7, a2
    li s2, 0
    li s3, 0
    li s4, 0
    li s5, 0
    lla s8, hand_next
    li t0, HAND_WRITE
    beq a0, t0, hand_write
    li t0, HAND_EXEC
    beq a0, t0, hand_load
    ld s4, 0(s6)
    j hand_next
hand_write:
    sd s7, 0(s6)
    j hand_next
hand_load:
    lla s8, hand_fetch
    lb zero, 0(s6)
hand_fetch:
    li s2, 0
    li s3, 0
    li s4, 0
    li s5, 0
    lla s8, hand_next
    jr s6

/* in: a0 = cause, a1 = detail, a2 = struct upcall_context. Goes on at s8. */
hand_upcall:
    sd a0, HAND_CONTEXT_S2(a2)
    sd a1, HAND_CONTEXT_S3(a2)
    ld t0, HAND_CONTEXT_PC(a2)
    sd t0, HAND_CONTEXT_S4(a2)
    ld t0, HAND_CONTEXT_ACCESS(a2)
    sd t0, HAND_CONTEXT_S5(a2)
    ld t0, HAND_CONTEXT_S8(a2)
    sd t0, HAND_CONTEXT_PC(a2)
    li t0, HAND_SYS_UPCALL_RESUME
    li t1, 0
    ecall
hand_give_up:
    li t0, HAND_SYS_EXIT
    li t1, 0
    li a0, 1
    ecall
    j hand_give_up
    .globl hand_code_end
hand_code_end:
    .size hand_code, . - hand_code
    .option pop
