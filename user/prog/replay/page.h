/* SPDX-License-Identifier: MIT */
/*
 * Pages and the extent of the recorded address space.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PAGE_BYTES UINT64_C(4096)
#define PAGE_WORDS (PAGE_BYTES / sizeof(uint64_t))
/* Recorded addresses lie below this: traces are folded into 38 bits. */
#define PAGE_SPACE_END (UINT64_C(1) << 38)

static inline bool page_is_aligned(uint64_t address)
{
    return address % PAGE_BYTES == 0;
}

/* Round up to whole pages; `bytes` is at most PAGE_SPACE_END, so that nothing wraps. */
static inline uint64_t page_round_up(uint64_t bytes)
{
    return (bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
}

/* Whether `length` bytes from `address` lie in the recorded space; never wraps. */
static inline bool page_range_fits(uint64_t address, uint64_t length)
{
    return address <= PAGE_SPACE_END && length <= PAGE_SPACE_END - address;
}
