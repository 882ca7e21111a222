/* SPDX-License-Identifier: MIT */
/*
 * Registers of kernel calls and messages.
 *
 *   ecall with t0 = call number (SYS_...).
 *
 *   ordinary calls   in:  t1 = handle the call is about (0 if none), a0..a6 = arguments
 *                    out: t0 = enum err, a0..a7 = results (0 where there is none)
 *
 *   CALL             in:  t1 = endpoint handle, t2 = tag, a0..a7 = words
 *                    out: t0 = enum err, t2 = tag, a0..a7 = words of the answer
 *   CALL_TIMED       in:  as CALL, t3 = latest time (time CSR), 0: none
 *   REPLY            in:  t2 = tag, t3:t4 = token, a0..a7 = words
 *                    out: t0 = enum err
 *   REPLY_WAIT       in:  t1 = endpoint handle, t2 = tag, t3:t4 = token of the caller to answer
 *                         (t3 = 0: answer nobody), a0..a7 = words
 *                    out: t0 = enum err; a message: t1 = badge, t2 = tag, t3:t4 = token, a0..a7 =
 *                         words. On any error nothing was received: STALE if the caller to answer
 *                         is gone,
 *                         RECEIVER_SLOTS if its slots are full, BADF if the endpoint handle is bad
 *                         (the answer has been delivered in that case and in no other).
 *   FAULT_REPLY_WAIT in:  as REPLY_WAIT; t5 = what to do with the faulted thread (enum fault_action
 *                         in fault.h), a0..a7 = up to four struct map_entry (map.h), unused ones
 *                         zero
 *                    out: as REPLY_WAIT
 *
 * Preserved over every call: sp, gp, tp, s0..s11 and the floating-point registers. All other
 * registers that are not results are zero afterwards.
 *
 * A token is a pair: t3 = serial number of the wait, from one 64-bit counter, never 0; t4 = thread
 * number. It is good only for the process that received it, until used, or until the waiting thread
 * ends.
 */
#pragma once

#include <stdint.h>

enum sys {
#define SYSCALL(name, number, function, summary) SYS_##name = (number),
#include <abi/syscall.def>
#undef SYSCALL
};

#define SYS_COUNT 47

#define IPC_WORDS 8

/*
 * Tag of a message.
 *   bits  7..0   kind (enum ipc_kind); what a sender puts there is ignored
 *   bits 15..8   mask: bit i set: word i is a handle of the sender. On arrival word i is the
 *                receiver's new slot, or the badge if the handle names an endpoint of the
 *                receiver's own process
 *   bits 23..16  on arrival, mask: word i is such a badge. From a sender: mask of handles to be
 *                closed on the sender's side once they are delivered (a move), subset of bits 15..8
 *   bits 63..24  zero; a sender's non-zero bits are INVAL
 */
enum ipc_kind {
    IPC_CALL = 0, /* a call; token answers it */
    /* a thread of the space that the badge names has faulted: words as in fault.h */
    IPC_FAULT = 1,
    IPC_NOTIFY = 2, /* the bound notification: a0 = its bits, now cleared; no token, badge 0 */
};

#define IPC_TAG_KIND          UINT64_C(0xff)
#define IPC_TAG_HANDLES_SHIFT 8
#define IPC_TAG_BADGES_SHIFT  16
#define IPC_TAG_MOVES_SHIFT   16
#define IPC_TAG_LEGAL         UINT64_C(0xffffff)

/* Rights of a handle; derive and transfer can only take away. */
#define RIGHT_CALL    0x01u /* endpoint: call */
#define RIGHT_RECEIVE 0x02u /* endpoint: receive and answer */
#define RIGHT_SIGNAL  0x04u /* notification: set bits */
#define RIGHT_WAIT    0x08u /* notification: wait, bind */
/*
 * thread: start, stop, end...; space: give handles; log: write; machine: power, interrupts;
 * interrupt: bind, done
 */
#define RIGHT_CONTROL  0x10u
#define RIGHT_TRANSFER 0x20u /* may be sent in a message */
#define RIGHT_DERIVE   0x40u /* may be derived from; with RECEIVE: with a badge */
#define RIGHT_DESTROY  0x80u /* may end the object */
#define RIGHT_ALL      0xffu

