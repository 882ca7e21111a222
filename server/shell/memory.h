/* SPDX-License-Identifier: MIT */
/*
 * The memory functions of <string.h> that compiled C needs where there is no library.
 */
#pragma once

#include <stddef.h>

/* Copy bytes between places that do not overlap. Returns: `to`. */
void *memcpy(void *restrict to, const void *restrict from, size_t bytes);

/* Fill with the low byte of `value`. Returns: `to`. */
void *memset(void *to, int value, size_t bytes);

/* Copy bytes between places that may overlap. Returns: `to`. */
void *memmove(void *to, const void *from, size_t bytes);

/* Compare as unsigned bytes. Returns: less than, equal to or greater than 0. */
int memcmp(const void *a, const void *b, size_t bytes);
