/* SPDX-License-Identifier: MIT */
/*
 * How long two threads compute, one after the other and both at once; for compute_test.py.
 */
#include <inttypes.h>
#include <stdio.h>

#include <hf/env.h>

#include "child.h"
#include "crowd.h"

#define TRIES         5u
#define ALONE_PER_SEC 20u /* one thread computes for at least this part of a second */

static void compute_run(void *argument)
{
    const uint64_t steps = *(uint64_t *)argument;
    volatile uint64_t state = 1;

    for (uint64_t i = 0; i < steps; i++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    }
}

static uint64_t ticks_of(uint64_t *steps)
{
    const uint64_t start = time_now();

    compute_run(steps);
    return time_now() - start;
}

int main(void)
{
    uint64_t steps[2] = {1 << 18, 0};

    while (ticks_of(&steps[0]) < hf_env()->timebase_hz / ALONE_PER_SEC) {
        steps[0] *= 2;
    }
    steps[1] = steps[0];
    for (unsigned i = 0; i < TRIES; i++) {
        const uint64_t serial = ticks_of(&steps[0]) + ticks_of(&steps[1]);
        const uint64_t start = time_now();

        crowd_run(compute_run, steps, sizeof(steps[0]), 2);
        const uint64_t both = time_now() - start;
        printf("compute: %" PRIu64 " ticks one after the other, %" PRIu64 " at once\n", serial,
               both);
    }
    return 0;
}
