/* SPDX-License-Identifier: MIT */
#include "heap.h"

#include <string.h>

#include <base/assert.h>
#include <base/attr.h>

#define FLAG_FREE      UINT64_C(1)
#define FLAG_PREV_FREE UINT64_C(2)
#define FLAGS          UINT64_C(7)

#define HEADER_BYTES sizeof(uint64_t)
/* Sizes below this are in row 0, one column for each 16 bytes. */
#define ROW_ZERO_END 256u
#define ROW_SHIFT    8u /* log2 of it */
#define COLUMN_SHIFT 4u /* log2 of HEAP_COLUMNS */

struct bin {
    uint32_t row;
    uint32_t column;
};

static size_t block_bytes(const struct heap_block *block)
{
    return (size_t)(block->head & ~FLAGS);
}

static bool block_is_free(const struct heap_block *block)
{
    return (block->head & FLAG_FREE) != 0;
}

static char *block_payload(const struct heap_block *block)
{
    return (char *)(uintptr_t)block + HEADER_BYTES;
}

static struct heap_block *payload_block(const void *payload)
{
    return (struct heap_block *)((uintptr_t)payload - HEADER_BYTES);
}

static struct heap_block *block_behind(const struct heap_block *block)
{
    return (struct heap_block *)(void *)(block_payload(block) + block_bytes(block));
}

/* The free block in front of a block with FLAG_PREV_FREE. */
static struct heap_block *block_before(const struct heap_block *block)
{
    struct heap_block *before;
    memcpy(&before, (const char *)block - sizeof(before), sizeof(before));
    return before;
}

static void block_set_bytes(struct heap_block *block, size_t bytes)
{
    block->head = bytes | (block->head & FLAGS);
}

static void block_mark_free(struct heap_block *block)
{
    struct heap_block *behind = block_behind(block);
    block->head |= FLAG_FREE;
    behind->head |= FLAG_PREV_FREE;
    memcpy((char *)behind - sizeof(block), &block, sizeof(block));
}

static void block_mark_used(struct heap_block *block)
{
    block->head &= ~FLAG_FREE;
    block_behind(block)->head &= ~FLAG_PREV_FREE;
}

static uint32_t log2_of(uint64_t value)
{
    return 63u - (uint32_t)__builtin_clzll(value);
}

/* The bin of blocks with this payload; sizes count without the odd 8 bytes (I1). */
static struct bin bin_of(size_t bytes)
{
    size_t even = bytes - HEADER_BYTES;
    if (even < ROW_ZERO_END) {
        return (struct bin){0, (uint32_t)(even / HEAP_ALIGNMENT)};
    }
    uint32_t power = log2_of(even);
    return (struct bin){
        .row = power - ROW_SHIFT + 1,
        .column = (uint32_t)(even >> (power - COLUMN_SHIFT)) & (HEAP_COLUMNS - 1),
    };
}

/* The first bin all of whose blocks have at least this payload. */
static struct bin bin_for(size_t bytes)
{
    size_t even = bytes - HEADER_BYTES;
    if (even >= ROW_ZERO_END) {
        bytes += ((size_t)1 << (log2_of(even) - COLUMN_SHIFT)) - 1;
    }
    return bin_of(bytes);
}

static void bin_insert(struct heap *heap, struct heap_block *block)
{
    struct bin bin = bin_of(block_bytes(block));
    struct heap_block **first = &heap->bins[bin.row][bin.column];
    block->prev = NULL;
    block->next = *first;
    if (*first != NULL) {
        (*first)->prev = block;
    }
    *first = block;
    heap->rows |= UINT64_C(1) << bin.row;
    heap->columns[bin.row] |= UINT32_C(1) << bin.column;
}

