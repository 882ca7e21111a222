/* SPDX-License-Identifier: MIT */
/*
 * The memory of malloc(): blocks of any size, kept by size in two levels of bins, joined when
 * freed.
 *
 * A block is a header of one word and a payload. The header holds the payload's bytes and, in its
 * low bits, whether the block and the one before it are free. A free block holds its links in its
 * payload and its own address in its last word, where the block behind finds it. Finding a block,
 * splitting and joining take constant time: two bit maps say which bins are not empty. A request
 * takes a block of the first bin all of whose blocks are large enough. Memory comes in pieces
 * (heap_add); behind each stands an empty block that is never free. After Masmano, Ripoll, Crespo
 * and Real, "TLSF: a new dynamic memory allocator for real-time systems", 2004.
 *
 * I1  A payload starts on 16 bytes and has 16 * n + 8 bytes, at least HEAP_PAYLOAD_MIN; the next
 *     header follows at once.
 * I2  No two free blocks stand side by side. A free block is in the bin of its size, and nowhere
 *     else.
 * I3  A bit of a map is set exactly if its bin, or a bin of its row, is not empty.
 * Owner: one thread at a time. Pure C: tested on the host.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAP_ALIGNMENT   16u
#define HEAP_PAYLOAD_MIN 24u
/* What heap_add() takes for itself, at most. */
#define HEAP_OVERHEAD 32u
/* Larger requests cannot be met. */
#define HEAP_BYTES_MAX ((size_t)1 << 38)

#define HEAP_ROWS    32u /* by power of two */
#define HEAP_COLUMNS 16u /* of each, evenly */

struct heap_block {
    uint64_t head; /* bytes of the payload, and flags */
    /* Valid in: free blocks. */
    struct heap_block *next;
    struct heap_block *prev;
};

/* Zeroed: empty. */
struct heap {
    uint64_t rows;
    uint32_t columns[HEAP_ROWS];
    struct heap_block *bins[HEAP_ROWS][HEAP_COLUMNS];
    struct heap_block *last; /* the empty block behind the newest piece */
};

/*
 * Add `bytes` bytes at `memory`, more than HEAP_OVERHEAD + HEAP_PAYLOAD_MIN. Memory right behind
 * the newest piece continues it.
 */
void heap_add(struct heap *heap, void *memory, size_t bytes);

/*
 * Take a block of at least `bytes` bytes whose payload starts at a multiple of `alignment`, a power
 * of two.
 *
 * Returns: the payload, or NULL if no block is large enough.
 */
void *heap_take(struct heap *heap, size_t alignment, size_t bytes);

/* Give a block back. */
void heap_give(struct heap *heap, void *payload);

/*
 * Make a block `bytes` bytes long where it stands. Returns: whether there was room; else nothing
 * changed.
 */
bool heap_resize(struct heap *heap, void *payload, size_t bytes);

/* Bytes of a block's payload. */
size_t heap_bytes(const void *payload);

/* Walk a piece from the block at `first`, a payload, to its end, and all bins: I1 to I3. */
void heap_audit(const struct heap *heap, const void *first);
