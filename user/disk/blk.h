/* SPDX-License-Identifier: MIT */
/*
 * A disk: requests for sectors go to it, and come back finished, in any order.
 *
 * What kind of device it is, a back end knows (struct blk_ops): virtio_blk.h. Here is what all have
 * in common: what can be asked for, which requests are in flight, and what is counted. A back end
 * deals in slots, of which a request has one while it flies.
 *
 * Some devices reach memory themselves: they are told of frames, which somebody has pinned. For the
 * others the driver moves every byte: they are told of places in a space, its own or a client's.
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

#define BLK_SLOTS        64u
#define BLK_SECTOR_BYTES 512u
#define BLK_PAGE_BYTES   4096u

enum blk_kind {
    BLK_READ = 0,
    BLK_WRITE = 1,
    BLK_FLUSH = 4,
};

/* A page of memory, where the driver and where the device finds it. */
struct blk_page {
    void *bytes;
    uint64_t address; /* physical, if the device reaches memory */
};

/* A stretch of memory, as the device is told of it. */
struct blk_piece {
    uint64_t address;
    uint32_t bytes;
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

struct blk_request {
    enum blk_kind kind;
    uint64_t sector;
    const struct blk_piece *pieces;
    uint32_t count;
    uint64_t cookie; /* comes back with the answer */
    uint64_t space;  /* whose addresses the pieces have; 0: the driver's. Valid if !has_reach */
};

enum blk_result {
    BLK_NOTHING,
    BLK_DONE,
    BLK_LOST, /* the device lies or is silent: blk_stop() is due */
};

struct blk;

/* What a back end does; it finds itself around the struct blk. */
struct blk_ops {
    /* As blk_start(); fills in what the disk is. */
    enum err (*start)(struct blk *blk, const char **why);
    /* Take a request that was judged, into a free slot. Returns: ERR_OK; ERR_AGAIN: no room now. */
    enum err (*submit)(struct blk *blk, uint32_t slot, const struct blk_request *request);
    void (*kick)(struct blk *blk);
    /* As blk_take(), with the slot instead of the cookie. */
    enum blk_result (*take)(struct blk *blk, uint32_t *slot, enum err *error);
    /* As blk_attend() and blk_due(). */
    bool (*attend)(struct blk *blk);
    uint64_t (*due)(const struct blk *blk);
    /* As blk_stop(); no slot is remembered. */
    enum err (*stop)(struct blk *blk);
};

struct blk {
    const struct blk_ops *ops;
    struct blk_slot slots[BLK_SLOTS];
    struct blk_counts counts;
    uint64_t sectors;       /* of 512 bytes */
    uint32_t block_sectors; /* reads and writes are multiples of this: 1, 2, 4 or 8 */
    uint32_t pieces_max;    /* of data in a request */
    uint32_t piece_bytes_max;
    uint32_t slots_max;
    uint32_t flying;
    bool has_reach; /* it reaches memory: addresses are physical, and pages have to be pinned */
    bool has_tables;
    bool is_legacy;
    bool is_read_only;
    bool has_flush;
    bool is_live;
};

/*
 * Find out what the device can do, and have it work. What the back end needs is filled in already.
 *
 * Returns:   ERR_OK; ERR_NOENT, ERR_OPNOTSUPP, ERR_IO, ERR_BUSY, ERR_RANGE: what the back end
 *            refuses.
 * On error:  `*why` says what is wrong; the device has no memory of the driver's.
 */
MUST_USE enum err blk_start(struct blk *blk, const char **why);

/*
 * Take a request to the device; it sees it at blk_kick().
 *
 * Returns:   ERR_OK; ERR_AGAIN: no slot is free, later there will be; ERR_INVAL: no piece, too
 *            many, an odd size, or not inside the disk; ERR_ROFS; ERR_IO: not live.
 * On error:  nothing changed.
 */
MUST_USE enum err blk_submit(struct blk *blk, const struct blk_request *request);

/* Have the device see what was submitted. */
void blk_kick(struct blk *blk);

/*
 * Take an answer; with BLK_DONE `*cookie` is of which request, `*error` ERR_OK, ERR_IO,
 * ERR_OPNOTSUPP or, if the driver moves the bytes, what has become of the client's memory.
 */
MUST_USE enum blk_result blk_take(struct blk *blk, uint64_t *cookie, enum err *error);

/* The device has interrupted. Returns: whether it has lost its way and asks for blk_stop(). */
MUST_USE bool blk_attend(struct blk *blk);

/* When blk_take() has something to do though nothing has interrupted; UINT64_MAX: never. */
uint64_t blk_due(const struct blk *blk);

/* Stop the device. Returns: ERR_OK; ERR_IO: it does not say that it has let go of memory. */
MUST_USE enum err blk_stop(struct blk *blk);

/* After blk_stop(): give back a request that was in flight. Returns: whether there was one. */
MUST_USE bool blk_drop(struct blk *blk, uint64_t *cookie);

/* I1. */
void blk_audit(const struct blk *blk);
