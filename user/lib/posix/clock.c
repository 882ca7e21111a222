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
#include <unistd.h>

#include <hf/env.h>
#include <hf/error.h>
#include <hf/kernel.h>
#include <hf/wait.h>

#define NANOSECONDS UINT64_C(1000000000)
#define SECONDS_MAX UINT64_C(1000000000) /* as good as for ever, and counts in ticks */

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

int nanosleep(const struct timespec *wanted, struct timespec *left)
{
    const uint64_t hz = hf_env()->timebase_hz;
    if (wanted->tv_sec < 0 || wanted->tv_nsec < 0 || (uint64_t)wanted->tv_nsec >= NANOSECONDS) {
        errno = EINVAL;
        return -1;
    }
    const uint64_t seconds =
        (uint64_t)wanted->tv_sec < SECONDS_MAX ? (uint64_t)wanted->tv_sec : SECONDS_MAX;
    const uint64_t ticks =
        seconds * hz + ((uint64_t)wanted->tv_nsec * hz + NANOSECONDS - 1) / NANOSECONDS;
    enum err error = hf_sleep_until(hf_time_now() + ticks);
    if (error != ERR_OK) {
        errno = hf_errno(error);
        return -1;
    }
    if (left != NULL) {
        *left = (struct timespec){0};
    }
    return 0;
}

unsigned sleep(unsigned seconds)
{
    const struct timespec wanted = {.tv_sec = (time_t)seconds};
    return nanosleep(&wanted, NULL) == 0 ? 0 : seconds;
}

int usleep(useconds_t microseconds)
{
    const struct timespec wanted = {
        .tv_sec = (time_t)(microseconds / 1000000),
        .tv_nsec = (long)(microseconds % 1000000 * 1000),
    };
    return nanosleep(&wanted, NULL);
}
