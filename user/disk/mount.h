/* SPDX-License-Identifier: MIT */
/*
 * Files on a partition: an archive as the boot archive is one, whose files the file system shows.
 *
 * Each entry of the archive begins on a page, and so do its data, which end with zeros up to the
 * end of their last page. The driver reads the heads of the entries, one after the other, makes
 * each file an object (paging.h), and tells the file system (MOUNT of files/proto.h), which has
 * nothing to do with the disk. What the partition holds is an allegation: a place or size that
 * leaves it ends the archive.
 *
 *      | head, name | data ...  0 | head, name | data 0 | ... | head "TRAILER!!!" |
 *      ^ page       ^ page        ^ page
 *
 * It waits for the file system while the driver serves nobody yet, and for a limited time. When the
 * file system ends, the next one knows of nothing: remount.h does it again.
 * Owner: the driver's thread, then that of remount.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "gpt.h"

/* Reads `sectors` sectors from `first` of the disk on; NULL: they cannot be read. */
typedef const void *mount_read(void *context, uint64_t first, uint32_t sectors);

struct mount_disk {
    const struct gpt *gpt;
    mount_read *read;
    void *context;
    uint64_t seconds; /* that the file system may take for an answer */
};

/* Whether there is a partition with files. */
bool mount_has_files(const struct gpt *gpt);

/*
 * Have the files of all such partitions in the file system `*instance`; 0: in the one that is there
 * first, which that becomes. Where there is another one, or none answers, it ends. What goes wrong
 * is said on stderr.
 */
void mount_files(const struct mount_disk *disk, uint64_t *instance);
