/* SPDX-License-Identifier: MIT */
/*
 * The frequent messages, without C and without the scheduler: a call to a thread that waits for it,
 * the answer to a caller by a server that then waits, and the same two for page faults.
 *
 * The words of a message stay in a0..a7. Each path first saves what a kernel call preserves, then
 * only looks; as soon as anything is unusual it goes to the complete path in ipc/ with nothing
 * changed but the kernel lock taken. Unusual are: handles in the message, a handle beyond the
 * first frame of slots, flags at either thread (thread.home: another hart, bits of a notification,
 * a time-out, a stop), nobody waiting, a queue of senders, an answer to a less urgent thread,
 * another hart in the kernel.
 *
 * What is shared with C: the states and rules of task/thread.h, the lock of riscv/lock.h, the
 * FPU rule of task/fpu.h, the near table of mm/quick.h. The stack is used by what is called only.
 *
 * Registers all through: tp = hart, ra = current, t6 = the thread to switch to.
 */
#include "riscv/fastpath.h"
#include "riscv/offsets.h"
#include "riscv/trap_macros.inc"

#define ID_RIGHTS 8 /* width of the rights in slot.id */

/*
 * The slot of handle t1, if it has \right: only handles to endpoints do (task/handle.h I2).
 * in: ra, t1 < SLOTS_FIRST. out: s1 = slot, s2 = endpoint, s3 = its id with rights. destroys s4.
 */
        .macro  FIND_SLOT right, slow
        ld      s1, THREAD_SLOTS(ra)
        slli    s3, t1, SLOT_SHIFT
        add     s1, s1, s3
        ld      s3, SLOT_ID(s1)
        ld      s2, SLOT_OBJECT(s1)
        andi    s4, s3, \right
        beqz    s4, \slow
        .endm

/* The frame of endpoint s2 is still what it was when slot s1 was filled. destroys s4, s5. */
        .macro  CHECK_STAMP slow
        ld      s5, HART_FRAME_BIAS(tp)
        srli    s4, s2, 12
        slli    s4, s4, 3
        add     s4, s4, s5
        ld      s4, 0(s4)
        ld      s5, SLOT_STAMP(s1)
        bne     s4, s5, \slow
        .endm

/*
 * Lock the kernel, unless something is due on this hart. out: s11 = lock. destroys s4.
 */
        .macro  LOCK slow, slow_locked
        LOCK_KERNEL s11, s4, \slow
        ld      s4, HART_RESCHEDULE(tp)
        bnez    s4, \slow_locked
        .endm

/* Endpoint s2 lives if its id is s3 but for the rights. destroys s5. */
        .macro  CHECK_ENDPOINT slow
        ld      s5, OBJECT_ID(s2)
        xor     s5, s5, s3
        srli    s5, s5, ID_RIGHTS
        bnez    s5, \slow
        .endm

/*
 * That of the first HARTS receivers of endpoint s2 which is of this hart and has nothing due, out
 * of the queue. out: t6. destroys s5..s7.
 */
        .macro  TAKE_RECEIVER slow_locked
        ld      t6, ENDPOINT_RECEIVERS(s2)
        addi    s6, s2, ENDPOINT_RECEIVERS
        beq     t6, s6, \slow_locked
        ld      s5, THREAD_HOME - THREAD_LINK(t6)
        bne     s5, tp, 2f
1:      /* Point of no return. */
        ld      s5, 0(t6)
        ld      s6, 8(t6)
        sd      s5, 0(s6)
        sd      s6, 8(s5)
        addi    t6, t6, -THREAD_LINK
        .subsection 1
2:      li      s7, HARTS - 1           /* the first is not: look at the others */
3:      ld      t6, 0(t6)
        addi    s7, s7, -1
        beq     t6, s6, \slow_locked
        ld      s5, THREAD_HOME - THREAD_LINK(t6)
        beq     s5, tp, 1b
        bnez    s7, 3b
        j       \slow_locked
        .previous
        ld      s5, THREAD_NUMBER(t6)
        sd      s5, ENDPOINT_SERVER(s2)
        li      s5, STATE_RUNNING
        sw      s5, THREAD_STATE(t6)
        .endm

/*
 * Current waits for a token in \state, the receiver t6 runs with its urgency.
 * out: t3, t4 = token, s5 = satp of t6, t0 = t5 = 0. destroys s6, s7.
 */
        .macro  GIVE_TOKEN state
        ld      s7, HART_TOKEN(tp)
        ld      s5, THREAD_SATP(t6)
        ld      t3, 0(s7)
        addi    t3, t3, 1
        sd      t3, 0(s7)
        lw      s6, THREAD_PRIORITY(ra)
        li      s7, \state
        sw      s7, THREAD_STATE(ra)
        sd      t3, THREAD_SERIAL(ra)
        sd      s5, THREAD_PARTNER(ra)
        sw      s6, THREAD_PRIORITY(t6)
        ld      t4, THREAD_NUMBER(ra)
        li      t0, 0
        li      t5, 0
        .endm

