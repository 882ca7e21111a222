/* SPDX-License-Identifier: MIT */
/*
 * Files of the boot archive: cpio in the format that `cpio -H newc` writes.
 *
 * The archive is made outside and may be damaged: nothing in it can make the reader leave it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/boot.h>
#include <base/attr.h>

/* A file's bytes, in the archive. */
struct archive_file {
    const uint8_t *bytes;
    uint64_t length;
};

/*
 * Find the file of the name in an archive of `length` bytes.
 *
 * Returns:   whether it is there, whole. If several are, the first.
 */
MUST_USE bool archive_find(const uint8_t *archive, uint64_t length, const char *name,
                           struct archive_file *file);

/*
 * Read and check the head of a flat image (abi/boot.h).
 *
 * Returns:   whether all in it is as abi/boot.h says: magic, version, counts, protections,
 *            segments that are page aligned, ascending, in the user half and in the file, and an
 *            entry in an executable one.
 */
MUST_USE bool archive_read_image(const struct archive_file *file, struct image_header *header);
