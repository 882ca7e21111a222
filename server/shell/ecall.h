/* SPDX-License-Identifier: MIT */
/*
 * Kernel calls of the memory server, as instructions.
 *
 * Everything is inlined: a call is its ecall and the moves into place. The kernel leaves sp, gp, tp
 * and s0..s11 alone and clears or fills all others, which the clobber lists say; "memory" is there
 * because kernel calls read and change message pages and, in the server's own space, mappings.
 *
 * Not here: what the arguments mean (abi/calls.h, abi/authority.h).
 */
#pragma once

#include <stdint.h>

#include <abi/error.h>
#include <abi/ipc.h>
#include <base/attr.h>

#include "server/shell/message.h"

/* Deliver `answer` and wait for the next message at HANDLE_MEM. */
ALWAYS_INLINE struct message ecall_reply_wait(struct answer answer)
{
    register uint64_t t0 __asm__("t0") = answer.number;
    register uint64_t t1 __asm__("t1") = HANDLE_MEM;
    register uint64_t t2 __asm__("t2") = answer.tag;
    register uint64_t t3 __asm__("t3") = answer.serial;
    register uint64_t t4 __asm__("t4") = answer.thread;
    register uint64_t t5 __asm__("t5") = answer.action;
    register uint64_t a0 __asm__("a0") = answer.words[0];
    register uint64_t a1 __asm__("a1") = answer.words[1];
    register uint64_t a2 __asm__("a2") = answer.words[2];
    register uint64_t a3 __asm__("a3") = answer.words[3];
    register uint64_t a4 __asm__("a4") = answer.words[4];
    register uint64_t a5 __asm__("a5") = answer.words[5];
    register uint64_t a6 __asm__("a6") = answer.words[6];
    register uint64_t a7 __asm__("a7") = answer.words[7];

    __asm__ volatile("ecall"
                     : "+r"(t0), "+r"(t1), "+r"(t2), "+r"(t3), "+r"(t4), "+r"(t5), "+r"(a0),
                       "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a4), "+r"(a5), "+r"(a6), "+r"(a7)
                     :
                     : "ra", "t6", "memory");
    return (struct message){t0, t1, t2, t3, t4, {a0, a1, a2, a3, a4, a5, a6, a7}};
}

/* Deliver `answer`, to a call or a fault, and go on. */
ALWAYS_INLINE enum err ecall_reply(const struct answer *answer)
{
    register uint64_t t0 __asm__("t0") = SYS_REPLY;
    register uint64_t t2 __asm__("t2") = answer->tag;
    register uint64_t t3 __asm__("t3") = answer->serial;
    register uint64_t t4 __asm__("t4") = answer->thread;
    register uint64_t t5 __asm__("t5") = answer->action;
    register uint64_t a0 __asm__("a0") = answer->words[0];
    register uint64_t a1 __asm__("a1") = answer->words[1];
    register uint64_t a2 __asm__("a2") = answer->words[2];
    register uint64_t a3 __asm__("a3") = answer->words[3];
    register uint64_t a4 __asm__("a4") = answer->words[4];
    register uint64_t a5 __asm__("a5") = answer->words[5];
    register uint64_t a6 __asm__("a6") = answer->words[6];
    register uint64_t a7 __asm__("a7") = answer->words[7];

    __asm__ volatile("ecall"
                     : "+r"(t0), "+r"(t2), "+r"(t3), "+r"(t4), "+r"(t5), "+r"(a0), "+r"(a1),
                       "+r"(a2), "+r"(a3), "+r"(a4), "+r"(a5), "+r"(a6), "+r"(a7)
                     :
                     : "ra", "t1", "t6", "memory");
    return (enum err)t0;
}

/* Results of an ordinary call. */
struct result {
    enum err error;
    uint64_t words[IPC_WORDS];
};

/* An ordinary call with up to six arguments, about `handle`. */
ALWAYS_INLINE struct result ecall_six(enum sys number, uint64_t handle, uint64_t x0, uint64_t x1,
                                      uint64_t x2, uint64_t x3, uint64_t x4, uint64_t x5)
{
    register uint64_t t0 __asm__("t0") = number;
    register uint64_t t1 __asm__("t1") = handle;
    register uint64_t a0 __asm__("a0") = x0;
    register uint64_t a1 __asm__("a1") = x1;
    register uint64_t a2 __asm__("a2") = x2;
    register uint64_t a3 __asm__("a3") = x3;
    register uint64_t a4 __asm__("a4") = x4;
    register uint64_t a5 __asm__("a5") = x5;
    register uint64_t a6 __asm__("a6") = 0;
    register uint64_t a7 __asm__("a7") = 0;

    __asm__ volatile("ecall"
                     : "+r"(t0), "+r"(t1), "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a4),
                       "+r"(a5), "+r"(a6), "+r"(a7)
                     :
                     : "ra", "t2", "t3", "t4", "t5", "t6", "memory");
    return (struct result){(enum err)t0, {a0, a1, a2, a3, a4, a5, a6, a7}};
}

/* The same with fewer arguments. */
ALWAYS_INLINE struct result ecall_three(enum sys number, uint64_t handle, uint64_t x0, uint64_t x1,
                                        uint64_t x2)
{
    return ecall_six(number, handle, x0, x1, x2, 0, 0, 0);
}

/* The time CSR. */
static inline uint64_t ecall_time(void)
{
    uint64_t ticks;

    __asm__ volatile("rdtime %0" : "=r"(ticks));
    return ticks;
}

/*
 * The two registers that a server thread has for itself: where small data lies, the same for all,
 * and its message page.
 */
ALWAYS_INLINE uint64_t ecall_small_data(void)
{
    uint64_t gp;
    __asm__ volatile("mv %0, gp" : "=r"(gp));
    return gp;
}

ALWAYS_INLINE void *ecall_message_page(void)
{
    uint64_t tp;
    __asm__ volatile("mv %0, tp" : "=r"(tp));
    return (void *)(uintptr_t)tp;
}

/* Stop with a trap that nobody handles: the kernel reports it with all registers. */
NORETURN ALWAYS_INLINE void ecall_stop(void)
{
    __asm__ volatile("ebreak");
    __builtin_unreachable();
}
