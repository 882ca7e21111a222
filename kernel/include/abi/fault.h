/* SPDX-License-Identifier: MIT */
/*
 * Faults as messages, causes of ends, and upcalls.
 *
 * A page fault arrives at the space's pager endpoint as a message of kind IPC_FAULT:
 *   badge = the space's fault badge; a0 = address, a1 = access (one of FAULT_READ, _WRITE, _EXEC),
 *   a2 = pc, a3..a7 = 0; the token is answered with FAULT_REPLY_WAIT or REPLY (t5 = enum
 *   fault_action).
 */
#pragma once

#include <stdint.h>

#define FAULT_READ  0x1u
#define FAULT_WRITE 0x2u
#define FAULT_EXEC  0x4u

/*
 * What becomes of the faulted thread. Actions from FAULT_REFUSE on carry an enum cause in bits
 * 15..8.
 */
enum fault_action {
    FAULT_RESUME = 0, /* carry out the map entries, then let it run */
    FAULT_REFUSE = 1, /* make an upcall with the cause; without a handler the thread ends */
};

/* Why a thread took an upcall, or why a thread or process ended. Numbers travel; never reused. */
enum cause {
    CAUSE_NONE = 0,
    CAUSE_EXIT = 1,       /* ended by itself; detail = status */
    CAUSE_MAPERR = 2,     /* SEGV: no region there; detail = address */
    CAUSE_ACCERR = 3,     /* SEGV: protection forbids; detail = address */
    CAUSE_BUS = 4,        /* past the end, pager failed, no memory; detail = address */
    CAUSE_ILLEGAL = 5,    /* illegal instruction; detail = instruction bits if known */
    CAUSE_MISALIGNED = 6, /* detail = address */
    CAUSE_BREAKPOINT = 7,
    CAUSE_ACCESS = 8,   /* machine refused the physical access; detail = address */
    CAUSE_KILLED = 9,   /* somebody with the right ended it; detail = number given by him */
    CAUSE_REQUEST = 10, /* upcall asked for by SYS_THREAD_UPCALL; detail = number given there */
    CAUSE_ASSERT = 11,  /* the program says its own state is broken; detail = line */
};

/*
 * Full user state, at MESSAGE_UPCALL_OFFSET of the thread's message page while it handles an
 * upcall. The upcall's entry starts with a0 = cause, a1 = detail, a2 = address of this structure,
 * sp = the stack registered, tp and gp as they were. The handler may change it; RESUME restores it,
 * with pc forced to a user address. Until RESUME a further upcall ends the thread.
 */
struct upcall_context {
    uint64_t x[32]; /* x[0] unused */
    uint64_t pc;
    uint64_t f[32];
    uint64_t fcsr;
    uint64_t has_float; /* 0: the thread has not used floating point; f and fcsr mean nothing */
    uint64_t cause;
    uint64_t detail;
    uint64_t access; /* FAULT_... for memory faults */
};

/*
 * SYS_NEXT_DEATH out: a0 = OBJECT_SPACE or OBJECT_THREAD (0: nobody), a1 = frame number of the
 * object, a2 = fault badge of its space, a3 = enum cause, a4 = detail, a5 = pc, a6 = access, a7 =
 * thread number (of the thread that ended, or that caused the end of its space).
 */
