/* SPDX-License-Identifier: MIT */
/*
 * open() to access(): files by name, and what they are.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "paths.h"
#include "transfer.h"
#include <hf/env.h>
#include <hf/error.h>
#include <hf/files.h>
#include <hf/shared.h>

#define MODE_BITS    07777u
#define BLOCK_BYTES  512u
#define COPY_BYTES   4096
#define OWNER_SHIFT  6
#define NANO_SECONDS UINT64_C(1000000000)

static int refuse(int number)
{
    errno = number;
    return -1;
}

/* A name that has no room, or an end that others have caused, as open(2) says it. */
static int refuse_error(enum err error)
{
    return refuse(error == ERR_RECEIVER_SLOTS || error == ERR_NO_SLOT ? EMFILE : hf_errno(error));
}

/* Flags of open(2) as those of OPEN. */
static uint32_t open_flags(int flags)
{
    const int access = flags & O_ACCMODE;
    uint32_t asked = 0;
    asked |= access != O_WRONLY ? FILES_READ : 0;
    asked |= access != O_RDONLY ? FILES_WRITE : 0;
    asked |= (flags & O_APPEND) != 0 ? FILES_APPENDING : 0;
    asked |= (flags & O_CREAT) != 0 ? FILES_CREATE : 0;
    asked |= (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL) ? FILES_EXCLUSIVE : 0;
    asked |= (flags & O_TRUNC) != 0 ? FILES_TRUNCATE : 0;
    asked |= (flags & O_DIRECTORY) != 0 ? FILES_FOLDER : 0;
    return asked;
}

/* A descriptor for what was opened. */
static int open_stored(const struct hf_file *opened, int flags)
{
    const bool is_archive =
        (opened->flags & (FILES_IS_ARCHIVE | FILES_IS_DISK)) == FILES_IS_ARCHIVE;
    struct file file = {
        .kind = S_ISDIR(opened->mode) ? FILE_FOLDER
                : is_archive          ? FILE_ARCHIVE
                                      : FILE_STORED,
        .access = flags & O_ACCMODE,
        .mode = opened->mode,
        .inode = opened->number,
        .object = opened->object,
        .control = opened->control,
        .flags = opened->flags,
    };
    if (file.kind == FILE_ARCHIVE) {
        const struct hf_env *env = hf_env();
        if (env->archive_opt == NULL || opened->offset > env->archive_bytes ||
            opened->bytes > env->archive_bytes - opened->offset) {
            hf_files_close(opened);
            return refuse(EIO); /* we were not given the archive that the file is of */
        }
        file.data = (const char *)env->archive_opt + opened->offset;
        file.bytes = opened->bytes;
    }
    const int fd = files_add(&file, flags & (O_APPEND | O_NONBLOCK));
    if (fd < 0) {
        hf_files_close(opened);
    }
    return fd;
}

/* What a file of the archive is mapped by, held; 0: it does not begin on a page. */
static enum err slice_make(const struct hf_archive_file *found, uint64_t *object)
{
    const struct hf_env *env = hf_env();
    const uint64_t offset = (uint64_t)(found->data - (const char *)env->archive_opt);
    *object = 0;
    if (env->archive_object == 0 || offset % HF_PAGE_BYTES != 0) {
        return ERR_OK;
    }
    return hf_shared_slice(env->archive_object, offset, found->bytes, object);
}

/* Without a file system: a file of the archive. */
static int open_archive(const char *path, int flags)
{
    struct hf_archive_file found;
    const int access = flags & O_ACCMODE;
    if (paths_find_archive(path, &found) != 0) {
        return errno == ENOENT && (flags & O_CREAT) != 0 ? refuse(EROFS) : -1;
    }
    if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) {
        return refuse(EEXIST);
    }
    if (access != O_RDONLY || (flags & O_TRUNC) != 0) {
        return refuse(EROFS);
    }
    struct file file = {
        .kind = FILE_ARCHIVE,
        .access = access,
        .data = found.data,
        .bytes = found.bytes,
        .mode = found.mode,
        .inode = found.inode,
        .flags = FILES_IS_ARCHIVE,
    };
    enum err error = slice_make(&found, &file.object);
    if (error != ERR_OK) {
        return refuse_error(error);
    }
    const int fd = files_add(&file, 0);
    if (fd < 0 && file.object != 0) {
        (void)hf_shared_close(file.object);
    }
    return fd;
}

