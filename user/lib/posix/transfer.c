/* SPDX-License-Identifier: MIT */
/*
 * read() to lseek(), and how long files are.
 *
 * Bytes of the archive are copied from where they are mapped, those of memory objects by the memory
 * server, without asking the file system; that one only makes files longer. The offset may move
 * meanwhile, also in a child: who reads starts over then, who writes takes its part of the file
 * first.
 */
#include "transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "console.h"
#include <hf/error.h>
#include <hf/files.h>
#include <hf/shared.h>

static int refuse(int number)
{
    errno = number;
    return -1;
}

static int refuse_error(enum err error)
{
    return refuse(hf_errno(error));
}

int transfer_bytes(const struct file *file, uint64_t *bytes)
{
    struct mem_object_info_rep info;
    if (file->object == 0) {
        *bytes = file->bytes;
        return 0;
    }
    enum err error = hf_shared_info(file->object, &info);
    if (error != ERR_OK) {
        return refuse_error(error);
    }
    *bytes = info.bytes;
    return 0;
}

/* Read from a place of the file. */
static ssize_t read_at(const struct file *file, void *buffer, size_t count, uint64_t offset)
{
    uint64_t copied = 0;
    if (file->kind == FILE_FOLDER) {
        return refuse(EISDIR);
    }
    if (file->kind == FILE_ARCHIVE) {
        const uint64_t start = offset < file->bytes ? offset : file->bytes;
        const uint64_t left = file->bytes - start;
        copied = count < left ? count : left;
        memcpy(buffer, file->data + start, copied);
        return (ssize_t)copied;
    }
    enum err error =
        hf_shared_copy(file->object, (uint64_t)buffer, offset, count, MEM_COPY_FROM, &copied);
    if (error != ERR_OK && (error != ERR_FAULT || copied == 0)) {
        return refuse_error(error);
    }
    return (ssize_t)copied;
}

ssize_t read(int fd, void *buffer, size_t count)
{
    struct file *file = files_get(fd);
    if (file == NULL) {
        return -1;
    }
    if (file->access == O_WRONLY) {
        return refuse(EBADF);
    }
    if (file->kind == FILE_CONSOLE) {
        return console_read(buffer, count);
    }
    uint64_t offset = atomic_load(&file->cell->offset);
    ssize_t result;
    do {
        result = read_at(file, buffer, count, offset);
    } while (result > 0 && !atomic_compare_exchange_strong(&file->cell->offset, &offset,
                                                           offset + (uint64_t)result));
    return result;
}

ssize_t pread(int fd, void *buffer, size_t count, off_t offset)
{
    struct file *file = files_get(fd);
    if (file == NULL) {
        return -1;
    }
    if (offset < 0) {
        return refuse(EINVAL);
    }
    if (file->kind == FILE_CONSOLE) {
        return refuse(ESPIPE);
    }
    return file->access == O_WRONLY ? refuse(EBADF)
                                    : read_at(file, buffer, count, (uint64_t)offset);
}

/* Make the file at least so long. */
static enum err extend(const struct file *file, uint64_t bytes)
{
    struct files_resize_rep rep;
    struct mem_object_info_rep info;
    if (file->kind == FILE_STORED) {
        return hf_files_resize(file->control, bytes, FILES_RESIZE_EXTEND, 0, &rep);
    }
    enum err error = hf_shared_info(file->object, &info);
    return error == ERR_OK && info.bytes < bytes ? hf_shared_resize(file->object, bytes) : error;
}

static enum err copy_to(const struct file *file, const void *buffer, size_t count, uint64_t offset,
                        uint64_t *copied)
{
    return hf_shared_copy(file->object, (uint64_t)buffer, offset, count, MEM_COPY_TO, copied);
}

/* Write at a place of the file; what lies past its end, after it has become longer. */
static ssize_t write_at(const struct file *file, const void *buffer, size_t count, uint64_t offset)
{
    uint64_t copied = 0;
    uint64_t more = 0;
    if (count == 0) {
        return 0;
    }
    if (count > INT64_MAX - offset) {
        return refuse(EFBIG);
    }
    enum err error = copy_to(file, buffer, count, offset, &copied);
    if (error == ERR_OK && copied < count) {
        error = extend(file, offset + count);
        if (error == ERR_OK) {
            error = copy_to(file, (const char *)buffer + copied, count - copied, offset + copied,
                            &more);
        }
    }
    copied += more;
    return copied == 0 && error != ERR_OK ? refuse_error(error) : (ssize_t)copied;
}

