/* SPDX-License-Identifier: MIT */
/*
 * A thread: registers, what it waits for, and what is due when it next returns to user mode.
 *
 * struct thread lies at the start of a donated frame of its own (OBJECT_THREAD). Nothing of a
 * thread is on a kernel stack while it does not run.
 *
 *            NEW --start--> RUNNABLE <--pick/preempt--> RUNNING ----------------------.
 *                            ^  ^ |                       | call                      | fault
 *        STOPPED --continue--'  |           STOPPED <--stop--| v                      v
 *                               |                      SENDING --received--> CALLING  TRAPPED
 *        a wait ends: answer,   |                         |                    |      --received-->
 *        message, bits, time,   '-------------------------+--------------------+----- FAULTING
 *        partner's death                                  |
 *                               RUNNING --> RECEIVING ----+
 *                               RUNNING --> WAITING ------'         every state --> ENDED
 *
 *   NEW        made, never started; in no queue.
 *   STOPPED    could run, but is stopped; in no queue.
 *   RUNNABLE   in the run queue of its hart.
 *   RUNNING    hart->current.
 *   SENDING    its call waits in the senders of endpoint waits_on; words in x[10..17], tag in x[7].
 *   CALLING    its call was received in the space `partner`; `serial` is the token.
 *   TRAPPED    as SENDING, with the page fault in fault_address, fault_access; all of x[] is user
 *              state.
 *   FAULTING   as CALLING, for the page fault.
 *   RECEIVING  in the receivers of endpoint waits_on.
 *   WAITING    waiter of notification waits_on for the bits in `wanted`.
 *   ENDED      in no queue, never runs again.
 *
 *   NEW -> RUNNABLE [sched_wake]       RUNNING -> RUNNABLE, RUNNABLE -> RUNNING [sched_switch]
 *   RUNNING -> STOPPED [attend.c]      STOPPED -> RUNNABLE [sched_wake]
 *   RUNNING -> SENDING, CALLING [ipc.c, fastpath.S]  TRAPPED, FAULTING [fault.c, fastpath.S]
 *   SENDING -> CALLING, TRAPPED -> FAULTING [ipc.c]  RUNNING -> RECEIVING [ipc.c, fastpath.S]
 *   RUNNING -> WAITING [notify.c]      waits -> RUNNABLE [sched_wake]
 *   waits -> RUNNING [fastpath.S]      all -> ENDED [ipc/end.c]
 *
 * Registers: after a fault or an interrupt all of x[] is the user's state. After a kernel call sp,
 * gp, tp, s0..s11 and pc (x[0]) are; the others are undefined until whoever ends the wait has
 * written them all (thread_set_results, ipc_write_message). fastpath.S keeps the same rule.
 *
 * I1  serial != 0 exactly in CALLING and FAULTING.
 * I2  link is in a queue exactly in RUNNABLE, SENDING, TRAPPED and RECEIVING; waits_on names what
 *     it waits for in the last three and in WAITING; in other states the last such object, or NULL.
 * I3  home is the address of the thread's hart with the flags below in its low bits; a thread
 *     without flags can be switched to without looking further.
 * I4  waits_on, where it is not NULL, names a cell of a slab that has not been released since: so a
 *     server that receives where it received before need not check the frame again (fastpath.S).
 *     FRAME_RELEASE of a slab sets those that lie in it to NULL.
 * I5  A thread that is kept on a hart has its home there, unless it runs and has yet to leave.
 * Locks: the kernel lock guards all. Whoever sets a flag for a thread that runs on another hart
 * pokes that hart. task_lock guards space_link, bound, upcall_entry and deaths. Registers are
 * stored by the hart that runs the thread before it has the kernel lock too.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <abi/error.h>
#include <abi/fault.h>
#include <abi/map.h>
#include <base/assert.h>
#include <base/attr.h>
#include <base/list.h>
#include <base/types.h>
#include <riscv/lock.h>

#include "mm/aspace.h"
#include "riscv/hart.h"
#include "task/handle.h"
#include "task/object.h"
#include "task/timeout.h"

struct notification;
struct space;

/* Guards lives: threads and spaces that begin and end, slabs, bindings, death notices. */
extern struct lock task_lock;

enum thread_state {
    THREAD_NEW = 0,
    THREAD_STOPPED = 1,
    THREAD_RUNNABLE = 2,
    THREAD_RUNNING = 3,
    THREAD_SENDING = 4,
    THREAD_CALLING = 5,
    THREAD_FAULTING = 6,
    THREAD_RECEIVING = 7,
    THREAD_WAITING = 8,
    THREAD_TRAPPED = 9,
    THREAD_ENDED = 10,
};

/* Flags in the low bits of `home`: something is due before the thread runs user code or waits. */
#define THREAD_STOP      UINT64_C(0x1)  /* is to stop */
#define THREAD_UPCALL    UINT64_C(0x2)  /* takes an upcall with CAUSE_REQUEST */
#define THREAD_PENDING   UINT64_C(0x4)  /* has map entries to carry out */
#define THREAD_SIGNALLED UINT64_C(0x8)  /* its bound notification has bits */
#define THREAD_TIMED     UINT64_C(0x10) /* wait_timeout is set */
#define THREAD_FLAGS     UINT64_C(0x3f)

