/* SPDX-License-Identifier: MIT */
/*
 * Page-table entries of Sv39 (Privileged ISA 4.3, 4.4) as the kernel writes them.
 *
 * A table is one frame of 512 entries. Level 2 is the root (an entry covers 1 GiB), level 1 covers
 * 2 MiB an entry, level 0 holds 4 KiB leaves.
 *
 * I1  Every leaf has A; every writable leaf has R and D: no hart ever needs to write an entry
 *     itself, and real ones fault instead.
 * I2  Bits 63..54 and the software bits 9..8 of every entry are zero.
 * Not here: who may install what (mm/aspace.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/types.h>

typedef uint64_t pte_t;

#define PTE_VALID    UINT64_C(0x01)
#define PTE_READ     UINT64_C(0x02)
#define PTE_WRITE    UINT64_C(0x04)
#define PTE_EXEC     UINT64_C(0x08)
#define PTE_USER     UINT64_C(0x10)
#define PTE_ACCESSED UINT64_C(0x40)
#define PTE_DIRTY    UINT64_C(0x80)

#define PTE_RWX       (PTE_READ | PTE_WRITE | PTE_EXEC)
#define PTE_PFN_SHIFT 10

/* Leaves of the kernel itself. */
#define PTE_KERNEL_READ  (PTE_VALID | PTE_READ | PTE_ACCESSED)
#define PTE_KERNEL_WRITE (PTE_KERNEL_READ | PTE_WRITE | PTE_DIRTY)
#define PTE_KERNEL_EXEC  (PTE_KERNEL_READ | PTE_EXEC)

#define TABLE_ENTRIES    512u
#define TABLE_LEVELS     3u
#define TABLE_ROOT       2u /* level of the root */
#define TABLE_INDEX_BITS 9u

/* Entry with the frame of a lower table, or a leaf if `flags` has one of PTE_RWX. */
static inline pte_t pte_make(pfn_t pfn, uint64_t flags)
{
    return pfn.v << PTE_PFN_SHIFT | flags;
}

static inline pfn_t pte_to_pfn(pte_t pte)
{
    return (pfn_t){pte >> PTE_PFN_SHIFT};
}

static inline bool pte_is_valid(pte_t pte)
{
    return (pte & PTE_VALID) != 0;
}

static inline bool pte_is_leaf(pte_t pte)
{
    return (pte & PTE_RWX) != 0;
}

/* Valid, and not a leaf: points to a lower table. */
static inline bool pte_is_table(pte_t pte)
{
    return (pte & (PTE_VALID | PTE_RWX)) == PTE_VALID;
}

/* Pages that an entry of a table of the level covers. */
static inline uint64_t table_pages(unsigned level)
{
    return UINT64_C(1) << (TABLE_INDEX_BITS * level);
}

/* Index of the entry for a page number in a table of the level; higher bits are dropped. */
static inline uint64_t table_index(uint64_t page, unsigned level)
{
    return page >> (TABLE_INDEX_BITS * level) & (TABLE_ENTRIES - 1);
}
