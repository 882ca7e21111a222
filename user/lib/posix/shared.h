/* SPDX-License-Identifier: MIT */
/*
 * What files.c does with a descriptor for a memory object.
 */
#pragma once

#include "files.h"

/* Let the object go. Returns: 0, or -1 with errno. */
int shared_close(const struct file *file);
