/* SPDX-License-Identifier: MIT */
/*
 * A stage for host tests of kernel/task, kernel/ipc and kernel/syscall: one hart, a memory server,
 * client spaces and threads in frames of the model (model.h).
 *
 * A test plays the threads: it puts a call's registers into the thread that is current, lets the
 * kernel do the call, and looks at the registers of whoever runs then. Assembly has no part in it:
 * the paths here are the complete ones.
 */
#pragma once

#include <stdint.h>

#include <abi/ipc.h>

#include "ipc/endpoint.h"
#include "ipc/notify.h"
#include "syscall/syscall.h"
#include "task/space.h"
#include "task/thread.h"

/* Slots that stage_start() fills: in the server its endpoint, in every client a handle to it. */
#define STAGE_ENDPOINT HANDLE_MEM

/* The memory server's space and its thread, number 0, which runs. */
extern struct space *stage_server;
extern struct thread *stage_server_thread;

/* The time that timer_now() tells. */
extern uint64_t stage_time;

/* NULL, or current, whom another hart ends while this one fills pages next. */
extern struct thread *stage_ended_opt;

/* Set everything up anew. */
void stage_start(void);

/* Make a client space whose faults and calls have `badge`. */
struct space *stage_space(uint64_t badge);

/* Make a thread of `space` that is runnable, with the next number. */
struct thread *stage_thread(struct space *space, uint32_t priority);

/* Give `space` a slab, and make an object of `kind` with a handle in `slot`. */
struct object *stage_object(struct space *space, enum object_kind kind, uint64_t slot);

/* Let the kernel choose who runs. Returns: current. */
struct thread *stage_schedule(void);

/* As current: one call each; then the kernel chooses who runs. */
void stage_call(uint64_t handle, uint64_t tag, uint64_t first_word);
void stage_reply_wait(uint64_t handle, uint64_t serial, uint64_t number, uint64_t first_word);
void stage_fault_reply_wait(uint64_t serial, uint64_t number, uint64_t action, uint64_t where,
                            uint64_t what);
void stage_fault(uint64_t address, uint32_t access);

/* End of a simple call of current: what trap.S does with its result. */
struct thread *stage_finish(struct sys_result result);

/* t0 of a thread. */
enum err stage_error(const struct thread *thread);
