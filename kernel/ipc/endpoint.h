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
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <base/assert.h>
#include <base/list.h>

#include "task/object.h"

struct space;

struct endpoint {
    struct object object;
    uint64_t unused;
    struct list senders;
    struct list receivers;
    uint64_t
        server; /* number of the thread that last received here: callers lend it their priority */
    struct space *owner; /* constant while it lives; slab_take() sets it */
};

STATIC_ASSERT(sizeof(struct endpoint) == 64, "an endpoint is a cell");
