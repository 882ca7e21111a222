/* SPDX-License-Identifier: MIT */
/*
 * The C library's <time.h>, and the clock of POSIX that it keeps for other systems.
 */
#ifndef HF_TIME_H
#define HF_TIME_H

#include_next <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef CLOCK_MONOTONIC
#define CLOCK_MONOTONIC ((clockid_t)4)
#endif

int clock_gettime(clockid_t clock, struct timespec *now);

#ifdef __cplusplus
}
#endif

#endif