/* Objects that SYS_OBJECT_MAKE can make, and kinds of donated slabs. */
enum object_kind {
    OBJECT_NONE = 0,
    OBJECT_ENDPOINT = 1,
    OBJECT_NOTIFICATION = 2,
    OBJECT_THREAD = 3,
    OBJECT_SPACE = 4,
    OBJECT_AUTHORITY = 5, /* frame authority */
    OBJECT_LOG = 6,       /* console of the firmware */
    OBJECT_MACHINE = 7,   /* power */
    OBJECT_HANDLES = 8,   /* only SLAB_DONATE: a frame of handle slots */
    OBJECT_INTERRUPT = 9, /* line of a device */
};

/* Slots that stand when a process starts. Others are free. */
#define HANDLE_NONE 0
/* the memory server, badged for this process (in the server: its endpoint) */
#define HANDLE_MEM       1
#define HANDLE_LOG       2
#define HANDLE_MACHINE   3 /* init and the memory server only, until handed on */
#define HANDLE_AUTHORITY 4 /* memory server only */
#define HANDLE_FILES     4 /* others: the file system, when there is one */
#define HANDLE_EVENTS    5 /* memory server: the notification bound to its first thread */
#define HANDLE_NAMES     5 /* others: the name service, when there is one */
#define HANDLE_ARCHIVE   6 /* others: the object of the boot archive, if the parent gave it */
#define HANDLE_CONSOLE   7 /* others: the console, if the parent gave it */
#define HANDLE_FREE      8 /* first slot that nobody has promised */

/* Bits of the memory server's notification. */
#define EVENT_DEATH 0x1u /* NEXT_DEATH has something */
#define EVENT_TIME  0x2u /* the time of SYS_TIMER has come */

/* Use of the message page, bytes. Vectors of kernel calls start at offset 0. */
#define MESSAGE_DATA_BYTES 3072u
/* struct upcall_context; written by the kernel at an upcall */
#define MESSAGE_UPCALL_OFFSET 3072u
#define MESSAGE_LOG_BYTES_MAX MESSAGE_DATA_BYTES

#define PRIORITY_COUNT   32u /* 0 runs last */
#define PRIORITY_DEFAULT 8u
#define PRIORITY_SERVER  24u

/* SYS_THREAD_HART: on whichever the scheduler chooses. */
#define HART_ANY UINT64_MAX

/* SYS_INFO: which number. */
enum info {
    INFO_TIMEBASE_HZ = 0,
    INFO_HARTS = 1,
    INFO_FRAMES = 2,        /* frames of RAM, all kinds */
    INFO_FRAMES_KERNEL = 3, /* taken by kernel image, frame table, firmware */
    INFO_IPC_COUNT = 4,
    INFO_FAULT_COUNT = 5,
    INFO_SWITCH_COUNT = 6,
    INFO_HART = 7, /* hart that the caller runs on */
    /* Of one hart, a1 = its place among the harts, from 0: */
    INFO_HART_FAULTS = 8,   /* page faults that became messages */
    INFO_HART_SWITCHES = 9, /* switches that the scheduler made */
    INFO_HART_WAITS = 10,   /* entries that found another hart in the kernel */

    INFO_LOG_FIRST = 11, /* position of the oldest record of the log */

    /* Of one hart too: */
    INFO_HART_IPC = 12,          /* messages that were received, faults among them */
    INFO_HART_INSTRUCTIONS = 13, /* what its instret says */
};

/* SYS_POWER: what. */
enum power {
    POWER_OFF = 0, /* a0 = this, a1 = exit status for the framed end line */
    POWER_RESTART = 1,
};

/* SYS_HANDLES_READ: what a slot holds. */
struct handle_info {
    uint32_t slot;
    uint16_t kind; /* enum object_kind; OBJECT_NONE: what it named has ended */
    uint16_t rights;
    uint64_t badge;
};
#define HANDLE_INFOS_MAX (MESSAGE_DATA_BYTES / 16u)
