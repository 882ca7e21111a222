/* SPDX-License-Identifier: MIT */
/*
 * The child is built from outside, like any process (process.c), except that CLONE gives it the
 * memory. Its thread starts in clone_enter() on a stack of its own and takes up the registers that
 * hf_clone() put down before the copy was made.
 */
#include <hf/clone.h>

#include <setjmp.h>
#include <string.h>

#include "keep.h"
#include "slots.h"
#include <base/assert.h>
#include <hf/env.h>
#include <hf/mem.h>
#include <hf/shared.h>
#include <hf/wait.h>

#define CLONE_STACK_BYTES 2048

/* Written by the parent before its memory is copied, read by the child. */
static struct {
    jmp_buf registers;
    uint64_t rounding; /* fcsr */
    _Alignas(16) char stack[CLONE_STACK_BYTES];
} the_clone;

/* First instructions of the child, whose thread-local variables are there already. */
static void clone_enter(void *message_page)
{
    struct mem_hello_rep hello;
    hf_message_page_set(message_page);
    hf_waiter_forget();
    keep_forget_all();
    slots_forget_all();
    enum err error = hf_accept(HF_ACCEPT_FIRST, HF_ACCEPT_COUNT);
    ASSERT(error == ERR_OK);
    error = hf_hello(&hello);
    ASSERT(error == ERR_OK);
    struct hf_env env = *hf_env();
    env.space_id = hello.space_id;
    hf_env_set(&env);
    __asm__ volatile("fscsr %0" : : "r"(the_clone.rounding));
    longjmp(the_clone.registers, 1);
}

/* The log under the child's number, unless ours has one for good: then ours. */
static enum err log_give(const struct mem_space_make_rep *child)
{
    const uint64_t rights = RIGHT_CONTROL | RIGHT_TRANSFER | RIGHT_DERIVE;
    uint64_t named = HANDLE_LOG;
    uint64_t slot = HANDLE_LOG;
    const bool is_named =
        hf_handle_derive(HANDLE_LOG, rights, child->space_id, 0, &named) == ERR_OK;
    enum err error = hf_handle_give(child->kernel_space, named, rights, slot, &slot);
    if (is_named) {
        (void)hf_handle_close(named);
    }
    return error;
}

static enum err handles_give(const struct mem_space_make_rep *child)
{
    static const uint64_t slots[] = {HANDLE_FILES, HANDLE_NAMES, HANDLE_ARCHIVE, HANDLE_CONSOLE};
    enum err error = log_give(child);
    for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]) && error == ERR_OK; i++) {
        uint64_t slot = slots[i];
        error = hf_handle_give(child->kernel_space, slot,
                               RIGHT_CALL | RIGHT_TRANSFER | RIGHT_DERIVE, slot, &slot);
        if (error == ERR_SENDER_HANDLE) {
            error = ERR_OK; /* we have none either */
        }
    }
    return error;
}

/* Handles, and holds of the objects among what they name. */
static enum err gifts_give(const struct mem_space_make_rep *child, const struct hf_gift *gifts,
                           size_t count)
{
    enum err error = ERR_OK;
    for (size_t i = 0; i < count && error == ERR_OK; i++) {
        uint64_t slot = gifts[i].handle;
        error = hf_handle_give(child->kernel_space, slot,
                               RIGHT_CALL | RIGHT_TRANSFER | RIGHT_DERIVE, slot, &slot);
        if (error == ERR_OK && gifts[i].is_object) {
            error = hf_shared_hold_for(child->space, gifts[i].handle);
        }
    }
    return error;
}

/* Give the child its handles and its thread, and let it go. */
static enum err child_start(const struct mem_space_make_rep *space, const struct hf_gift *gifts,
                            size_t count, uint64_t *thread)
{
    struct mem_thread_make_rep made;
    struct hf_start start = {
        .pc = (uint64_t)clone_enter,
        .sp = (uint64_t)the_clone.stack + CLONE_STACK_BYTES,
    };
    enum err error = handles_give(space);
    if (error == ERR_OK) {
        error = gifts_give(space, gifts, count);
    }
    if (error != ERR_OK) {
        return error;
    }
    error = hf_thread_make(space->space, PRIORITY_DEFAULT, &made);
    if (error != ERR_OK) {
        return error;
    }
    *thread = made.thread;
    __asm__("mv %0, tp" : "=r"(start.tp));
    __asm__("mv %0, gp" : "=r"(start.gp));
    start.a0 = made.message_page;
    return hf_thread_start(made.thread, &start);
}

/* Copy the memory as it is now and start the child in it. Only the parent returns. */
NOINLINE static enum err child_make(const struct hf_gift *gifts, size_t count,
                                    struct hf_process *child)
{
    struct mem_space_make_rep space;
    enum err error = hf_space_clone(HF_OWN_SPACE, hf_env()->name, PRIORITY_DEFAULT, &space);
    if (error != ERR_OK) {
        return error;
    }
    struct hf_process made = {
        .space = space.space,
        .kernel_space = space.kernel_space,
        .space_id = space.space_id,
    };
    error = child_start(&space, gifts, count, &made.thread);
    if (error != ERR_OK) {
        hf_process_forget(&made);
        return error;
    }
    *child = made;
    return ERR_OK;
}

enum err hf_clone(struct hf_process *child, bool *is_child)
{
    return hf_clone_giving(NULL, 0, child, is_child);
}

enum err hf_clone_giving(const struct hf_gift *gifts, size_t count, struct hf_process *child,
                         bool *is_child)
{
    __asm__ volatile("frcsr %0" : "=r"(the_clone.rounding));
    if (setjmp(the_clone.registers) != 0) {
        *is_child = true;
        return ERR_OK;
    }
    *is_child = false;
    return child_make(gifts, count, child);
}
