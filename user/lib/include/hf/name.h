/* SPDX-License-Identifier: MIT */
/*
 * Names of servers (names/proto.h), by the name service that this process was given.
 *
 * Errors of all: what a call refuses (BADF: no name service was given); ERR_INVAL: no name;
 * ERR_ACCES: the boot manifest does not let this process, or the one that it stems from.
 */
#pragma once

#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <hf/kernel.h>
#include <names/proto.h>

/*
 * Have an endpoint found under a name, until it ends or hf_name_remove(). The handle, with CALL,
 * TRANSFER and DERIVE, is copied. Should the name service end and be started again, a thread of the
 * library's registers the name anew.
 *
 * Returns:   ERR_OK; ERR_EXIST: a server that lives has the name; ERR_NOSPC; ERR_BADF, ERR_STALE,
 *            ERR_TYPE, ERR_RIGHTS: of the handle; what a thread is refused for (hf/thread.h), or a
 *            slot for the copy.
 * On error:  nothing changed.
 */
MUST_USE enum err hf_name_register(const char *name, uint64_t endpoint);

/*
 * A handle to the endpoint of a name. `latest`: how long to wait for it (time CSR), 0: for ever, in
 * the past: not at all.
 *
 * Returns:   ERR_OK; ERR_NOENT: there is none, and it was not waited for; ERR_TIMEDOUT;
 *            ERR_PEER_GONE: the server has ended and no other has come;
 *            ERR_RECEIVER_SLOTS: no slot for the handle; ERR_DEADLK: this process serves it.
 * On error:  `endpoint` is unchanged.
 */
MUST_USE enum err hf_name_find(const char *name, uint64_t latest, uint64_t *endpoint);

/* Have a name found no longer. Returns: ERR_OK; ERR_NOENT. */
MUST_USE enum err hf_name_remove(const char *name);
