/* SPDX-License-Identifier: MIT */
/*
 * The table behind file descriptors: the console, files, folders and shared memory.
 *
 *   descriptor -> file (open file description) -> cell: offset and status flags
 *
 * Descriptors made by dup() share a file. After fork() parent and child have a file each, with one
 * cell for both: then it lies in shared memory (cell.h). So the offset moves without a lock; who
 * moves it looks whether another was quicker.
 *
 * I1  A file that is not NONE has as many descriptors as `descriptors` says, at least one.
 * I2  A file of kind FILE_ARCHIVE has data and bytes of one archive file; its offset may lie
 * beyond.
 * I3  `object` and `token` are held by this process; `control`, `object`, `token` are 0 if absent.
 * Owner: the table is changed under files_lock; two threads do not close one descriptor.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <hf/clone.h>

#define FILES_MAX         32
#define FILES_HANDLES_MAX 3 /* of one file */

enum file_kind {
    FILE_NONE = 0,
    FILE_CONSOLE,
    FILE_ARCHIVE,
    FILE_SHARED, /* shared memory */
    FILE_STORED, /* in the file system, which is not of the archive */
    FILE_FOLDER,
};

/* What copies of a file in parent and child have in common. */
struct cell {
    _Atomic uint64_t offset;
    _Atomic uint32_t status;     /* O_APPEND, O_NONBLOCK */
    _Atomic uint32_t references; /* processes; of cells in shared memory, 0: free */
};

struct file {
    enum file_kind kind;
    int access;           /* O_RDONLY, O_WRONLY or O_RDWR */
    uint32_t descriptors; /* of this process */
    uint32_t mode;        /* file type and permissions, as in struct stat */
    uint64_t inode;
    const char *data; /* valid in ARCHIVE */
    uint64_t bytes;   /* valid in ARCHIVE */
    uint64_t object;  /* that has the bytes, 0: none to be had; valid in ARCHIVE, SHARED, STORED */
    uint64_t control; /* valid in STORED, opened for writing */
    uint32_t flags;   /* FILES_IS_... of files/proto.h */
    uint64_t lock;    /* flock(): the lock's id and token, or 0 */
    uint64_t token;
    struct cell *cell; /* `own`, or in shared memory */
    struct cell own;
};

/* The open file of a descriptor, or NULL with errno EBADF. */
struct file *files_get(int fd);

/*
 * Make the lowest free descriptor one of a new file like `file`, with `status` flags. Returns: it,
 * or -1 with errno EMFILE.
 */
int files_add(const struct file *file, int status);

/* Whether a descriptor and a file are to be had; else errno is EMFILE. */
bool files_has_room(void);

/* Handles behind the descriptors, which a child of fork() has too. Returns: how many, at most
 * FILES_MAX * FILES_HANDLES_MAX. */
size_t files_handles(struct hf_gift *gifts);

/* fcntl(2) as far as it is about descriptors and status flags. Returns: as fcntl(). */
int files_control(int fd, struct file *file, int command, unsigned argument);

/*
 * Before fork(): have cells that the child can share. Returns: whether there was memory. After it,
 * in the parent, if there is no child: as before.
 */
bool files_share(void);
void files_unshare(void);

/* The process ends: it uses no cell any longer. */
void files_leave(void);
