/* SPDX-License-Identifier: MIT */
/*
 * What the parts of storage_guest have in common: saying calls and what files are, the same on
 * Linux and on Holdfast.
 */
#pragma once

#include <stdbool.h>

/* Say a call and its result, with the name of the error. */
#define SAY(call) say(#call, (long)(call))

/* The function behind it. */
void say(const char *call, long result);

/* What a file holds, by name: the first bytes, and its length; what it is. */
void say_file(const char *path);
void say_stat(const char *path);

/* The entries of a folder, sorted; folders with a slash. */
void say_folder(const char *path);

/* Make a file that holds the text. Returns: whether it could be done. */
bool fill(const char *path, const char *text);

/* The status with which a child ended; -2: it did not so. */
int status_of(int pid);

/* The second half: folders, names, descriptors, streams, locks. */
void storage_names(void);
