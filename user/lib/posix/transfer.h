/* SPDX-License-Identifier: MIT */
/*
 * How long files are.
 */
#pragma once

#include <stdint.h>

#include "files.h"

/* Bytes of a file now. Returns: 0, or -1 with errno. */
int transfer_bytes(const struct file *file, uint64_t *bytes);
