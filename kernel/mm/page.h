/* SPDX-License-Identifier: MIT */
/*
 * Whole pages and parts of them, through the direct map.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <base/attr.h>

/* Zero a page: 512 stores and a loop of 8. */
void page_zero(void *page);

/* Zero the pages up to `end`, at least one. */
NOINLINE void page_zero_to(void *page, const void *end);

/* Copy a page onto another one. */
void page_copy(void *to, const void *from);

/* Copy `bytes` bytes; the ranges may overlap. By eights where both sides are aligned alike. */
COLD void page_move(void *to, const void *from, size_t bytes);

/* Zero `bytes` bytes. */
COLD void page_clear(void *to, size_t bytes);
