/* SPDX-License-Identifier: MIT */
/*
 * An SD card as a back end of blk.h: the driver moves every byte.
 *
 * Requests are done one after the other in the order in which they came, in steps of at most a
 * chunk, so that the driver can look at its messages in between; it says when the next one is due.
 * Data go through a chunk of the driver's own. What fails is tried again a few times: what is read
 * from the chunk that failed on, what is written from the beginning.
 *
 *   IDLE -> MOVING     [step]  the card was told of the request, or of the rest of it
 *   MOVING -> MOVING   [step]  a chunk more, or the card is not ready
 *   MOVING -> ENDING   [step]  all blocks, or the card or the client's memory has failed
 *   ENDING -> IDLE     [step]  the request is answered, or begun again
 *   any -> IDLE        [stop]
 *
 * I1  The line holds the slots that fly, in their order; only the first is not untouched.
 * I2  done <= bytes of a request, and whole blocks.
 * Owner: the driver's only thread. Pure C: tested on the host.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "blk.h"
#include "sd.h"

#define SD_BLK_SLOTS       4u
#define SD_BLK_BYTES_MAX   65536u /* of a request */
#define SD_BLK_CHUNK_BYTES 4096u

/* Bytes between the driver and the memory of a space that is not its own. */
struct sd_blk_copier {
    void *context;
    enum err (*fetch)(void *context, uint64_t space, uint64_t from, void *to, uint32_t bytes);
    enum err (*deliver)(void *context, uint64_t space, const void *from, uint64_t to,
                        uint32_t bytes);
};

struct sd_blk_request {
    enum blk_kind kind;
    uint64_t sector;
    uint64_t space;
    uint64_t address;
    uint32_t bytes;
    uint32_t done;
};

enum sd_blk_state {
    SD_BLK_IDLE,
    SD_BLK_MOVING,
    SD_BLK_ENDING,
};

struct sd_blk {
    struct blk blk;
    struct sd sd; /* its port is filled in before blk_start() */
    struct sd_blk_copier copier;
    enum sd_blk_state state;
    uint32_t tries;         /* of the first request that have failed */
    uint32_t chunk_at;      /* bytes of the chunk that have been moved to or from the card */
    uint32_t chunk_bytes;   /* that the chunk is for; 0: none is begun */
    enum sd_result trouble; /* valid in: ENDING; SD_DONE: none */
    enum err error;         /* of the client's memory */
    uint64_t due;
    uint32_t count; /* in line */
    uint32_t line[SD_BLK_SLOTS];
    struct sd_blk_request requests[SD_BLK_SLOTS];
    uint8_t chunk[SD_BLK_CHUNK_BYTES];
};

/* Make it the back end of its struct blk. */
void sd_blk_init(struct sd_blk *device);

/* I1 and I2. */
void sd_blk_audit(const struct sd_blk *device);
