/* SPDX-License-Identifier: MIT */
/*
 * Threads of one's own process.
 *
 *   RUNNING -> LEAVING -> DONE   its function has returned; hf_thread_join() waits for DONE
 *
 * Each has a region of its own: a guard page, its stack above that, its thread-local variables
 * (_Thread_local, errno among them) at the upper end. stdio, malloc() and files may be used by all
 * threads at once. The kernel's calls about threads take `handle`: hf_thread_stop(),
 * hf_thread_continue(), hf_thread_priority().
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <hf/wait.h>

#define HF_THREAD_STACK_BYTES UINT64_C(65536)
#define HF_THREAD_GUARD_BYTES UINT64_C(4096)

enum hf_thread_state {
    HF_THREAD_RUNNING = 0,
    HF_THREAD_LEAVING = 1,
    HF_THREAD_DONE = 2, /* it uses its stack no more */
};

/* Caller's storage; must stay in place until the thread was joined, killed or released. */
struct hf_thread {
    void (*function)(void *argument);
    void *argument;
    void *message_page;
    uint64_t handle;
    uint64_t number;
    uint64_t region; /* with the guard page */
    uint64_t region_bytes;
    atomic_uint state; /* enum hf_thread_state */
    struct hf_waiter waiter;
};

/*
 * Make a thread of one's own space that runs `function(argument)`.
 *
 * Returns:   ERR_OK; what MAP, PROTECT and THREAD_MAKE of the memory server and the start refuse.
 * On error:  nothing is left of it.
 */
MUST_USE enum err hf_thread_run(struct hf_thread *thread, uint64_t priority,
                                void (*function)(void *argument), void *argument);

/* The same with a stack of so many bytes, rounded up to pages. */
MUST_USE enum err hf_thread_run_stack(struct hf_thread *thread, uint64_t priority,
                                      uint64_t stack_bytes, void (*function)(void *argument),
                                      void *argument);

/*
 * Wait, asleep, until its function has returned, then hf_thread_kill(): the thread has ended when
 * this returns, and what it was charged for is given back. By one thread only.
 */
void hf_thread_join(struct hf_thread *thread);

/*
 * End it wherever it is, then hf_thread_release(). What it holds stays taken: for threads that
 * hold nothing.
 */
void hf_thread_kill(struct hf_thread *thread);

/* Give back handle, notification and stack of a thread that has ended, by itself or otherwise. */
void hf_thread_release(struct hf_thread *thread);
