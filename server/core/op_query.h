/* SPDX-License-Identifier: MIT */
/*
 * QUERY: read the list of regions, and the totals of a space.
 */
#pragma once

#include <stdint.h>

#include <base/types.h>

#include "server/core/space.h"

struct query_region {
    uint64_t start; /* bytes */
    uint64_t end;
    uint64_t offset; /* bytes */
    uint32_t prot;
    uint32_t flags;   /* MEM_MAP_SHARED or _PRIVATE, _ANONYMOUS, _NORESERVE, _LOCKED, _GROWSDOWN */
    uint64_t object;  /* its number, 0: none */
    uint64_t own;     /* pages with a frame of their own */
    uint64_t swapped; /* pages in a swap area, in memory for it or not */
    uint64_t zero;    /* pages on the zero frame */
    uint64_t wired;   /* pages on frames of the object */
    uint64_t locked;  /* all its pages, if it is locked */
    uint64_t dirty;   /* of own and wired: what only memory has, also shared memory's; of a pager's
                         object, what was written and is not saved */
    uint32_t attributes; /* REGION_DONTFORK, _SEQUENTIAL and the like */
    uint32_t pinned;     /* pages whose frames are pinned, by whomever */
};

/* Describe up to `regions_max` regions that end after `address`. Returns: how many. */
uint32_t op_query(struct core *core, struct space *space, uaddr_t address, uint32_t regions_max,
                  struct query_region *regions);

struct query_totals {
    uint64_t regions;
    uint64_t pages;
    uint64_t data;
    uint64_t committed;
    uint64_t own;
    uint64_t swapped;
    uint64_t zero;
    uint64_t wired;
    uint64_t tables;       /* page tables, and as many shadow pages */
    uint64_t frames_free;  /* of the machine */
    uint64_t frames_total; /* that core was given */
    uint64_t commit_used;
    uint64_t commit_limit;
};

/* Fill in all of `totals`. */
void op_query_totals(const struct core *core, const struct space *space,
                     struct query_totals *totals);
