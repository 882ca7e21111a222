/* SPDX-License-Identifier: MIT */
/*
 * Limits of the process under their POSIX names, with Linux's numbers.
 *
 * The memory server keeps AS, DATA, MEMLOCK and STACK, the first two in pages: a number of bytes is
 * rounded down to whole pages. The others are not limited here: reading gives RLIM_INFINITY, and
 * setting them to anything else EINVAL. A child process inherits the limits.
 */
#pragma once

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef unsigned long rlim_t;

struct rlimit {
    rlim_t rlim_cur;
    rlim_t rlim_max;
};

#define RLIM_INFINITY  (~0ul)
#define RLIM_SAVED_MAX RLIM_INFINITY
#define RLIM_SAVED_CUR RLIM_INFINITY
#define RLIMIT_CPU     0
#define RLIMIT_FSIZE   1
#define RLIMIT_DATA    2
#define RLIMIT_STACK   3
#define RLIMIT_CORE    4
#define RLIMIT_RSS     5
#define RLIMIT_NPROC   6
#define RLIMIT_NOFILE  7
#define RLIMIT_MEMLOCK 8
#define RLIMIT_AS      9
#define RLIM_NLIMITS   16

/* EINVAL: no such resource. */
int getrlimit(int resource, struct rlimit *limit);
/* EINVAL: cur above max; EPERM: above the present maximum. */
int setrlimit(int resource, const struct rlimit *limit);

#ifdef __cplusplus
}
#endif
