/* SPDX-License-Identifier: MIT */
/*
 * Limits a refusal can name, and their defaults.
 */
#pragma once

#include <stdint.h>

/* Which limit refused a request. Numbers travel in MEM_REFUSAL and are never reused. */
enum mem_limit {
    MEM_LIMIT_NONE = 0,          /* not a limit: the error says all */
    MEM_LIMIT_REGIONS = 1,       /* regions of the space (max_map_count) */
    MEM_LIMIT_PAGES = 2,         /* pages of address space of the space (RLIMIT_AS) */
    MEM_LIMIT_DATA = 3,          /* private writable pages of the space (RLIMIT_DATA) */
    MEM_LIMIT_LOCKED = 4,        /* locked pages of the space (RLIMIT_MEMLOCK) */
    MEM_LIMIT_COMMIT = 5,        /* pages promised in the whole system */
    MEM_LIMIT_FRAMES = 6,        /* free frames of the machine */
    MEM_LIMIT_BUDGET = 7,        /* frames of the budget that pays */
    MEM_LIMIT_ADDRESS_SPACE = 8, /* bytes of user addresses: no gap is large enough */
    MEM_LIMIT_SPACES = 9,        /* spaces or threads of the system */
    MEM_LIMIT_STACK = 10,        /* pages of a region that grows down (RLIMIT_STACK) */
    MEM_LIMIT_NAMES = 11,        /* names of shared memory given by a space and its descendants */
    MEM_LIMIT_HUGE = 12,         /* huge pages of a pool, of one size */
};

#define MEM_MAX_MAP_COUNT_DEFAULT UINT64_C(65530)
#define MEM_LOCKED_MAX_DEFAULT    UINT64_C(8388608) /* bytes, as Linux since 5.16 */
#define MEM_STACK_MAX_DEFAULT     UINT64_C(8388608) /* bytes */
#define MEM_UNLIMITED             UINT64_MAX
/* Lowest address that a client without the privilege may map, bytes (Linux vm.mmap_min_addr). */
#define MEM_MAP_MIN_ADDR_DEFAULT UINT64_C(65536)
