/* SPDX-License-Identifier: MIT */
/*
 * What is counted of the whole machine, before and after something that must leave nothing behind.
 *
 * A test does once what it is about before it looks for the first time: its own stack, tables and
 * handles have what they need by then. Nobody else may begin, end or get memory in between.
 *
 * Not here: what init compares after each program (user/init/init.c), and a space's own accounts
 * (accounts_test.c).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct balance {
    uint64_t free;        /* frames */
    uint64_t promised;    /* pages, of the commit account */
    uint64_t names;       /* of shared memory */
    uint64_t shared;      /* frames that shared memory takes */
    uint64_t pins;        /* that stand */
    uint64_t detained;    /* frames that only pins keep */
    uint64_t quarantined; /* frames that wait for the reset of a device */
};

/*
 * Frames that are free once their number stands still: what ended before may still be giving its
 * last ones back, and a server's thread moves its frames while others are counted. Asks every few
 * milliseconds, for half a second at most.
 */
uint64_t balance_free(void);

/*
 * As it is now, `free` as balance_free() says. What cannot be learnt is a failure of the running
 * test.
 */
struct balance balance_look(void);

/* Expect all of it to be as it was. Returns: whether it is. */
bool balance_expect(const struct balance *before);
