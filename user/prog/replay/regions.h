/* SPDX-License-Identifier: MIT */
/*
 * What the system itself says of this process: how many regions it keeps for a range of addresses,
 * and how many faults it has resolved.
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

/*
 * Count the page faults of this process that were resolved so far.
 *
 * Returns:   whether the system could be asked; `count` is written only then.
 */
bool regions_faults(uint64_t *count);
