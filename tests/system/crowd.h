/* SPDX-License-Identifier: MIT */
/*
 * Several threads of a test that do the same at the same time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define CROWD_MAX 4u

/* How many harts the machine has. */
uint64_t crowd_harts(void);

/*
 * Start `count` threads, at most CROWD_MAX, each with its element of the array at `first`, and wait
 * for all. Reports failure as an expectation of the running test.
 */
void crowd_run(void (*work)(void *), void *first, size_t size, unsigned count);
