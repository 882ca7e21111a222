/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own mappings, made once: first provisional ones, then the direct map for good.
 *
 * I1  After paging_finish() no address is both writable and executable, the kernel's text and
 *     constants are not writable anywhere, and only RAM that the kernel may use is mapped.
 */
#pragma once

#include <stdint.h>

#include "boot/ranges.h"
#include "riscv/sv39.h"
#include <base/attr.h>
#include <base/types.h>

/* Provisional root table; entry.S makes its first entry. */
extern pte_t boot_first_root[TABLE_ENTRIES];

/*
 * Make the device tree readable, wherever in the first 512 GiB it is.
 *
 * Returns: its address, good until paging_finish(), and how many bytes from there may be read;
 * NULL: beyond reach.
 */
const void *paging_open_tree(paddr_t tree, uint64_t *readable);

/* Let the provisional map reach the registers of devices below 1 GiB. */
void paging_open_registers(void);

/* Let the provisional map reach all of the ranges, which are below DIRECT_BYTES. */
void paging_open_ram(const struct ranges *ram);

/*
 * Build the direct map of `ram`, with stacks for so many harts, out of pages of `free` and change
 * to it.
 *
 * Returns:   whether there were enough pages; if not, nothing has changed but `free`.
 */
MUST_USE bool paging_finish(const struct ranges *ram, uint64_t harts, struct ranges *free);

/*
 * Put registers of a device that the kernel uses itself into the final map.
 *
 * Requires:  paging_finish() has been called; the range is page aligned, below DIRECT_BYTES, and
 *            meets no RAM.
 * Returns:   false if `free` ran out.
 */
MUST_USE bool paging_map_device(uint64_t start, uint64_t end, struct ranges *free);
