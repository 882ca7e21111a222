/* SPDX-License-Identifier: MIT */
#include <hf/thread.h>

#include "slots.h"
#include <base/assert.h>
#include <base/bits.h>
#include <hf/env.h>
#include <hf/mem.h>

#define BLOCK_ALIGNMENT 64

/*
 * Say that the thread is done, wake the one who waits for that, and end it. Nothing may lie on the
 * stack from the first of the three on: whoever waits takes the stack away.
 */
NORETURN static void thread_leave(atomic_uint *state, uint64_t notification)
{
    register uint64_t t0 __asm__("t0") = SYS_NOTIFY;
    register uint64_t t1 __asm__("t1") = notification;
    register uint64_t a0 __asm__("a0") = HF_WAKE_BIT;
    for (;;) {
        __asm__ volatile("fence rw, w\n\t"
                         "sw %3, 0(%4)\n\t"
                         "beqz %1, 1f\n\t"
                         "ecall\n"
                         "1:\tli t0, %5\n\t"
                         "li a0, 0\n\t"
                         "ecall\n\t"
                         "j 1b"
                         : "+r"(t0), "+r"(t1), "+r"(a0)
                         : "r"(HF_THREAD_DONE), "r"(state), "i"(SYS_THREAD_EXIT)
                         : "memory");
    }
}

static void thread_enter(struct hf_thread *thread)
{
    hf_thread_init(thread->message_page);
    hf_waiter_set(&thread->waiter);
    thread->function(thread->argument);
    thread_leave(&thread->state, hf_wake_later(&thread->state, HF_THREAD_LEAVING));
}

static enum err thread_make_and_start(struct hf_thread *thread, uint64_t priority)
{
    struct mem_thread_make_rep made;
    enum err error = hf_thread_make(HF_OWN_SPACE, priority, &made);
    if (error != ERR_OK) {
        return error;
    }
    error = slots_move(&made.thread);
    if (error != ERR_OK) {
        (void)hf_thread_end(made.thread, 0);
        (void)hf_handle_close(made.thread);
        return error;
    }
    thread->handle = made.thread;
    thread->waiter.slot = slots_partner(made.thread);
    thread->number = made.number;
    thread->message_page = (void *)made.message_page;
    uint64_t block = bits_align_down(
        thread->region + thread->region_bytes - hf_thread_block_bytes(), BLOCK_ALIGNMENT);
    uint64_t gp;
    __asm__("mv %0, gp" : "=r"(gp));
    const struct hf_start start = {
        .pc = (uint64_t)thread_enter,
        .sp = block,
        .tp = block,
        .gp = gp,
        .a0 = (uint64_t)thread,
    };
    error = hf_thread_start(thread->handle, &start);
    if (error != ERR_OK) {
        (void)hf_thread_end(thread->handle, 0);
        (void)hf_handle_close(thread->handle);
        slots_give(thread->handle);
    }
    return error;
}

/* The region, all of it without access but for what is above the guard page. */
static enum err region_make(struct hf_thread *thread)
{
    const struct hf_map map = {
        .length = thread->region_bytes,
        .prot = MEM_PROT_NONE,
        .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_NORESERVE | MEM_MAP_STACK,
    };
    enum err error = hf_map(map, &thread->region);
    if (error != ERR_OK) {
        return error;
    }
    error =
        hf_protect(HF_OWN_SPACE, thread->region + HF_THREAD_GUARD_BYTES,
                   thread->region_bytes - HF_THREAD_GUARD_BYTES, MEM_PROT_READ | MEM_PROT_WRITE);
    if (error == ERR_OK) {
        /* Where it begins: what is refused now would end the process when the thread is there. */
        const uint64_t end = thread->region + thread->region_bytes;
        const uint64_t first =
            bits_align_down(end - hf_thread_block_bytes() - BLOCK_ALIGNMENT - 1, HF_PAGE_BYTES);
        error = hf_advise(HF_OWN_SPACE, first, end - first, MEM_ADVISE_POPULATE_WRITE);
    }
    if (error != ERR_OK) {
        (void)hf_unmap(HF_OWN_SPACE, thread->region, thread->region_bytes);
    }
    return error;
}

enum err hf_thread_run(struct hf_thread *thread, uint64_t priority,
                       void (*function)(void *argument), void *argument)
{
    return hf_thread_run_stack(thread, priority, HF_THREAD_STACK_BYTES, function, argument);
}

enum err hf_thread_run_stack(struct hf_thread *thread, uint64_t priority, uint64_t stack_bytes,
                             void (*function)(void *argument), void *argument)
{
    if (stack_bytes == 0 || stack_bytes > UINT64_MAX / 2) {
        return ERR_INVAL;
    }
    const uint64_t bytes = stack_bytes + hf_thread_block_bytes() + BLOCK_ALIGNMENT;
    *thread = (struct hf_thread){
        .function = function,
        .argument = argument,
        .region_bytes =
            HF_THREAD_GUARD_BYTES + bits_align_down(bytes + HF_PAGE_BYTES - 1, HF_PAGE_BYTES),
    };
    enum err error = region_make(thread);
    if (error == ERR_OK) {
        error = thread_make_and_start(thread, priority);
        if (error != ERR_OK) {
            (void)hf_unmap(HF_OWN_SPACE, thread->region, thread->region_bytes);
        }
    }
    return error;
}

void hf_thread_join(struct hf_thread *thread)
{
    unsigned state;
    while ((state = atomic_load(&thread->state)) != HF_THREAD_DONE) {
        if (state == HF_THREAD_LEAVING ||
            hf_wait_on(&thread->state, HF_THREAD_RUNNING, 0) != ERR_OK) {
            /* A few instructions are left to it. */
            if (hf_sleep_until(hf_time_now() + 1) != ERR_OK) {
                (void)hf_yield();
            }
        }
    }
    hf_thread_kill(thread); /* of its last instructions, which nobody can wait for, none matters */
}

void hf_thread_kill(struct hf_thread *thread)
{
    (void)hf_thread_end(thread->handle, 0); /* STALE: it has ended already */
    hf_thread_release(thread);
}

void hf_thread_release(struct hf_thread *thread)
{
    enum err error = hf_handle_close(thread->handle);
    ASSERT(error == ERR_OK);
    hf_waiter_fini(&thread->waiter);
    slots_give(thread->handle);
    error = hf_unmap(HF_OWN_SPACE, thread->region, thread->region_bytes);
    ASSERT(error == ERR_OK);
}