/*
 * The thread that waits in \state for the token t3:t4, and may be answered by current without
 * asking the scheduler. out: t6. destroys s5..s8.
 */
        .macro  FIND_WAITER state, slow
        ld      s5, HART_THREAD_MAX(tp)
        ld      s6, HART_THREADS(tp)
        bgeu    t4, s5, \slow
        slli    s5, t4, 3
        add     s5, s5, s6
        ld      t6, 0(s5)
        ld      s7, THREAD_HOME(ra)
        beqz    t6, \slow
        ld      s5, THREAD_HOME(t6)
        lw      s6, THREAD_STATE(t6)
        bne     s7, tp, \slow
        bne     s5, tp, \slow
        li      s7, \state
        ld      s5, THREAD_PARTNER(t6)
        bne     s6, s7, \slow
        ld      s6, THREAD_SATP(ra)
        lw      s7, THREAD_PRIORITY(t6)
        lw      s8, THREAD_PRIORITY(ra)
        bne     s5, s6, \slow
        bltu    s7, s8, \slow
        .endm

/*
 * Answer t6 and wait at endpoint s2: use up the token, become the first receiver.
 * out: s5 = satp of t6. destroys s6..s8.
 */
        .macro  ANSWER_AND_WAIT slow_locked
        ld      s5, ENDPOINT_SENDERS(s2)
        addi    s6, s2, ENDPOINT_SENDERS
        bne     s5, s6, \slow_locked
        ld      s5, THREAD_SERIAL(t6)
        bne     s5, t3, \slow_locked
        sd      zero, THREAD_SERIAL(t6)
        /* Point of no return. */
        addi    s6, s2, ENDPOINT_RECEIVERS
        ld      s7, 0(s6)
        addi    s8, ra, THREAD_LINK
        sd      s8, 0(s6)
        sd      s8, 8(s7)
        sd      s7, THREAD_LINK(ra)
        sd      s6, THREAD_LINK + 8(ra)
        li      s7, STATE_RECEIVING
        sw      s7, THREAD_STATE(ra)
        li      s7, STATE_RUNNING
        sw      s7, THREAD_STATE(t6)
        .endm

/*
 * Leave current, whose pc is saved, for t6, whose results are in t0..t5 and a0..a7.
 * in: s5 = satp of t6. The second half restores what a kernel call preserves.
 */
        .macro  SWITCH_SPACE
        ld      s6, HART_FPU_OWNER(tp)
        ld      s7, THREAD_PC(t6)
        beq     s6, ra, 2f
        beq     s6, t6, 3f
1:      sd      t6, HART_CURRENT(tp)
        csrw    satp, s5
        sfence.vma
        csrw    sepc, s7
        .subsection 1
2:      li      s6, FAST_SSTATUS_FS          /* current has it: the other one must not see */
        csrc    sstatus, s6
        j       1b
3:      li      s6, FAST_SSTATUS_FS          /* what it left in the FPU is still there */
        csrs    sstatus, s6
        j       1b
        .previous
        .endm

        .macro  ENTER_CALLER
        UNLOCK_KERNEL s11
        EACH_PRESERVED ld, t6
        ld      tp, THREAD_TP(t6)
        li      ra, 0
        li      t6, 0
        sret
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
        SWITCH_SPACE
        ENTER_CALLER

call_slow_locked:
        li      t0, SYS_CALL
        la      t6, ipc_call
        j       trap_all_locked
call_slow_saved:
        li      t0, SYS_CALL
        la      t6, ipc_call
        j       trap_all_saved
call_slow:
        li      t0, SYS_CALL
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
        li      t0, 0
        li      t1, 0
        li      t2, 0
        li      t3, 0
        li      t4, 0
        li      t5, 0
        SWITCH_SPACE
        ENTER_CALLER

reply_slow_locked:
        li      t0, SYS_REPLY_WAIT
        la      t6, ipc_reply_wait
        j       trap_all_locked
reply_slow_saved:
        li      t0, SYS_REPLY_WAIT
        la      t6, ipc_reply_wait
        j       trap_all_saved
reply_slow:
        li      t0, SYS_REPLY_WAIT
        la      t6, ipc_reply_wait
        j       trap_all

