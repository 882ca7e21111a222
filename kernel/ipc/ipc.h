/* SPDX-License-Identifier: MIT */
/*
 * Messages: calls, answers, and the wait for the next message (registers: abi/ipc.h).
 *
 * This is the complete implementation. fastpath.S does the frequent cases of CALL and REPLY_WAIT
 * without it and comes here, with nothing changed, as soon as anything is unusual.
 *
 *     caller                      endpoint                    server
 *     ipc_send()   --SENDING-->   senders     <------------   ipc_receive()
 *        |                        receivers   <--RECEIVING--     |
 *        '--- ipc_hand_over(): registers, token; caller CALLING -'
 *     RUNNABLE     <------------- ipc_answer(): serial -> 0 ---- REPLY...
 *
 * Priorities: a server runs with the priority of whoever it received from; a caller that queues
 * raises the thread that last received there to its own (one step, not along a chain of servers). A
 * notification is served with the thread's own priority.
 *
 * Not here: faults as messages (ipc/fault.c), handles in messages (ipc/transfer.c).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "ipc/endpoint.h"
#include "task/thread.h"

/*
 * The kernel calls CALL, CALL_TIMED, REPLY_WAIT, FAULT_REPLY_WAIT, REPLY: results go to the
 * registers of `self`.
 */
void ipc_call(struct thread *self);
COLD void ipc_call_timed(struct thread *self);
void ipc_reply_wait(struct thread *self);
void ipc_fault_reply_wait(struct thread *self);
void ipc_reply(struct thread *self);

/* Prepare an endpoint in a cell that slab_take() gave. */
COLD void endpoint_init(struct endpoint *endpoint);

/* The endpoint is about to end: everybody in its queues gets PEER_GONE, faults end their
 * threads. */
COLD void endpoint_fini(struct endpoint *endpoint) REQUIRES(task_lock);

/*
 * Send the message of `self`, RUNNING, to the endpoint that `slot` names: to a receiver, or into
 * the queue.
 *
 * The message is the page fault in fault_address and fault_access if `is_fault`, else what is in
 * the registers.
 * Requires:  the endpoint lives.
 * Returns:   ERR_OK: self waits, the caller returns to the exit;
 *            ERR_SENDER_HANDLE, ERR_RECEIVER_SLOTS as in abi/ipc.h.
 * On error:  nothing changed.
 */
MUST_USE enum err ipc_send(struct thread *self, const struct handle_slot *slot, bool is_fault);

/* Wait for the next message at the endpoint that x[REG_T1] of `self` names; results go to its
 * registers. */
void ipc_receive(struct thread *self);

/*
 * Find the thread that waits for the token in x[REG_T3], x[REG_T4] of `self`, which may answer it.
 *
 * Returns: it, in CALLING or FAULTING; NULL: there is none.
 */
struct thread *ipc_find_waiter(struct thread *self);

/* Bits for the bound notification of `thread` came: end its RECEIVING if it is in it. */
COLD void ipc_poke(struct thread *thread);
