/* SPDX-License-Identifier: MIT */
/*
 * LOCK and UNLOCK, and those who wait.
 *
 * A lock lasts while somebody holds its token (lock.h). That is looked at when the lock is in the
 * way of another one. Who was given a lock, and has not taken hold of its token yet when another
 * asks, has lost it: the token is stale then, and he asks again.
 */
#pragma once

#include <abi/error.h>
#include <base/attr.h>

#include "server.h"

/* LOCK; a request that waits is held. */
MUST_USE enum err serve_lock(struct request *request);

/* UNLOCK. */
MUST_USE enum err serve_unlock(struct request *request);

/* Take away locks that nobody holds any longer where somebody waits, and answer who can go on. */
void serve_lock_sweep(struct server *server);

/* The lock that the answer of a LOCK gives is not wanted any longer. */
void serve_lock_undo(struct server *server, uint64_t id);
