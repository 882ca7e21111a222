/* SPDX-License-Identifier: MIT */
/*
 * STATS and WORKER of proto.def: what is counted of the whole machine, and how busy the server's
 * threads are. proto.h says what all requests have in common.
 */
#pragma once

#include <stdint.h>

#include <base/assert.h>

/*
 * STATS: what is counted of the whole machine. which = MEM_STATS_FRAMES: frames by use, which add
 * up to total with those of huge pages (HUGE). MEM_STATS_WAITS: faults and requests that could not
 * be answered at once, and MEM_STATS_PAGES: pages that pagers fill, both since boot.
 * MEM_STATS_RESERVE: free frames that are not anybody's.
 */
#define MEM_STATS_FRAMES  0u
#define MEM_STATS_WAITS   1u
#define MEM_STATS_PAGES   2u
#define MEM_STATS_RESERVE 3u
struct mem_stats_req {
    uint64_t head;
    uint64_t which;
    uint64_t reserved[6];
};
struct mem_stats_rep { /* FRAMES */
    uint64_t error;
    uint64_t total;
    uint64_t free;
    uint64_t user;
    uint64_t tables;  /* page tables and the shadow beside them */
    uint64_t server;  /* the arena's other pages */
    uint64_t objects; /* kernel objects and message pages */
    uint64_t kernel;  /* kernel image, firmware, frame table, boot archive */
};
struct mem_stats_waits_rep {
    uint64_t error;
    uint64_t first;    /* tries that waited for a page with their space free */
    uint64_t second;   /* tries that waited with it kept */
    uint64_t again;    /* second tries that could not keep it */
    uint64_t queued;   /* requests that waited for a space that was kept */
    uint64_t timeouts; /* pieces of work that a pager took too long for */
    uint64_t stale;    /* answers of pagers that were refused: late, double or another's */
    uint64_t frames;   /* waits for a frame */
};
struct mem_stats_pages_rep {
    uint64_t error;
    uint64_t pulls;   /* pieces of work that ask for pages */
    uint64_t joined;  /* waits for pages that were asked for already */
    uint64_t saves;   /* pieces of work that save pages */
    uint64_t ahead;   /* pages asked for ahead of their use */
    uint64_t hits;    /* of these, found there or on their way by who used them */
    uint64_t around;  /* pages mapped by a fault beside them */
    uint64_t evicted; /* pages, of swap areas too, whose frame was taken */
};

struct mem_stats_reserve_rep {
    uint64_t error;
    uint64_t frames;   /* of memory makers, when their reserves are full */
    uint64_t left;     /* of these, those that are there */
    uint64_t spent;    /* that were taken out of reserves since boot */
    uint64_t areas;    /* that only reclaim has, and pages that come back from swap */
    uint64_t promised; /* for pages that pagers were asked for */
    uint64_t reserved[2];
};

/* WORKER: a thread of the server's, by number; there is one for each hart. RANGE: not this one. */
struct mem_worker_req {
    uint64_t head;
    uint64_t number;
    uint64_t reserved[6];
};
struct mem_worker_rep {
    uint64_t error;
    uint64_t count; /* of the server's threads */
    uint64_t waits; /* how often this one found a lock of the server's taken, since boot */
    uint64_t free;  /* frames that it keeps for what it serves next */
    uint64_t reserved[4];
};

STATIC_ASSERT(sizeof(struct mem_stats_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_stats_waits_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_stats_pages_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_stats_reserve_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct mem_worker_rep) == 64, "eight words");
