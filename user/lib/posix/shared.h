/* SPDX-License-Identifier: MIT */
/*
 * What files.c does with a descriptor for shared memory. Each returns what the POSIX function
 * returns, with errno.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "files.h"

/* The object's size. Returns: 0, or -1. */
int shared_bytes(const struct file *file, uint64_t *bytes);

/* read() from the offset on. */
ssize_t shared_read(struct file *file, void *buffer, size_t count);

/* write(): past the end, the object grows first. */
ssize_t shared_write(struct file *file, const void *buffer, size_t count);

/* Let the object go. */
int shared_close(const struct file *file);
