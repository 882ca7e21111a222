/* SPDX-License-Identifier: MIT */
/*
 * What the system itself says of this process: which regions it keeps, how many for a range of
 * addresses, how many faults it has resolved, and what the machine had to reclaim.
 *
 * One implementation is linked, chosen by the build: regions_linux.c reads /proc/self/maps,
 * regions_holdfast.c asks the memory server.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Count the regions that have a page in the own addresses [start, end), both page aligned.
 *
 * Returns:   whether the system could be asked; `count` is written only then.
 */
bool regions_count(uint64_t start, uint64_t end, uint64_t *count);

/* A region as the system keeps it; prot: enum trace_prot bits. */
struct regions_one {
    uint64_t start;
    uint64_t end;
    uint32_t prot;
};

/*
 * The first region of this process that ends above `address`.
 *
 * Returns:   whether there is one and the system could be asked; `one` is written only then.
 */
bool regions_at(uint64_t address, struct regions_one *one);

/*
 * Count the page faults of this process that were resolved so far.
 *
 * Returns:   whether the system could be asked; `count` is written only then.
 */
bool regions_faults(uint64_t *count);

/*
 * Count the pages that the machine has written to swap so far, and those of files that it has taken
 * frames from.
 *
 * Returns:   whether the system could be asked; the counts are written only then.
 */
bool regions_reclaimed(uint64_t *swapped, uint64_t *of_files);
