/* SPDX-License-Identifier: MIT */
/*
 * Short texts: names of the device tree and words of the kernel's command line.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/attr.h>

/* Characters before the NUL. */
size_t text_length(const char *text);

/* The first `length` bytes are the same. */
bool text_is_equal(const char *a, const char *b, size_t length);

/* Both terminated texts are the same. */
bool text_equals(const char *a, const char *b);

/* Copy at most `length` bytes, up to the first NUL, into `room` bytes; cut and terminated. */
void text_copy(char *to, size_t room, const char *from, size_t length);

/*
 * Read a whole text of `length` characters as a number, decimal, or hexadecimal after 0x.
 *
 * Returns: whether it is one that fits 64 bits.
 */
MUST_USE bool text_to_number(const char *text, size_t length, uint64_t *number);

/*
 * Read a whole text of `length` characters as a number of bytes: a number as above, of KiB, MiB or
 * GiB if a K, M or G follows.
 *
 * Returns: whether it is one that fits 64 bits.
 */
MUST_USE bool text_to_size(const char *text, size_t length, uint64_t *bytes);
