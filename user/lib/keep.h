/* SPDX-License-Identifier: MIT */
/*
 * Names that outlive the name service, which forgets them when it ends: what this process has
 * registered is registered again with each instance to come.
 *
 * One thread of the library's, the keeper, is there while the process has names. It watches the
 * instance with which they are registered (WATCH in names/proto.h):
 *
 *   WATCH -> REGISTER   the instance has ended
 *   REGISTER -> WATCH   all names are registered with one instance
 *   REGISTER -> REGISTER  that one has ended meanwhile
 *   any -> (ended)      there are no names, or no name service will come any more
 *
 * A name is not kept any longer when another server took it in between, or its endpoint has ended.
 *
 * I1  A record in use has a handle of its own to its endpoint, so that the caller may close his.
 * I2  The keeper is there, or will not be missed: it leaves only while it holds the lock and there
 *     is no record in use, or no name service.
 * Owner: the records and all else behind the lock of this file; held across calls to the service.
 */
#pragma once

#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

/*
 * Register a name, and keep it. Returns: as hf_name_register(). `name` is shorter than NAMES_BYTES.
 */
MUST_USE enum err keep_register(const char *name, uint64_t endpoint);

/* Have the service forget a name, and keep it no longer. Returns: what REMOVE answers. */
MUST_USE enum err keep_remove(const char *name);

/* In a child that has its parent's memory, and none of its threads and handles. */
void keep_forget_all(void);
