/* SPDX-License-Identifier: MIT */
/*
 * An endpoint: where callers and the threads that serve them meet.
 *
 * A 64-byte cell of a slab of the space that made it. Senders are kept by priority, those of one
 * priority in the order in which they came. Of the receivers the last one is the first: its cache
 * is warm, and the few that serve all harts stay at the front, so that each hart finds its own
 * after at most HARTS_MAX looks (fastpath.S, ipc_choose_receiver).
 *
 * I1  Not both queues have members.
 * I2  senders: threads in SENDING or TRAPPED; receivers: threads in RECEIVING. Their waits_on is
 *     this.
 * Lock: `lock` guards all but id and owner. Memory stays an endpoint's or a notification's while
 * the space lives, so that a lock may be taken first and the id compared after.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <base/assert.h>
#include <base/list.h>
#include <riscv/lock.h>

#include "task/object.h"

struct space;

struct endpoint {
    struct object object;
    struct lock lock;
    uint32_t reserved;
    struct list senders;
    struct list receivers;
    uint64_t
        server; /* number of the thread that last received here: callers lend it their priority */
    struct space *owner; /* constant while it lives */
};

STATIC_ASSERT(sizeof(struct endpoint) == 64, "an endpoint is a cell");