static void bin_remove(struct heap *heap, struct heap_block *block)
{
    struct bin bin = bin_of(block_bytes(block));
    if (block->next != NULL) {
        block->next->prev = block->prev;
    }
    if (block->prev != NULL) {
        block->prev->next = block->next;
        return;
    }
    heap->bins[bin.row][bin.column] = block->next;
    if (block->next != NULL) {
        return;
    }
    heap->columns[bin.row] &= ~(UINT32_C(1) << bin.column);
    if (heap->columns[bin.row] == 0) {
        heap->rows &= ~(UINT64_C(1) << bin.row);
    }
}

/* A free block of at least `bytes` bytes, or NULL. */
static struct heap_block *bin_find(const struct heap *heap, size_t bytes)
{
    struct bin bin = bin_for(bytes);
    if (bin.row >= HEAP_ROWS) {
        return NULL;
    }
    uint32_t columns = heap->columns[bin.row] & (~UINT32_C(0) << bin.column);
    if (columns == 0) {
        uint64_t rows = heap->rows & (~UINT64_C(0) << (bin.row + 1));
        if (rows == 0) {
            return NULL;
        }
        bin.row = (uint32_t)__builtin_ctzll(rows);
        columns = heap->columns[bin.row];
    }
    return heap->bins[bin.row][__builtin_ctz(columns)];
}

/* Payload bytes that serve a request (I1). */
static size_t bytes_round(size_t bytes)
{
    if (bytes <= HEAP_PAYLOAD_MIN) {
        return HEAP_PAYLOAD_MIN;
    }
    return ((bytes + HEADER_BYTES - 1) & ~(size_t)(HEAP_ALIGNMENT - 1)) + HEADER_BYTES;
}

/* Put a block that is in no bin, and not marked, back: joined with free neighbours. */
static void block_release(struct heap *heap, struct heap_block *block)
{
    if ((block->head & FLAG_PREV_FREE) != 0) {
        struct heap_block *before = block_before(block);
        bin_remove(heap, before);
        block_set_bytes(before, block_bytes(before) + HEADER_BYTES + block_bytes(block));
        block = before;
    }
    struct heap_block *behind = block_behind(block);
    if (block_is_free(behind)) {
        bin_remove(heap, behind);
        block_set_bytes(block, block_bytes(block) + HEADER_BYTES + block_bytes(behind));
    }
    block_mark_free(block);
    bin_insert(heap, block);
}

/* Cut a used block to `bytes`; what is left over becomes free if it makes a block. */
static void block_cut(struct heap *heap, struct heap_block *block, size_t bytes)
{
    size_t left = block_bytes(block) - bytes;
    if (left < HEADER_BYTES + HEAP_PAYLOAD_MIN) {
        return;
    }
    block_set_bytes(block, bytes);
    struct heap_block *rest = block_behind(block);
    rest->head = left - HEADER_BYTES;
    block_release(heap, rest);
}

void heap_add(struct heap *heap, void *memory, size_t bytes)
{
    uintptr_t start = (uintptr_t)memory;
    uintptr_t end = (start + bytes) & ~(uintptr_t)(HEAP_ALIGNMENT - 1);
    struct heap_block *block = heap->last;
    if (block == NULL || start != (uintptr_t)block_payload(block)) {
        /* A header such that the payload behind it is aligned. */
        start = (start + HEADER_BYTES + HEAP_ALIGNMENT - 1) & ~(uintptr_t)(HEAP_ALIGNMENT - 1);
        block = (struct heap_block *)(start - HEADER_BYTES);
        block->head = 0;
    }
    block_set_bytes(block, end - HEADER_BYTES - (uintptr_t)block_payload(block));
    heap->last = block_behind(block);
    heap->last->head = 0;
    block_release(heap, block);
}

/*
 * Give the part of a used block in front of an aligned payload back; it makes a block of its own.
 */
static struct heap_block *block_skip(struct heap *heap, struct heap_block *block, size_t alignment)
{
    uintptr_t payload = (uintptr_t)block_payload(block);
    uintptr_t aligned = (payload + alignment - 1) & ~(uintptr_t)(alignment - 1);
    if (aligned == payload) {
        return block;
    }
    while (aligned - payload < HEADER_BYTES + HEAP_PAYLOAD_MIN) {
        aligned += alignment;
    }
    size_t skipped = aligned - payload;
    struct heap_block *rest = payload_block((void *)aligned);
    rest->head = block_bytes(block) - skipped;
    block_set_bytes(block, skipped - HEADER_BYTES);
    block_release(heap, block);
    return rest;
}

