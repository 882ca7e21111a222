/* SPDX-License-Identifier: MIT */
/*
 * open() to isatty() over the console and the boot archive.
 *
 * The archive is mapped read-only, so an open file is a pointer into it. Names start at its root,
 * with or without a slash; nothing can be written or made there (EROFS).
 */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "console.h"
#include "shared.h"
#include <hf/archive.h>
#include <hf/env.h>
#include <hf/mutex.h>

/* Around taking a free entry, and around moving an offset. Two threads do not close one file. */
static struct hf_mutex files_lock;
static struct file files[FILES_MAX] = {
    {.kind = FILE_CONSOLE, .access = O_RDONLY, .mode = S_IFCHR | 0600},
    {.kind = FILE_CONSOLE, .access = O_WRONLY, .mode = S_IFCHR | 0600},
    {.kind = FILE_CONSOLE, .access = O_WRONLY, .mode = S_IFCHR | 0600},
};

struct file *files_get(int fd)
{
    if (fd < 0 || fd >= FILES_MAX || files[fd].kind == FILE_NONE) {
        errno = EBADF;
        return NULL;
    }
    return &files[fd];
}

int files_add(const struct file *file)
{
    int fd = 0;
    hf_mutex_lock(&files_lock);
    while (fd < FILES_MAX && files[fd].kind != FILE_NONE) {
        fd++;
    }
    if (fd < FILES_MAX) {
        files[fd] = *file;
    }
    hf_mutex_unlock(&files_lock);
    if (fd == FILES_MAX) {
        errno = EMFILE;
        return -1;
    }
    return fd;
}

size_t files_objects(uint64_t *objects)
{
    size_t count = 0;
    for (int fd = 0; fd < FILES_MAX; fd++) {
        if (files[fd].kind == FILE_SHARED) {
            objects[count++] = files[fd].object;
        }
    }
    return count;
}

/* Find a file by name; 0, or -1 with errno. */
static int files_find(const char *path, struct hf_archive_file *found)
{
    const struct hf_env *env = hf_env();
    if (env->archive_opt == NULL) {
        errno = ENOENT;
        return -1;
    }
    const struct hf_archive archive = {env->archive_opt, env->archive_bytes};
    switch (hf_archive_find(&archive, path, found)) {
    case HF_ARCHIVE_FOUND:
        return 0;
    case HF_ARCHIVE_END:
        errno = ENOENT;
        return -1;
    case HF_ARCHIVE_FOLDER:
        errno = EISDIR;
        return -1;
    case HF_ARCHIVE_BROKEN:
        break;
    }
    errno = EIO;
    return -1;
}

int open(const char *path, int flags, ...)
{
    struct hf_archive_file found;
    int access = flags & O_ACCMODE;
    if (files_find(path, &found) != 0) {
        if (errno == ENOENT && (flags & O_CREAT) != 0) {
            errno = EROFS;
        }
        return -1;
    }
    if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) {
        errno = EEXIST;
        return -1;
    }
    if (access != O_RDONLY || (flags & O_TRUNC) != 0) {
        errno = EROFS;
        return -1;
    }
    const struct file file = {
        .kind = FILE_ARCHIVE,
        .access = access,
        .data = found.data,
        .bytes = found.bytes,
        .mode = found.mode,
        .inode = found.inode,
    };
    return files_add(&file);
}

int close(int fd)
{
    struct file *file = files_get(fd);
    if (file == NULL) {
        return -1;
    }
    int result = file->kind == FILE_SHARED ? shared_close(file) : 0;
    *file = (struct file){.kind = FILE_NONE};
    return result;
}

