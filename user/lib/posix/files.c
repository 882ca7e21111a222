/* SPDX-License-Identifier: MIT */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cell.h"
#include "shared.h"
#include <hf/env.h>
#include <hf/files.h>
#include <hf/mutex.h>
#include <hf/shared.h>

#define CONSOLE_FILE(how)                                                               \
    {                                                                                   \
        .kind = FILE_CONSOLE, .access = (how), .descriptors = 1, .mode = S_IFCHR | 0600 \
    }

/* Around taking and leaving entries. */
static struct hf_mutex files_lock;
static struct file files[FILES_MAX] = {
    CONSOLE_FILE(O_RDONLY),
    CONSOLE_FILE(O_WRONLY),
    CONSOLE_FILE(O_WRONLY),
};
/* What descriptors stand for; NULL: nothing. */
static struct file *descriptors[FILES_MAX] = {&files[0], &files[1], &files[2]};
/* Bits: to be closed by exec(), which there is not; kept for fcntl(). */
static uint32_t close_on_exec;

struct file *files_get(int fd)
{
    if (fd < 0 || fd >= FILES_MAX || descriptors[fd] == NULL) {
        errno = EBADF;
        return NULL;
    }
    return descriptors[fd];
}

/* The lowest free descriptor from `first` on; FILES_MAX: there is none. */
static int descriptor_free(int first)
{
    while (first < FILES_MAX && descriptors[first] != NULL) {
        first++;
    }
    return first;
}

static struct file *file_free(void)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        if (files[i].kind == FILE_NONE) {
            return &files[i];
        }
    }
    return NULL;
}

bool files_has_room(void)
{
    hf_mutex_lock(&files_lock);
    const bool has_room = descriptor_free(0) < FILES_MAX && file_free() != NULL;
    hf_mutex_unlock(&files_lock);
    if (!has_room) {
        errno = EMFILE;
    }
    return has_room;
}

int files_add(const struct file *file, int status)
{
    hf_mutex_lock(&files_lock);
    const int fd = descriptor_free(0);
    struct file *made = file_free();
    if (fd < FILES_MAX && made != NULL) {
        *made = *file;
        made->descriptors = 1;
        made->cell = &made->own;
        atomic_store(&made->own.offset, 0);
        atomic_store(&made->own.status, (uint32_t)status);
        descriptors[fd] = made;
        close_on_exec &= ~(UINT32_C(1) << fd);
    }
    hf_mutex_unlock(&files_lock);
    if (fd == FILES_MAX || made == NULL) {
        errno = EMFILE;
        return -1;
    }
    return fd;
}

size_t files_handles(struct hf_gift *gifts)
{
    size_t count = 0;
    for (size_t i = 0; i < FILES_MAX; i++) {
        const struct file *file = &files[i];
        if (file->kind == FILE_NONE || file->kind == FILE_CONSOLE) {
            continue;
        }
        if (file->object != 0) {
            gifts[count++] = (struct hf_gift){file->object, true};
        }
        if (file->token != 0) {
            gifts[count++] = (struct hf_gift){file->token, true};
        }
        if (file->control != 0) {
            gifts[count++] = (struct hf_gift){file->control, false};
        }
    }
    return count;
}

/* Whether the file has an offset that a child has in common. */
static bool has_offset(const struct file *file)
{
    return file->kind != FILE_NONE && file->kind != FILE_CONSOLE;
}

bool files_share(void)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        struct file *file = &files[i];
        if (!has_offset(file) || file->cell != &file->own) {
            continue;
        }
        struct cell *cell = cell_take();
        if (cell == NULL) {
            return false;
        }
        atomic_store(&cell->offset, atomic_load(&file->own.offset));
        atomic_store(&cell->status, atomic_load(&file->own.status));
        file->cell = cell;
    }
    for (size_t i = 0; i < FILES_MAX; i++) {
        if (has_offset(&files[i])) {
            atomic_fetch_add(&files[i].cell->references, 1); /* the child's */
        }
    }
    return true;
}