void *heap_take(struct heap *heap, size_t alignment, size_t bytes)
{
    if (bytes > HEAP_BYTES_MAX || alignment > HEAP_BYTES_MAX) {
        return NULL;
    }
    size_t wanted = bytes_round(bytes);
    /* Room to skip to the alignment, and once more if what is skipped is too small for a block. */
    size_t slack = alignment <= HEAP_ALIGNMENT ? 0 : alignment + HEADER_BYTES + HEAP_PAYLOAD_MIN;
    struct heap_block *block = bin_find(heap, slack == 0 ? wanted : bytes_round(wanted + slack));
    if (block == NULL) {
        return NULL;
    }
    bin_remove(heap, block);
    block_mark_used(block);
    if (slack != 0) {
        block = block_skip(heap, block, alignment);
    }
    block_cut(heap, block, wanted);
    return block_payload(block);
}

void heap_give(struct heap *heap, void *payload)
{
    struct heap_block *block = payload_block(payload);
    ASSERT(!block_is_free(block));
    ASSERT(block_bytes(block) >= HEAP_PAYLOAD_MIN);
    block_release(heap, block);
}

bool heap_resize(struct heap *heap, void *payload, size_t bytes)
{
    if (bytes > HEAP_BYTES_MAX) {
        return false;
    }
    struct heap_block *block = payload_block(payload);
    struct heap_block *behind = block_behind(block);
    size_t wanted = bytes_round(bytes);
    size_t room = block_bytes(block);
    if (wanted > room && block_is_free(behind)) {
        room += HEADER_BYTES + block_bytes(behind);
        if (wanted <= room) {
            bin_remove(heap, behind);
            block_set_bytes(block, room);
            block_mark_used(block);
        }
    }
    if (wanted > room) {
        return false;
    }
    block_cut(heap, block, wanted);
    return true;
}

size_t heap_bytes(const void *payload)
{
    return block_bytes(payload_block(payload));
}

/* Returns: the free blocks of all bins. */
static size_t bins_audit(const struct heap *heap)
{
    size_t count = 0;
    for (uint32_t row = 0; row < HEAP_ROWS; row++) {
        ASSERT(((heap->rows >> row & 1) != 0) == (heap->columns[row] != 0));
        for (uint32_t column = 0; column < HEAP_COLUMNS; column++) {
            const struct heap_block *block = heap->bins[row][column];
            ASSERT(((heap->columns[row] >> column & 1) != 0) == (block != NULL));
            for (; block != NULL; block = block->next) {
                struct bin bin = bin_of(block_bytes(block));
                ASSERT(bin.row == row && bin.column == column);
                ASSERT(block_is_free(block));
                ASSERT(block->next == NULL || block->next->prev == block);
                count++;
            }
        }
    }
    return count;
}

void heap_audit(const struct heap *heap, const void *first)
{
    size_t free_count = 0;
    bool is_prev_free = false;
    const struct heap_block *block = payload_block(first);
    for (; block_bytes(block) != 0; block = block_behind(block)) {
        ASSERT((uintptr_t)block_payload(block) % HEAP_ALIGNMENT == 0);
        ASSERT(block_bytes(block) % HEAP_ALIGNMENT == HEADER_BYTES);
        ASSERT(block_bytes(block) >= HEAP_PAYLOAD_MIN);
        ASSERT(((block->head & FLAG_PREV_FREE) != 0) == is_prev_free);
        ASSERT(!is_prev_free || !block_is_free(block));
        is_prev_free = block_is_free(block);
        free_count += is_prev_free ? 1 : 0;
    }
    ASSERT(block == heap->last);
    ASSERT(free_count == bins_audit(heap));
}