ssize_t read(int fd, void *buffer, size_t count)
{
    struct file *file = files_get(fd);
    if (file == NULL) {
        return -1;
    }
    if (file->access == O_WRONLY) {
        errno = EBADF;
        return -1;
    }
    if (file->kind == FILE_CONSOLE) {
        return console_read(buffer, count);
    }
    if (file->kind == FILE_SHARED) {
        hf_mutex_lock(&files_lock);
        const ssize_t result = shared_read(file, buffer, count);
        hf_mutex_unlock(&files_lock);
        return result;
    }
    hf_mutex_lock(&files_lock);
    const uint64_t start = file->offset < file->bytes ? file->offset : file->bytes;
    const uint64_t left = file->bytes - start;
    const size_t length = count < left ? count : (size_t)left;
    file->offset += length;
    hf_mutex_unlock(&files_lock);
    memcpy(buffer, file->data + start, length);
    return (ssize_t)length;
}

ssize_t write(int fd, const void *buffer, size_t count)
{
    struct file *file = files_get(fd);
    if (file == NULL) {
        return -1;
    }
    if (file->access == O_RDONLY) {
        errno = EBADF;
        return -1;
    }
    if (file->kind == FILE_SHARED) {
        hf_mutex_lock(&files_lock);
        const ssize_t result = shared_write(file, buffer, count);
        hf_mutex_unlock(&files_lock);
        return result;
    }
    return console_write(buffer, count, file == &files[STDERR_FILENO]);
}

/* Where a file ends now. Returns: 0, or -1 with errno. */
static int files_bytes(const struct file *file, uint64_t *bytes)
{
    *bytes = file->bytes;
    return file->kind == FILE_SHARED ? shared_bytes(file, bytes) : 0;
}

off_t lseek(int fd, off_t offset, int whence)
{
    struct file *file = files_get(fd);
    if (file == NULL) {
        return -1;
    }
    if (file->kind == FILE_CONSOLE) {
        errno = ESPIPE;
        return -1;
    }
    int64_t base = 0;
    if (whence == SEEK_CUR) {
        base = (int64_t)file->offset;
    } else if (whence == SEEK_END) {
        uint64_t bytes = 0;
        if (files_bytes(file, &bytes) != 0) {
            return -1;
        }
        base = (int64_t)bytes;
    } else if (whence != SEEK_SET) {
        errno = EINVAL;
        return -1;
    }
    if (offset < -base || (offset > 0 && base > INT64_MAX - offset)) {
        errno = offset < 0 ? EINVAL : EOVERFLOW;
        return -1;
    }
    file->offset = (uint64_t)(base + offset);
    return (off_t)file->offset;
}

static void stat_fill(uint32_t mode, uint32_t inode, uint64_t bytes, struct stat *status)
{
    memset(status, 0, sizeof(*status));
    status->st_mode = mode;
    status->st_ino = (ino_t)inode;
    status->st_nlink = 1;
    status->st_size = (off_t)bytes;
}

int fstat(int fd, struct stat *status)
{
    struct file *file = files_get(fd);
    if (file == NULL) {
        return -1;
    }
    uint64_t bytes = 0;
    if (files_bytes(file, &bytes) != 0) {
        return -1;
    }
    stat_fill(file->mode, file->inode, bytes, status);
    return 0;
}

int stat(const char *restrict path, struct stat *restrict status)
{
    struct hf_archive_file found = {0};
    if (files_find(path, &found) == 0) {
        stat_fill(found.mode, found.inode, found.bytes, status);
        return 0;
    }
    if (errno != EISDIR) {
        return -1;
    }
    stat_fill(S_IFDIR | 0555, 0, 0, status);
    return 0;
}

int access(const char *path, int mode)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return -1;
    }
    if ((mode & W_OK) != 0) {
        errno = EROFS;
        return -1;
    }
    if ((mode & X_OK) != 0 && (status.st_mode & 0111) == 0) {
        errno = EACCES;
        return -1;
    }
    return 0;
}

int isatty(int fd)
{
    struct file *file = files_get(fd);
    if (file == NULL) {
        return 0;
    }
    if (file->kind != FILE_CONSOLE) {
        errno = ENOTTY;
        return 0;
    }
    return 1;
}

int unlink(const char *path)
{
    struct hf_archive_file found;
    if (files_find(path, &found) == 0) {
        errno = EROFS;
    }
    return -1;
}
