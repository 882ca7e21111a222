/* SPDX-License-Identifier: MIT */
#include "paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include <hf/env.h>
#include <hf/error.h>
#include <hf/files.h>

#define MODE_BITS   07777u
#define MODE_SEARCH 0100u
#define MASK_BITS   0777u

static uint64_t working_folder;
static uint32_t mask = 022;

bool paths_has_files(void)
{
    return hf_env()->files != 0;
}

uint64_t paths_base(void)
{
    return working_folder;
}

uint32_t paths_mask(void)
{
    return mask;
}

int paths_find_archive(const char *path, struct hf_archive_file *found)
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

static int result_of(enum err error)
{
    if (error != ERR_OK) {
        errno = hf_errno(error);
        return -1;
    }
    return 0;
}

/* Without a file system names cannot be changed; whether there is one. */
static bool needs_files(void)
{
    if (!paths_has_files()) {
        errno = EROFS;
        return false;
    }
    return true;
}

int mkdir(const char *path, mode_t mode)
{
    return needs_files() ? result_of(hf_files_mkdir(hf_env()->files, working_folder, path,
                                                    (uint32_t)mode & MODE_BITS & ~mask))
                         : -1;
}

int rmdir(const char *path)
{
    return needs_files() ? result_of(hf_files_rmdir(hf_env()->files, working_folder, path)) : -1;
}

int unlink(const char *path)
{
    struct hf_archive_file found;
    if (!paths_has_files()) {
        if (paths_find_archive(path, &found) == 0) {
            errno = EROFS;
        }
        return -1;
    }
    return result_of(hf_files_unlink(hf_env()->files, working_folder, path));
}

int remove(const char *path)
{
    const int result = unlink(path);
    return result != 0 && errno == EISDIR ? rmdir(path) : result;
}

int rename(const char *from, const char *to)
{
    return needs_files() ? result_of(hf_files_rename(hf_env()->files, working_folder, from, to, 0))
                         : -1;
}

int chmod(const char *path, mode_t mode)
{
    if (!needs_files()) {
        return -1;
    }
    if (path[0] == '\0') {
        return result_of(ERR_NOENT);
    }
    return result_of(hf_files_change(hf_env()->files, working_folder, path, FILES_CHANGE_MODE,
                                     (uint32_t)mode & MODE_BITS));
}

int fchmod(int fd, mode_t mode)
{
    struct file *file = files_get(fd);
    if (file == NULL || !needs_files()) {
        return -1;
    }
    if (file->kind != FILE_STORED && file->kind != FILE_FOLDER && file->kind != FILE_ARCHIVE) {
        return result_of(ERR_INVAL);
    }
    return result_of(hf_files_change(hf_env()->files, file->inode, "", FILES_CHANGE_MODE,
                                     (uint32_t)mode & MODE_BITS));
}

mode_t umask(mode_t bits)
{
    const uint32_t before = mask;
    mask = (uint32_t)bits & MASK_BITS;
    return (mode_t)before;
}

int truncate(const char *path, off_t length)
{
    if (length < 0) {
        return result_of(ERR_INVAL);
    }
    const int fd = open(path, O_WRONLY);
    if (fd < 0) {
        return -1;
    }
    const int result = ftruncate(fd, length);
    const int number = errno;
    (void)close(fd);
    errno = number;
    return result;
}

/* Go to a folder that was found. */
static int enter(uint64_t number, uint32_t mode)
{
    if (!S_ISDIR(mode)) {
        return result_of(ERR_NOTDIR);
    }
    if ((mode & MODE_SEARCH) == 0) {
        return result_of(ERR_ACCES);
    }
    working_folder = number;
    return 0;
}

int chdir(const char *path)
{
    struct files_stat_rep rep;
    if (!paths_has_files()) {
        return result_of(ERR_NOSYS);
    }
    enum err error =
        path[0] == '\0' ? ERR_NOENT : hf_files_stat(hf_env()->files, working_folder, path, &rep);
    return error != ERR_OK ? result_of(error) : enter(rep.file, rep.mode);
}

int fchdir(int fd)
{
    const struct file *file = files_get(fd);
    return file == NULL ? -1 : enter(file->inode, file->mode);
}

char *getcwd(char *buffer, size_t bytes)
{
    char path[FILES_PATH_MAX + 2] = "/";
    if (buffer != NULL && bytes == 0) {
        errno = EINVAL;
        return NULL;
    }
    if (paths_has_files()) {
        enum err error = hf_files_name(hf_env()->files, working_folder, path, sizeof(path));
        if (error != ERR_OK) {
            errno = error == ERR_STALE ? ENOENT : hf_errno(error);
            return NULL;
        }
    }
    const size_t length = strlen(path) + 1;
    if (buffer == NULL) {
        bytes = bytes == 0 ? length : bytes;
        buffer = length <= bytes ? malloc(bytes) : NULL;
        errno = length <= bytes ? ENOMEM : ERANGE;
        return buffer == NULL ? NULL : memcpy(buffer, path, length);
    }
    if (length > bytes) {
        errno = ERANGE;
        return NULL;
    }
    return memcpy(buffer, path, length);
}
