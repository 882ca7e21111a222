/* SPDX-License-Identifier: MIT */
/*
 * The process itself: its number, its end, and what it may ask about the system.
 *
 * There are no signals between processes yet. A process can send one to itself: raise() of the C
 * library calls kill() when no handler is set, and that ends the process with status 128 + signal,
 * as a shell would show it. So abort() ends with 134.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "files.h"

#include <base/assert.h>
#include <hf/env.h>
#include <hf/mem.h>

#define STATUS_SIGNAL 128
#define STATUS_BITS   0xff
/* The C library's own name for this number differs between its versions. */
#define SIGNALS_MAX 32

void _exit(int status)
{
    files_leave();
    hf_exit((uint64_t)(status & STATUS_BITS));
}

pid_t getpid(void)
{
    return (pid_t)hf_env()->space_id;
}

int kill(pid_t pid, int signal_number)
{
    if (signal_number < 0 || signal_number >= SIGNALS_MAX) {
        errno = EINVAL;
        return -1;
    }
    if (pid != getpid()) {
        errno = ESRCH;
        return -1;
    }
    if (signal_number != 0) {
        _exit(STATUS_SIGNAL + signal_number);
    }
    return 0;
}

int getpagesize(void)
{
    return (int)HF_PAGE_BYTES;
}

static long info_get(enum info which)
{
    uint64_t value = 0;
    return hf_info(which, &value) == ERR_OK ? (long)value : -1;
}

long sysconf(int name)
{
    struct mem_stats_rep stats;
    switch (name) {
    case _SC_PAGESIZE:
        return (long)HF_PAGE_BYTES;
    case _SC_NPROCESSORS_CONF:
    case _SC_NPROCESSORS_ONLN:
        return info_get(INFO_HARTS);
    case _SC_PHYS_PAGES:
        return info_get(INFO_FRAMES);
    case _SC_AVPHYS_PAGES:
        return hf_stats(&stats) == ERR_OK ? (long)stats.free : -1;
    case _SC_CLK_TCK:
        return CLOCKS_PER_SEC;
    default:
        errno = EINVAL;
        return -1;
    }
}

void assert_fail(const char *what)
{
    fflush(stdout);
    fprintf(stderr, "%s\n", what);
    abort();
}
