/* SPDX-License-Identifier: MIT */
/*
 * The first instructions of the kernel, and the first page table.
 *
 * The image is linked at DIRECT_BASE + its physical address. Until paging is on, code runs at
 * physical addresses, which is fine for everything that is relative to pc.
 */
#include "riscv/entry.h"
#include "riscv/trap_macros.inc"

    .section .text.entry, "ax"

/* Linux Image header (Documentation/riscv/boot-image-header): firmware and boot loaders read it. */
    .globl entry
entry:
    .option push
    .option norvc
    j       entry_boot
    nop
    .option pop
    .dword  0x200000                /* offset from the start of RAM */
    .dword  ld_bytes      /* size with bss */
    .dword  0                       /* flags: little-endian */
    .word   0x2                     /* header version 0.2 */
    .word   0
    .dword  0
    .ascii  "RISCV\0\0\0"
    .ascii  "RSC\x05"
    .word   0

/*
 * entry_boot: clear bss, turn paging on, call boot_main.
 *
 * Only the first hart that comes here boots. OpenSBI 1.1 can send another one: it marks a
 * hart as started before it writes down where, and a hart that looks in between comes to where the
 * first one went.
 *
 * In:        a0 = hart id, a1 = physical address of the device tree; paging off
 * Out:       does not return
 * Destroyed: everything
 * Stack:     sets its own
 */
entry_boot:
    csrw    sie, zero
    li      t0, ENTRY_SSTATUS_CLEAR
    csrc    sstatus, t0
    la      t0, entry_is_taken
    li      t1, 1
    amoswap.w.aqrl t1, t1, (t0)
    bnez    t1, entry_astray

    la      t0, ld_bss
    la      t1, ld_bss_end
1:  bgeu    t0, t1, 2f              /* both are multiples of 64 */
    .irp    at, 0,8,16,24,32,40,48,56
    sd      zero, \at(t0)
    .endr
    addi    t0, t0, 64
    j       1b

    /*
     * The first root has one entry: the GiB that the kernel is in, with all rights, for a moment.
     */
2:  la      t0, boot_first_root
    li      t1, 4096
    add     t1, t0, t1
    mv      t2, t0
3:  sd      zero, 0(t2)
    addi    t2, t2, 8
    bltu    t2, t1, 3b
    la      t1, entry
    srli    t1, t1, 30
    slli    t2, t1, 28              /* frame number of the GiB, in its place in an entry */
    ori     t2, t2, ENTRY_PTE_ALL
    addi    t1, t1, ENTRY_DIRECT_ROOT_FIRST
    slli    t1, t1, 3
    add     t1, t0, t1
    sd      t2, 0(t1)

    /*
     * The next fetch after satp faults, since nothing maps it: the trap goes to the high address.
     */
    li      t3, ENTRY_DIRECT_BASE
    la      t1, entry_high
    add     t1, t1, t3
    csrw    stvec, t1
    srli    t0, t0, 12
    li      t2, ENTRY_SATP_SV39
    or      t0, t0, t2
    sfence.vma
    csrw    satp, t0
    .balign 4
entry_high:
    sfence.vma
    la      t0, entry_trap
    csrw    stvec, t0
    la      sp, ld_stack_top
    li      ra, 0
    li      gp, 0
    li      tp, 0
    li      s0, 0
    tail    boot_main

/*
 * entry_astray: a hart that is not the first. If it was asked for, its struct hart is filled, and
 * it starts as if it had come to entry_hart; else it goes back to the firmware, which can start it.
 *
 * In:        a0 = hart id; paging off
 * Out:       does not return
 * Destroyed: everything
 * Stack:     not used
 */
entry_astray:
    fence
    la      a1, harts
    li      t0, HARTS - 1
1:  addi    a1, a1, HART_BYTES
    ld      t1, HART_ID(a1)
    ld      t2, HART_IDLE_SATP(a1)  /* 0: not filled */
    bne     t1, a0, 2f
    beqz    t2, 2f
    li      t1, ENTRY_DIRECT_BASE
    add     a1, a1, t1
    j       entry_hart
2:  addi    t0, t0, -1
    bnez    t0, 1b
    li      a7, ENTRY_SBI_HSM
    li      a6, ENTRY_SBI_HART_STOP
    ecall
3:  wfi
    j       3b

/*
 * entry_trap: where traps go until the kernel has set up its own way.
 *
 * In:        scause, sepc, stval
 * Out:       does not return
 * Destroyed: everything
 * Stack:     starts over at the top
 */
    .balign 4
entry_trap:
    la      sp, ld_stack_top
    csrr    a0, scause
    csrr    a1, sepc
    csrr    a2, stval
    tail    boot_trap

/*
 * entry_hart: where a hart starts that the boot hart asked for.
 *
 * In:        a0 = hart id, a1 = its struct hart, filled; paging off
 * Out:       does not return
 * Destroyed: everything
 * Stack:     sets its own
 */
    .globl  entry_hart
entry_hart:
    csrw    sie, zero
    li      t0, ENTRY_SSTATUS_CLEAR
    csrc    sstatus, t0
    li      t3, ENTRY_DIRECT_BASE
    la      t1, entry_hart_high
    add     t1, t1, t3
    csrw    stvec, t1
    sub     t2, a1, t3
    ld      t0, HART_IDLE_SATP(t2)
    sfence.vma
    csrw    satp, t0                /* the next fetch faults, as above */
    .balign 4
entry_hart_high:
    sfence.vma
    fence.i
    la      t0, trap_entry
    csrw    stvec, t0
    mv      tp, a1
    csrw    sscratch, tp
    ld      sp, HART_STACK(tp)
    li      ra, 0
    li      gp, 0
    li      s0, 0
    tail    harts_join

/* Not in bss, which the first hart clears, nor in what is summed, since it is written before. */
    .section .entry_data, "aw"
    .balign 4
entry_is_taken:
    .word   0
