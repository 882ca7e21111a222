/* SPDX-License-Identifier: MIT */
#include "program.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hf/env.h>
#include <hf/error.h>
#include <hf/files.h>
#include <hf/shared.h>

#define PATH_BYTES (FILES_PATH_MAX + 1)
#define HEAD_BYTES 4096 /* in which the headers of a program are */

static bool complain(const char *name, const char *why)
{
    printf("shell: %s: %s\n", name, why);
    return false;
}

/* A path from the root, since the file system has no working folder. */
static const char *path_from_root(const char *path, char buffer[PATH_BYTES])
{
    char folder[PATH_BYTES];
    if (path[0] == '/' || getcwd(folder, sizeof(folder)) == NULL) {
        return path;
    }
    const size_t length = (size_t)snprintf(buffer, PATH_BYTES, "%s/%s", folder, path);
    return length < PATH_BYTES ? buffer : path;
}

/* What keeps a file from being a program before it is read; NULL: nothing. */
static const char *why_not(const struct hf_file *file)
{
    if (S_ISDIR(file->mode)) {
        return strerror(EISDIR);
    }
    if ((file->mode & S_IXUSR) == 0) {
        return "by its mode it may not be executed";
    }
    if (file->bytes == 0) {
        return "it is empty";
    }
    return (file->flags & FILES_IS_NOEXEC) != 0 ? "files there may not be executed" : NULL;
}

/* Have the headers of a file that was opened. */
static bool file_take(const char *path, const struct hf_file *file, struct hf_program *program)
{
    static char head[HEAD_BYTES];
    uint64_t bytes = 0;
    const char *why = why_not(file);
    if (why != NULL) {
        return complain(path, why);
    }
    enum err error =
        hf_shared_copy(file->object, (uint64_t)head, 0, sizeof(head), MEM_COPY_FROM, &bytes);
    if (error != ERR_OK) {
        return complain(path, hf_strerror(error));
    }
    *program = (struct hf_program){
        .name = path,
        .file = head,
        .head_bytes = bytes,
        .file_bytes = file->bytes,
        .object = file->object,
    };
    return true;
}

bool program_find(const char *name, struct hf_program *program)
{
    static char buffer[PATH_BYTES];
    struct hf_file file;
    if (strchr(name, '/') == NULL) {
        return hf_program_find(name, program) == ERR_OK ||
               complain(name, "no such command or program; try help, or ls bin");
    }
    if (hf_env()->files == 0) {
        return complain(name, "there is no file system");
    }
    enum err error =
        hf_files_open(hf_env()->files, 0, path_from_root(name, buffer), FILES_READ, 0, &file);
    if (error != ERR_OK) {
        return complain(name, strerror(hf_errno(error)));
    }
    if (!file_take(name, &file, program)) {
        hf_files_close(&file);
        return false;
    }
    return true;
}

void program_drop(const struct hf_program *program)
{
    if (program->object != hf_env()->archive_object) {
        (void)hf_shared_close(program->object);
    }
}
