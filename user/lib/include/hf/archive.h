/* SPDX-License-Identifier: MIT */
/*
 * Files of the boot archive: cpio in the format "newc", read where it lies.
 *
 * A header of 110 bytes in ASCII hex, the name (which ends at its first NUL and may be padded with
 * more), the data; header and name together, and the data, are padded to 4 bytes, or the data up to
 * the end of a page. The entry "TRAILER!!!" ends it. Nothing of it is trusted: every length is
 * checked against the archive's own. Pure C: tested on the host.
 */
#pragma once

#include <stdint.h>

/* Borrowed: whoever maps the archive owns it. */
struct hf_archive {
    const void *data;
    uint64_t bytes;
};

/* One file; its pointers are valid as long as the archive is. */
struct hf_archive_file {
    const char *name;
    const char *data;
    uint64_t bytes;
    uint32_t mode; /* file type and permissions, as in struct stat */
    uint32_t inode;
};

enum hf_archive_result {
    HF_ARCHIVE_FOUND,
    HF_ARCHIVE_END,    /* there is none, or no more */
    HF_ARCHIVE_FOLDER, /* the name is not a file's, but of a folder that holds some */
    HF_ARCHIVE_BROKEN, /* what stands there is no cpio entry, or it leaves the archive */
};

/* What the first bytes of an entry say. */
struct hf_archive_entry {
    const char *name; /* in these bytes */
    uint64_t bytes;   /* of the file */
    uint64_t start;   /* of the data, behind the start of the entry */
    uint32_t mode;
    uint32_t inode;
};

/*
 * Read the entry that begins with these `bytes` bytes, which are to have its name in them.
 *
 * Returns:   FOUND; END: it is the one that ends an archive; BROKEN: none begins there, or its name
 *            leaves them. `entry` is unchanged then.
 */
enum hf_archive_result hf_archive_read(const void *start, uint64_t bytes,
                                       struct hf_archive_entry *entry);

/*
 * Take the file at `*offset`, 0 for the first, and advance `*offset` to the next.
 *
 * Returns:   FOUND, END or BROKEN.
 * On error:  `offset` and `file` are unchanged.
 */
enum hf_archive_result hf_archive_next(const struct hf_archive *archive, uint64_t *offset,
                                       struct hf_archive_file *file);

/*
 * Find a file by name; slashes and "./" in front of it do not count.
 *
 * Returns:   FOUND; END; FOLDER; BROKEN if the archive is so before the name was found.
 * On error:  `file` is unchanged.
 */
enum hf_archive_result hf_archive_find(const struct hf_archive *archive, const char *name,
                                       struct hf_archive_file *file);
