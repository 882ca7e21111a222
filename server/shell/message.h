/* SPDX-License-Identifier: MIT */
/*
 * A received message, and what is given to the kernel when waiting for the next.
 *
 * The kernel's registers by name (abi/ipc.h). On the way of a fault the compiler keeps both in
 * registers.
 */
#pragma once

#include <stdint.h>

#include <abi/ipc.h>

/* A message, or why there is none. */
struct message {
    uint64_t error; /* enum err; the rest is valid with ERR_OK */
    uint64_t badge;
    uint64_t tag;
    uint64_t serial; /* token: serial and thread */
    uint64_t thread;
    uint64_t words[IPC_WORDS];
};

/* An answer; serial 0: nobody is answered. */
struct answer {
    uint64_t number; /* SYS_REPLY_WAIT or SYS_FAULT_REPLY_WAIT; ecall_reply() does not look */
    uint64_t tag;
    uint64_t serial;
    uint64_t thread;
    uint64_t action; /* enum fault_action, to faults */
    uint64_t words[IPC_WORDS];
};
