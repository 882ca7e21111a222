/* SPDX-License-Identifier: MIT */
/*
 * A queue of bytes in a buffer of its own.
 *
 * I1  `taken` never passes `put`, `put` is never more than RING_BYTES ahead; both only grow.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RING_BYTES 4096u

struct ring {
    uint64_t put;
    uint64_t taken;
    char bytes[RING_BYTES];
};

static inline size_t ring_count(const struct ring *ring)
{
    return (size_t)(ring->put - ring->taken);
}

static inline size_t ring_room(const struct ring *ring)
{
    return RING_BYTES - ring_count(ring);
}

/* Put a byte in. Returns: whether there was room. */
static inline bool ring_put(struct ring *ring, char byte)
{
    if (ring_room(ring) == 0) {
        return false;
    }
    ring->bytes[ring->put++ % RING_BYTES] = byte;
    return true;
}

/* The byte that is taken next; the ring is not empty. */
static inline char ring_first(const struct ring *ring)
{
    return ring->bytes[ring->taken % RING_BYTES];
}

static inline void ring_drop(struct ring *ring)
{
    ring->taken++;
}
