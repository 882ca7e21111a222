/* SPDX-License-Identifier: MIT */
/*
 * Every kernel call that a client may make, one function each.
 *
 * Arguments, rights and errors of each are listed in abi/calls.h, messages in abi/ipc.h; the
 * functions here only move registers. Calls that need the frame authority are the memory server's
 * and not here. Outputs are written on ERR_OK only.
 */
#pragma once

#include <abi/log.h>
#include <hf/call.h>

ALWAYS_INLINE enum err hf_null(void)
{
    return hf_syscall_bare(SYS_NULL);
}

/* Messages: `message` is sent and holds the answer afterwards, also its dead registers after an
 * error. */
ALWAYS_INLINE enum err hf_call(uint64_t endpoint, struct hf_message *message)
{
    return hf_syscall_call(SYS_CALL, endpoint, 0, message);
}

ALWAYS_INLINE enum err hf_call_timed(uint64_t endpoint, uint64_t latest, struct hf_message *message)
{
    return hf_syscall_call(SYS_CALL_TIMED, endpoint, latest, message);
}

/* Answer the caller that `request->token` names, if any, and wait; `request` is what came next. */
ALWAYS_INLINE enum err hf_reply_wait(uint64_t endpoint, struct hf_request *request)
{
    return hf_syscall_reply(SYS_REPLY_WAIT, endpoint, 0, request);
}

ALWAYS_INLINE enum err hf_fault_reply_wait(uint64_t endpoint, uint64_t action,
                                           struct hf_request *request)
{
    return hf_syscall_reply(SYS_FAULT_REPLY_WAIT, endpoint, action, request);
}

/* Answer without waiting; takes a copy, so that the caller's stays. */
ALWAYS_INLINE enum err hf_reply(struct hf_request request)
{
    return hf_syscall_reply(SYS_REPLY, 0, 0, &request);
}

/* Notifications. */
ALWAYS_INLINE enum err hf_notify(uint64_t notification, uint64_t bits)
{
    return hf_syscall(SYS_NOTIFY, notification, bits, 0, 0).error;
}

ALWAYS_INLINE enum err hf_wait(uint64_t notification, uint64_t wanted, uint64_t latest,
                               uint64_t *bits)
{
    struct hf_result result = hf_syscall(SYS_WAIT, notification, wanted, latest, 0);
    if (result.error == ERR_OK) {
        *bits = result.value;
    }
    return result.error;
}

ALWAYS_INLINE enum err hf_bind(uint64_t notification)
{
    return hf_syscall(SYS_BIND, notification, 0, 0, 0).error;
}

/* The time CSR, as the calls with a time want it: hf_env()->timebase_hz ticks a second. */
ALWAYS_INLINE uint64_t hf_time_now(void)
{
    uint64_t ticks;
    __asm__ volatile("rdtime %0" : "=r"(ticks));
    return ticks;
}

ALWAYS_INLINE enum err hf_timer(uint64_t time, uint64_t bits)
{
    return hf_syscall(SYS_TIMER, 0, time, bits, 0).error;
}

/*
 * Interrupts of devices. A line that has set its bits does so again only after hf_interrupt_done().
 * notification 0: bound to none.
 */
static inline enum err hf_interrupt_handle(uint64_t machine, uint64_t line, uint64_t *handle)
{
    struct hf_result result = hf_syscall(SYS_INTERRUPT_HANDLE, machine, line, 0, 0);
    if (result.error == ERR_OK) {
        *handle = result.value;
    }
    return result.error;
}

ALWAYS_INLINE enum err hf_interrupt_bind(uint64_t interrupt, uint64_t notification, uint64_t bits)
{
    return hf_syscall(SYS_INTERRUPT_BIND, interrupt, notification, bits, 0).error;
}

ALWAYS_INLINE enum err hf_interrupt_done(uint64_t interrupt)
{
    return hf_syscall(SYS_INTERRUPT_DONE, interrupt, 0, 0, 0).error;
}

/* Threads. */
ALWAYS_INLINE enum err hf_yield(void)
{
    return hf_syscall_bare(SYS_YIELD);
}

NORETURN static inline void hf_thread_exit(uint64_t status)
{
    for (;;) {
        (void)hf_syscall(SYS_THREAD_EXIT, 0, status, 0, 0);
    }
}

/* End the calling process. */
NORETURN static inline void hf_exit(uint64_t status)
{
    for (;;) {
        (void)hf_syscall(SYS_EXIT, 0, status, 0, 0);
    }
}

/* Registers of a thread that starts; the others are 0. */
struct hf_start {
    uint64_t pc;
    uint64_t sp;
    uint64_t tp;
    uint64_t gp;
    uint64_t a0;
    uint64_t a1;
};

static inline enum err hf_thread_start(uint64_t thread, const struct hf_start *start)
{
    const uint64_t arguments[6] = {start->pc, start->sp, start->tp,
                                   start->gp, start->a0, start->a1};
    return hf_syscall_six(SYS_THREAD_START, thread, arguments).error;
}

ALWAYS_INLINE enum err hf_thread_stop(uint64_t thread)
{
    return hf_syscall(SYS_THREAD_STOP, thread, 0, 0, 0).error;
}

ALWAYS_INLINE enum err hf_thread_continue(uint64_t thread)
{
    return hf_syscall(SYS_THREAD_CONTINUE, thread, 0, 0, 0).error;
}

ALWAYS_INLINE enum err hf_thread_end(uint64_t thread, uint64_t detail)
{
    return hf_syscall(SYS_THREAD_END, thread, detail, 0, 0).error;
}

