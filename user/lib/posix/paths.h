/* SPDX-License-Identifier: MIT */
/*
 * Names of files as the calls of POSIX get them.
 *
 * They are the file system's (hf/files.h), from the working folder on, which is a number. Without a
 * file system there are the files of the boot archive, from its root on, and nothing can be
 * written.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <hf/archive.h>

/* Whether there is a file system. */
bool paths_has_files(void);

/* Number of the working folder; 0: the root. */
uint64_t paths_base(void);

/* What is to be left out of a new file's mode (umask()). */
uint32_t paths_mask(void);

/* Find a file of the archive by name. Returns: 0, or -1 with errno. */
int paths_find_archive(const char *path, struct hf_archive_file *found);
