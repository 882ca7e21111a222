/* SPDX-License-Identifier: MIT */
/*
 * A world with one client and a pool of huge pages, for the tests of R19.
 *
 * Owner: one test at a time, from begin to end.
 */
#pragma once

#include <stdint.h>

#include "world.h"

/* A multiple of 512, in the middle of a free part. */
#define BLOCK UINT32_C(0x20200)
#define HUGE  UINT32_C(512)
#define BYTES ((uint64_t)HUGE * PAGE_SIZE)
#define RW    (MEM_PROT_READ | MEM_PROT_WRITE)
#define POOL  4u

#define PRIVATE (MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_HUGETLB)
#define SHARED  (MEM_MAP_SHARED | MEM_MAP_ANONYMOUS | MEM_MAP_HUGETLB)

struct huge_world {
    struct world *world;
    struct space *space;
    uint64_t frames_free; /* with the pool, and nothing mapped */
};

extern struct huge_world huge_world;

/* Make it, with POOL pages; end it, with all pages and frames back. */
void huge_world_begin(void);
void huge_world_end(void);

/* Set a pool aside; tell what is in that of 2 MiB; expect that to be so. */
enum err huge_world_set_pool(uint64_t bytes, uint64_t pages);
struct huge_view huge_world_pool(void);
void huge_world_expect_pool(uint64_t free, uint64_t reserved);

/* Requests of the client: places in pages, lengths of MAP in bytes, others in pages. */
enum err huge_world_map_at(uint32_t page, uint64_t bytes, uint32_t prot, uint32_t flags);
enum err huge_world_unmap(uint32_t page, uint32_t pages);
enum err huge_world_protect(uint32_t page, uint32_t pages, uint32_t prot);
enum err huge_world_advise(uint32_t page, uint32_t pages, uint32_t advice);
enum err huge_world_remap(uint32_t page, uint32_t old_pages, uint32_t new_pages, uint32_t flags,
                          uint32_t target);

/* MAP with FIXED of so many huge pages, and CLONE, which must succeed. */
void huge_world_map(uint32_t page, uint32_t pages, uint32_t flags);
struct space *huge_world_clone(void);

/* Touch a page, which must work. */
void huge_world_write_of(struct space *who, uint32_t page, uint64_t word);
uint64_t huge_world_read_of(struct space *who, uint32_t page);

/* The region that ends behind a page. */
const struct region *huge_world_region_of(uint32_t page);
