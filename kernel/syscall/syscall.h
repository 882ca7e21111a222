/* SPDX-License-Identifier: MIT */
/*
 * The kernel calls that trap.S enters with their arguments in registers; see abi/calls.h and
 * abi/authority.h for what each does. Those that block, or have several results, are entered with
 * struct thread instead (riscv/trap.h): CALL, REPLY_WAIT, FAULT_REPLY_WAIT, REPLY, CALL_TIMED,
 * WAIT, UPCALL_RESUME, NEXT_DEATH.
 *
 * The caller is thread_current(); the handle that the call is about is sys_handle().
 */
#pragma once

#include <stdint.h>

#include <abi/error.h>

#include "mm/frame.h"
#include "task/handle.h"
#include "task/space.h"
#include "task/thread.h"

/* Goes back to the caller as t0 and a0. */
struct sys_result {
    uint64_t error; /* enum err */
    uint64_t value;
};

static inline struct sys_result sys_make_result(enum err error, uint64_t value)
{
    return (struct sys_result){error, value};
}

/* The result of a call that has none but an error. */
static inline struct sys_result sys_make_error(enum err error)
{
    return (struct sys_result){error, 0};
}

/* t1 of the running call. */
static inline uint64_t sys_handle(void)
{
    return thread_current()->x[REG_T1];
}

/* The live object of `kind` that the running call is about, with all of `rights`. */
static inline enum err sys_find(enum object_kind kind, uint64_t rights, struct handle_slot **slot)
{
    return handle_find(thread_current()->space, sys_handle(), kind, rights, slot);
}

/* Numbers that boot finds out and SYS_INFO tells: constant after boot. */
struct misc_machine {
    uint64_t timebase_hz;
    uint64_t frames;        /* of RAM */
    uint64_t frames_kernel; /* that nobody can get */
};

extern struct misc_machine misc_machine;

/*
 * The handle that the call is about is the frame authority; carry out what is kept of answers to
 * faults. Called first: the kernel lock may be given back meanwhile.
 *
 * Returns: ERR_OK, or as handle_find(); ERR_INTR: current was ended meanwhile, there is none.
 */
MUST_USE enum err authority_check(void);

/*
 * Find the space whose object is frame `number`, ended or not.
 *
 * Returns:   ERR_OK; ERR_FRAME_KIND: the frame is something else.
 */
MUST_USE enum err authority_find_space(uint64_t number, struct space **space) REQUIRES(memory_lock);

/* misc.c */
struct sys_result sys_yield(void);
struct sys_result sys_log_write(uint64_t bytes, uint64_t level);
struct sys_result sys_log_copy(uint64_t position);
struct sys_result sys_log_read(void);
struct sys_result sys_power(uint64_t what, uint64_t status);
struct sys_result sys_info(uint64_t which, uint64_t index);
struct sys_result sys_trace_read(uint64_t count);

/* notify.c */
struct sys_result sys_notify(uint64_t bits);
struct sys_result sys_bind(void);
struct sys_result sys_timer(uint64_t time, uint64_t bits);

/* handle.c; sys_put() puts `value` into slot `wanted` of `space`, 0: any. */
struct sys_result sys_put(struct space *space, uint64_t wanted, struct handle_slot value);
struct sys_result sys_handle_derive(uint64_t rights, uint64_t badge, uint64_t slot);
struct sys_result sys_handle_close(void);
struct sys_result sys_handle_give(uint64_t own, uint64_t rights, uint64_t slot);
struct sys_result sys_accept(uint64_t first, uint64_t count);
struct sys_result sys_object_make(uint64_t kind, uint64_t slot);
struct sys_result sys_object_destroy(void);
struct sys_result sys_handles_read(uint64_t first);

/* thread.c */
struct sys_result sys_thread_exit(uint64_t status);
struct sys_result sys_exit(uint64_t status);
struct sys_result sys_upcall_set(uint64_t entry, uint64_t stack);
struct sys_result sys_thread_start(uint64_t pc, uint64_t sp, uint64_t tp, uint64_t gp, uint64_t a0,
                                   uint64_t a1);
struct sys_result sys_thread_stop(void);
struct sys_result sys_thread_continue(void);
struct sys_result sys_thread_end(uint64_t detail);
struct sys_result sys_thread_upcall(uint64_t detail);
struct sys_result sys_thread_priority(uint64_t priority);
struct sys_result sys_thread_hart(uint64_t index);

/* space.c */
struct sys_result sys_space_make(uint64_t object, uint64_t root, uint64_t slots, uint64_t badge,
                                 uint64_t pager, uint64_t priority_max);
struct sys_result sys_space_end(uint64_t space, uint64_t cause, uint64_t detail);
struct sys_result sys_thread_make(uint64_t space, uint64_t object, uint64_t message,
                                  uint64_t number, uint64_t window_page, uint64_t priority);
struct sys_result sys_object_handle(uint64_t object, uint64_t rights, uint64_t slot);
struct sys_result sys_slab_donate(uint64_t space, uint64_t frame, uint64_t kind);

/* release.c */
struct sys_result sys_frame_release(uint64_t frame);

/* frame.c */
struct sys_result sys_map(uint64_t space, uint64_t entries);
struct sys_result sys_frame_copy(uint64_t to, uint64_t to_offset, uint64_t from,
                                 uint64_t from_offset, uint64_t bytes, uint64_t flags);

/* irq.c */
struct sys_result sys_interrupt_handle(uint64_t line, uint64_t slot);
struct sys_result sys_interrupt_bind(uint64_t notification, uint64_t bits);
struct sys_result sys_interrupt_done(void);

/* Entered with struct thread: ipc/, and space.c. */
void space_next_death(struct thread *self);
