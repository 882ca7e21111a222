/* SPDX-License-Identifier: MIT */
/*
 * A stretch of the test's own address space that is empty when a test starts, drawn as text.
 *
 * One character a page: ' ' nothing mapped, '-' no access, 'r' read, 'w' read and write, 'x' read
 * and
 * execute, 'e' execute only, 'a' all; '|' stands between two regions that touch. So "ww|rr  w" is a
 * region of two writable pages, one of two readable ones, a hole, and one page.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>

#define AREA_START UINT64_C(0x1000000000)
#define AREA_PAGES 64
#define PAGE       UINT64_C(4096)
#define RW         (MEM_PROT_READ | MEM_PROT_WRITE)
#define ANON       (MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS)

/* Address of page `index` of the area; AREA_AT(-1) is the page before it. */
#define AREA_AT(index) (AREA_START + (uint64_t)(index)*PAGE)

/* Map `pages` pages at page `index` of the area, FIXED, anonymous and private. */
enum err area_map(uint64_t index, uint64_t pages, uint32_t prot);

/* The first `pages` pages of the area as text; valid until the next call. */
const char *area_draw(uint64_t pages);

/* Write a number of its own into each page; check that the pages from `index` on hold those of
 * pages `from`... */
void area_fill(uint64_t index, uint64_t pages);
bool area_holds(uint64_t index, uint64_t pages, uint64_t from);

/* Pages with a frame of their own in the whole space. */
uint64_t area_resident(void);

/* Unmap the whole area. */
void area_clear(void);
