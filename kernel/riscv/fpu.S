/* SPDX-License-Identifier: MIT */
/*
 * Floating-point registers to memory and back; the only code of the kernel that touches them.
 */
        .attribute arch, "rv64g"
        .text

/* in: a0 = 33 words; destroys t0; no stack */
        .globl  fpu_save
fpu_save:
        .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
        fsd     f\n, 8 * \n(a0)
        .endr
        .irp    n, 16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        fsd     f\n, 8 * \n(a0)
        .endr
        frcsr   t0
        sd      t0, 256(a0)
        ret

/* in: a0 = 33 words; destroys t0; no stack */
        .globl  fpu_load
fpu_load:
        .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
        fld     f\n, 8 * \n(a0)
        .endr
        .irp    n, 16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        fld     f\n, 8 * \n(a0)
        .endr
        ld      t0, 256(a0)
        fscsr   t0
        ret
