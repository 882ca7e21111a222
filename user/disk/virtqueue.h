/* SPDX-License-Identifier: MIT */
/*
 * A split virtqueue (virtio 1.2, 2.7): requests go to a device and come back, in any order.
 *
 * The device sees one page: descriptors, the ring of what is available to it, the ring of what it
 * has used. Chains are kept in memory of the driver's own as well: what the device writes into the
 * page is an allegation, checked against them, and never followed.
 *
 *   FREE -> CHAINED   [virtqueue_add, virtqueue_add_table]
 *   CHAINED -> FREE   [virtqueue_take] the device has used the chain
 *                     [virtqueue_drop] the device was reset
 *
 * I1  Each descriptor is in the free list or in exactly one chain; free_count tells the first.
 * I2  heads[d].count is 0 unless d is the head of a chain in flight; in_flight counts those.
 * I3  A cookie that was added is given back once.
 * Owner: the driver's only thread. Pure C: tested on the host.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>

#define VIRTQUEUE_SIZE_MAX  128u /* a power of two; all of it fits one page */
#define VIRTQUEUE_ALIGNMENT 64u  /* of the used ring; older devices are told */
#define VIRTQUEUE_BYTES_MAX 4096u

/* As the device sees it (2.7.5). */
struct virtqueue_descriptor {
    uint64_t address;
    uint32_t bytes;
    uint16_t flags;
    uint16_t next;
};

/* A stretch of physical memory. */
struct virtqueue_piece {
    uint64_t address;
    uint32_t bytes;
};

/* A chain in flight, by its head. */
struct virtqueue_head {
    uint16_t count; /* descriptors; 0: no chain */
    uint16_t last;
    uint32_t cookie;
};

enum virtqueue_result {
    VIRTQUEUE_EMPTY,
    VIRTQUEUE_TAKEN,
    VIRTQUEUE_BROKEN, /* the device claims what cannot be: only a reset helps */
};

struct virtqueue {
    uint8_t *page;
    uint16_t size;
    uint16_t free_first;
    uint16_t free_count;
    uint16_t in_flight;
    uint16_t available; /* the next place in that ring */
    uint16_t used;      /* the next place in that one */
    uint16_t next[VIRTQUEUE_SIZE_MAX];
    struct virtqueue_head heads[VIRTQUEUE_SIZE_MAX];
};

/* Offsets in the page, for a queue of `size` descriptors. */
uint32_t virtqueue_available_offset(uint16_t size);
uint32_t virtqueue_used_offset(uint16_t size);

/* Make the queue empty. `size` is a power of two up to VIRTQUEUE_SIZE_MAX; the page is zeroed. */
void virtqueue_init(struct virtqueue *queue, void *page, uint16_t size);

/*
 * Write a chain of its own into `table`: `readable` pieces that the device reads, then the others,
 * which it writes.
 */
void virtqueue_describe(struct virtqueue_descriptor *table, const struct virtqueue_piece *pieces,
                        uint32_t count, uint32_t readable);

/*
 * Add a chain of pieces, or one whose descriptors stand in a table elsewhere. The device does not
 * see it before virtqueue_publish().
 *
 * Returns:   whether there were enough free descriptors.
 * On error:  nothing changed.
 */
MUST_USE bool virtqueue_add(struct virtqueue *queue, const struct virtqueue_piece *pieces,
                            uint32_t count, uint32_t readable, uint32_t cookie);
MUST_USE bool virtqueue_add_table(struct virtqueue *queue, uint64_t table, uint32_t count,
                                  uint32_t cookie);

/* Show the device what was added. Returns: whether it wants to be notified. */
MUST_USE bool virtqueue_publish(struct virtqueue *queue);

/* Take a chain back that the device has used; `bytes`: how many it says that it has written. */
MUST_USE enum virtqueue_result virtqueue_take(struct virtqueue *queue, uint32_t *cookie,
                                              uint32_t *bytes);

/* The device was reset: take any chain back. Returns: whether there was one. */
MUST_USE bool virtqueue_drop(struct virtqueue *queue, uint32_t *cookie);

/* I1 and I2. */
void virtqueue_audit(const struct virtqueue *queue);
