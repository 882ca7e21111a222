/* SPDX-License-Identifier: MIT */
#include "chance.h"

#include <stdlib.h>
#include <time.h>

#include <tap.h>

static uint64_t state = 1;

static uint64_t option(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text == NULL ? otherwise : strtoull(text, NULL, 0);
}

uint64_t chance_begin(uint64_t steps)
{
    const uint64_t count = option("HF_STEPS", steps);

    chance_start(option("HF_SEED", (uint64_t)time(NULL)));
    tap_note("HF_SEED=%llu HF_STEPS=%llu", (unsigned long long)state, (unsigned long long)count);
    return count;
}

void chance_start(uint64_t seed)
{
    state = seed;
}

uint32_t chance_below(uint32_t below)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((state >> 33) % below);
}
