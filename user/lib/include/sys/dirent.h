/* SPDX-License-Identifier: MIT */
/*
 * Entries of folders, as <dirent.h> has them; that of the C library includes this file.
 */
#pragma once

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DT_UNKNOWN 0
#define DT_CHR     2
#define DT_DIR     4
#define DT_REG     8

#define HF_DIRENT_NAME_BYTES 256

struct dirent {
    ino_t d_ino;
    unsigned char d_type;
    char d_name[HF_DIRENT_NAME_BYTES];
};

typedef struct dir_stream DIR;

/* POSIX <dirent.h>. */
DIR *opendir(const char *path);
DIR *fdopendir(int fd);
struct dirent *readdir(DIR *stream);
int closedir(DIR *stream);
void rewinddir(DIR *stream);
long telldir(DIR *stream);
void seekdir(DIR *stream, long place);
int dirfd(DIR *stream);

#ifdef __cplusplus
}
#endif
