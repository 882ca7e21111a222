/* SPDX-License-Identifier: MIT */
/*
 * Walking page tables: the one function that all others look entries up with.
 *
 * Page numbers here are the low 27 bits of (virtual address >> 12): user pages as they are, kernel
 * pages with bit 26 set.
 *
 * Lock: memory_lock, as for all page tables.
 */
#pragma once

#include <stdint.h>

#include <riscv/sv39.h>

/* Where a walk ended: an entry of a table of `level`. */
struct pt_place {
    pte_t *slot;
    unsigned level;
};

/*
 * Find the entry for `page` in the lowest table that covers it, but not below `lowest`.
 *
 * Returns: the entry; level > lowest says that it is a larger leaf or invalid.
 */
struct pt_place pt_find(pte_t *root, uint64_t page, unsigned lowest);
