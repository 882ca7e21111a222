/* SPDX-License-Identifier: MIT */
/*
 * Arithmetic on numbers that came from another protection domain.
 *
 * Each function says whether the exact result fits; the output is written only then.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>

MUST_USE static inline bool checked_add(uint64_t a, uint64_t b, uint64_t *sum)
{
    if (a > UINT64_MAX - b) {
        return false;
    }
    *sum = a + b;
    return true;
}

MUST_USE static inline bool checked_mul(uint64_t a, uint64_t b, uint64_t *product)
{
    if (b != 0 && a > UINT64_MAX / b) {
        return false;
    }
    *product = a * b;
    return true;
}

/* Round up to a multiple of `unit`, a power of two. */
MUST_USE static inline bool checked_round_up(uint64_t value, uint64_t unit, uint64_t *rounded)
{
    if (value > UINT64_MAX - (unit - 1)) {
        return false;
    }
    *rounded = (value + (unit - 1)) & ~(unit - 1);
    return true;
}
