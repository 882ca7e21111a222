/* SPDX-License-Identifier: MIT */
/*
 * Entry to the kernel and return to user mode.
 *
 * In user mode sscratch is the hart; from the entry on tp is, and sscratch as well, so that a trap
 * of the kernel's own still finds it. Interrupts stay masked in the kernel.
 *
 *   ecall, CALL and REPLY_WAIT ...........  fastpath.S; what is unusual there comes to trap_all
 *   ecall, results in t0 and a0 ..........  trap_simple: sp, tp saved; C keeps s0..s11
 *   ecall, blocking or many results ......  trap_all: everything saved, C works on struct thread
 *   exceptions and interrupts ............  trap_other: everything saved
 *
 * The kernel lock is taken where C, or what C changes too, begins, and given back behind it. Once
 * a hart has it, it looks whether something is due (HART_RESCHEDULE): then everything is saved as
 * it was before the trap, which happens again when the thread runs again (trap_again).
 *
 * The only stack is the hart's, from its top. C code never changes tp and gp.
 */
#include "riscv/trap_macros.inc"

#define SSTATUS_SPP  0x100
#define SSTATUS_SPIE 0x20

/* Error numbers, from the only list. */
#define ERROR(name, number, text) .set ERR_##name, number
#include <abi/error.def>
#undef ERROR

        .text

/*
 * stvec. out to fastpath.S, trap_simple, trap_all: tp = hart, ra = current, its tp saved; all other
 * registers but t6 as in user mode (a kernel call may destroy ra and t6).
 */
        .balign 64
        .globl  trap_entry
trap_entry:
        csrrw   tp, sscratch, tp
        sd      t6, HART_SCRATCH(tp)
        csrr    t6, scause
        addi    t6, t6, -8              /* Privileged ISA 4.1.9: ecall from user mode */
        bnez    t6, trap_other
        csrrw   t6, sscratch, tp
        ld      ra, HART_CURRENT(tp)
        addi    t0, t0, -SYS_CALL
        sd      t6, THREAD_TP(ra)
        beqz    t0, fastpath_call
        addi    t0, t0, SYS_CALL - SYS_REPLY_WAIT
        beqz    t0, fastpath_reply_wait
        addi    t0, t0, SYS_REPLY_WAIT - SYS_FAULT_REPLY_WAIT
        beqz    t0, fastpath_fault_reply
        addi    t0, t0, SYS_FAULT_REPLY_WAIT

/* An ordinary call. in: as above */
trap_simple:
        sltiu   t6, t0, SYS_COUNT
        beqz    t6, trap_unknown
        beqz    t0, sys_null
        LOCK_KERNEL t6, ra, trap_simple_busy
        ld      ra, HART_CURRENT(tp)
        ld      t6, HART_RESCHEDULE(tp)
        bnez    t6, trap_simple_again
trap_simple_locked:
        sd      sp, THREAD_SP(ra)
        sd      t1, THREAD_X(6)(ra)
        ld      sp, HART_STACK(tp)
        la      ra, trap_calls
        slli    t6, t0, 3
        add     ra, ra, t6
        ld      t6, 0(ra)
        jalr    t6                      /* a0 = error, a1 = value */
        ld      ra, HART_CURRENT(tp)
        ld      t6, HART_RESCHEDULE(tp)
        csrr    t1, sepc
        addi    t1, t1, 4
        mv      t0, a0
        mv      a0, a1
        bnez    t6, trap_simple_switch
        ld      t6, HART_KERNEL_LOCK(tp)
        ld      sp, THREAD_SP(ra)
        UNLOCK_KERNEL t6
/* Return from a call with results in t0, a0. in: t1 = pc, ra = current, sp as in user mode */
trap_simple_return:
        csrw    sepc, t1
        ZERO    t1, t2, a1, a2, a3, a4, a5, a6, a7, t3, t4, t5, t6
        ld      tp, THREAD_TP(ra)
        li      ra, 0
        sret

/* No such call: nothing was looked at. */
trap_unknown:
        li      t0, ERR_NOSYS
/* NULL, number 0, needs no lock. */
        .globl  sys_null
sys_null:
        csrr    t1, sepc
        addi    t1, t1, 4
        li      a0, 0
        j       trap_simple_return

/* The call is done, but somebody else runs first. in: t0, a0 = results, t1 = pc, ra = current */
trap_simple_switch:
        beqz    ra, trap_again          /* but its thread was ended meanwhile */
        sd      t1, THREAD_PC(ra)
        ld      sp, THREAD_SP(ra)
        ZERO    t1, t2, a1, a2, a3, a4, a5, a6, a7, t3, t4, t5
        EACH_PRESERVED sd, ra
        EACH_TEMPORARY sd, ra
        sd      zero, THREAD_X(1)(ra)
        sd      zero, THREAD_X(31)(ra)
        j       trap_again

/* Save a call's registers, so that it could be made anew. in: ra = current. destroys t6 */
        .macro  SAVE_CALL
        EACH_PRESERVED sd, ra
        SAVE_CALL_REST
        .endm
        .macro  SAVE_CALL_REST
        EACH_TEMPORARY sd, ra
        sd      zero, THREAD_X(1)(ra)
        sd      zero, THREAD_X(31)(ra)
        csrr    t6, sepc
        sd      t6, THREAD_PC(ra)
        .endm

/* Another hart is in the kernel; it may take the thread away. */
trap_simple_busy:
        ld      ra, HART_CURRENT(tp)
        SAVE_CALL
        ld      sp, HART_STACK(tp)
        call    harts_enter
        ld      t6, HART_RESCHEDULE(tp)
        bnez    t6, trap_again
        ld      ra, HART_CURRENT(tp)
        EACH_TEMPORARY ld, ra
        ld      sp, THREAD_SP(ra)
        j       trap_simple_locked

