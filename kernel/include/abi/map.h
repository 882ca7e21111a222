/* SPDX-License-Identifier: MIT */
/*
 * One change to a space's page tables, as vectors of SYS_MAP and in the registers of
 * FAULT_REPLY_WAIT.
 *
 * `where`  bits 31..0  page number (virtual address >> 12, low 32 bits; the window of message
 *                      pages is reachable only for tables, with the page number's low 27 bits and
 *                      MAP_IN_WINDOW)
 *          bits 63..32 number of pages, at least 1
 * `what`   bits 43..0  frame number; bits 47..44 zero
 *          bits 51..48 protection (MAP_READ | MAP_WRITE | MAP_EXEC), or the level for tables
 *          bits 55..52 flags
 *          bits 63..56 operation (enum map_op)
 *
 * Entries are carried out in order. REMOVE, RESTRICT and NOP cannot be refused. The first entry
 * that is refused ends the vector: the call returns its error and, in a0, how many entries were
 * carried out.
 */
#pragma once

#include <stdint.h>

struct map_entry {
    uint64_t where;
    uint64_t what;
};

#define MAP_READ  0x1u
#define MAP_WRITE 0x2u /* implies read */
#define MAP_EXEC  0x4u

#define MAP_PAGES_SHIFT 32
#define MAP_PFN_MASK    UINT64_C(0xfffffffffff)
#define MAP_PROT_SHIFT  48
#define MAP_FLAGS_SHIFT 52
#define MAP_OP_SHIFT    56

#define MAP_IN_WINDOW 0x1u /* TABLE, UNTABLE: `where` counts from WINDOW_START */
#define MAP_LARGE     0x2u /* install 2 MiB leaves (pages multiple of 512, all aligned) */
#define MAP_GIANT     0x4u /* install 1 GiB leaves */

enum map_op {
    MAP_NOP = 0,
    /* Install frames pfn.. that no page table maps; each is zeroed before anyone can see it and
     * becomes USER. */
    MAP_INSTALL_ZERO = 1,
    /* Install one such frame with the contents of the frame named by the next entry's pfn. */
    MAP_INSTALL_COPY = 2,
    /* Carries the source of an INSTALL_COPY, with `where` 0; elsewhere INVAL. */
    MAP_COPY_SOURCE = 3,
    /* Install frames as they are: USER or wired (boot archive: never with write). */
    MAP_INSTALL = 4,
    /* Drop every leaf in the range. */
    MAP_REMOVE = 5,
    /* Take away from every leaf in the range what is not in the protection; no protection left:
     * drop it. */
    MAP_RESTRICT = 6,
    /* Make the frame, which nothing refers to, the page table of the level (0: covers 2 MiB, 1:
     * covers 1 GiB) that contains the page. */
    MAP_TABLE = 7,
    /* Take that table back (its 4 KiB leaves are dropped); it must hold no lower table and no large
     * leaf. The frame becomes FREE. */
    MAP_UNTABLE = 8,
    /* Only in the memory server's own space: install frames as its own memory (zeroed, kind
     * SERVER). */
    MAP_INSTALL_SERVER = 9,
    /* Only in the memory server's own space: drop leaves; the frames become FREE. */
    MAP_REMOVE_SERVER = 10,
    /* Install frames that are registers of a device by the device tree; never with exec. */
    MAP_INSTALL_DEVICE = 11,
};

static inline uint64_t map_where(uint64_t vpn, uint64_t pages)
{
    return (vpn & UINT64_C(0xffffffff)) | pages << MAP_PAGES_SHIFT;
}

static inline uint64_t map_what(enum map_op op, uint64_t pfn, uint64_t prot, uint64_t flags)
{
    return (uint64_t)op << MAP_OP_SHIFT | flags << MAP_FLAGS_SHIFT | prot << MAP_PROT_SHIFT | pfn;
}
