/* SPDX-License-Identifier: MIT */
/*
 * malloc() and its kin, in place of the C library's: that one aligns to 8 bytes, walks a list, and
 * zeroes every block, so that growing one in front of free memory costs as much as writing all of
 * it.
 *
 * Blocks below MAPPED_BYTES_MIN come from the heap behind the program, which grows by sbrk().
 * Larger ones are mappings of their own, given back when they are freed; the two words in front of
 * their payload are the distance to the mapping's start, and its length with the flag that tells
 * such a block from one of the heap.
 * Locks: heap_lock, around whatever looks at blocks of the heap; mappings need none.
 */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "heap.h"
#include <base/bits.h>
#include <base/checked.h>
#include <hf/env.h>
#include <hf/mutex.h>

#define MAPPED_BYTES_MIN (UINT64_C(256) << 10)
#define GROWTH_BYTES     (UINT64_C(64) << 10)
#define FLAG_MAPPED      UINT64_C(4)
#define MAPPED_OVERHEAD  UINT64_C(16)

static struct heap heap; /* under heap_lock */
static struct hf_mutex heap_lock;

/* The two words in front of a mapped block's payload. */
struct mapped {
    uint64_t distance; /* from the mapping's start to the payload */
    uint64_t length;   /* of the mapping, a multiple of the page size | FLAG_MAPPED */
};

static struct mapped *mapped_of(void *payload)
{
    return (struct mapped *)payload - 1;
}

static bool is_mapped(void *payload)
{
    return (mapped_of(payload)->length & FLAG_MAPPED) != 0;
}

static size_t mapped_length(void *payload)
{
    return (size_t)(mapped_of(payload)->length & ~FLAG_MAPPED);
}

static char *mapped_start(void *payload)
{
    return (char *)payload - mapped_of(payload)->distance;
}

/* Length of the mapping for `bytes` bytes behind `overhead`; false if there is none so long. */
static bool mapped_round(size_t bytes, size_t overhead, uint64_t *length)
{
    return checked_add(bytes, overhead, length) &&
           checked_round_up(*length, HF_PAGE_BYTES, length) && *length <= HEAP_BYTES_MAX;
}

static void *mapped_take(size_t alignment, size_t bytes)
{
    uint64_t length = 0;
    /* A mapping starts on a page; beyond that, skip. */
    uint64_t overhead = alignment > MAPPED_OVERHEAD ? alignment : MAPPED_OVERHEAD;
    if (alignment > HF_PAGE_BYTES) {
        overhead += alignment;
    }
    if (!mapped_round(bytes, overhead, &length)) {
        return NULL;
    }
    char *start = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) {
        return NULL;
    }
    uint64_t payload =
        bits_align_down((uint64_t)start + MAPPED_OVERHEAD + alignment - 1, alignment);
    *mapped_of((void *)payload) = (struct mapped){payload - (uint64_t)start, length | FLAG_MAPPED};
    return (void *)payload;
}

/* Make the heap large enough for a block of `bytes` bytes. */
static bool heap_grow(size_t bytes)
{
    uint64_t growth = bits_align_down(bytes + HEAP_OVERHEAD + GROWTH_BYTES - 1, GROWTH_BYTES);
    char *memory = sbrk((ptrdiff_t)growth);
    if (memory == (char *)-1) {
        return false;
    }
    heap_add(&heap, memory, growth);
    return true;
}

/* A block that is at least so aligned, or NULL with errno. */
static void *take(size_t alignment, size_t bytes)
{
    void *payload = NULL;
    if (bytes >= MAPPED_BYTES_MIN || alignment >= MAPPED_BYTES_MIN) {
        payload = mapped_take(alignment, bytes);
    } else {
        hf_mutex_lock(&heap_lock);
        payload = heap_take(&heap, alignment, bytes);
        if (payload == NULL && heap_grow(bytes + 2 * alignment + bytes / HEAP_COLUMNS)) {
            payload = heap_take(&heap, alignment, bytes);
        }
        hf_mutex_unlock(&heap_lock);
    }
    if (payload == NULL) {
        errno = ENOMEM;
    }
    return payload;
}

void *malloc(size_t bytes)
{
    return take(HEAP_ALIGNMENT, bytes);
}

void free(void *payload)
{
    if (payload == NULL) {
        return;
    }
    if (is_mapped(payload)) {
        (void)munmap(mapped_start(payload), mapped_length(payload));
        return;
    }
    hf_mutex_lock(&heap_lock);
    heap_give(&heap, payload);
    hf_mutex_unlock(&heap_lock);
}

void *calloc(size_t count, size_t bytes)
{
    uint64_t total = 0;
    if (!checked_mul(count, bytes, &total)) {
        errno = ENOMEM;
        return NULL;
    }
    void *payload = malloc(total);
    if (payload != NULL && !is_mapped(payload)) {
        memset(payload, 0, total);
    }
    return payload;
}

size_t malloc_usable_size(void *payload)
{
    if (payload == NULL) {
        return 0;
    }
    return is_mapped(payload) ? mapped_length(payload) - mapped_of(payload)->distance
                              : heap_bytes(payload);
}

/* Grow or shrink a mapping, which may move. Returns: NULL if that failed; it is unchanged then. */
static void *mapped_resize(void *payload, size_t bytes)
{
    struct mapped head = *mapped_of(payload);
    uint64_t length = 0;
    if (!mapped_round(bytes, head.distance, &length)) {
        errno = ENOMEM;
        return NULL;
    }
    char *start = mremap(mapped_start(payload), mapped_length(payload), length, MREMAP_MAYMOVE);
    if (start == MAP_FAILED) {
        errno = ENOMEM;
        return NULL;
    }
    payload = start + head.distance;
    mapped_of(payload)->length = length | FLAG_MAPPED;
    return payload;
}

/* Resize a block of the heap in its place. Returns: whether that was possible. */
static bool resize_in_place(void *payload, size_t bytes)
{
    hf_mutex_lock(&heap_lock);
    const bool is_done = heap_resize(&heap, payload, bytes);
    hf_mutex_unlock(&heap_lock);
    return is_done;
}

void *realloc(void *payload, size_t bytes)
{
    if (payload == NULL) {
        return malloc(bytes);
    }
    if (bytes == 0) {
        free(payload);
        return NULL;
    }
    bool was_mapped = is_mapped(payload);
    if (was_mapped && bytes >= MAPPED_BYTES_MIN) {
        return mapped_resize(payload, bytes);
    }
    if (!was_mapped && bytes < MAPPED_BYTES_MIN && resize_in_place(payload, bytes)) {
        return payload;
    }
    void *moved = malloc(bytes);
    if (moved != NULL) {
        size_t held = malloc_usable_size(payload);
        memcpy(moved, payload, held < bytes ? held : bytes);
        free(payload);
    }
    return moved;
}

void *memalign(size_t alignment, size_t bytes)
{
    if (!bits_is_power_of_two(alignment)) {
        errno = EINVAL;
        return NULL;
    }
    return take(alignment < HEAP_ALIGNMENT ? HEAP_ALIGNMENT : alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    return memalign(alignment, bytes);
}

int posix_memalign(void **payload, size_t alignment, size_t bytes)
{
    if (!bits_is_power_of_two(alignment) || alignment < sizeof(void *)) {
        return EINVAL;
    }
    int before = errno;
    void *taken = memalign(alignment, bytes);
    errno = before;
    if (taken == NULL) {
        return ENOMEM;
    }
    *payload = taken;
    return 0;
}