ALWAYS_INLINE enum err hf_thread_upcall(uint64_t thread, uint64_t detail)
{
    return hf_syscall(SYS_THREAD_UPCALL, thread, detail, 0, 0).error;
}

ALWAYS_INLINE enum err hf_thread_priority(uint64_t thread, uint64_t priority)
{
    return hf_syscall(SYS_THREAD_PRIORITY, thread, priority, 0, 0).error;
}

/* `thread` 0: the caller; `hart`: one of INFO_HARTS, or HART_ANY. */
ALWAYS_INLINE enum err hf_thread_hart(uint64_t thread, uint64_t hart)
{
    return hf_syscall(SYS_THREAD_HART, thread, hart, 0, 0).error;
}

ALWAYS_INLINE enum err hf_upcall_set(uint64_t entry, uint64_t stack_top)
{
    return hf_syscall(SYS_UPCALL_SET, 0, entry, stack_top, 0).error;
}

/* Returns only an error: otherwise the state that the upcall saved goes on. */
ALWAYS_INLINE enum err hf_upcall_resume(void)
{
    return hf_syscall_bare(SYS_UPCALL_RESUME);
}

/* Handles and objects. `slot` 0: any free one. */
static inline enum err hf_handle_derive(uint64_t handle, uint64_t rights, uint64_t badge,
                                        uint64_t slot, uint64_t *derived)
{
    struct hf_result result = hf_syscall(SYS_HANDLE_DERIVE, handle, rights, badge, slot);
    if (result.error == ERR_OK) {
        *derived = result.value;
    }
    return result.error;
}

ALWAYS_INLINE enum err hf_handle_close(uint64_t handle)
{
    return hf_syscall(SYS_HANDLE_CLOSE, handle, 0, 0, 0).error;
}

static inline enum err hf_handle_give(uint64_t space, uint64_t handle, uint64_t rights,
                                      uint64_t slot_there, uint64_t *given)
{
    struct hf_result result = hf_syscall(SYS_HANDLE_GIVE, space, handle, rights, slot_there);
    if (result.error == ERR_OK) {
        *given = result.value;
    }
    return result.error;
}

ALWAYS_INLINE enum err hf_accept(uint64_t first_slot, uint64_t count)
{
    return hf_syscall(SYS_ACCEPT, 0, first_slot, count, 0).error;
}

static inline enum err hf_object_make(enum object_kind kind, uint64_t slot, uint64_t *handle)
{
    struct hf_result result = hf_syscall(SYS_OBJECT_MAKE, 0, kind, slot, 0);
    if (result.error == ERR_OK) {
        *handle = result.value;
    }
    return result.error;
}

ALWAYS_INLINE enum err hf_object_destroy(uint64_t handle)
{
    return hf_syscall(SYS_OBJECT_DESTROY, handle, 0, 0, 0).error;
}

/* Console, power, numbers. */

/*
 * Write `bytes` bytes that stand at the start of the calling thread's message page. `level`: enum
 * log_level, perhaps with LOG_KEPT.
 */
static inline enum err hf_log_write_level(uint64_t log, uint64_t bytes, uint64_t level,
                                          uint64_t *written)
{
    struct hf_result result = hf_syscall(SYS_LOG_WRITE, log, bytes, level, 0);
    if (result.error == ERR_OK) {
        *written = result.value;
    }
    return result.error;
}

/* The same, as LOG_INFO. */
static inline enum err hf_log_write(uint64_t log, uint64_t bytes, uint64_t *written)
{
    return hf_log_write_level(log, bytes, LOG_INFO, written);
}

/* Records from a position on, to the start of the message page; `bytes` 0: there are no more. */
static inline enum err hf_log_copy(uint64_t log, uint64_t position, uint64_t *bytes)
{
    struct hf_result result = hf_syscall(SYS_LOG_COPY, log, position, 0, 0);
    if (result.error == ERR_OK) {
        *bytes = result.value;
    }
    return result.error;
}

/* What the slots of a space hold from `first` on; space 0: one's own. */
static inline enum err hf_handles_read(uint64_t space, uint64_t first, uint64_t *count)
{
    struct hf_result result = hf_syscall(SYS_HANDLES_READ, space, first, 0, 0);
    if (result.error == ERR_OK) {
        *count = result.value;
    }
    return result.error;
}

static inline enum err hf_log_read(uint64_t log, uint64_t *byte)
{
    struct hf_result result = hf_syscall(SYS_LOG_READ, log, 0, 0, 0);
    if (result.error == ERR_OK) {
        *byte = result.value;
    }
    return result.error;
}

ALWAYS_INLINE enum err hf_power(uint64_t machine, enum power what, uint64_t status)
{
    return hf_syscall(SYS_POWER, machine, what, status, 0).error;
}

static inline enum err hf_info(enum info which, uint64_t *value)
{
    struct hf_result result = hf_syscall(SYS_INFO, 0, which, 0, 0);
    if (result.error == ERR_OK) {
        *value = result.value;
    }
    return result.error;
}

/* Those that are about one hart, from 0 on: INFO_HART_FAULTS... */
static inline enum err hf_info_of(enum info which, uint64_t hart, uint64_t *value)
{
    struct hf_result result = hf_syscall(SYS_INFO, 0, which, hart, 0);
    if (result.error == ERR_OK) {
        *value = result.value;
    }
    return result.error;
}

static inline enum err hf_trace_read(uint64_t machine, uint64_t events_max, uint64_t *events)
{
    struct hf_result result = hf_syscall(SYS_TRACE_READ, machine, events_max, 0, 0);
    if (result.error == ERR_OK) {
        *events = result.value;
    }
    return result.error;
}
