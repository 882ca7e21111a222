/* SPDX-License-Identifier: MIT */
/*
 * The request of proto.def about pools of huge pages; proto.h says what all requests have in
 * common.
 */
#pragma once

#include <stdint.h>

#include <base/assert.h>

#define MEM_HUGE_2MB UINT64_C(0x200000)
#define MEM_HUGE_1GB UINT64_C(0x40000000)

/*
 * HUGE: read the pool of pages of `bytes` bytes, for everyone; or set `pages` of them aside (`set`
 * 1; init alone: PERM), once. INVAL: no such size, none to be set aside; EXIST: they were set
 * already; NOMEM: there are not so many frames in a row, or in the budget. `pages` is 0 unless
 * `set` is 1.
 */
struct mem_huge_req {
    uint64_t head;
    uint64_t set;
    uint64_t bytes;
    uint64_t pages;
    uint64_t reserved[4];
};
struct mem_huge_rep {
    uint64_t error;
    uint64_t total; /* pages */
    uint64_t free;
    uint64_t promised; /* of the free: to mappings that have not touched them yet */
    uint64_t reserved[4];
};

STATIC_ASSERT(sizeof(struct mem_huge_rep) == 64, "eight words");
