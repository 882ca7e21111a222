/* SPDX-License-Identifier: MIT */
/*
 * For the test of HUGETLB: sizes of huge pages, their pools, memory of them with a pattern.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define RW         (PROT_READ | PROT_WRITE)
#define CHILD_OK   42
#define HUGE_SIZES 2u
#define HUGE_STEP  0x1ff000u /* bytes between two looks: all pages of 2 MiB, at changing places */

/* A size of huge pages, and what the manifest says of it. */
struct huge_size {
    const char *text;
    uint64_t bytes;
    int flags;
    uint64_t pages; /* in the pool; 0: there is none */
};

extern struct huge_size huge_sizes[HUGE_SIZES];

/* Find out which pools there are. Returns: whether that of 2 MiB has the 4 pages it needs. */
bool huge_size_look(void);

/* Call a function for each size that there is. */
void huge_size_each(void (*test)(const struct huge_size *size));

/* Expect so many pages of the pool to be used, and promised. */
void huge_size_expect_pool(const struct huge_size *size, uint64_t used, uint64_t promised);

/* MAP of so many pages, NULL if it is refused; UNMAP. */
volatile unsigned char *huge_size_map(const struct huge_size *size, uint64_t pages, int flags);
void huge_size_unmap(const struct huge_size *size, volatile unsigned char *memory, uint64_t pages);

/* A pattern at each HUGE_STEP: what it has at an offset; fill memory; whether it is there. */
unsigned char huge_size_mark(uint64_t offset);
void huge_size_fill(volatile unsigned char *memory, uint64_t bytes);
bool huge_size_is_filled(const volatile unsigned char *memory, uint64_t bytes);
bool huge_size_is_zero(const volatile unsigned char *memory, uint64_t bytes);

/* How a child ended that calls a function: its status, or its signal negated. */
int huge_size_child_end(int (*run)(volatile unsigned char *memory, const struct huge_size *size),
                        volatile unsigned char *memory, const struct huge_size *size);
