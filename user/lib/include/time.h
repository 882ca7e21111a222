/* SPDX-License-Identifier: MIT */
/*
 * The C library's <time.h>, and the clock of POSIX that it keeps for other systems.
 */
#pragma once

#include_next <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef CLOCK_MONOTONIC
#define CLOCK_MONOTONIC ((clockid_t)4)
#endif

/* POSIX clock_gettime(): CLOCK_REALTIME and CLOCK_MONOTONIC; EINVAL for others. */
int clock_gettime(clockid_t clock, struct timespec *now);

/* POSIX nanosleep(): never cut short, so that nothing is left; EINVAL: not a time. */
int nanosleep(const struct timespec *wanted, struct timespec *left);

#ifdef __cplusplus
}
#endif
