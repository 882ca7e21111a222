/* SPDX-License-Identifier: MIT */
/*
 * The ecall instruction, once for each form of register use in abi/ipc.h.
 *
 * Everything is inline and every structure is taken apart by the compiler, so that a call costs
 * what its registers cost. Registers that the convention calls dead are named as destroyed. Nobody
 * but kernel.h and mem.h should need this file.
 */
#pragma once

#include <stdint.h>

#include <abi/calls.h>
#include <abi/error.h>
#include <abi/ipc.h>
#include <base/attr.h>

/* Who is to be answered (abi/ipc.h); serial 0: nobody. */
struct hf_token {
    uint64_t serial;
    uint64_t thread;
};

/* What a caller sends, and gets back. */
struct hf_message {
    uint64_t tag;
    uint64_t words[IPC_WORDS];
};

/* What a receiver answers, and gets next. */
struct hf_request {
    uint64_t badge; /* of what was received */
    struct hf_token token;
    struct hf_message message;
};

/* An ordinary call's error and first result. */
struct hf_result {
    enum err error;
    uint64_t value;
};

/* A call that looks at no register but t0. */
ALWAYS_INLINE enum err hf_syscall_bare(enum sys number)
{
    register uint64_t t0 __asm__("t0") = number;
    __asm__ volatile("ecall"
                     : "+r"(t0)
                     :
                     : "ra", "t1", "t2", "t3", "t4", "t5", "t6", "a0", "a1", "a2", "a3", "a4", "a5",
                       "a6", "a7", "memory");
    return (enum err)t0;
}

/* An ordinary call with up to three arguments. */
ALWAYS_INLINE struct hf_result hf_syscall(enum sys number, uint64_t handle, uint64_t first,
                                          uint64_t second, uint64_t third)
{
    register uint64_t t0 __asm__("t0") = number;
    register uint64_t t1 __asm__("t1") = handle;
    register uint64_t a0 __asm__("a0") = first;
    register uint64_t a1 __asm__("a1") = second;
    register uint64_t a2 __asm__("a2") = third;
    __asm__ volatile("ecall"
                     : "+r"(t0), "+r"(t1), "+r"(a0), "+r"(a1), "+r"(a2)
                     :
                     : "ra", "t2", "t3", "t4", "t5", "t6", "a3", "a4", "a5", "a6", "a7", "memory");
    return (struct hf_result){.error = (enum err)t0, .value = a0};
}

/* An ordinary call with six arguments. */
ALWAYS_INLINE struct hf_result hf_syscall_six(enum sys number, uint64_t handle,
                                              const uint64_t arguments[6])
{
    register uint64_t t0 __asm__("t0") = number;
    register uint64_t t1 __asm__("t1") = handle;
    register uint64_t a0 __asm__("a0") = arguments[0];
    register uint64_t a1 __asm__("a1") = arguments[1];
    register uint64_t a2 __asm__("a2") = arguments[2];
    register uint64_t a3 __asm__("a3") = arguments[3];
    register uint64_t a4 __asm__("a4") = arguments[4];
    register uint64_t a5 __asm__("a5") = arguments[5];
    __asm__ volatile("ecall"
                     : "+r"(t0), "+r"(t1), "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a4),
                       "+r"(a5)
                     :
                     : "ra", "t2", "t3", "t4", "t5", "t6", "a6", "a7", "memory");
    return (struct hf_result){.error = (enum err)t0, .value = a0};
}

/* SYS_CALL and SYS_CALL_TIMED: the message goes out and the answer takes its place. */
ALWAYS_INLINE enum err hf_syscall_call(enum sys number, uint64_t endpoint, uint64_t latest,
                                       struct hf_message *message)
{
    register uint64_t t0 __asm__("t0") = number;
    register uint64_t t1 __asm__("t1") = endpoint;
    register uint64_t t2 __asm__("t2") = message->tag;
    register uint64_t t3 __asm__("t3") = latest;
    register uint64_t a0 __asm__("a0") = message->words[0];
    register uint64_t a1 __asm__("a1") = message->words[1];
    register uint64_t a2 __asm__("a2") = message->words[2];
    register uint64_t a3 __asm__("a3") = message->words[3];
    register uint64_t a4 __asm__("a4") = message->words[4];
    register uint64_t a5 __asm__("a5") = message->words[5];
    register uint64_t a6 __asm__("a6") = message->words[6];
    register uint64_t a7 __asm__("a7") = message->words[7];
    __asm__ volatile("ecall"
                     : "+r"(t0), "+r"(t1), "+r"(t2), "+r"(t3), "+r"(a0), "+r"(a1), "+r"(a2),
                       "+r"(a3), "+r"(a4), "+r"(a5), "+r"(a6), "+r"(a7)
                     :
                     : "ra", "t4", "t5", "t6", "memory");
    *message = (struct hf_message){.tag = t2, .words = {a0, a1, a2, a3, a4, a5, a6, a7}};
    return (enum err)t0;
}

/* SYS_REPLY, SYS_REPLY_WAIT, SYS_FAULT_REPLY_WAIT: the answer goes out and the next message takes
 * its place. */
ALWAYS_INLINE enum err hf_syscall_reply(enum sys number, uint64_t endpoint, uint64_t action,
                                        struct hf_request *request)
{
    register uint64_t t0 __asm__("t0") = number;
    register uint64_t t1 __asm__("t1") = endpoint;
    register uint64_t t2 __asm__("t2") = request->message.tag;
    register uint64_t t3 __asm__("t3") = request->token.serial;
    register uint64_t t4 __asm__("t4") = request->token.thread;
    register uint64_t t5 __asm__("t5") = action;
    register uint64_t a0 __asm__("a0") = request->message.words[0];
    register uint64_t a1 __asm__("a1") = request->message.words[1];
    register uint64_t a2 __asm__("a2") = request->message.words[2];
    register uint64_t a3 __asm__("a3") = request->message.words[3];
    register uint64_t a4 __asm__("a4") = request->message.words[4];
    register uint64_t a5 __asm__("a5") = request->message.words[5];
    register uint64_t a6 __asm__("a6") = request->message.words[6];
    register uint64_t a7 __asm__("a7") = request->message.words[7];
    __asm__ volatile("ecall"
                     : "+r"(t0), "+r"(t1), "+r"(t2), "+r"(t3), "+r"(t4), "+r"(t5), "+r"(a0),
                       "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a4), "+r"(a5), "+r"(a6), "+r"(a7)
                     :
                     : "ra", "t6", "memory");
    *request = (struct hf_request){
        .badge = t1,
        .token = {t3, t4},
        .message = {.tag = t2, .words = {a0, a1, a2, a3, a4, a5, a6, a7}},
    };
    return (enum err)t0;
}
