/* SPDX-License-Identifier: MIT */
#include "mm/remove.h"

#include "mm/pt.h"

void remove_count(pte_t leaf, unsigned level)
{
    if (!frame_is_ram(pte_to_pfn(leaf))) {
        return;
    }
    uint64_t *word = frame_word(pte_to_pfn(leaf));
    const uint64_t *const end = word + table_pages(level);
    for (; word != end; word++) {
        ASSERT(*word >= FRAME_ONE);
        *word -= FRAME_ONE;
        if (*word == frame_word_make(FRAME_SERVER, 0)) {
            *word = frame_word_make(FRAME_FREE, 0);
        }
    }
}

/* Drop `count` leaves of user memory: the loop that UNMAP spends its time in. */
static void drop_leaves(pte_t *slot, uint64_t count) REQUIRES(memory_lock)
{
    /* Word of a leaf's frame, counted from the leaf's pfn field as it stands in the entry. */
    uint64_t *const words = frame_table.words;
    const uint64_t start = frame_table.start;
    const pte_t *const end = slot + count;
    for (; slot != end; slot++) {
        const pte_t leaf = *slot;
        if (leaf == 0) {
            continue;
        }
        uint64_t *word = &words[(leaf >> PTE_PFN_SHIFT) - start];
        const uint64_t old = *word;
        *slot = 0;
        ASSERT(old >= FRAME_ONE);
        *word = old - FRAME_ONE;
    }
}

void remove_step(pte_t *slot, unsigned level)
{
    const pte_t leaf = *slot & ~PTE_VALID;
    const pte_t rest = leaf + ((pte_t)TABLE_ENTRIES << PTE_PFN_SHIFT);
    remove_count(leaf, 1);
    *slot = (rest >> PTE_PFN_SHIFT & (table_pages(level) - 1)) == 0 ? 0 : rest;
}

/* What is left of a leaf with the rights in `keep` alone; without any it is no leaf. */
static pte_t leaf_restricted(pte_t leaf, uint64_t keep)
{
    const pte_t left = leaf & (~PTE_RWX | keep);
    return (left & PTE_WRITE) == 0 ? left & ~PTE_DIRTY : left;
}

/* Take rights from `count` leaves of one level-0 table, of whatever memory. */
NOINLINE static void restrict_leaves(pte_t *slot, uint64_t count, uint64_t keep)
    REQUIRES(memory_lock)
{
    const pte_t *const end = slot + count;
    for (; slot != end; slot++) {
        const pte_t leaf = *slot;
        if (leaf == 0) {
            continue;
        }
        const pte_t left = leaf_restricted(leaf, keep);
        *slot = left;
        if (!pte_is_leaf(left)) {
            *slot = 0;
            remove_count(leaf, 0);
        }
    }
}

void remove_leaves(pte_t *slot, uint64_t count, uint64_t keep)
{
    if (keep == 0) {
        drop_leaves(slot, count);
        return;
    }
    restrict_leaves(slot, count, keep);
}

/*
 * The entries from `place` on to the end of its table, of which the first is no table.
 *
 * Returns: the first page behind what was looked at: a large leaf, or all empty entries up to
 * something else. `page` if a leaf has not gone as a whole.
 */
static uint64_t change_large(struct pt_place place, uint64_t page, uint64_t end, uint64_t keep)
    REQUIRES(memory_lock)
{
    const uint64_t span = table_pages(place.level);
    const uint64_t next = (page | (span - 1)) + 1;
    if (*place.slot != 0) {
        const bool is_whole = (page & (span - 1)) == 0 && next <= end;
        const pte_t left = leaf_restricted(*place.slot, is_whole ? keep : 0);
        if (pte_is_leaf(left) && pte_is_valid(left)) {
            *place.slot = left;
            return next;
        }
        remove_step(place.slot, place.level);
        return *place.slot == 0 ? next : page;
    }
    /*
     * Large spaces are mostly empty: step over the rest of the table without a walk for each entry.
     */
    page = next;
    while (page < end && table_index(page, place.level) != 0) {
        place.slot++;
        if (*place.slot != 0) {
            break;
        }
        page += span;
    }
    return page;
}

bool remove_range(struct aspace *aspace, uint64_t page, uint64_t pages, uint64_t keep,
                  uint64_t *done)
{
    const uint64_t end = page + pages;
    uint64_t at = page + *done;
    while (at < end) {
        const struct pt_place place = pt_find(aspace->root, at, 0);
        if (place.level > 0) {
            at = change_large(place, at, end, keep);
        } else {
            const uint64_t in_table = TABLE_ENTRIES - table_index(at, 0);
            const uint64_t count = end - at < in_table ? end - at : in_table;
            if (aspace->is_server || aspace->has_devices) {
                restrict_leaves(place.slot, count, keep); /* not all of them are counted alike */
            } else {
                remove_leaves(place.slot, count, keep);
            }
            at += count;
        }
        if (at < end && tlb_has_interrupt()) {
            *done = at - page;
            return false;
        }
    }
    return true;
}
