/* SPDX-License-Identifier: MIT */
/*
 * The frequent messages, without C and without the scheduler: a call to a thread that waits for it, the answer
 * to a caller by a server that then waits, and the same two for page faults.
 *
 * The words of a message stay in a0..a7. Each path first saves what a kernel call preserves, then only looks;
 * as soon as anything is unusual it goes to the complete path in ipc/ with nothing changed but locks taken
 * and given back. Unusual are: handles in the message, a handle beyond the first frame of slots, flags at
 * either thread (thread.home: another hart, bits of a notification, a time-out, a stop), nobody waiting, a
 * queue of senders, an answer to a less urgent thread.
 *
 * What is shared with C: the states and rules of task/thread.h, the locks of ipc/endpoint.h, the FPU rule
 * of task/fpu.h. No stack is used.
 *
 * Registers all through: tp = hart, ra = current, t6 = the thread to switch to.
 */
#include "riscv/offsets.h"
#include "riscv/trap_macros.inc"

#define RIGHT_CALL    0x01 /* abi/ipc.h; checked in trap.c */
#define RIGHT_RECEIVE 0x02
#define SSTATUS_FS    0x6000
#define ID_RIGHTS     8 /* width of the rights in slot.id */

/*
 * The endpoint that handle t1 names, locked.
 * in: ra, tp, t1 < SLOTS_FIRST. out: s1 = slot, s2 = endpoint, s4 = its lock. destroys s3, s5.
 * \slow: it is not an endpoint with \right, or its frame is another's by now, or the lock is taken;
 * \slow_locked: it has ended.
 */
        .macro  FIND_ENDPOINT right, slow, slow_locked
        ld      s1, THREAD_SLOTS(ra)
        slli    s3, t1, SLOT_SHIFT
        add     s1, s1, s3
        ld      s3, SLOT_ID(s1)
        andi    s4, s3, \right          /* only endpoints have it (task/handle.h I2) */
        beqz    s4, \slow
        ld      s2, SLOT_OBJECT(s1)
        ld      s5, HART_FRAME_BIAS(tp)
        srli    s4, s2, 12
        slli    s4, s4, 3
        add     s4, s4, s5
        ld      s4, 0(s4)
        ld      s5, SLOT_STAMP(s1)
        bne     s4, s5, \slow
        addi    s4, s2, ENDPOINT_LOCK
        li      s5, 1
        amoswap.w.aq s5, s5, (s4)
        bnez    s5, \slow
        ld      s5, OBJECT_ID(s2)
        xor     s5, s5, s3
        srli    s5, s5, ID_RIGHTS
        bnez    s5, \slow_locked
        .endm

        .macro  UNLOCK                  /* in: s4 */
        amoswap.w.rl zero, zero, (s4)
        .endm

/*
 * Leave current and enter t6, whose results are in t0..t5 and a0..a7.
 * in: s0 = pc of current, s5 = satp of t6
 */
        .macro  SWITCH
        sd      s0, THREAD_PC(ra)
        ld      s6, HART_FPU_OWNER(tp)
        ld      s0, THREAD_PC(t6)
        beq     s6, ra, 2f
        beq     s6, t6, 3f
1:      sd      t6, HART_CURRENT(tp)
        csrw    satp, s5
        sfence.vma
        csrw    sepc, s0
        EACH_PRESERVED ld, t6
        ld      tp, THREAD_TP(t6)
        li      ra, 0
        li      t6, 0
        sret
2:      li      s6, SSTATUS_FS          /* current has the FPU: the other one must not see it */
        csrc    sstatus, s6
        j       1b
3:      li      s6, SSTATUS_FS          /* what it left in the FPU is still there */
        csrs    sstatus, s6
        j       1b
        .endm

        .section .text.fastpath, "ax", @progbits

/*
 * CALL: t1 = handle, t2 = tag, a0..a7 = words.
 */
        .balign 64
        .globl  fastpath_call
