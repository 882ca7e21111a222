/* SPDX-License-Identifier: MIT */
#include "mm/entry.h"

#include "riscv/sv39.h"
#include <base/bits.h>

/* A, R and D as I1 of riscv/sv39.h wants them. */
#define LEAF       (PTE_VALID | PTE_USER | PTE_ACCESSED)
#define LEAF_WRITE (LEAF | PTE_READ | PTE_WRITE | PTE_DIRTY)

const uint8_t entry_leaf_flags[16] = {
    [MAP_READ] = LEAF | PTE_READ,
    [MAP_WRITE] = LEAF_WRITE,
    [MAP_READ | MAP_WRITE] = LEAF_WRITE,
    [MAP_EXEC] = LEAF | PTE_EXEC,
    [MAP_READ | MAP_EXEC] = LEAF | PTE_READ | PTE_EXEC,
    [MAP_WRITE | MAP_EXEC] = LEAF_WRITE | PTE_EXEC,
    [MAP_READ | MAP_WRITE | MAP_EXEC] = LEAF_WRITE | PTE_EXEC,
};

/*
 * The range is not empty and lies in [first, end). Neither sum can wrap: both terms have 32 bits.
 */
static bool range_is_in(struct map_entry entry, uint64_t first, uint64_t end)
{
    const uint64_t page = entry_page(entry);
    const uint64_t pages = entry_pages(entry);
    return pages != 0 && page >= first && page + pages <= end;
}

/* Page, frame and length fit leaves of `unit` pages. */
static bool is_aligned(struct map_entry entry, uint64_t unit)
{
    return bits_is_aligned(entry_page(entry) | entry_pages(entry) | entry_frame(entry), unit);
}

static bool install_is_legal(struct map_entry entry, uint64_t flags_legal)
{
    const uint64_t flags = entry_flags(entry);
    if ((flags & ~flags_legal) != 0 || flags == (MAP_LARGE | MAP_GIANT)) {
        return false;
    }
    if ((flags & MAP_LARGE) != 0 && !is_aligned(entry, PAGES_PER_MEGA)) {
        return false;
    }
    if ((flags & MAP_GIANT) != 0 && !is_aligned(entry, PAGES_PER_GIGA)) {
        return false;
    }
    return entry_leaf_flags[entry_prot(entry)] != 0 &&
           range_is_in(entry, ENTRY_PAGE_FIRST, ENTRY_PAGE_END);
}

static bool remove_is_legal(struct map_entry entry)
{
    return entry_flags(entry) == 0 && entry_frame(entry) == 0 &&
           range_is_in(entry, 0, ENTRY_HALF_END);
}

static bool table_is_legal(struct map_entry entry)
{
    const uint64_t flags = entry_flags(entry);
    const uint64_t end = (flags & MAP_IN_WINDOW) != 0 ? WINDOW_PAGES : ENTRY_HALF_END;
    return (flags & ~(uint64_t)MAP_IN_WINDOW) == 0 && entry_prot(entry) < TABLE_ROOT &&
           entry_pages(entry) == 1 && range_is_in(entry, 0, end);
}

bool entry_is_legal(struct map_entry entry, bool is_server)
{
    switch (entry_op(entry)) {
    case MAP_NOP:
        return entry.where == 0 && entry.what == 0;
    case MAP_INSTALL_ZERO:
    case MAP_INSTALL:
        return !is_server && install_is_legal(entry, MAP_LARGE | MAP_GIANT);
    case MAP_INSTALL_DEVICE:
        return !is_server && (entry_prot(entry) & MAP_EXEC) == 0 && install_is_legal(entry, 0);
    case MAP_INSTALL_COPY:
        return !is_server && entry_pages(entry) == 1 && install_is_legal(entry, 0);
    case MAP_REMOVE:
        return entry_prot(entry) == 0 && remove_is_legal(entry);
    case MAP_RESTRICT:
        return entry_prot(entry) <= (MAP_READ | MAP_WRITE | MAP_EXEC) && remove_is_legal(entry);
    case MAP_TABLE:
    case MAP_UNTABLE:
        return table_is_legal(entry);
    case MAP_INSTALL_SERVER:
        return is_server && install_is_legal(entry, 0);
    case MAP_REMOVE_SERVER:
        return is_server && entry_prot(entry) == 0 && remove_is_legal(entry);
    default:
        return false;
    }
}

bool entry_is_source(struct map_entry entry)
{
    return entry_op(entry) == MAP_COPY_SOURCE && entry_flags(entry) == 0 &&
           entry_prot(entry) == 0 && entry.where == 0;
}
