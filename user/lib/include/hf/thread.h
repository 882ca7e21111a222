/* SPDX-License-Identifier: MIT */
/*
 * Threads of one's own process.
 *
 * Each has a region of its own: stack below, its thread-local variables at the upper end. The C
 * library here is not locked: of stdio and malloc() only one thread at a time may make use.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#define HF_THREAD_STACK_BYTES UINT64_C(65536)

/* Caller's storage; must stay in place until the thread was joined or released. */
struct hf_thread {
    void (*function)(void *argument);
    void *argument;
    void *message_page;
    uint64_t handle;
    uint64_t number;
    uint64_t region;
    uint64_t region_bytes;
    atomic_uint_least32_t is_done;
};

/*
 * Make a thread of one's own space that runs `function(argument)`.
 *
 * Returns:   ERR_OK; what MAP and THREAD_MAKE of the memory server and the start refuse.
 * On error:  nothing is left of it.
 */
MUST_USE enum err hf_thread_run(struct hf_thread *thread, uint64_t priority,
                                void (*function)(void *argument), void *argument);

/* Wait until its function has returned, then hf_thread_release(). */
void hf_thread_join(struct hf_thread *thread);

/* Give back handle and stack of a thread that has ended, by itself or otherwise. */
void hf_thread_release(struct hf_thread *thread);
