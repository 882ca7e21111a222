/* SPDX-License-Identifier: MIT */
/*
 * Time, read from the time CSR: all clocks count from the start of the machine, since nothing here
 * knows the date. Time spent in a process is not kept apart.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>

#include <hf/env.h>
#include <hf/kernel.h>

#define NANOSECONDS UINT64_C(1000000000)

static struct timespec clock_now(void)
{
    const uint64_t ticks = hf_time_now();
    const uint64_t hz = hf_env()->timebase_hz;
    return (struct timespec){
        .tv_sec = (time_t)(ticks / hz),
        .tv_nsec = (long)(ticks % hz * NANOSECONDS / hz),
    };
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) {
        errno = EINVAL;
        return -1;
    }
    *now = clock_now();
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    (void)zone;
    struct timespec precise = clock_now();
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

clock_t times(struct tms *spent)
{
    struct timespec now = clock_now();
    clock_t ticks = (clock_t)((uint64_t)now.tv_sec * CLOCKS_PER_SEC +
                              (uint64_t)now.tv_nsec / (NANOSECONDS / CLOCKS_PER_SEC));
    *spent = (struct tms){.tms_utime = ticks};
    return ticks;
}