void files_unshare(void)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        if (has_offset(&files[i])) {
            (void)cell_give(files[i].cell);
        }
    }
}

void files_leave(void)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        if (has_offset(&files[i]) && files[i].cell != &files[i].own) {
            (void)cell_give(files[i].cell);
        }
    }
}

/* The last descriptor of a file is gone. Returns: 0, or -1 with errno. */
static int file_end(struct file *file)
{
    const bool is_last = file->cell == &file->own || !has_offset(file) || cell_give(file->cell);
    int result = 0;
    if (file->token != 0) {
        if (is_last) {
            (void)!hf_files_unlock(hf_env()->files, file->lock);
        }
        (void)hf_shared_close(file->token);
    }
    if (file->object != 0) {
        result = shared_close(file);
    }
    if (file->control != 0) {
        (void)hf_handle_close(file->control);
    }
    *file = (struct file){.kind = FILE_NONE};
    return result;
}

int close(int fd)
{
    struct file *file = files_get(fd);
    if (file == NULL) {
        return -1;
    }
    hf_mutex_lock(&files_lock);
    descriptors[fd] = NULL;
    file->descriptors--;
    const int result = file->descriptors == 0 ? file_end(file) : 0;
    hf_mutex_unlock(&files_lock);
    return result;
}

/* Make a free descriptor one of the same file. */
static void descriptor_set(int fd, struct file *file, bool is_closed_on_exec)
{
    descriptors[fd] = file;
    file->descriptors++;
    close_on_exec &= ~(UINT32_C(1) << fd);
    close_on_exec |= is_closed_on_exec ? UINT32_C(1) << fd : 0;
}

/* A descriptor from `first` on for the same file. */
static int duplicate(struct file *file, int first, bool is_closed_on_exec)
{
    if (first < 0 || first >= FILES_MAX) {
        errno = EINVAL;
        return -1;
    }
    hf_mutex_lock(&files_lock);
    const int fd = descriptor_free(first);
    if (fd < FILES_MAX) {
        descriptor_set(fd, file, is_closed_on_exec);
    }
    hf_mutex_unlock(&files_lock);
    if (fd == FILES_MAX) {
        errno = EMFILE;
        return -1;
    }
    return fd;
}

int dup(int fd)
{
    struct file *file = files_get(fd);
    return file == NULL ? -1 : duplicate(file, 0, false);
}

int dup2(int fd, int to)
{
    struct file *file = files_get(fd);
    if (file == NULL || to == fd) {
        return file == NULL ? -1 : to;
    }
    if (to < 0 || to >= FILES_MAX) {
        errno = EBADF;
        return -1;
    }
    if (descriptors[to] != NULL) {
        (void)close(to);
    }
    hf_mutex_lock(&files_lock);
    descriptor_set(to, file, false);
    hf_mutex_unlock(&files_lock);
    return to;
}

int files_control(int fd, struct file *file, int command, unsigned argument)
{
    const uint32_t bit = UINT32_C(1) << fd;
    const int settable = O_APPEND | O_NONBLOCK;
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return duplicate(file, (int)argument, command == F_DUPFD_CLOEXEC);
    case F_GETFD:
        return (close_on_exec & bit) != 0 ? FD_CLOEXEC : 0;
    case F_SETFD:
        close_on_exec = (argument & FD_CLOEXEC) != 0 ? close_on_exec | bit : close_on_exec & ~bit;
        return 0;
    case F_GETFL:
        return file->access | (file->cell == NULL ? 0 : (int)atomic_load(&file->cell->status));
    case F_SETFL:
        if ((file->flags & FILES_IS_APPEND_ONLY) != 0 && ((int)argument & O_APPEND) == 0 &&
            file->access != O_RDONLY) {
            errno = EPERM;
            return -1;
        }
        if (file->cell != NULL) {
            atomic_store(&file->cell->status, argument & (unsigned)settable);
        }
        return 0;
    default:
        errno = EINVAL;
        return -1;
    }
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
