/* SPDX-License-Identifier: MIT */
/*
 * A sum over what a boot medium holds, to notice damage; against malice it is worth nothing.
 *
 * Two sums of 64-bit words, the second one of the first one's values, so that the order counts
 * (Fletcher 1982); the result is both, folded into one. The host computes the same (sbi/fit.py).
 */
#pragma once

#include <stdint.h>

/* The sum of `bytes`, a multiple of 8. */
uint64_t checksum_of(const void *start, uint64_t bytes);
