/* SPDX-License-Identifier: MIT */
/*
 * Requests to the console: those that can be answered at once, and those that wait.
 *
 *   WRITE      waits while the ring of bytes to be sent has no room for what it shows
 *   READ       waits while nothing can be read
 *   INTERRUPT  waits for ^C
 *   DRAIN      waits while the ring is not empty
 *   BEHIND     never waits
 *
 * I1  Whoever waits has a token in one of the queues; answers go out in the order of the questions.
 * I2  A caller that has gone is forgotten when his answer cannot be delivered; what was typed stays
 *     for the next reader.
 * I3  Who has a handle for programs behind is in no queue of readers, and joins another only while
 *     that is less than half full.
 * Owner: the driver's only thread.
 */
#pragma once

#include <stdbool.h>

#include <hf/kernel.h>

#include "line.h"
#include "output.h"
#include "uart.h"

#define SERVE_WAITERS_MAX 32u
#define SERVE_BEHIND_MAX  16u

struct serve_waiter {
    struct hf_token token;
    struct hf_message message;
    bool is_behind; /* he has a handle for programs behind */
};

/* First come, first served. */
struct serve_queue {
    unsigned count;
    struct serve_waiter waiters[SERVE_WAITERS_MAX];
};

struct serve {
    struct uart uart;
    struct line line;
    struct output output;
    struct serve_queue writers;
    struct serve_queue readers;
    struct serve_queue interrupts;
    struct serve_queue drains;
    uint64_t behind; /* handle to be given by BEHIND */
};

/*
 * A request has arrived: turn it into its answer.
 *
 * Returns: whether there is one; else its token was kept.
 */
bool serve_request(struct serve *serve, struct hf_request *request);

/* The device has interrupted: send and receive what there is, and answer who waits for it. */
void serve_device(struct serve *serve);
