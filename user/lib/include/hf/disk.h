/* SPDX-License-Identifier: MIT */
/*
 * Requests to the disk (disk/proto.h, whose errors are meant here).
 *
 * The device reaches the caller's memory itself: the driver pins the pages meanwhile, by the handle
 * to the caller's space that hf_disk_open() has made for it, which lets it do nothing else.
 */
#pragma once

#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <disk/proto.h>

/* Owner: who has opened it; hf_disk_close() gives the handles back. */
struct hf_disk {
    uint64_t endpoint;
    uint64_t space;
};

/*
 * Find the disk. `latest`: as in hf_name_find().
 *
 * Returns:   ERR_OK; what hf_name_find() and SPACE_DERIVE refuse.
 * On error:  nothing is left open.
 */
MUST_USE enum err hf_disk_open(uint64_t latest, struct hf_disk *disk);
void hf_disk_close(const struct hf_disk *disk);

/* What it is, what it has counted, what is on it. Outputs are written on ERR_OK only. */
MUST_USE enum err hf_disk_info(const struct hf_disk *disk, struct disk_info_rep *rep);
MUST_USE enum err hf_disk_counts(const struct hf_disk *disk, struct disk_counts_rep *rep);
MUST_USE enum err hf_disk_partition(const struct hf_disk *disk, uint32_t index,
                                    struct disk_partition_rep *rep);
MUST_USE enum err hf_disk_name(const struct hf_disk *disk, uint32_t index,
                               char name[DISK_NAME_BYTES]);

/*
 * Any number of bytes, in transfers of at most DISK_TRANSFER_BYTES; pages that are not there are
 * made present first. After an error a part may have been transferred.
 */
MUST_USE enum err hf_disk_read(const struct hf_disk *disk, uint32_t partition, uint64_t offset,
                               void *to, uint64_t bytes);
MUST_USE enum err hf_disk_write(const struct hf_disk *disk, uint32_t partition, uint64_t offset,
                                const void *from, uint64_t bytes);
MUST_USE enum err hf_disk_flush(const struct hf_disk *disk);

/* Have it be slow; ticks 0: as fast as it is. */
MUST_USE enum err hf_disk_delay(const struct hf_disk *disk, uint64_t seed, uint64_t ticks);

/* A partition as memory, held as hf/shared.h says, and how many bytes it has. */
MUST_USE enum err hf_disk_object(const struct hf_disk *disk, uint32_t partition, uint64_t *object,
                                 uint64_t *bytes);
