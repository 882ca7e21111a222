/* SPDX-License-Identifier: MIT */
/*
 * Time-outs: one list sorted by time, its entries part of the threads that set them.
 *
 * I1  A timeout is in the list exactly while its `time` is not 0.
 * Not here: what happens at the time (ipc/attend.c); arming the timer (sched_arm).
 */
#pragma once

#include <stdint.h>

#include <base/list.h>

enum timeout_kind {
    TIMEOUT_WAIT,  /* ends a wait: thread.wait_timeout */
    TIMEOUT_TIMER, /* signals: thread.timer */
};

struct timeout {
    struct list link;
    uint64_t time; /* value of the time CSR; 0: not set */
    enum timeout_kind kind;
};

/* Prepare a time-out that is not set. */
void timeout_init(struct timeout *timeout, enum timeout_kind kind);

/* Set it to `time` (not 0), whatever it was before. */
void timeout_set(struct timeout *timeout, uint64_t time);

/* Unset it if it is set. */
void timeout_cancel(struct timeout *timeout);

/* The earliest time set; UINT64_MAX: none. */
uint64_t timeout_next(void);

/* Unset and return one whose time is not after `now`; NULL: there is none. */
struct timeout *timeout_take_due(uint64_t now);
