/* SPDX-License-Identifier: MIT */
/*
 * Fields of a map entry (abi/map.h), and what is well formed.
 *
 * Entries lie in memory that their author can still change: read one into a copy, then look at
 * that.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/layout.h>
#include <abi/map.h>
#include <base/attr.h>
#include <base/types.h>

/* First page of the user half that may be mapped, and one past the last. */
#define ENTRY_PAGE_FIRST (USER_START >> PAGE_SHIFT)
#define ENTRY_PAGE_END   (USER_END >> PAGE_SHIFT)
/* One past the last page of the user half, guard page included. */
#define ENTRY_HALF_END (UINT64_C(1) << (USER_BITS - PAGE_SHIFT))

static inline uint64_t entry_op(struct map_entry entry)
{
    return entry.what >> MAP_OP_SHIFT;
}

static inline uint64_t entry_flags(struct map_entry entry)
{
    return entry.what >> MAP_FLAGS_SHIFT & 0xf;
}

/* Protection, or level of a table. */
static inline uint64_t entry_prot(struct map_entry entry)
{
    return entry.what >> MAP_PROT_SHIFT & 0xf;
}

/* Frame number with the four bits above it that must be zero: no frame of RAM has them. */
static inline uint64_t entry_frame(struct map_entry entry)
{
    return entry.what & ((UINT64_C(1) << MAP_PROT_SHIFT) - 1);
}

static inline uint64_t entry_page(struct map_entry entry)
{
    return entry.where & ((UINT64_C(1) << MAP_PAGES_SHIFT) - 1);
}

static inline uint64_t entry_pages(struct map_entry entry)
{
    return entry.where >> MAP_PAGES_SHIFT;
}

/* The entry takes leaves or rights away and puts nothing in. */
static inline bool entry_takes_away(struct map_entry entry)
{
    const uint64_t op = entry_op(entry);
    return op == MAP_REMOVE || op == MAP_RESTRICT || op == MAP_REMOVE_SERVER;
}

/* Flags of a leaf by protection; 0: no legal one. One byte each, so that a look-up is a load. */
extern const uint8_t entry_leaf_flags[16];

/*
 * See whether one entry is well formed as aspace_check() has it; `is_server`: in the memory
 * server's own space. A COPY_SOURCE is not: who expects one looks itself.
 */
bool entry_is_legal(struct map_entry entry, bool is_server);

/* See whether an entry is a COPY_SOURCE that is well formed. */
bool entry_is_source(struct map_entry entry);
