/* SPDX-License-Identifier: MIT */
/*
 * The frequent messages, without C and without the scheduler: a call to a thread that waits for it,
 * the answer to a caller by a server that then waits.
 *
 * The words of a message stay in a0..a7. Each path first saves what a kernel call preserves, then
 * only looks; as soon as anything is unusual it goes to the complete path in ipc/ with nothing
 * changed but the kernel lock taken. Unusual are: handles in the message, a handle beyond the
 * first frame of slots, flags at either thread (thread.home: another hart, bits of a notification,
 * a time-out, a stop), nobody waiting, a queue of senders, an answer to a less urgent thread,
 * another hart in the kernel.
 *
 * Page faults and their answers are in fastpath_fault.S.
 *
 * What is shared with C: the states and rules of task/thread.h, the lock of riscv/lock.h, the
 * FPU rule of task/fpu.h, the near table of mm/quick.h. The stack is used by what is called only.
 *
 * Registers all through: tp = hart, ra = current, t6 = the thread to switch to.
 */
#include "riscv/fastpath_macros.inc"

        .section .text.fastpath, "ax", @progbits

/*
 * CALL: t1 = handle, t2 = tag, a0..a7 = words.
 */
        .balign 16
        .globl  fastpath_call
fastpath_call:
        srli    t6, t2, ID_RIGHTS       /* handles in the message, or an illegal tag */
        bnez    t6, call_slow
        sltiu   t6, t1, SLOTS_FIRST
        beqz    t6, call_slow
        EACH_PRESERVED sd, ra
        csrr    s0, sepc
        LOCK call_slow_saved, call_slow_locked
        FIND_SLOT FAST_RIGHT_CALL, call_slow_locked
        CHECK_STAMP call_slow_locked
        CHECK_ENDPOINT call_slow_locked
        TAKE_RECEIVER call_slow_locked
        GIVE_TOKEN STATE_CALLING
        addi    s0, s0, 4
        sd      s0, THREAD_PC(ra)
        ld      t1, SLOT_BADGE(s1)
        li      t2, 0
/* The way out of these two and of a fault. in: as SWITCH_SPACE, s11 = lock */
        .globl  fast_leave
fast_leave:
        SWITCH_SPACE
        UNLOCK_KERNEL s11
        EACH_PRESERVED ld, t6
        ld      tp, THREAD_TP(t6)
        ZERO    ra, t6
        sret

        SLOW    call_slow, SYS_CALL, ipc_call

/*
 * REPLY_WAIT: t1 = handle, t2 = tag, t3:t4 = token, a0..a7 = words.
 */
        .balign 16
        .globl  fastpath_reply_wait
fastpath_reply_wait:
        srli    t6, t2, ID_RIGHTS
        bnez    t6, reply_slow
        sltiu   t6, t1, SLOTS_FIRST
        beqz    t6, reply_slow
        EACH_PRESERVED sd, ra
        csrr    s0, sepc
        LOCK reply_slow_saved, reply_slow_locked
        FIND_WAITER STATE_CALLING, reply_slow_locked
        FIND_SLOT FAST_RIGHT_RECEIVE, reply_slow_locked
        ld      s4, THREAD_WAITS_ON(ra) /* where it received before: no stamp (task/thread.h I4) */
        bne     s2, s4, reply_slow_locked
        CHECK_ENDPOINT reply_slow_locked
        ANSWER_AND_WAIT reply_slow_locked
        ld      s5, THREAD_SATP(t6)
        addi    s0, s0, 4
        sd      s0, THREAD_PC(ra)
        ZERO    t0, t1, t2, t3, t4, t5
        j       fast_leave

        SLOW    reply_slow, SYS_REPLY_WAIT, ipc_reply_wait