/*
 * A page fault. in: ra = current, all its registers saved, pc too.
 */
        .balign 64
        .globl  fastpath_fault
fastpath_fault:
        csrr    s3, scause
        li      s4, FAST_TRAP_STORE_PAGE
        li      a1, FAST_FAULT_WRITE
        csrr    a0, stval
        beq     s3, s4, 1f
        li      s4, FAST_TRAP_LOAD_PAGE
        li      a1, FAST_FAULT_READ
        beq     s3, s4, 1f
        li      s4, FAST_TRAP_FETCH_PAGE
        li      a1, FAST_FAULT_EXEC
        bne     s3, s4, trap_other_saved
1:      li      s3, FAST_USER_PAGES     /* neither guard page: pages 1 .. FAST_USER_PAGES */
        srli    s5, a0, 12
        addi    s5, s5, -1
        ld      s1, THREAD_SPACE(ra)
        bgeu    s5, s3, trap_other_saved
        LOCK    trap_other_saved, trap_other_locked
        ld      s4, HART_FAULT_LOOK(tp)
        bnez    s4, trap_other_locked
        ld      s2, SPACE_PAGER + SLOT_OBJECT(s1) /* never NULL: the server's id is no object's */
        ld      s3, SPACE_PAGER + SLOT_ID(s1)
        CHECK_ENDPOINT trap_other_locked
        TAKE_RECEIVER trap_other_locked
        sd      a0, THREAD_FAULT(ra)
        sd      a1, THREAD_FAULT + 8(ra)
        GIVE_TOKEN STATE_FAULTING
        ld      s6, HART_FAULT_COUNT(tp)
        ld      a2, THREAD_PC(ra)
        ld      t1, SPACE_BADGE(s1)
        addi    s6, s6, 1
        sd      s6, HART_FAULT_COUNT(tp)
        li      t2, FAST_IPC_FAULT
        li      a3, 0
        li      a4, 0
        li      a5, 0
        li      a6, 0
        li      a7, 0
        SWITCH_SPACE
        ENTER_CALLER

/*
 * FAULT_REPLY_WAIT: t1 = handle, t3:t4 = token, t5 = action, a0, a1 = one entry, a2..a7 = 0. Fast
 * is: one page, the faulted one, zeroed or as it is.
 */
        .balign 64
        .globl  fastpath_fault_reply
fastpath_fault_reply:
        or      t6, a2, a3
        or      t6, t6, a4
        or      t6, t6, a5
        or      t6, t6, a6
        or      t6, t6, a7
        or      t6, t6, t5              /* FAULT_RESUME is 0 */
        bnez    t6, fault_reply_slow
        srli    t6, a1, FAST_MAP_PROT_SHIFT  /* operation, no flags, some protection */
        addi    t6, t6, -(FAST_MAP_INSTALL_ZERO << 8 | 1)
        sltiu   t0, t6, 7
        bnez    t0, 1f
        addi    t6, t6, -((FAST_MAP_INSTALL - FAST_MAP_INSTALL_ZERO) << 8)
        sltiu   t0, t6, 7
        beqz    t0, fault_reply_slow