/* Write at the end, wherever it is; `*end`: where it is then. */
static ssize_t append(const struct file *file, const void *buffer, size_t count, uint64_t *end)
{
    struct files_resize_rep rep;
    uint64_t copied = 0;
    if (count == 0) {
        return 0;
    }
    if ((file->flags & FILES_IS_APPEND_ONLY) != 0) {
        const size_t part = count < FILES_PARTS_MAX ? count : FILES_PARTS_MAX;
        enum err error = hf_files_append(file->control, buffer, part, &rep);
        if (error != ERR_OK) {
            return refuse_error(error);
        }
        *end = rep.bytes;
        return (ssize_t)part;
    }
    enum err error = hf_files_resize(file->control, count, FILES_RESIZE_ADD, 0, &rep);
    if (error != ERR_OK) {
        return refuse_error(error);
    }
    error = copy_to(file, buffer, count, rep.before, &copied);
    *end = rep.before + copied;
    if (copied < count) {
        /* Nobody may have written behind it yet: then it ends where the bytes do. */
        (void)!hf_files_resize(file->control, *end, FILES_RESIZE_IF, rep.bytes, &rep);
    }
    return copied == 0 && error != ERR_OK ? refuse_error(error) : (ssize_t)copied;
}

static bool is_appending(const struct file *file)
{
    return file->kind == FILE_STORED &&
           ((atomic_load(&file->cell->status) & (uint32_t)O_APPEND) != 0 ||
            (file->flags & FILES_IS_APPEND_ONLY) != 0);
}

ssize_t write(int fd, const void *buffer, size_t count)
{
    struct file *file = files_get(fd);
    uint64_t end = 0;
    if (file == NULL) {
        return -1;
    }
    if (file->access == O_RDONLY) {
        return refuse(EBADF);
    }
    if (file->kind == FILE_CONSOLE) {
        return console_write(buffer, count, fd == STDERR_FILENO);
    }
    if (is_appending(file)) {
        const ssize_t result = append(file, buffer, count, &end);
        if (result > 0) {
            atomic_store(&file->cell->offset, end);
        }
        return result;
    }
    /* Our part of the file first: another who writes meanwhile has the next one. */
    uint64_t offset = atomic_load(&file->cell->offset);
    do {
        if (count > INT64_MAX || offset > INT64_MAX - count) {
            return refuse(EFBIG);
        }
    } while (!atomic_compare_exchange_strong(&file->cell->offset, &offset, offset + count));
    const ssize_t result = write_at(file, buffer, count, offset);
    uint64_t taken = offset + count;
    if (result < (ssize_t)count) {
        (void)atomic_compare_exchange_strong(&file->cell->offset, &taken,
                                             offset + (uint64_t)(result > 0 ? result : 0));
    }
    return result;
}

ssize_t pwrite(int fd, const void *buffer, size_t count, off_t offset)
{
    struct file *file = files_get(fd);
    uint64_t end = 0;
    if (file == NULL) {
        return -1;
    }
    if (offset < 0) {
        return refuse(EINVAL);
    }
    if (file->kind == FILE_CONSOLE) {
        return refuse(ESPIPE);
    }
    if (file->access == O_RDONLY) {
        return refuse(EBADF);
    }
    /* pwrite(2), BUGS: with O_APPEND it appends. */
    return is_appending(file) ? append(file, buffer, count, &end)
                              : write_at(file, buffer, count, (uint64_t)offset);
}

off_t lseek(int fd, off_t offset, int whence)
{
    struct file *file = files_get(fd);
    uint64_t bytes = 0;
    if (file == NULL) {
        return -1;
    }
    if (file->kind == FILE_CONSOLE) {
        return refuse(ESPIPE);
    }
    int64_t base = 0;
    if (whence == SEEK_CUR) {
        base = (int64_t)atomic_load(&file->cell->offset);
    } else if (whence == SEEK_END) {
        if (transfer_bytes(file, &bytes) != 0) {
            return -1;
        }
        base = (int64_t)bytes;
    } else if (whence != SEEK_SET) {
        return refuse(EINVAL);
    }
    if (offset < -base || (offset > 0 && base > INT64_MAX - offset)) {
        return refuse(offset < 0 ? EINVAL : EOVERFLOW);
    }
    atomic_store(&file->cell->offset, (uint64_t)(base + offset));
    return (off_t)(base + offset);
}

int ftruncate(int fd, off_t length)
{
    const struct file *file = files_get(fd);
    struct files_resize_rep rep;
    if (file == NULL) {
        return -1;
    }
    if (length < 0 || file->access == O_RDONLY ||
        (file->kind != FILE_SHARED && file->kind != FILE_STORED)) {
        return refuse(EINVAL);
    }
    enum err error = file->kind == FILE_STORED
                         ? hf_files_resize(file->control, (uint64_t)length, 0, 0, &rep)
                         : hf_shared_resize(file->object, (uint64_t)length);
    return error != ERR_OK ? refuse_error(error) : 0;
}

/* What is written is in memory at once, and nowhere else. */
int fsync(int fd)
{
    const struct file *file = files_get(fd);
    if (file == NULL) {
        return -1;
    }
    return file->kind == FILE_CONSOLE ? refuse(EINVAL) : 0;
}

int fdatasync(int fd)
{
    return fsync(fd);
}
