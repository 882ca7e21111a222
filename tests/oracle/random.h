/* SPDX-License-Identifier: MIT */
/*
 * A generator of our own, so that a seed means the same sequence everywhere.
 *
 * Weyl sequence with a multiply-and-shift mix; passes for choosing test cases, for nothing else.
 */
#pragma once

#include <stdint.h>

struct random {
    uint64_t state;
};

static inline struct random random_make(uint64_t seed)
{
    return (struct random){seed};
}

static inline uint64_t random_next(struct random *random)
{
    random->state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t word = random->state;
    word = (word ^ word >> 31) * UINT64_C(0xd6e8feb86659fd93);
    word = (word ^ word >> 29) * UINT64_C(0xa0761d6478bd642f);
    return word ^ word >> 32;
}

/* A number below `limit`, which is not 0. */
static inline uint64_t random_below(struct random *random, uint64_t limit)
{
    return random_next(random) % limit;
}

/* True in `percent` of 100 cases. */
static inline int random_chance(struct random *random, unsigned percent)
{
    return random_below(random, 100) < percent;
}
