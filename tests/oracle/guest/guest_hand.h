/* SPDX-License-Identifier: MIT */
/*
 * Touching pages of another space: a thread there that loads, stores and fetches where it is told,
 * and says which upcall that made, if any.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <hf/call.h>

#include "guest_code.h"

/* Owner: the place (guest_place.h). */
struct hand {
    uint64_t thread;
    uint64_t endpoint;
    struct hf_request request; /* the call of the thread that waits for a job */
};

/* What became of a job. */
struct hand_answer {
    uint64_t cause;  /* enum cause; 0: no upcall */
    uint64_t detail; /* of the upcall */
    uint64_t word;   /* that was read; with an upcall its pc */
    uint64_t access; /* of the upcall */
};

/*
 * Put the hand into an empty space, on a page of its own, and start it; in a clone its page is
 * there.
 *
 * Returns:   whether it runs and waits; what failed is an expectation of the running test.
 */
bool hand_start(struct hand *hand, uint64_t space, uint64_t kernel_space, uint64_t page,
                bool is_empty);

/* Have it do a job (HAND_READ...). Returns: whether it answered. */
bool hand_do(struct hand *hand, uint64_t job, uint64_t address, uint64_t word,
             struct hand_answer *answer);