#define THREAD_PENDING_MAX 4u

/* Numbers of registers in x[]. */
enum {
    REG_PC = 0,
    REG_RA = 1,
    REG_SP = 2,
    REG_GP = 3,
    REG_TP = 4,
    REG_T0 = 5,
    REG_T1 = 6,
    REG_T2 = 7,
    REG_A0 = 10,
    REG_T3 = 28,
    REG_T4 = 29,
    REG_T5 = 30,
    REG_T6 = 31,
};

struct thread {
    struct object object;
    uint64_t x[32];

    /* Constant after thread_init(). */
    struct handle_slot *slots; /* first frame of the space's handles */
    uint64_t satp;
    struct space *space;

    _Atomic uint64_t home;
    uint32_t state;    /* enum thread_state */
    uint32_t priority; /* that it runs with: its own, or lent */
    uint64_t number;   /* constant after thread_init() */
    uint64_t serial;   /* token: who makes it 0 ends the wait */
    uint64_t partner;  /* in CALLING, FAULTING: satp of the space that may answer */
    struct list link;
    struct object *waits_on;
    uint64_t fault_address; /* in TRAPPED, FAULTING */
    uint64_t fault_access;

    struct hart *kept; /* the only hart that it may run on; NULL: any */
    uint32_t priority_own;
    bool is_in_upcall;
    bool has_float;      /* f and fcsr mean something, or the FPU holds them */
    uint64_t call_badge; /* in SENDING: badge of the handle it called with */
    uint64_t wanted;     /* in WAITING */
    struct notification *bound;
    struct timeout wait_timeout;
    struct timeout timer;
    uint64_t timer_bits;

    struct list space_link;
    void *message;        /* its message page in the direct map; constant after thread_init() */
    uint64_t window_page; /* its number in the space's window; constant after thread_init() */
    uint64_t accept_first;
    uint64_t accept_count;
    uint64_t upcall_entry; /* 0: none registered */
    uint64_t upcall_stack;
    uint64_t upcall_detail; /* with THREAD_UPCALL */

    struct list pending_link; /* in the queue of ipc/pending.c, with THREAD_PENDING */
    struct map_entry pending[THREAD_PENDING_MAX];
    uint64_t pending_count;
    struct map_progress pending_progress;
    struct death death;

    _Alignas(64) uint64_t f[32];
    uint64_t fcsr;
};

STATIC_ASSERT(sizeof(struct thread) <= PAGE_SIZE, "a thread fits into its frame");

/*
 * Make a thread of `space` in the zeroed frame at `thread`, state NEW, and enter it in the table of
 * numbers.
 *
 * Requires:  the frame is of kind THREAD already; `number` is below hart->thread_max and free;
 *            `message` is the direct-map address of its message page, mapped at `window_page` of
 *            the space's window.
 */
void thread_init(struct thread *thread, struct space *space, uint64_t number, void *message,
                 uint64_t window_page, uint32_t priority) REQUIRES(task_lock);

/*
 * Take an ENDED thread, whose frame is about to be released, out of its space and the table of
 * numbers.
 */
void thread_fini(struct thread *thread) REQUIRES(task_lock);

/* Write the only state field there is; asserts that the pair is in the diagram. */
void thread_set_state(struct thread *thread, enum thread_state to);

/* Make every register 0 that a kernel call does not preserve. */
void thread_clear_results(struct thread *thread);

/*
 * End a kernel call: t0 = error, a0 = value, all other registers that a call does not preserve 0.
 */
void thread_set_results(struct thread *thread, enum err error, uint64_t value);

/* Force `pc` into what Sv39 can hold of user addresses, so that sret cannot land in the kernel. */
static inline uint64_t thread_user_pc(uint64_t pc)
{
    return pc & UINT64_C(0x3ffffffffe);
}

static inline bool thread_has_flags(const struct thread *thread, uint64_t flags)
{
    return (atomic_load_explicit(&thread->home, memory_order_acquire) & flags) != 0;
}

/* The hart that runs `thread`, ran it last, or has it in its queue. */
static inline struct hart *thread_hart(const struct thread *thread)
{
    const uint64_t home = atomic_load_explicit(&thread->home, memory_order_relaxed);
    return (struct hart *)(uintptr_t)(home & ~THREAD_FLAGS);
}

static inline void thread_set_flags(struct thread *thread, uint64_t flags)
{
    atomic_fetch_or(&thread->home, flags);
}

static inline void thread_clear_flags(struct thread *thread, uint64_t flags)
{
    atomic_fetch_and(&thread->home, ~flags);
}

/* The thread that runs on this hart. */
static inline struct thread *thread_current(void)
{
    return hart_self()->current;
}

static inline bool thread_is_in(const struct thread *thread, enum thread_state state)
{
    return thread->state == (uint32_t)state;
}
