/* SPDX-License-Identifier: MIT */
/*
 * An SD card in SPI mode (SD Physical Layer Simplified Specification 8.00, chapter 7; "SD" below):
 * being found, and moving blocks of 512 bytes.
 *
 * Nothing that comes over the wire is believed: answers have to come in time, blocks carry a sum
 * (CRC16) that is checked, and so do commands (CRC7) and blocks that the card checks, since it is
 * told to. A card whose register of sizes cannot be read, as in some models of one, is measured by
 * reading: the last sector that it lets be read is its last.
 *
 *   OFF -> READY                      [sd_start]
 *   READY -> READING, WRITING         [sd_begin]
 *   READING, WRITING -> the same      [sd_move]   a block more
 *   READING, WRITING -> STOPPING      [sd_end]    the card is told, and may be busy
 *   STOPPING -> READY                 [sd_end]
 *   any -> OFF                        [sd_stop, and what returns SD_LOST]
 *
 * Only sd_start() waits, for two seconds in all at most; the others look at the wire for some bytes
 * and say SD_WAIT.
 *
 * Owner: the driver's only thread. Pure C: tested on the host.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "sd_wire.h"

#define SD_BLOCK_BYTES 512u

enum sd_state {
    SD_OFF,
    SD_READY,
    SD_READING,
    SD_WRITING,
    SD_STOPPING,
};

enum sd_result {
    SD_DONE,
    SD_WAIT,    /* the card is busy: once more, later */
    SD_FAILED,  /* this did not work; it may be tried again */
    SD_REFUSED, /* the card will never do it */
    SD_LOST,    /* the card is silent, or another one: sd_start() is due */
};

struct sd {
    struct sd_port port; /* filled in before sd_start() */
    enum sd_state state;
    bool is_large;     /* addressed by sectors, not bytes */
    bool is_read_only; /* it says so of itself */
    bool was_measured; /* it did not say how large it is */
    uint64_t sectors;
    bool is_write;     /* valid in: READING, WRITING, STOPPING; as what follows */
    bool is_many;      /* blocks follow until the card is told to stop */
    bool is_busy;      /* it may be, with the block that it has got */
    bool is_told;      /* to stop */
    uint64_t deadline; /* of what is waited for */
};

/*
 * Find a card and have it work. `*why` says what is wrong, as the end of a sentence.
 *
 * Returns:   ERR_OK; ERR_NOENT: nothing answers; ERR_OPNOTSUPP: what answers is no card that is
 *            known, or not for this voltage; ERR_IO: it does not get ready, or answers are garbled.
 * On error:  OFF.
 */
MUST_USE enum err sd_start(struct sd *sd, const char **why);

/* Let go of the card. */
void sd_stop(struct sd *sd);

/*
 * Begin to read or write `count` sectors. Requires: READY; they lie on the card.
 *
 * Returns:   SD_DONE; SD_FAILED, SD_REFUSED: still READY; SD_LOST.
 */
MUST_USE enum sd_result sd_begin(struct sd *sd, bool is_write, uint64_t sector, uint32_t count);

/*
 * Move the next block of 512 bytes, to or from the card.
 *
 * Returns:   SD_DONE; SD_WAIT; SD_FAILED, SD_REFUSED: sd_end() is due, and whether the card has
 *            what was written is not known; SD_LOST.
 */
MUST_USE enum sd_result sd_move(struct sd *sd, uint8_t *block);

/*
 * No more blocks. Returns: SD_DONE: READY, and what was written is lasting; SD_WAIT; SD_FAILED:
 * READY, but of what was written something has failed; SD_LOST.
 */
MUST_USE enum sd_result sd_end(struct sd *sd);