trap_simple_again:
        SAVE_CALL
/* Whatever current was about to do: choose who runs. Locked; current, if any, is saved. */
        .globl  trap_again
trap_again:
        ld      sp, HART_STACK(tp)
        call    sched_switch
        j       trap_return

/*
 * A call that C does on struct thread. in: as at trap_entry, t6 = function(thread), t0 = number.
 * _saved: EACH_PRESERVED is done. _locked: the kernel lock is taken.
 */
        .globl  trap_all
trap_all:
        EACH_PRESERVED sd, ra
        .globl  trap_all_saved
trap_all_saved:
        li      s1, 0
        j       trap_all_rest
        .globl  trap_all_locked
trap_all_locked:
        li      s1, 1
trap_all_rest:
        mv      s0, t6
        SAVE_CALL_REST
        ld      sp, HART_STACK(tp)
        bnez    s1, trap_all_go
        call    harts_enter
trap_all_go:
        ld      t6, HART_RESCHEDULE(tp)
        bnez    t6, trap_again
        ld      a0, HART_CURRENT(tp)
        csrr    t0, sepc
        addi    t0, t0, 4
        sd      t0, THREAD_PC(a0)
        jalr    s0
        j       trap_exit

/* Reached through trap_calls: sp and ra have been changed. \name: as in syscall.def */
        .macro  ALL name, function
\name:
        ld      ra, HART_CURRENT(tp)
        ld      sp, THREAD_SP(ra)
        la      t6, \function
        EACH_PRESERVED sd, ra
        j       trap_all_locked
        .endm

        ALL     sys_call, ipc_call
        ALL     sys_reply_wait, ipc_reply_wait
        ALL     sys_fault_reply_wait, ipc_fault_reply_wait
        ALL     sys_reply, ipc_reply
        ALL     sys_call_timed, ipc_call_timed
        ALL     sys_wait, notify_wait
        ALL     sys_upcall_resume, upcall_resume
        ALL     sys_next_death, space_next_death

/* Exception or interrupt. in: tp = hart, sscratch = interrupted tp, t6 saved in the hart */
trap_other:
        csrr    t6, sstatus
        andi    t6, t6, SSTATUS_SPP
        bnez    t6, trap_own
        ld      t6, HART_CURRENT(tp)
        EACH_PRESERVED sd, t6
        EACH_TEMPORARY sd, t6
        sd      ra, THREAD_X(1)(t6)
        ld      s0, HART_SCRATCH(tp)
        csrrw   s1, sscratch, tp
        csrr    s2, sepc
        mv      ra, t6
        sd      s0, THREAD_X(31)(ra)
        sd      s1, THREAD_TP(ra)
        sd      s2, THREAD_PC(ra)
        j       fastpath_fault

/* What is not a page fault, or an unusual one. in: ra = current, tp; all registers saved */
        .globl  trap_other_saved
trap_other_saved:
        ld      sp, HART_STACK(tp)
        call    harts_enter
        .globl  trap_other_locked
trap_other_locked:
        ld      t6, HART_RESCHEDULE(tp)
        bnez    t6, trap_again
        ld      a0, HART_CURRENT(tp)
        ld      sp, HART_STACK(tp)
        call    trap_user

/* Leave the kernel; in: tp = hart; whoever is to run has all registers in struct thread */
trap_exit:
        ld      t6, HART_RESCHEDULE(tp)
        bnez    t6, trap_again
trap_return:
        ld      t6, HART_CURRENT(tp)
        ld      t1, HART_KERNEL_LOCK(tp)
        ld      t0, THREAD_PC(t6)
        UNLOCK_KERNEL t1
        csrw    sepc, t0
        mv      sp, t6                  /* offsets from sp make short instructions */
        EACH_TEMPORARY ld, sp
        ld      ra, THREAD_X(1)(sp)
        ld      tp, THREAD_TP(sp)
        ld      t6, THREAD_X(31)(sp)
        EACH_PRESERVED ld, sp
        sret

/* The first entry to user mode of a hart. in: tp = sscratch = hart, locked. Does not return */
        .globl  trap_start
trap_start:
        li      t0, SSTATUS_SPP | SSTATUS_SPIE
        csrc    sstatus, t0
        j       trap_again

/*
 * A trap of the kernel's own: it panics, on a stack of its own since the other one may be the
 * reason. in: tp = sscratch of before = hart, t6 saved in the hart.
 */
trap_own:
        csrw    sscratch, sp
        la      sp, trap_registers - THREAD_X(0)        /* as x[] of a thread */
        EACH_PRESERVED sd, sp
        EACH_TEMPORARY sd, sp
        csrr    t0, sscratch
        csrr    t2, sepc
        ld      t1, HART_SCRATCH(tp)
        sd      t2, THREAD_PC(sp)
        sd      ra, THREAD_X(1)(sp)
        sd      t0, THREAD_X(2)(sp)
        sd      tp, THREAD_X(4)(sp)
        sd      t1, THREAD_X(31)(sp)
        csrw    sscratch, tp
        la      sp, trap_own_stack_top
        call    trap_kernel

/* Functions by call number. */
        .section .rodata.trap_calls, "a"
        .balign 8
trap_calls:
#define SYSCALL(name, number, function, summary) .dword sys_##function
#include <abi/syscall.def>
#undef SYSCALL

        .section .bss.trap_own_stack, "aw", @nobits
        .balign 16
        .skip   4096
trap_own_stack_top:
