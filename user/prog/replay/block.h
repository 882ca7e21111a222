/* SPDX-License-Identifier: MIT */
/*
 * The map from recorded addresses to the replayer's own, block by block, which is at the same time
 * the list of regions that a system should keep after the same calls.
 *
 *     recorded   |--- A ---|-- B --|        |---- C ----|
 *                     \         \                 |
 *     own        |-- B --|   |--- A ---|    |---- C ----|      A and B continue each other in the
 *                                                              recording, and lie apart here
 *
 * A block is a range of recorded pages with one set of traits and one distance to its own
 * addresses. Two blocks that meet in the recording with traits that continue are one region there.
 * They are joined to one block if they meet in own addresses too; otherwise the second is marked
 * `is_continued`.
 *
 * I1  Blocks overlap neither in recorded nor in own addresses, and are not empty.
 * I2  is_continued means: another block ends where this one starts, and their traits continue.
 *     Between calls of this file's users it is also true of all such pairs, and no such pair could
 *     be one block.
 * Owner: who called block_map_init() calls block_map_fini(). Blocks come from a pool that is as
 * large as block_map_init() was told; nothing else is allocated.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>

#include "order.h"

/* What keeps neighbours apart besides their protection. */
#define BLOCK_SHARED     0x0001u /* recorded as shared */
#define BLOCK_NORESERVE  0x0002u
#define BLOCK_CHARGED    0x0004u /* was private and writable once: promised memory since */
#define BLOCK_GROWSDOWN  0x0008u
#define BLOCK_LOCKED     0x0010u
#define BLOCK_RANDOM     0x0020u
#define BLOCK_SEQUENTIAL 0x0040u
#define BLOCK_DONTFORK   0x0080u
#define BLOCK_WIPEONFORK 0x0100u
#define BLOCK_HUGEPAGE   0x0200u
#define BLOCK_NOHUGEPAGE 0x0400u
#define BLOCK_MERGEABLE  0x0800u
#define BLOCK_DONTDUMP   0x1000u
#define BLOCK_OWN_SHARED 0x2000u /* the replayer's own memory is shared: it outlives DONTNEED */
#define BLOCK_HUGETLB    0x4000u

struct block_traits {
    uint8_t prot; /* TRACE_PROT_... */
    uint8_t kind; /* enum region_kind */
    uint32_t attributes;
    uint32_t object; /* 0 for anonymous memory, else which file */
    uint32_t file;   /* number of the own one (file.h) from 1; 0: none; the same in an object */
    uint64_t object_base; /* offset in the object less recorded address, modulo 2^64 */
};

struct block {
    struct order_node by_recorded; /* key: first recorded address */
    struct order_node by_own;      /* key: first own address */
    uint64_t end;                  /* recorded address behind the last page */
    uint64_t distance;             /* own address less recorded address, modulo 2^64 */
    struct block_traits traits;
    bool is_continued;
    struct block *next_free; /* valid in: the pool */
};

struct block_map {
    struct order by_recorded;
    struct order by_own;
    struct block *pool;
    struct block *free;
    struct block *last; /* what block_find() found last; NULL: nothing */
    uint64_t blocks;
    uint64_t merges; /* pairs of regions that became one region so far */
};

/* Whether there is memory for `blocks_max` blocks; on false nothing is held. */
MUST_USE bool block_map_init(struct block_map *map, uint64_t blocks_max);
void block_map_fini(struct block_map *map);

static inline uint64_t block_start(const struct block *block)
{
    return block->by_recorded.key;
}

static inline uint64_t block_own_start(const struct block *block)
{
    return block->by_own.key;
}

/* The block that knows `address`; NULL if none does. */
struct block *block_find(struct block_map *map, uint64_t address);

/* The first block with an address at or above `address`; NULL if there is none. */
struct block *block_first(const struct block_map *map, uint64_t address);

/* The block behind `block` in recorded addresses; NULL behind the last. */
struct block *block_next(const struct block *block);

/* Whether blocks know every address of [start, end). */
bool block_is_covered(const struct block_map *map, uint64_t start, uint64_t end);

/* Whether no block knows an address of [start, end). */
bool block_is_free(const struct block_map *map, uint64_t start, uint64_t end);

/* Whether no block has own memory in the own addresses [start, end). */
bool block_own_is_free(const struct block_map *map, uint64_t start, uint64_t end);

/*
 * The end of the longest range from `start`, at most to `end`, that lies in one piece in own
 * addresses; block_find() has an answer for `start`.
 */
uint64_t block_piece_end(struct block_map *map, uint64_t start, uint64_t end);

/*
 * Add [start, end), `distance` away in own addresses. The range is free on both sides.
 *
 * Requires:  a free block in the pool: its size is the caller's calculation.
 * Afterwards the caller calls block_settle().
 */
void block_insert(struct block_map *map, uint64_t start, uint64_t end, uint64_t distance,
                  struct block_traits traits);

/* Forget [start, end), splitting at both edges. Afterwards the caller calls block_settle(). */
void block_cut(struct block_map *map, uint64_t start, uint64_t end);

/*
 * Give the known part of [start, end) the traits that `change(traits, argument)` answers, splitting
 * where needed. Afterwards the caller calls block_settle().
 */
void block_change(struct block_map *map, uint64_t start, uint64_t end,
                  struct block_traits (*change)(struct block_traits traits, uint32_t argument),
                  uint32_t argument);

/*
 * Join what continues at every boundary in [start, end], ends included, and count it in `merges`.
 */
void block_settle(struct block_map *map, uint64_t start, uint64_t end);

/* Whether all of the known part of [start, end) could be one region. */
bool block_is_uniform(const struct block_map *map, uint64_t start, uint64_t end);
