/* SPDX-License-Identifier: MIT */
#include <hf/thread.h>

#include <base/assert.h>
#include <base/bits.h>
#include <hf/env.h>
#include <hf/mem.h>

#define BLOCK_ALIGNMENT 64

/*
 * Say that the thread is done and end it. Nothing may lie on the stack between the two: whoever
 * waits takes the stack away.
 */
NORETURN static void thread_leave(atomic_uint_least32_t *is_done)
{
    register uint64_t t0 __asm__("t0") = SYS_THREAD_EXIT;
    register uint64_t a0 __asm__("a0") = 0;
    for (;;) {
        __asm__ volatile("fence rw, w\n\tsw %2, 0(%3)\n\tecall"
                         : "+r"(t0), "+r"(a0)
                         : "r"(1), "r"(is_done)
                         : "memory");
    }
}

static void thread_enter(struct hf_thread *thread)
{
    hf_thread_init(thread->message_page);
    thread->function(thread->argument);
    thread_leave(&thread->is_done);
}

static enum err thread_make_and_start(struct hf_thread *thread, uint64_t priority)
{
    struct mem_thread_make_rep made;
    enum err error = hf_thread_make(HF_OWN_SPACE, priority, &made);
    if (error != ERR_OK) {
        return error;
    }
    thread->handle = made.thread;
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
    }
    return error;
}

enum err hf_thread_run(struct hf_thread *thread, uint64_t priority,
                       void (*function)(void *argument), void *argument)
{
    *thread = (struct hf_thread){
        .function = function,
        .argument = argument,
        .region_bytes = HF_THREAD_STACK_BYTES,
    };
    while (thread->region_bytes < HF_THREAD_STACK_BYTES / 2 + hf_thread_block_bytes()) {
        thread->region_bytes += HF_THREAD_STACK_BYTES;
    }
    const struct hf_map map = {
        .length = thread->region_bytes,
        .prot = MEM_PROT_READ | MEM_PROT_WRITE,
        .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_NORESERVE | MEM_MAP_STACK,
    };
    enum err error = hf_map(map, &thread->region);
    if (error != ERR_OK) {
        return error;
    }
    error = thread_make_and_start(thread, priority);
    if (error != ERR_OK) {
        (void)hf_unmap(HF_OWN_SPACE, thread->region, thread->region_bytes);
    }
    return error;
}

void hf_thread_join(struct hf_thread *thread)
{
    while (atomic_load(&thread->is_done) == 0) {
        (void)hf_yield();
    }
    hf_thread_release(thread);
}

void hf_thread_release(struct hf_thread *thread)
{
    enum err error = hf_handle_close(thread->handle);
    ASSERT(error == ERR_OK);
    error = hf_unmap(HF_OWN_SPACE, thread->region, thread->region_bytes);
    ASSERT(error == ERR_OK);
}
