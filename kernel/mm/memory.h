/* SPDX-License-Identifier: MIT */
/*
 * The functions of C11 7.24 that compilers call for structures.
 */
#pragma once

#include <stddef.h>

/* As C11 says; memcpy() too may be given ranges that overlap. */
void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
