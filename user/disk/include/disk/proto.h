/* SPDX-License-Identifier: MIT */
/*
 * Requests to the disk and its answers: eight words each, to its endpoint.
 *
 * Nonzero reserved words, and handles where none belong: INVAL. As many requests are held as the
 * driver can: BUSY. IO: the device has failed, or has been silent for too long and was reset.
 */
#pragma once

#include <stdint.h>

#include <base/assert.h>

enum disk_request {
#define REQUEST(name, number, function, summary) DISK_##name = (number),
#include <disk/proto.def>
#undef REQUEST
};

#define DISK_SECTOR_BYTES   512u
#define DISK_TRANSFER_BYTES 1048576u /* with where it begins in its page, 256 pages */
#define DISK_NAME_BYTES     56u
#define DISK_WHOLE          0u     /* instead of the number of a partition */
#define DISK_SERVICE        "disk" /* its name at the name service */

#define DISK_READ_ONLY 0x1u
#define DISK_FLUSHES   0x2u  /* what is written is lasting after FLUSH only */
#define DISK_TABLES    0x4u  /* the device takes tables of descriptors */
#define DISK_LEGACY    0x8u  /* the device is of virtio before 1 */
#define DISK_GONE      0x10u /* the device cannot be had back */
#define DISK_BACKUP    0x20u /* the partitions are those of the backup table */
#define DISK_CARD      0x40u /* an SD card: it does not reach memory */

/* What a partition is for, by its type. */
enum disk_kind {
    DISK_KIND_OTHER = 0,
    DISK_KIND_SWAP = 1,    /* 0657fd6d-a4ab-43c4-84e5-0933c84b4f4f */
    DISK_KIND_ARCHIVE = 2, /* of files: 8f1f7f4a-5d0c-4c6e-9b4f-484f4c444641 */
};

/* INFO: of the disk. */
struct disk_info_req {
    uint64_t number;
    uint64_t reserved[7];
};
struct disk_info_rep {
    uint64_t error;
    uint64_t sectors;     /* of 512 bytes */
    uint32_t block_bytes; /* transfers are multiples of it, in place and size */
    uint32_t flags;       /* DISK_... */
    uint32_t partitions;
    uint32_t left_out; /* entries of the table that overlap, or leave the disk */
    uint32_t slots;    /* requests that the device can have at once */
    uint32_t flying;   /* that it has now */
    uint64_t objects;  /* partitions that were asked for as objects: the driver keeps their pages */
    uint64_t reserved[2];
};

/* COUNTS: since the driver began. */
struct disk_counts_req {
    uint64_t number;
    uint64_t reserved[7];
};
struct disk_counts_rep {
    uint64_t error;
    uint64_t reads; /* requests of the device, into which transfers are cut */
    uint64_t writes;
    uint64_t flushes;
    uint64_t errors; /* those that have failed */
    uint64_t lies;   /* answers of the device that cannot be */
    uint64_t resets;
    uint64_t depth_max; /* of requests that it had at once */
};

/* PARTITION: the one with this place among them, from 0. NOENT: there are no more. */
struct disk_partition_req {
    uint32_t number;
    uint32_t index;
    uint64_t reserved[7];
};
struct disk_partition_rep {
    uint64_t error;
    uint32_t partition; /* its number in the table, from 1 */
    uint32_t kind;      /* enum disk_kind */
    uint64_t first;     /* sector */
    uint64_t sectors;
    uint8_t type[16]; /* GUID as on the disk */
    uint64_t attributes;
    uint64_t reserved;
};

/* NAME: of that partition, UTF-8, cut to what fits. NOENT: there is no such. */
struct disk_name_req {
    uint32_t number;
    uint32_t index;
    uint64_t reserved[7];
};
struct disk_name_rep {
    uint64_t error;
    char name[DISK_NAME_BYTES];
};

/*
 * READ: `bytes` bytes (at most DISK_TRANSFER_BYTES) from `offset` of the partition with that number
 * on into the memory at `address` of `space`, a handle with MEM_RIGHT_PIN (tag mask bit 7): the
 * device writes there itself, or the driver, while it has the pages pinned. Offset and bytes are
 * multiples of the disk's blocks, the address too. NOENT: there is no such partition. INVAL: not
 * inside it. FAULT: memory that is not there or may not be written. AGAIN: a page would have to be
 * waited for: have it present, and ask again.
 *
 * WRITE: likewise from memory. ROFS: the disk may only be read.
 */
struct disk_read_req {
    uint32_t number;
    uint32_t partition;
    uint64_t offset;
    uint64_t bytes;
    uint64_t address;
    uint64_t reserved[3];
    uint64_t space;
};
struct disk_write_req {
    uint32_t number;
    uint32_t partition;
    uint64_t offset;
    uint64_t bytes;
    uint64_t address;
    uint64_t reserved[3];
    uint64_t space;
};

/* FLUSH: answered when every write that was answered before is lasting. */
struct disk_flush_req {
    uint64_t number;
    uint64_t reserved[7];
};

/*
 * DELAY: hold every answer to READ, WRITE and FLUSH for a time up to `ticks` (time CSR) that
 * follows from `seed`; 0: no more.
 */
struct disk_delay_req {
    uint64_t number;
    uint64_t seed;
    uint64_t ticks;
    uint64_t reserved[5];
};

/*
 * OBJECT: a partition (DISK_WHOLE: the disk) as an object of the memory server, which can be
 * mapped, shared as well, and copied; with the right to write unless the disk may only be read.
 * What was written is lasting when SYNC is answered. READ and WRITE go past it: they see what was
 * saved, and pages that are there already do not see a WRITE. A page that cannot be read is a bus
 * error. When the driver ends, the next one goes on with the object and what was not saved; if
 * there is none, or it does not find the partition at the same place, pages that are not there are
 * a bus error, and SYNC fails. NOENT: there is no such.
 */
struct disk_object_req {
    uint32_t number;
    uint32_t partition;
    uint64_t reserved[7];
};
struct disk_object_rep {
    uint64_t error;
    uint64_t object; /* handle */
    uint64_t bytes;
    uint64_t reserved[5];
};

/* Answer of requests that give back nothing but an error. */
struct disk_empty_rep {
    uint64_t error;
    uint64_t reserved[7];
};

STATIC_ASSERT(sizeof(struct disk_info_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct disk_info_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct disk_counts_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct disk_partition_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct disk_partition_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct disk_name_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct disk_read_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct disk_write_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct disk_delay_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct disk_object_req) == 64, "eight words");
STATIC_ASSERT(sizeof(struct disk_object_rep) == 64, "eight words");
STATIC_ASSERT(sizeof(struct disk_empty_rep) == 64, "eight words");

/*
 * What whoever starts the driver gives it, by slot, beside its arguments: the device's first
 * compatible text, and the offset of its registers in the first page.
 */
#define DISK_SLOT_ENDPOINT  64u /* with RECEIVE */
#define DISK_SLOT_REGISTERS 65u /* object of the memory server, with which it can be reset */
#define DISK_SLOT_INTERRUPT 66u
#define DISK_SLOT_SELF      67u /* the endpoint with CALL, to be registered */
#define DISK_SLOT_PAGER     68u /* of its objects, which outlive it */
