/* SPDX-License-Identifier: MIT */
/*
 * The shell's commands about files, over the calls of POSIX.
 */
#include "command.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hf/env.h>
#include <hf/files.h>

#define COPY_BYTES 16384
#define PATH_BYTES (FILES_PATH_MAX + 1)
#define PAGE_KIB   4u

static uint64_t complain(const char *path)
{
    printf("shell: %s: %s\n", path, strerror(errno));
    return COMMAND_FAILED;
}

/* Put the path of an entry of a folder together. Returns: whether it has room. */
static bool join(const char *folder, const char *name, char path[PATH_BYTES])
{
    const size_t length = strlen(folder);
    const char *slash = length > 0 && folder[length - 1] != '/' ? "/" : "";
    if ((size_t)snprintf(path, PATH_BYTES, "%s%s%s", folder, slash, name) < PATH_BYTES) {
        return true;
    }
    errno = ENAMETOOLONG;
    return false;
}

/* One line of ls: the size of a file, a slash behind a folder. */
static void tell(const char *name, const struct stat *status)
{
    if (S_ISDIR(status->st_mode)) {
        printf("%10s %s/\n", "", name);
    } else {
        printf("%10" PRId64 " %s\n", (int64_t)status->st_size, name);
    }
}

static int compare(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* The names in a folder, sorted, but for the dots. Returns: whether there was memory for all. */
static bool read_names(DIR *stream, char ***names, size_t *count)
{
    const struct dirent *entry;
    while ((entry = readdir(stream)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        char **more = realloc(*names, (*count + 1) * sizeof(**names));
        if (more == NULL) {
            return false;
        }
        *names = more;
        more[*count] = strdup(entry->d_name);
        if (more[*count] == NULL) {
            return false;
        }
        (*count)++;
    }
    qsort(*names, *count, sizeof(**names), compare);
    return true;
}

uint64_t command_ls(const struct words *words)
{
    const char *folder = words->count == 2 ? words->items[1] : ".";
    static char path[PATH_BYTES];
    char **names = NULL;
    size_t count = 0;
    struct stat status;
    if (words->count > 2) {
        return COMMAND_MISUSE;
    }
    if (stat(folder, &status) != 0) {
        return complain(folder);
    }
    if (!S_ISDIR(status.st_mode)) {
        tell(folder, &status);
        return COMMAND_DONE;
    }
    DIR *stream = opendir(folder);
    if (stream == NULL) {
        return complain(folder);
    }
    const bool is_whole = read_names(stream, &names, &count);
    (void)closedir(stream);
    for (size_t i = 0; i < count; i++) {
        if (is_whole && join(folder, names[i], path) && stat(path, &status) == 0) {
            tell(names[i], &status);
        }
        free(names[i]);
    }
    free(names);
    errno = ENOMEM;
    return is_whole ? COMMAND_DONE : complain(folder);
}

/* Write all of it. */
static bool write_all(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        const ssize_t part = write(fd, bytes, count);
        if (part <= 0) {
            return false;
        }
        bytes += part;
        count -= (size_t)part;
    }
    return true;
}

/* Copy what is left of one file to another. */
static bool pour(int from, int to)
{
    static char bytes[COPY_BYTES];
    ssize_t count;
    while ((count = read(from, bytes, sizeof(bytes))) > 0) {
        if (!write_all(to, bytes, (size_t)count)) {
            return false;
        }
    }
    return count == 0;
}

uint64_t command_cat(const struct words *words)
{
    if (words->count < 2) {
        return COMMAND_MISUSE;
    }
    fflush(stdout);
    for (size_t i = 1; i < words->count; i++) {
        const int fd = open(words->items[i], O_RDONLY);
        const bool is_ok = fd >= 0 && pour(fd, STDOUT_FILENO);
        const int number = errno;
        if (fd >= 0) {
            (void)close(fd);
        }
        errno = number;
        if (!is_ok) {
            return complain(words->items[i]);
        }
    }
    return COMMAND_DONE;
}

uint64_t command_echo(const struct words *words)
{
    for (size_t i = 1; i < words->count; i++) {
        printf("%s%s", i > 1 ? " " : "", words->items[i]);
    }
    printf("\n");
    return COMMAND_DONE;
}

/* Where a file goes: into a folder under its own name, or where `to` says. */
static bool target(const char *from, const char *to, char path[PATH_BYTES])
{
    struct stat status;
    const char *slash = strrchr(from, '/');
    if (stat(to, &status) == 0 && S_ISDIR(status.st_mode)) {
        return join(to, slash != NULL ? slash + 1 : from, path);
    }
    return join("", to, path);
}

uint64_t command_cp(const struct words *words)
{
    static char path[PATH_BYTES];
    struct stat from_status;
    struct stat to_status;
    if (words->count != 3) {
        return COMMAND_MISUSE;
    }
    const char *from = words->items[1];
    const int source = open(from, O_RDONLY);
    if (source < 0 || fstat(source, &from_status) != 0) {
        return complain(from);
    }
    const char *wrong = NULL;
    if (S_ISDIR(from_status.st_mode)) {
        errno = EISDIR;
        wrong = from;
    } else if (!target(from, words->items[2], path)) {
        wrong = words->items[2];
    } else if (stat(path, &to_status) == 0 && to_status.st_ino == from_status.st_ino) {
        errno = EINVAL; /* onto itself: it would be emptied first */
        wrong = path;
    } else {
        const int goal = open(path, O_WRONLY | O_CREAT | O_TRUNC, from_status.st_mode & 0777);
        wrong = goal < 0 || !pour(source, goal) ? path : NULL;
        const int number = errno;
        if (goal >= 0) {
            (void)close(goal);
        }
        errno = number;
    }
    const int number = errno;
    (void)close(source);
    errno = number;
    return wrong != NULL ? complain(wrong) : COMMAND_DONE;
}

uint64_t command_mv(const struct words *words)
{
    static char path[PATH_BYTES];
    if (words->count != 3) {
        return COMMAND_MISUSE;
    }
    if (!target(words->items[1], words->items[2], path)) {
        return complain(words->items[2]);
    }
    return rename(words->items[1], path) != 0 ? complain(words->items[1]) : COMMAND_DONE;
}

/* Do something with each of the names. */
static uint64_t each(const struct words *words, int (*function)(const char *path))
{
    if (words->count < 2) {
        return COMMAND_MISUSE;
    }
    for (size_t i = 1; i < words->count; i++) {
        if (function(words->items[i]) != 0) {
            return complain(words->items[i]);
        }
    }
    return COMMAND_DONE;
}

static int folder_make(const char *path)
{
    return mkdir(path, 0777);
}

uint64_t command_rm(const struct words *words)
{
    return each(words, unlink);
}

uint64_t command_mkdir(const struct words *words)
{
    return each(words, folder_make);
}

uint64_t command_rmdir(const struct words *words)
{
    return each(words, rmdir);
}

uint64_t command_cd(const struct words *words)
{
    const char *folder = words->count == 2 ? words->items[1] : "/";
    if (words->count > 2) {
        return COMMAND_MISUSE;
    }
    return chdir(folder) != 0 ? complain(folder) : COMMAND_DONE;
}

uint64_t command_pwd(const struct words *words)
{
    static char path[PATH_BYTES];
    if (words->count != 1) {
        return COMMAND_MISUSE;
    }
    if (getcwd(path, sizeof(path)) == NULL) {
        return complain("working folder");
    }
    printf("%s\n", path);
    return COMMAND_DONE;
}

uint64_t command_df(const struct words *words)
{
    struct files_space_rep rep;
    uint64_t index = 0;
    if (words->count != 1) {
        return COMMAND_MISUSE;
    }
    if (hf_env()->files == 0) {
        printf("shell: there is no file system\n");
        return COMMAND_FAILED;
    }
    printf("%-12s %8s %10s %10s\n", "part", "files", "KiB used", "KiB free");
    while (hf_files_space(hf_env()->files, index, &rep) == ERR_OK) {
        printf("%-12.*s %8" PRIu32 " %10" PRIu64 " %10" PRIu64 "%s\n", (int)FILES_MOUNT_BYTES,
               rep.mount, rep.files, rep.pages * PAGE_KIB, rep.pages_free * PAGE_KIB,
               (rep.flags & FILES_IS_NOEXEC) != 0    ? "  not to be executed"
               : (rep.flags & FILES_IS_ARCHIVE) != 0 ? "  read-only"
                                                     : "");
        index++;
    }
    return COMMAND_DONE;
}