fastpath_call:
        srli    t6, t2, ID_RIGHTS       /* handles in the message, or an illegal tag */
        bnez    t6, call_slow
        sltiu   t6, t1, SLOTS_FIRST
        beqz    t6, call_slow
        EACH_PRESERVED sd, ra
        csrr    s0, sepc
        FIND_ENDPOINT RIGHT_CALL, call_slow_saved, call_slow_locked
        ld      t6, ENDPOINT_RECEIVERS(s2)
        addi    s6, s2, ENDPOINT_RECEIVERS
        beq     t6, s6, call_slow_locked
        addi    t6, t6, -THREAD_LINK
        ld      s5, THREAD_HOME(t6)
        bne     s5, tp, call_slow_locked

        /* Point of no return. The receiver is taken out of the queue. */
        ld      s5, THREAD_LINK(t6)
        sd      s5, ENDPOINT_RECEIVERS(s2)
        sd      s6, 8(s5)
        ld      s7, THREAD_NUMBER(t6)
        sd      s7, ENDPOINT_SERVER(s2)
        li      s5, STATE_RUNNING
        sw      s5, THREAD_STATE(t6)
        UNLOCK

        /* The caller waits for its token, the receiver runs with its urgency. */
        ld      s5, HART_TOKEN(tp)
        li      s7, 1
        amoadd.d s7, s7, (s5)
        ld      s5, THREAD_SATP(t6)
        addi    t3, s7, 1
        lw      s6, THREAD_PRIORITY(ra)
        li      s7, STATE_CALLING
        sw      s7, THREAD_STATE(ra)
        sd      t3, THREAD_SERIAL(ra)
        sd      s5, THREAD_PARTNER(ra)
        sw      s6, THREAD_PRIORITY(t6)
        addi    s0, s0, 4
        ld      t1, SLOT_BADGE(s1)
        ld      t4, THREAD_NUMBER(ra)
        li      t0, 0
        li      t2, 0
        li      t5, 0
        SWITCH

call_slow_locked:
        UNLOCK
call_slow_saved:
        la      t6, ipc_call
        j       trap_all_saved
call_slow:
        la      t6, ipc_call
        j       trap_all

/*
 * REPLY_WAIT: t1 = handle, t2 = tag, t3:t4 = token, a0..a7 = words.
 */
        .balign 64
        .globl  fastpath_reply_wait
fastpath_reply_wait:
        srli    t6, t2, ID_RIGHTS
        bnez    t6, reply_slow
        sltiu   t6, t1, SLOTS_FIRST
        beqz    t6, reply_slow
        EACH_PRESERVED sd, ra
        csrr    s0, sepc

        /* The caller: exists, is not less urgent, and waits for an answer of this space. */
        ld      s5, HART_THREAD_MAX(tp)
        ld      s6, HART_THREADS(tp)
        bgeu    t4, s5, reply_slow_saved
        slli    s5, t4, 3
        add     s5, s5, s6
        ld      t6, 0(s5)
        ld      s7, THREAD_HOME(ra)
        beqz    t6, reply_slow_saved
        bne     s7, tp, reply_slow_saved
        ld      s5, THREAD_HOME(t6)
        lw      s6, THREAD_STATE(t6)
        li      s7, STATE_CALLING
        bne     s5, tp, reply_slow_saved
        bne     s6, s7, reply_slow_saved
        ld      s5, THREAD_PARTNER(t6)
        ld      s6, THREAD_SATP(ra)
        lw      s7, THREAD_PRIORITY(t6)
        lw      s8, THREAD_PRIORITY(ra)
        bne     s5, s6, reply_slow_saved
        bltu    s7, s8, reply_slow_saved

        FIND_ENDPOINT RIGHT_RECEIVE, reply_slow_saved, reply_slow_locked
        addi    s6, s2, ENDPOINT_SENDERS
        ld      s5, ENDPOINT_SENDERS(s2)
        bne     s5, s6, reply_slow_locked
        addi    s5, t6, THREAD_SERIAL
        lr.d    s6, (s5)
        bne     s6, t3, reply_slow_locked
        sc.d    s6, zero, (s5)
        bnez    s6, reply_slow_locked

        /* Point of no return. The server is the last among the receivers. */
        addi    s6, s2, ENDPOINT_RECEIVERS
        ld      s7, 8(s6)
        addi    s8, ra, THREAD_LINK
        sd      s8, 0(s7)
        sd      s8, 8(s6)
        sd      s6, THREAD_LINK(ra)
        sd      s7, THREAD_LINK + 8(ra)
        sd      s2, THREAD_WAITS_ON(ra)
        li      s7, STATE_RECEIVING
        sw      s7, THREAD_STATE(ra)
        UNLOCK

        li      s7, STATE_RUNNING
        sw      s7, THREAD_STATE(t6)
        ld      s5, THREAD_SATP(t6)
        addi    s0, s0, 4
        li      t0, 0
        li      t1, 0
        li      t2, 0
        li      t3, 0
        li      t4, 0
        li      t5, 0
        SWITCH

reply_slow_locked:
        UNLOCK
reply_slow_saved:
        la      t6, ipc_reply_wait
        j       trap_all_saved
reply_slow:
        la      t6, ipc_reply_wait
        j       trap_all
