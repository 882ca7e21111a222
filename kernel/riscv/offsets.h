/* SPDX-License-Identifier: MIT */
/*
 * Where assembly finds the fields of C structures, in bytes.
 *
 * Each constant is checked with STATIC_ASSERT next to the structure it belongs to (hart.h,
 * task/thread.h, task/space.h, task/handle.h, ipc/endpoint.h). Included by C and by assembly: only
 * #define here.
 */
#pragma once

/* struct hart */
#define HART_CURRENT     0
#define HART_SCRATCH     8
#define HART_STACK       16
#define HART_RESCHEDULE  24
#define HART_FPU_OWNER   32
#define HART_THREADS     40
#define HART_THREAD_MAX  48
#define HART_FRAME_BIAS  56
#define HART_TOKEN       64
#define HART_FAULT_COUNT 72
#define HART_FAULT_LOOK  80
#define HART_KERNEL_LOCK 88
#define HART_FRAME_WORDS 96
#define HART_FRAME_START 104
#define HART_FRAME_COUNT 112
#define HART_LEAF_FLAGS  120
#define HART_IDLE_SATP   128
#define HART_IS_ALONE    151
#define HART_ID          208
#define HART_FILL        216
#define HART_FILL_COUNT  224
#define HART_FILL_WORD   232
#define HART_BYTES       384
#define HARTS            8

/* struct object: head of everything that a handle can name */
#define OBJECT_ID 0

/* struct thread */
#define THREAD_X(n)     (8 + 8 * (n)) /* x[0] holds the pc */
#define THREAD_PC       THREAD_X(0)
#define THREAD_SP       THREAD_X(2)
#define THREAD_GP       THREAD_X(3)
#define THREAD_TP       THREAD_X(4)
#define THREAD_SLOTS    264
#define THREAD_SATP     272
#define THREAD_SPACE    280
#define THREAD_HOME     288
#define THREAD_STATE    296
#define THREAD_PRIORITY 300
#define THREAD_NUMBER   304
#define THREAD_SERIAL   312
#define THREAD_PARTNER  320
#define THREAD_LINK     328
#define THREAD_WAITS_ON 344
#define THREAD_FAULT    352 /* fault_address, fault_access */

/* struct space */
#define SPACE_PAGER  8
#define SPACE_BADGE  40
#define SPACE_ASPACE 48

/* struct aspace */
#define ASPACE_SATP       8
#define ASPACE_NEAR       24
#define ASPACE_NEAR_TABLE 32

/* struct handle_slot */
#define SLOT_OBJECT 0
#define SLOT_ID     8
#define SLOT_BADGE  16
#define SLOT_STAMP  24
#define SLOT_SHIFT  5
#define SLOTS_FIRST 128 /* slots in the first frame of a table */

/* struct endpoint */
#define ENDPOINT_SENDERS   16
#define ENDPOINT_RECEIVERS 32
#define ENDPOINT_SERVER    48

/* enum thread_state, as far as assembly sets and tests it */
#define STATE_RUNNING   3
#define STATE_CALLING   5
#define STATE_FAULTING  6
#define STATE_RECEIVING 7
