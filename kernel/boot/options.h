/* SPDX-License-Identifier: MIT */
/*
 * Options of the kernel, words of the command line in the device tree:
 *
 *     nonce=WORD   goes into the end line (debug/power.h)
 *     seed=NUMBER  what would be random follows from it
 *     harts=NUMBER no more harts are used
 *     mem=SIZE     no more RAM is used, the lowest, but for the boot archive wherever it lies; in
 *                  bytes, or KiB, MiB, GiB with a K, M, G behind the number
 *     kernel-sum=NUMBER, archive-sum=NUMBER
 *                  what must come out of checksum.h for text and constants of the kernel, and for
 *                  the boot archive
 *     quiet        nothing about the machine is printed at boot
 *     trace        events are recorded from the start (debug/trace.h)
 *
 * Words that are none of these are somebody else's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "debug/power.h"

struct options {
    char nonce[POWER_NONCE_MAX + 1]; /* empty: none */
    bool has_seed;
    uint64_t seed;
    uint64_t harts;     /* UINT64_MAX: all */
    uint64_t mem_bytes; /* UINT64_MAX: all */
    bool has_kernel_sum;
    bool has_archive_sum;
    uint64_t kernel_sum;
    uint64_t archive_sum;
    bool is_quiet;
    bool is_traced;
};

/* Read a command line. A malformed number is as none. */
struct options options_read(const char *line);
