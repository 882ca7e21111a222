/* SPDX-License-Identifier: MIT */
#include "mm/quick.h"

#include "mm/fill.h"
#include "mm/page.h"
#include "mm/pt.h"

/*
 * Find the level-0 entry of a page and make its table the near one.
 *
 * Returns: NULL if there is none, or the page is not one that the quick ways are for.
 */
static pte_t *find(struct aspace *aspace, uint64_t page) REQUIRES(memory_lock)
{
    if (aspace->is_server || aspace->has_devices || page < ENTRY_PAGE_FIRST ||
        page >= ENTRY_PAGE_END) {
        return NULL;
    }
    const struct pt_place place = pt_find(aspace->root, page, 0);
    if (place.level != 0) {
        return NULL;
    }
    if (page >> TABLE_INDEX_BITS != ENTRY_PAGE_END >> TABLE_INDEX_BITS) {
        aspace->near = page >> TABLE_INDEX_BITS;
        aspace->near_table = place.slot - table_index(page, 0);
    }
    return place.slot;
}

bool quick_end_exec(const struct aspace *aspace)
{
    tlb_flush_fetch();
    tlb_flush_fetch_others(aspace->satp);
    tlb_flush();
    return true;
}

/* Zero a page now: it is CLEAN, or will be executed, or nobody waits for the lock (mm/fill.h). */
NOINLINE static bool zero_now(const struct aspace *aspace, uint64_t *word, pte_t *slot, pte_t leaf)
    REQUIRES(memory_lock)
{
    if (!frame_word_is_unused(*word)) {
        return false;
    }
    if (*word != FRAME_CLEAN) {
        page_zero(frame_address(pte_to_pfn(leaf)));
    }
    *word = FRAME_USER + FRAME_ONE;
    *slot = leaf;
    return (leaf & PTE_EXEC) == 0 || quick_end_exec(aspace);
}

bool quick_end_zero(const struct aspace *aspace, uint64_t *word, pte_t *slot, pte_t leaf)
{
    if (*word >= FRAME_CLEAN || (leaf & PTE_EXEC) != 0 || hart_self()->is_alone) {
        return zero_now(aspace, word, slot, leaf);
    }
    fill_begin_leaf(word, slot, leaf);
    return true;
}

bool quick_install_far(struct aspace *aspace, uint64_t where, uint64_t what)
{
    const uint64_t page = where - (UINT64_C(1) << MAP_PAGES_SHIFT);
    pte_t *slot = find(aspace, page);
    return slot != NULL && quick_put(aspace, slot, page, what);
}
