/* SPDX-License-Identifier: MIT */
/*
 * A death notice: part of the struct thread or struct space whose end it tells of, so that
 * announcing needs no memory. Queueing is in ipc/death.h.
 */
#pragma once

#include <stdint.h>

#include <abi/ipc.h>
#include <base/list.h>

struct death {
    struct list link;      /* in the queue of ipc/death.c, or alone */
    enum object_kind kind; /* OBJECT_SPACE or OBJECT_THREAD: what this is part of */
    uint64_t cause;
    uint64_t detail;
    uint64_t pc;
    uint64_t access;
    uint64_t thread_number; /* of the thread that ended, or that caused the end */
};
