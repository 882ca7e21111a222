/* SPDX-License-Identifier: MIT */
/*
 * <dirent.h>: the entries of folders. "." and ".." come first.
 */
#include <dirent.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "paths.h"
#include <hf/env.h>
#include <hf/error.h>
#include <hf/files.h>

/* Places of telldir(): the first two are for the dots, then those of the file system and 2. */
#define PLACE_DOTDOT 1
#define PLACE_FIRST  2

struct dir_stream {
    int fd;
    long place;
    struct hf_entry entry;
    struct dirent dirent;
};

DIR *fdopendir(int fd)
{
    const struct file *file = files_get(fd);
    if (file == NULL) {
        return NULL;
    }
    if (file->kind != FILE_FOLDER) {
        errno = ENOTDIR;
        return NULL;
    }
    DIR *stream = calloc(1, sizeof(*stream));
    if (stream != NULL) {
        stream->fd = fd;
    }
    return stream;
}

DIR *opendir(const char *path)
{
    if (!paths_has_files()) {
        errno = ENOSYS;
        return NULL;
    }
    const int fd = open(path, O_RDONLY | O_DIRECTORY);
    if (fd < 0) {
        return NULL;
    }
    DIR *stream = fdopendir(fd);
    if (stream == NULL) {
        (void)close(fd);
        errno = ENOMEM;
    }
    return stream;
}

/* "." or "..". */
static struct dirent *tell_dots(DIR *stream, uint64_t folder)
{
    struct files_stat_rep rep = {.file = folder};
    const bool is_up = stream->place == PLACE_DOTDOT;
    if (is_up && hf_files_stat(hf_env()->files, folder, "..", &rep) != ERR_OK) {
        rep.file = folder;
    }
    stream->place++;
    stream->dirent.d_ino = (ino_t)rep.file;
    stream->dirent.d_type = DT_DIR;
    strcpy(stream->dirent.d_name, is_up ? ".." : ".");
    return &stream->dirent;
}

struct dirent *readdir(DIR *stream)
{
    const struct file *file = files_get(stream->fd);
    if (file == NULL) {
        return NULL;
    }
    if (stream->place < PLACE_FIRST) {
        return tell_dots(stream, file->inode);
    }
    stream->entry.place = (uint64_t)(stream->place - PLACE_FIRST);
    enum err error = hf_files_next(hf_env()->files, file->inode, &stream->entry);
    if (error != ERR_OK) {
        if (error != ERR_NOENT && error != ERR_STALE) { /* the end; the folder was removed */
            errno = hf_errno(error);
        }
        return NULL;
    }
    stream->place = (long)stream->entry.place + PLACE_FIRST;
    stream->dirent.d_ino = (ino_t)stream->entry.number;
    stream->dirent.d_type = S_ISDIR(stream->entry.mode) ? DT_DIR : DT_REG;
    strcpy(stream->dirent.d_name, stream->entry.name);
    return &stream->dirent;
}

int closedir(DIR *stream)
{
    const int fd = stream->fd;
    free(stream);
    return close(fd);
}

void rewinddir(DIR *stream)
{
    stream->place = 0;
}

long telldir(DIR *stream)
{
    return stream->place;
}

void seekdir(DIR *stream, long place)
{
    stream->place = place;
}

int dirfd(DIR *stream)
{
    return stream->fd;
}
