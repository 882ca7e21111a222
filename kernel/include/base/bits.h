/* SPDX-License-Identifier: MIT */
/*
 * Bit fields, alignment and powers of two.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define BIT(n) (UINT64_C(1) << (n))

/* `width` bits of `word` from bit `low`; 0 < width < 64. */
static inline uint64_t bits_get(uint64_t word, unsigned low, unsigned width)
{
    return (word >> low) & (BIT(width) - 1);
}

static inline uint64_t bits_align_down(uint64_t value, uint64_t unit)
{
    return value & ~(unit - 1);
}

static inline bool bits_is_aligned(uint64_t value, uint64_t unit)
{
    return (value & (unit - 1)) == 0;
}

static inline bool bits_is_power_of_two(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* Number of the highest bit that is set; word != 0. Five steps, since not every hart counts
 * zeros. */
static inline unsigned bits_highest(uint32_t word)
{
    unsigned highest = 0;

    for (unsigned step = 16; step != 0; step /= 2) {
        if (word >> step != 0) {
            word >>= step;
            highest += step;
        }
    }
    return highest;
}
