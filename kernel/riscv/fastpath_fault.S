/* SPDX-License-Identifier: MIT */
/*
 * Page faults that meet a waiting memory server, and its answers with one page: as fastpath.S, with
 * its registers and what it says of unusual cases.
 *
 * A page is zeroed as mm/fill.h draws it, without the lock, unless there is one hart only. What is
 * shared with C besides: the near table of mm/quick.h, the words of mm/frame.h.
 */
#include "riscv/fastpath_macros.inc"

        .section .text.fastpath, "ax", @progbits

/*
 * A page fault. in: ra = current, all its registers saved, pc too.
 */
        .balign 16
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
        sd      a1, THREAD_FAULT_ACCESS(ra)
        GIVE_TOKEN STATE_FAULTING
        ld      s6, HART_FAULT_COUNT(tp)
        ld      a2, THREAD_PC(ra)
        ld      t1, SPACE_BADGE(s1)
        addi    s6, s6, 1
        sd      s6, HART_FAULT_COUNT(tp)
        li      t2, FAST_IPC_FAULT
        ZERO    a3, a4, a5, a6, a7
        j       fast_leave

/*
 * FAULT_REPLY_WAIT: t1 = handle, t3:t4 = token, t5 = action, a0, a1 = one entry, a2..a7 = 0. Fast
 * is: one page, the faulted one, zeroed or as it is.
 */
        .balign 16
        .globl  fastpath_fault_reply
fastpath_fault_reply:
        or      t6, a2, a3
        or      t6, t6, a4
        or      t6, t6, a5
        or      t6, t6, a6
        or      t6, t6, a7
        or      t6, t6, t5              /* FAULT_RESUME is 0 (riscv/offsets.h) */
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
        li      s8, 1
        slli    s8, s8, FAST_FRAME_COUNT_SHIFT
        lbu     s5, HART_IS_ALONE(tp)
        addi    s8, s8, FAST_FRAME_USER
        beqz    s5, install_filled
        call    page_zero
        mv      ra, s0
        mv      t6, s1
        j       install_store

/* Busy, and the leaf not valid, as fill_begin_leaf() does it. a0 = page */
install_filled:
        addi    s8, s8, FAST_FRAME_BUSY - FAST_FRAME_USER
        addi    s11, s11, -FAST_PTE_VALID
        li      s5, FAST_FRAME_USER << 32 | 1   /* kind, count */
        sd      s8, 0(s7)
        sd      s11, 0(s6)
        sd      s7, HART_FILL_WORD(tp)
        sd      s6, HART_FILL_SLOT(tp)
        sd      s5, HART_FILL_COUNT(tp)
        sd      t6, HART_CURRENT(tp)    /* whom others may end meanwhile */
        ld      s3, HART_KERNEL_LOCK(tp)
        UNLOCK_KERNEL s3
        call    page_zero
        LOCK_KERNEL s3, s4, fill_busy
fill_locked:
        mv      ra, s0
        mv      t6, s1
        /* As fill_commit() does it, unless that has done it already, or the leaf was changed. */
        lw      s4, HART_FILL_COUNT(tp)
        ld      s5, HART_RESCHEDULE(tp)
        beqz    s4, install_look
        ld      s4, 0(s6)
        bne     s4, s11, fill_changed
        addi    s11, s11, FAST_PTE_VALID
        addi    s8, s8, FAST_FRAME_USER - FAST_FRAME_BUSY
        sd      s8, 0(s7)
        fence   w, w
        sd      s11, 0(s6)
        sw      zero, HART_FILL_COUNT(tp)
install_look:
        bnez    s5, trap_again          /* also if there is no current thread any more */
        j       install_done

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

fill_busy:
        call    harts_enter
        j       fill_locked
fill_changed:
        addi    a0, tp, HART_FILL
        call    fill_commit
        mv      ra, s0
        mv      t6, s1
        ld      s5, HART_RESCHEDULE(tp)
        j       install_look

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
        sd      t6, HART_CURRENT(tp)
        call    fault_install
        mv      ra, s0
        mv      t6, s1
        ld      s5, HART_RESCHEDULE(tp)
        j       install_look

        SLOW    fault_reply_slow, SYS_FAULT_REPLY_WAIT, ipc_fault_reply_wait
