/* SPDX-License-Identifier: MIT */
/*
 * Numbers of C that assembly needs: where the fields of structures are, in bytes, states and bits.
 *
 * OFFSETS is the only list: name, number, and what it is in C. Assembly gets the numbers from it
 * (trap_macros.inc), C holds them against what they stand for (ipc/traps.c), debug/look.py reads
 * them. Only #define here.
 */
#pragma once

/* Slots in the first frame of a table of handles. */
#define SLOTS_FIRST 128

#define OFFSETS(NUMBER)                                                       \
    NUMBER(HART_CURRENT, 0, offsetof(struct hart, current))                   \
    NUMBER(HART_SCRATCH, 8, offsetof(struct hart, scratch))                   \
    NUMBER(HART_STACK, 16, offsetof(struct hart, stack_top))                  \
    NUMBER(HART_RESCHEDULE, 24, offsetof(struct hart, reschedule))            \
    NUMBER(HART_FPU_OWNER, 32, offsetof(struct hart, fpu_owner))              \
    NUMBER(HART_THREADS, 40, offsetof(struct hart, threads))                  \
    NUMBER(HART_THREAD_MAX, 48, offsetof(struct hart, thread_max))            \
    NUMBER(HART_FRAME_BIAS, 56, offsetof(struct hart, frame_bias))            \
    NUMBER(HART_TOKEN, 64, offsetof(struct hart, token))                      \
    NUMBER(HART_FAULT_COUNT, 72, offsetof(struct hart, fault_count))          \
    NUMBER(HART_FAULT_LOOK, 80, offsetof(struct hart, fault_look))            \
    NUMBER(HART_KERNEL_LOCK, 88, offsetof(struct hart, kernel_lock))          \
    NUMBER(HART_FRAME_WORDS, 96, offsetof(struct hart, frame_words))          \
    NUMBER(HART_FRAME_START, 104, offsetof(struct hart, frame_start))         \
    NUMBER(HART_FRAME_COUNT, 112, offsetof(struct hart, frame_count))         \
    NUMBER(HART_LEAF_FLAGS, 120, offsetof(struct hart, leaf_flags))           \
    NUMBER(HART_IDLE_SATP, 128, offsetof(struct hart, idle_satp))             \
    NUMBER(HART_IS_ALONE, 151, offsetof(struct hart, is_alone))               \
    NUMBER(HART_ID, 208, offsetof(struct hart, id))                           \
    NUMBER(HART_FILL, 216, offsetof(struct hart, fill))                       \
    NUMBER(HART_FILL_COUNT, 224, offsetof(struct hart, fill.count))           \
    NUMBER(HART_FILL_KIND, 228, offsetof(struct hart, fill.kind))             \
    NUMBER(HART_FILL_WORD, 232, offsetof(struct hart, fill.pages[0].word))    \
    NUMBER(HART_FILL_SLOT, 240, offsetof(struct hart, fill.pages[0].slot))    \
    NUMBER(HART_BYTES, 384, sizeof(struct hart))                              \
    NUMBER(HARTS, 8, HARTS_MAX)                                               \
    NUMBER(OBJECT_ID, 0, offsetof(struct object, id))                         \
    NUMBER(THREAD_REGISTERS, 8, offsetof(struct thread, x))                   \
    NUMBER(THREAD_SLOTS, 264, offsetof(struct thread, slots))                 \
    NUMBER(THREAD_SATP, 272, offsetof(struct thread, satp))                   \
    NUMBER(THREAD_SPACE, 280, offsetof(struct thread, space))                 \
    NUMBER(THREAD_HOME, 288, offsetof(struct thread, home))                   \
    NUMBER(THREAD_STATE, 296, offsetof(struct thread, state))                 \
    NUMBER(THREAD_PRIORITY, 300, offsetof(struct thread, priority))           \
    NUMBER(THREAD_NUMBER, 304, offsetof(struct thread, number))               \
    NUMBER(THREAD_SERIAL, 312, offsetof(struct thread, serial))               \
    NUMBER(THREAD_PARTNER, 320, offsetof(struct thread, partner))             \
    NUMBER(THREAD_LINK, 328, offsetof(struct thread, link))                   \
    NUMBER(THREAD_WAITS_ON, 344, offsetof(struct thread, waits_on))           \
    NUMBER(THREAD_FAULT, 352, offsetof(struct thread, fault_address))         \
    NUMBER(THREAD_FAULT_ACCESS, 360, offsetof(struct thread, fault_access))   \
    NUMBER(SPACE_PAGER, 8, offsetof(struct space, pager))                     \
    NUMBER(SPACE_BADGE, 40, offsetof(struct space, fault_badge))              \
    NUMBER(SPACE_ASPACE, 48, offsetof(struct space, aspace))                  \
    NUMBER(ASPACE_SATP, 8, offsetof(struct aspace, satp))                     \
    NUMBER(ASPACE_NEAR, 24, offsetof(struct aspace, near))                    \
    NUMBER(ASPACE_NEAR_TABLE, 32, offsetof(struct aspace, near_table))        \
    NUMBER(SLOT_OBJECT, 0, offsetof(struct handle_slot, object))              \
    NUMBER(SLOT_ID, 8, offsetof(struct handle_slot, id))                      \
    NUMBER(SLOT_BADGE, 16, offsetof(struct handle_slot, badge))               \
    NUMBER(SLOT_STAMP, 24, offsetof(struct handle_slot, stamp))               \
    NUMBER(SLOT_SHIFT, 5, sizeof(struct handle_slot) == 32 ? 5 : 0)           \
    NUMBER(ENDPOINT_SENDERS, 16, offsetof(struct endpoint, senders))          \
    NUMBER(ENDPOINT_RECEIVERS, 32, offsetof(struct endpoint, receivers))      \
    NUMBER(ENDPOINT_SERVER, 48, offsetof(struct endpoint, server))            \
    NUMBER(STATE_RUNNING, 3, THREAD_RUNNING)                                  \
    NUMBER(STATE_CALLING, 5, THREAD_CALLING)                                  \
    NUMBER(STATE_FAULTING, 6, THREAD_FAULTING)                                \
    NUMBER(STATE_RECEIVING, 7, THREAD_RECEIVING)                              \
    NUMBER(FAST_RIGHT_CALL, 0x01, RIGHT_CALL)                                 \
    NUMBER(FAST_RIGHT_RECEIVE, 0x02, RIGHT_RECEIVE)                           \
    NUMBER(FAST_SSTATUS_FS, 0x6000, SSTATUS_FS)                               \
    NUMBER(FAST_USER_PAGES, 0x3fffffe, (USER_END - USER_START) >> PAGE_SHIFT) \
    NUMBER(FAST_IPC_FAULT, 1, IPC_FAULT)                                      \
    NUMBER(FAST_FAULT_RESUME, 0, FAULT_RESUME)                                \
    NUMBER(FAST_FAULT_READ, 1, FAULT_READ)                                    \
    NUMBER(FAST_FAULT_WRITE, 2, FAULT_WRITE)                                  \
    NUMBER(FAST_FAULT_EXEC, 4, FAULT_EXEC)                                    \
    NUMBER(FAST_TRAP_FETCH_PAGE, 12, TRAP_FETCH_PAGE)                         \
    NUMBER(FAST_TRAP_LOAD_PAGE, 13, TRAP_LOAD_PAGE)                           \
    NUMBER(FAST_TRAP_STORE_PAGE, 15, TRAP_STORE_PAGE)                         \
    NUMBER(FAST_MAP_PAGES_SHIFT, 32, MAP_PAGES_SHIFT)                         \
    NUMBER(FAST_MAP_PROT_SHIFT, 48, MAP_PROT_SHIFT)                           \
    NUMBER(FAST_MAP_INSTALL_ZERO, 1, MAP_INSTALL_ZERO)                        \
    NUMBER(FAST_MAP_INSTALL, 4, MAP_INSTALL)                                  \
    NUMBER(FAST_PTE_VALID, 0x01, PTE_VALID)                                   \
    NUMBER(FAST_PTE_EXEC, 0x08, PTE_EXEC)                                     \
    NUMBER(FAST_PTE_PFN_SHIFT, 10, PTE_PFN_SHIFT)                             \
    NUMBER(FAST_FRAME_USER, 1, FRAME_USER)                                    \
    NUMBER(FAST_FRAME_CLEAN, 2, FRAME_CLEAN)                                  \
    NUMBER(FAST_FRAME_BUSY, 9, FRAME_BUSY)                                    \
    NUMBER(FAST_FRAME_COUNT_SHIFT, 32, FRAME_COUNT_SHIFT)

/* Register n of struct thread; x[0] holds the pc. */
#define THREAD_X(n) (THREAD_REGISTERS + 8 * (n))
#define THREAD_PC   THREAD_X(0)
#define THREAD_SP   THREAD_X(2)
#define THREAD_TP   THREAD_X(4)

/* DIRECT_BASE is FAST_DIRECT_HIGH shifted left. */
#define FAST_DIRECT_SHIFT 36
#define FAST_DIRECT_HIGH  (-3)
