/* SPDX-License-Identifier: MIT */
/*
 * The frequent map entries, without the general decoder: one page installed, a few taken away.
 *
 * Each does all that its entry asks for, or nothing, and then the general way decides. Only in the
 * table that was last needed (aspace->near) it is really quick; an install elsewhere makes that the
 * near one.
 *
 * I1  aspace->near_table is the level-0 table of the pages near << 9... as long as near is not
 *     ASPACE_NOT_NEAR: UNTABLE sets that.
 * I2  near is never set in the memory server's own space, nor in one with devices, whose leaves
 *     are not counted, nor for the table with the last guard page.
 * Lock: memory_lock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "mm/aspace.h"
#include "mm/entry.h"
#include "mm/remove.h"
#include <base/attr.h>

/* Operation, with all flags clear, as it stands in an entry above the protection. */
#define QUICK_OP(op) ((uint64_t)(op) << (MAP_OP_SHIFT - MAP_FLAGS_SHIFT))

/* Ends of quick_install(), apart, so that it needs no stack. */
NOINLINE bool quick_end_zero(const struct aspace *aspace, uint64_t *word, pte_t *slot, pte_t leaf)
    REQUIRES(memory_lock);
NOINLINE bool quick_end_exec(const struct aspace *aspace);
NOINLINE bool quick_install_far(struct aspace *aspace, uint64_t where, uint64_t what)
    REQUIRES(memory_lock);

/* The part of quick_install() behind the search for the slot. */
ALWAYS_INLINE bool quick_put(const struct aspace *aspace, pte_t *slot, uint64_t page, uint64_t what)
    REQUIRES(memory_lock)
{
    const uint64_t flags = entry_leaf_flags[what >> MAP_PROT_SHIFT & 0xf];
    const uint64_t op = what >> MAP_FLAGS_SHIFT;
    const uint64_t frame = what << (64 - MAP_PROT_SHIFT) >> (64 - MAP_PROT_SHIFT);
    const uint64_t index = frame - frame_table.start;

    if (page == 0 || flags == 0 || index >= frame_table.count || *slot != 0) {
        return false;
    }
    uint64_t *word = &frame_table.words[index];
    const pte_t leaf = frame << PTE_PFN_SHIFT | flags;
    if (op == QUICK_OP(MAP_INSTALL_ZERO)) {
        return quick_end_zero(aspace, word, slot, leaf);
    }
    const uint64_t more = *word + FRAME_ONE;
    if (op != QUICK_OP(MAP_INSTALL) || frame_word_kind(more) != FRAME_USER || more < FRAME_ONE) {
        return false;
    }
    *word = more;
    *slot = leaf;
    if (UNLIKELY((flags & PTE_EXEC) != 0)) {
        return quick_end_exec(aspace);
    }
    return true;
}

/*
 * INSTALL_ZERO or INSTALL of one 4 KiB page where nothing is mapped. Does not flush the TLB.
 *
 * Returns: whether it is done; the page may still have to be filled (fill_is_open).
 */
ALWAYS_INLINE bool quick_install(struct aspace *aspace, uint64_t where, uint64_t what)
    REQUIRES(memory_lock)
{
    /* More or fewer pages than one leave bits above the page number, which is near nothing. */
    const uint64_t page = where - (UINT64_C(1) << MAP_PAGES_SHIFT);

    if (UNLIKELY(page >> TABLE_INDEX_BITS != aspace->near)) {
        return quick_install_far(aspace, where, what);
    }
    return quick_put(aspace, &aspace->near_table[table_index(page, 0)], page, what);
}

/*
 * REMOVE or RESTRICT of pages of the near table. Does not flush the TLB.
 *
 * Returns: whether it is done.
 */
ALWAYS_INLINE bool quick_take(struct aspace *aspace, uint64_t where, uint64_t what)
    REQUIRES(memory_lock)
{
    const uint64_t page = where & UINT32_MAX;
    const uint64_t pages = where >> MAP_PAGES_SHIFT;
    const uint64_t index = table_index(page, 0);
    const uint64_t prot = what >> MAP_PROT_SHIFT & 0xf;
    const bool is_legal = what == map_what(MAP_REMOVE, 0, 0, 0) ||
                          (what == map_what(MAP_RESTRICT, 0, prot, 0) && prot < 8);

    if (page >> TABLE_INDEX_BITS != aspace->near || pages - 1 >= TABLE_ENTRIES - index ||
        !is_legal) {
        return false;
    }
    remove_leaves(&aspace->near_table[index], pages, entry_leaf_flags[prot] & PTE_RWX);
    return true;
}
