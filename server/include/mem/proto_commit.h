/* SPDX-License-Identifier: MIT */
/*
 * The request of proto.def about how memory is promised; proto.h says what all requests have in
 * common. Modes are Linux's (vm.overcommit_memory).
 */
#pragma once

#include <stdint.h>

#include <base/assert.h>

#define MEM_COMMIT_HEURISTIC 0u /* no single request for more than all frames */
#define MEM_COMMIT_ALWAYS    1u /* whatever is asked */
#define MEM_COMMIT_NEVER     2u /* no more in all than `percent` of the frames */

/*
 * COMMIT: read the mode and what is promised, for everyone; or set it (`set` 1; init alone: PERM).
 * INVAL: unknown mode, or a percentage that is not 1 to 1000; both are 0 when `set` is.
 */
struct mem_commit_req {
    uint64_t head;
    uint64_t set;
    uint64_t mode;
    uint64_t percent;
    uint64_t reserved[4];
};
struct mem_commit_rep {
    uint64_t error;
    uint64_t mode;
    uint64_t percent;
    uint64_t limit;  /* pages that may be promised: with NEVER in all, with HEURISTIC at once */
    uint64_t used;   /* pages that are promised */
    uint64_t frames; /* that the memory server has to give */
    uint64_t names;  /* of shared memory, by everyone */
    uint64_t shared; /* frames that shared memory takes, with its tables, records and names */
};

STATIC_ASSERT(sizeof(struct mem_commit_rep) == 64, "eight words");
