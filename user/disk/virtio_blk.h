/* SPDX-License-Identifier: MIT */
/*
 * The block device of virtio (1.2, 5.2) as a back end of blk.h: it reaches memory.
 *
 * A slot is a head and a status byte that the device reads and writes, and, where it knows tables,
 * a table of descriptors of its own, so that every slot can be in flight. A status that the device
 * has not written, a length that does not fit it, and an answer to nothing are errors of the device
 * and counted.
 *
 * I1  The queue has a chain in flight for each slot that flies.
 * Owner: the driver's only thread. Pure C: tested on the host.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "blk.h"
#include "virtio.h"
#include "virtqueue.h"

#define VIRTIO_BLK_PIECES_MAX 62u /* of data; with head and status a quarter of a page */
#define VIRTIO_BLK_PAGES      18u /* the queue; heads and statuses; tables */

struct virtio_blk {
    struct blk blk;
    struct virtio virtio; /* its bus is filled in before blk_start() */
    struct virtqueue queue;
    struct blk_page pages[VIRTIO_BLK_PAGES]; /* likewise; pinned for the device */
    bool is_unseen;                          /* something was added since blk_kick() */
};

/* Make it the back end of its struct blk. */
void virtio_blk_init(struct virtio_blk *device);

/* I1. */
void virtio_blk_audit(const struct virtio_blk *device);
