/* SPDX-License-Identifier: MIT */
/*
 * A virtio block device that stands behind the registers of user/disk/virtio.h, of either version.
 *
 * It works only when told to, finishes requests in the order that it is told, and can be told to
 * lie. Physical memory is what model_memory() has handed out; whatever else the driver names, and
 * writing what it may only read, is counted as a stray access.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "blk.h"
#include "virtio.h"

#define MODEL_SECTORS     256u
#define MODEL_PAGES       512u
#define MODEL_PENDING_MAX 128u

/* How it answers a request. */
enum model_answer {
    MODEL_HONEST,
    MODEL_ERROR,       /* status IOERR */
    MODEL_UNSUPPORTED, /* status UNSUPP */
    MODEL_ODD_STATUS,  /* a status that does not exist */
    MODEL_NO_STATUS,   /* used, but the status is not written */
    MODEL_SHORT,       /* claims to have written one byte less */
    MODEL_LONG,        /* claims more than there is room for */
    MODEL_WRONG_ID,    /* names a chain that is not in flight */
    MODEL_HUGE_ID,     /* names a descriptor that does not exist */
    MODEL_TWICE,       /* the same one again */
    MODEL_INDEX_AHEAD, /* moves the index by more than was asked */
};

/* One request that it has seen, by the head of its chain. */
struct model_pending {
    uint16_t head;
};

struct model {
    /* What it is; set before the driver begins. */
    uint32_t version;
    uint32_t kind;
    uint64_t offers;
    uint64_t sectors;
    uint32_t pieces_max;
    uint32_t block_bytes;
    uint32_t size_max; /* of the queue */
    bool is_stubborn;  /* does not let itself be reset */
    bool is_unwilling; /* takes FEATURES_OK back */

    /* What the driver has told it. */
    uint32_t status;
    uint32_t feature_word;
    uint32_t driver_word;
    uint64_t features;
    uint32_t size;
    uint32_t align;
    uint32_t page_bytes;
    uint64_t descriptors;
    uint64_t available;
    uint64_t used;
    bool is_ready;
    uint32_t interrupt;

    /* What happened. */
    unsigned notices;
    unsigned strays;
    unsigned flushes;
    uint16_t seen;
    uint16_t done;
    unsigned pending_count;
    struct model_pending pending[MODEL_PENDING_MAX];
    uint8_t disk[MODEL_SECTORS * BLK_SECTOR_BYTES];
};

/* A device of version 1.x that is honest, with tables. */
void model_init(struct model *model);

/* Registers of it. */
struct virtio_bus model_bus(struct model *model);

/* A page of physical memory; `*address` where the device finds it. Never twice the same. */
void *model_memory(uint64_t *address);

/*
 * Forget what memory was handed out: for the next test. Pages handed out one after the other are
 * neighbours, or never are.
 */
void model_memory_reset(bool are_neighbours);

/* See what is available. Returns: how many requests wait now. */
unsigned model_look(struct model *model);

/* Answer the request in that place of those that wait. */
void model_answer(struct model *model, unsigned place, enum model_answer how);