int open(const char *path, int flags, ...)
{
    struct hf_file opened;
    uint32_t mode = 0;
    if ((flags & O_CREAT) != 0) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, unsigned) & MODE_BITS & ~paths_mask();
        va_end(arguments);
    }
    if ((flags & O_ACCMODE) == O_ACCMODE) {
        return refuse(EINVAL);
    }
    if (!paths_has_files()) {
        return open_archive(path, flags);
    }
    if (!files_has_room()) {
        return -1;
    }
    if (path[0] == '\0') {
        return refuse(ENOENT);
    }
    enum err error =
        hf_files_open(hf_env()->files, paths_base(), path, open_flags(flags), mode, &opened);
    return error != ERR_OK ? refuse_error(error) : open_stored(&opened, flags);
}

int creat(const char *path, mode_t mode)
{
    return open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

static void stat_fill(uint32_t mode, uint64_t inode, uint64_t bytes, struct stat *status)
{
    memset(status, 0, sizeof(*status));
    status->st_mode = mode;
    status->st_ino = (ino_t)inode;
    status->st_nlink = 1;
    status->st_size = (off_t)bytes;
    status->st_blksize = COPY_BYTES;
    status->st_blocks = (blkcnt_t)((bytes + BLOCK_BYTES - 1) / BLOCK_BYTES);
}

/* What the file system says of a file. */
static void stat_take(const struct files_stat_rep *rep, struct stat *status)
{
    const uint64_t hz = hf_env()->timebase_hz;
    stat_fill(rep->mode, rep->file, rep->bytes, status);
    status->st_nlink = (nlink_t)rep->links;
    status->st_dev = (dev_t)(rep->part + 1);
    status->st_mtim.tv_sec = (time_t)(rep->changed / hz);
    status->st_mtim.tv_nsec = (long)(rep->changed % hz * NANO_SECONDS / hz);
    status->st_ctim = status->st_mtim;
    status->st_atim = status->st_mtim;
}

int fstat(int fd, struct stat *status)
{
    struct files_stat_rep rep;
    struct file *file = files_get(fd);
    uint64_t bytes = 0;
    if (file == NULL) {
        return -1;
    }
    const bool is_stored =
        paths_has_files() &&
        (file->kind == FILE_STORED || file->kind == FILE_FOLDER || file->kind == FILE_ARCHIVE);
    if (is_stored && hf_files_stat(hf_env()->files, file->inode, "", &rep) == ERR_OK) {
        stat_take(&rep, status);
        return 0;
    }
    if (transfer_bytes(file, &bytes) != 0) {
        return -1;
    }
    stat_fill(file->mode, file->inode, bytes, status);
    return 0;
}

int stat(const char *restrict path, struct stat *restrict status)
{
    struct hf_archive_file found = {0};
    struct files_stat_rep rep;
    if (paths_has_files()) {
        enum err error =
            path[0] == '\0' ? ERR_NOENT : hf_files_stat(hf_env()->files, paths_base(), path, &rep);
        if (error != ERR_OK) {
            return refuse_error(error);
        }
        stat_take(&rep, status);
        return 0;
    }
    if (paths_find_archive(path, &found) == 0) {
        stat_fill(found.mode, found.inode, found.bytes, status);
        return 0;
    }
    if (errno != EISDIR) {
        return -1;
    }
    stat_fill(S_IFDIR | 0555, 0, 0, status);
    return 0;
}

/* There are no symbolic links. The C library declares it for some systems only. */
int lstat(const char *restrict path, struct stat *restrict status);
int lstat(const char *restrict path, struct stat *restrict status)
{
    return stat(path, status);
}

int access(const char *path, int mode)
{
    struct stat status;
    if ((mode & ~(R_OK | W_OK | X_OK)) != 0) {
        return refuse(EINVAL);
    }
    if (stat(path, &status) != 0) {
        return -1;
    }
    if ((mode & W_OK) != 0 && (status.st_mode & 0222) == 0 && status.st_dev != 1 &&
        status.st_dev != 2) {
        return refuse(EROFS); /* of the archive, which is neither of the parts for writing */
    }
    return (status.st_mode >> OWNER_SHIFT & (unsigned)mode) != (unsigned)mode ? refuse(EACCES) : 0;
}
