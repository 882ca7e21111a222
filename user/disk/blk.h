/* SPDX-License-Identifier: MIT */
/*
 * A block device of virtio (1.2, 5.2): requests for sectors go to it, and come back finished.
 *
 * A request takes a slot: a head and a status byte that the device reads and writes, and, where it
 * knows tables, a table of descriptors of its own, so that every slot can be in flight. A status
 * that the device has not written, a length that does not fit it, and an answer to nothing are
 * errors of the device and counted.
 *
 *   FREE -> FLYING -> FREE   [blk_submit] [blk_take, blk_drop]
 *
 * I1  is_flying of a slot: its cookie was submitted and not given back; flying counts those.
 * I2  What the device was given to write stays given until its slot is FREE.
 * Owner: the driver's only thread. Pure C: tested on the host.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "virtio.h"
#include "virtqueue.h"

#define BLK_SLOTS        64u
#define BLK_PIECES_MAX   62u /* of data; with head and status a quarter of a page */
#define BLK_PAGES        18u /* the queue; heads and statuses; tables */
#define BLK_SECTOR_BYTES 512u
#define BLK_PAGE_BYTES   4096u

enum blk_kind {
    BLK_READ = 0,
    BLK_WRITE = 1,
    BLK_FLUSH = 4,
};

/* Memory that the device can reach, a page each. */
struct blk_page {
    void *bytes;
    uint64_t address; /* physical */
};

struct blk_slot {
    bool is_flying;
    enum blk_kind kind;
    uint32_t bytes; /* of data */
    uint64_t cookie;
};

/* What has been counted since the driver began. */
struct blk_counts {
    uint64_t reads;
    uint64_t writes;
    uint64_t flushes;
    uint64_t errors;    /* requests that the device says have failed */
    uint64_t lies;      /* answers that cannot be */
    uint64_t resets;    /* after the first */
    uint64_t depth_max; /* of requests in flight */
};

struct blk {
    struct virtio virtio;
    struct virtqueue queue;
    struct blk_page pages[BLK_PAGES];
    struct blk_slot slots[BLK_SLOTS];
    struct blk_counts counts;
    uint64_t sectors;       /* of 512 bytes */
    uint32_t block_sectors; /* reads and writes are multiples of this: 1, 2, 4 or 8 */
    uint32_t pieces_max;    /* of data in a request */
    uint32_t piece_bytes_max;
    uint32_t slots_max;
    uint32_t flying;
    bool is_read_only;
    bool has_flush;
    bool is_live;
    bool is_unseen; /* something was added since blk_kick() */
};

struct blk_request {
    enum blk_kind kind;
    uint64_t sector;
    const struct virtqueue_piece *pieces;
    uint32_t count;
    uint64_t cookie; /* comes back with the answer */
};

enum blk_result {
    BLK_NOTHING,
    BLK_DONE,
    BLK_LOST, /* the device lies: blk_stop() is due */
};

/*
 * Find out what the device can do, and have it work. `bus` and `pages` are filled in already.
 *
 * Returns:   ERR_OK; what virtio_begin() and virtio_go() refuse; ERR_OPNOTSUPP: no queue, or
 *            blocks of a size that is not known.
 * On error:  `*why` says what is wrong; the device has no memory of the driver's.
 */
MUST_USE enum err blk_start(struct blk *blk, const char **why);

/*
 * Take a request to the device; it sees it at blk_kick().
 *
 * Returns:   ERR_OK; ERR_AGAIN: no slot or descriptor is free, later there will be; ERR_INVAL: no
 *            piece, too many, an odd size, or not inside the disk; ERR_ROFS; ERR_IO: not live.
 * On error:  nothing changed.
 */
MUST_USE enum err blk_submit(struct blk *blk, const struct blk_request *request);

/* Have the device see what was submitted. */
void blk_kick(struct blk *blk);

/*
 * Take an answer; with BLK_DONE `*cookie` is of which request, `*error` ERR_OK, ERR_IO or
 * ERR_OPNOTSUPP.
 */
MUST_USE enum blk_result blk_take(struct blk *blk, uint64_t *cookie, enum err *error);

/* Stop the device. Returns: ERR_OK; ERR_IO: it does not say that it has let go of memory. */
MUST_USE enum err blk_stop(struct blk *blk);

/* After blk_stop(): give back a request that was in flight. Returns: whether there was one. */
MUST_USE bool blk_drop(struct blk *blk, uint64_t *cookie);

/* I1. */
void blk_audit(const struct blk *blk);
