/* SPDX-License-Identifier: MIT */
#include "boot/checksum.h"

uint64_t checksum_of(const void *start, uint64_t bytes)
{
    const uint64_t *words = start;
    uint64_t low = 0;
    uint64_t high = 0;

    for (uint64_t i = 0; i < bytes / sizeof(*words); i++) {
        low += words[i];
        high += low;
    }
    /* Turned, so that what the last word adds to both does not cancel out. */
    return (low << 32 | low >> 32) ^ high;
}
