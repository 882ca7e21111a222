/* SPDX-License-Identifier: MIT */
/*
 * The table behind file descriptors: the console, open files of the boot archive, and shared
 * memory.
 *
 * I1  An entry of kind FILE_ARCHIVE has data and bytes of one archive file; its offset may lie
 *     beyond.
 * Owner: one thread at a time, as all of the C library.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define FILES_MAX 32

enum file_kind {
    FILE_NONE = 0,
    FILE_CONSOLE,
    FILE_ARCHIVE,
    FILE_SHARED,
};

struct file {
    enum file_kind kind;
    int access;       /* O_RDONLY, O_WRONLY or O_RDWR */
    const char *data; /* valid in ARCHIVE */
    uint64_t bytes;   /* valid in ARCHIVE */
    uint64_t object;  /* handle; valid in SHARED */
    uint64_t offset;
    uint32_t mode; /* file type and permissions, as the archive says */
    uint32_t inode;
};

/* The open file of a descriptor, or NULL with errno EBADF. */
struct file *files_get(int fd);

/* Make a free descriptor that of `file`. Returns: it, or -1 with errno EMFILE. */
int files_add(const struct file *file);

/* Handles behind the descriptors for shared memory, which a child of fork() has too. Returns: how
 * many, at most FILES_MAX. */
size_t files_objects(uint64_t *objects);