1:      sltiu   t6, t1, SLOTS_FIRST
        beqz    t6, fault_reply_slow
        EACH_PRESERVED sd, ra
        csrr    s0, sepc
        LOCK    fault_reply_slow_saved, fault_reply_slow_locked
        FIND_WAITER STATE_FAULTING, fault_reply_slow_locked
        ld      s5, THREAD_FAULT(t6)    /* where == 1 page, that of the fault */
        li      s6, 1
        slli    s6, s6, FAST_MAP_PAGES_SHIFT
        srli    s5, s5, 12
        add     s5, s5, s6
        bne     s5, a0, fault_reply_slow_locked
        ld      s5, HART_FAULT_LOOK(tp) /* others' entries come first */
        bnez    s5, fault_reply_slow_locked
        FIND_SLOT FAST_RIGHT_RECEIVE, fault_reply_slow_locked
        ld      s4, THREAD_WAITS_ON(ra)
        bne     s2, s4, fault_reply_slow_locked
        CHECK_ENDPOINT fault_reply_slow_locked
        ANSWER_AND_WAIT fault_reply_slow_locked
        addi    s0, s0, 4
        sd      s0, THREAD_PC(ra)

        /* The server waits. From here on this is the faulted thread's own time. */
        ld      s2, THREAD_SPACE(t6)

        /* The entry in the table that was used last; s0 = what is in it. */
        ld      s4, SPACE_ASPACE + ASPACE_NEAR(s2)
        slli    s5, a0, 64 - FAST_MAP_PAGES_SHIFT
        ld      s6, SPACE_ASPACE + ASPACE_NEAR_TABLE(s2)
        srli    s5, s5, 64 - FAST_MAP_PAGES_SHIFT + 9
        bne     s4, s5, install_rest
        andi    s5, a0, 511
        slli    s5, s5, 3
        add     s6, s6, s5
        ld      s0, 0(s6)

        /* s7 = word of frame s9 in the frame table, s8 = what is in it. */
        slli    s9, a1, 64 - FAST_MAP_PROT_SHIFT
        ld      s5, HART_FRAME_START(tp)
        srli    s9, s9, 64 - FAST_MAP_PROT_SHIFT
        ld      s8, HART_FRAME_COUNT(tp)
        sub     s5, s9, s5
        ld      s7, HART_FRAME_WORDS(tp)
        bgeu    s5, s8, install_rest
        slli    s5, s5, 3
        add     s7, s7, s5
        ld      s8, 0(s7)

        /* s11 = leaf. An executable one wants a fence of its own. */
        srli    s10, a1, FAST_MAP_PROT_SHIFT
        ld      s11, HART_LEAF_FLAGS(tp)
        andi    s5, s10, 7
        add     s11, s11, s5
        lbu     s11, 0(s11)
        slli    s5, s9, FAST_PTE_PFN_SHIFT
        srli    s10, s10, 8
        andi    s4, s11, FAST_PTE_EXEC
        or      s11, s11, s5
        bnez    s4, install_rest
        addi    s10, s10, -FAST_MAP_INSTALL
        beqz    s10, install_as_it_is

        /* Zeroed, where nothing is: the frame is nobody's. */
        bnez    s0, install_rest
        li      s5, FAST_FRAME_CLEAN
        bltu    s5, s8, install_rest
        beq     s5, s8, install_fresh
        li      a0, FAST_DIRECT_HIGH
        slli    a0, a0, FAST_DIRECT_SHIFT - 12
        or      a0, a0, s9
        slli    a0, a0, 12
        ld      sp, HART_STACK(tp)
        mv      s0, ra
        mv      s1, t6
        call    page_zero
        mv      ra, s0
        mv      t6, s1
install_fresh:
        li      s8, 1
        slli    s8, s8, FAST_FRAME_COUNT_SHIFT
        addi    s8, s8, FAST_FRAME_USER
install_store:
        sd      s8, 0(s7)
        sd      s11, 0(s6)
install_done:
        ld      s5, THREAD_SATP(t6)
        ld      s3, HART_KERNEL_LOCK(tp)
        SWITCH_SPACE
        UNLOCK_KERNEL s3
        EACH_PRESERVED ld, t6
        EACH_TEMPORARY ld, t6
        ld      ra, THREAD_X(1)(t6)
        ld      tp, THREAD_TP(t6)
        ld      t6, THREAD_X(31)(t6)
        sret

/* As it is: one mapping more of a frame of a process, unless its count is full. */
install_as_it_is:
        bnez    s0, install_again
        andi    s5, s8, 0xff
        addi    s5, s5, -FAST_FRAME_USER
        bnez    s5, install_clean
        li      s5, 1
        slli    s5, s5, FAST_FRAME_COUNT_SHIFT
        add     s8, s8, s5
        bgeu    s8, s5, install_store
        j       install_rest
/* This page stands there with other rights, none of which it loses: the count stays. */
install_again:
        and     s5, s0, s11
        bne     s5, s0, install_rest
        srli    s5, s0, FAST_PTE_PFN_SHIFT
        andi    s0, s8, 0xff
        addi    s0, s0, -FAST_FRAME_USER
        bne     s5, s9, install_rest
        beqz    s0, install_store
        j       install_rest
install_clean:
        li      s5, FAST_FRAME_CLEAN    /* is mapped for the first time, and USER from now on */
        beq     s5, s8, install_fresh

/* Anything else is for C. in: t6, ra, a0, a1 as they were */
install_rest:
        mv      s0, ra
        mv      s1, t6
        mv      a2, a1
        mv      a1, a0
        mv      a0, t6
        ld      sp, HART_STACK(tp)
        call    fault_install
        mv      ra, s0
        mv      t6, s1
        j       install_done

fault_reply_slow_locked:
        li      t0, SYS_FAULT_REPLY_WAIT
        la      t6, fault_reply_wait
        j       trap_all_locked
fault_reply_slow_saved:
        li      t0, SYS_FAULT_REPLY_WAIT
        la      t6, fault_reply_wait
        j       trap_all_saved
fault_reply_slow:
        li      t0, SYS_FAULT_REPLY_WAIT
        la      t6, fault_reply_wait
        j       trap_all
