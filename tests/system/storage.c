/* SPDX-License-Identifier: MIT */
#include "storage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
    int number;
    const char *name;
} errors[] = {
    {EPERM, "EPERM"},     {ENOENT, "ENOENT"},       {EBADF, "EBADF"},
    {EACCES, "EACCES"},   {EFAULT, "EFAULT"},       {EBUSY, "EBUSY"},
    {EEXIST, "EEXIST"},   {EXDEV, "EXDEV"},         {ENODEV, "ENODEV"},
    {ENOTDIR, "ENOTDIR"}, {EISDIR, "EISDIR"},       {EINVAL, "EINVAL"},
    {EMFILE, "EMFILE"},   {EFBIG, "EFBIG"},         {ENOSPC, "ENOSPC"},
    {ESPIPE, "ESPIPE"},   {EROFS, "EROFS"},         {ENAMETOOLONG, "ENAMETOOLONG"},
    {ERANGE, "ERANGE"},   {ENOTEMPTY, "ENOTEMPTY"}, {EWOULDBLOCK, "EWOULDBLOCK"},
    {ENOMEM, "ENOMEM"},   {EOVERFLOW, "EOVERFLOW"}, {ENOLCK, "ENOLCK"},
};

static const char *error_name(int number)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (errors[i].number == number) {
            return errors[i].name;
        }
    }
    return "another error";
}

void say(const char *call, long result)
{
    if (result == -1) {
        printf("%s: %s\n", call, error_name(errno));
    } else {
        printf("%s: %ld\n", call, result);
    }
}

/* What a file holds, by name: the first bytes, and its length. */
void say_file(const char *path)
{
    char bytes[64];
    const int fd = open(path, O_RDONLY);
    if (fd < 0) {
        printf("  %s: %s\n", path, error_name(errno));
        return;
    }
    const ssize_t count = read(fd, bytes, sizeof(bytes));
    printf("  %s: %ld bytes: ", path, (long)lseek(fd, 0, SEEK_END));
    for (ssize_t i = 0; i < count; i++) {
        printf(bytes[i] >= ' ' ? "%c" : "\\%d", bytes[i]);
    }
    printf("\n");
    close(fd);
}

void say_stat(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        printf("  %s: %s\n", path, error_name(errno));
        return;
    }
    if (S_ISDIR(status.st_mode)) {
        printf("  %s: folder %o, %u links\n", path, (unsigned)status.st_mode & 07777,
               (unsigned)status.st_nlink);
    } else {
        printf("  %s: file %o, %u links, %ld bytes\n", path, (unsigned)status.st_mode & 07777,
               (unsigned)status.st_nlink, (long)status.st_size);
    }
}

bool fill(const char *path, const char *text)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    const bool is_ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    return close(fd) == 0 && is_ok;
}

static int compare(const void *left, const void *right)
{
    return strcmp(left, right);
}

/* The entries of a folder, sorted; folders with a slash. */
void say_folder(const char *path)
{
    static char names[64][300];
    size_t count = 0;
    DIR *stream = opendir(path);
    const struct dirent *entry;
    if (stream == NULL) {
        printf("  %s: %s\n", path, error_name(errno));
        return;
    }
    while ((entry = readdir(stream)) != NULL && count < 64) {
        snprintf(names[count++], 300, "%s%s", entry->d_name, entry->d_type == DT_DIR ? "/" : "");
    }
    closedir(stream);
    qsort(names, count, sizeof(names[0]), compare);
    printf("  %s:", path);
    for (size_t i = 0; i < count; i++) {
        printf(" %s", names[i]);
    }
    printf("\n");
}

int status_of(int pid)
{
    int status = 0;
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status)
                                                                           : -2;
}
