/* SPDX-License-Identifier: MIT */
/*
 * The table behind file descriptors: the console and open files of the boot archive.
 *
 * I1  An entry of kind FILE_ARCHIVE has data and bytes of one archive file; its offset may lie
 *     beyond.
 * Owner: one thread at a time, as all of the C library.
 */
#pragma once

#include <stdint.h>

#define FILES_MAX 32

enum file_kind {
    FILE_NONE = 0,
    FILE_CONSOLE,
    FILE_ARCHIVE,
};

struct file {
    enum file_kind kind;
    int access; /* O_RDONLY, O_WRONLY or O_RDWR */
    const char *data;
    uint64_t bytes;
    uint64_t offset;
    uint32_t mode; /* file type and permissions, as the archive says */
    uint32_t inode;
};

/* The open file of a descriptor, or NULL with errno EBADF. */
struct file *files_get(int fd);
