/* SPDX-License-Identifier: MIT */
#include "mm/aspace.h"

#include "mm/entry.h"
#include "mm/fill.h"
#include "mm/install.h"
#include "mm/page.h"
#include "mm/pt.h"
#include "mm/quick.h"
#include "mm/remove.h"
#include <abi/fault.h>
#include <abi/layout.h>

#define WINDOW_PAGE ENTRY_HALF_END
#define WINDOW_ROOT 256u /* root entry of the window */

/* Entries between looks for an interrupt; long ones look themselves. */
#define POLL_ENTRIES 8u

static pte_t *kernel_root; /* constant after boot */

void aspace_set_kernel_root(pte_t *root)
{
    kernel_root = root;
}

pte_t *aspace_kernel_root(void)
{
    return kernel_root;
}

void aspace_init(struct aspace *aspace, pfn_t root, bool is_server)
{
    ASSERT(kernel_root != NULL);
    ASSERT(*frame_word(root) == frame_word_make(FRAME_TABLE, TABLE_ROOT));
    aspace->root = direct_from_pfn(root);
    aspace->satp = tlb_satp(root);
    aspace->is_server = is_server;
    aspace->has_devices = false;
    aspace->near = ASPACE_NOT_NEAR;
    aspace->near_table = aspace->root;
    for (unsigned i = DIRECT_ROOT_FIRST; i <= DIRECT_ROOT_LAST; i++) {
        aspace->root[i] = kernel_root[i];
    }
}

bool aspace_is_empty(const struct aspace *aspace)
{
    for (unsigned i = 0; i <= WINDOW_ROOT; i++) {
        if (aspace->root[i] != 0) {
            return false;
        }
    }
    return true;
}

void aspace_fini(struct aspace *aspace)
{
    ASSERT(aspace_is_empty(aspace));
    frame_release(direct_to_pfn(aspace->root));
    aspace->root = NULL;
    aspace->satp = 0;
}

enum err aspace_check(const struct aspace *aspace, const struct map_entry *entries, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        if (!entry_is_legal(entries[i], aspace->is_server)) {
            return ERR_INVAL;
        }
        if (entry_op(entries[i]) == MAP_INSTALL_COPY) {
            i++;
            if (i == count || !entry_is_source(entries[i])) {
                return ERR_INVAL;
            }
        }
    }
    return ERR_OK;
}

/* State of one run over a vector. */
struct run {
    const struct map_entry *entries;
    uint64_t count;
    struct map_progress *progress;
    bool is_stale; /* something was taken away since the last flush */
};

/*
 * Before frames are zeroed or copied into: nobody may still reach them by what was taken away
 * before.
 */
static void flush_stale(const struct aspace *aspace, struct run *run)
{
    if (run->is_stale) {
        tlb_flush();
        tlb_flush_others(aspace->satp);
        run->is_stale = false;
    }
}

/* REMOVE, RESTRICT, REMOVE_SERVER. */
static enum err take_away(struct aspace *aspace, struct map_entry entry, struct run *run)
    REQUIRES(memory_lock)
{
    const uint64_t keep = entry_leaf_flags[entry_prot(entry)] & PTE_RWX;
    run->is_stale = true;
    const bool is_done =
        remove_range(aspace, entry_page(entry), entry_pages(entry), keep, &run->progress->pages);
    return is_done ? ERR_OK : ERR_INTR;
}

static enum err install(struct aspace *aspace, struct map_entry entry, struct run *run)
    REQUIRES(memory_lock)
{
    const enum err error = entry_flags(entry) == 0
                               ? install_pages(aspace, entry, &run->progress->pages)
                               : install_large(aspace, entry, &run->progress->pages);
    run->is_stale = error != ERR_OK && error != ERR_INTR; /* a refused one was taken back */
    if ((entry_prot(entry) & MAP_EXEC) != 0) {
        tlb_flush_fetch();
        tlb_flush_fetch_others(aspace->satp);
    }
    return error;
}

/* INSTALL_COPY with the entry behind it, which counts as carried out too. */
static enum err copy(struct aspace *aspace, struct map_entry entry, struct run *run)
    REQUIRES(memory_lock)
{
    const uint64_t next = run->progress->entries + 1;
    if (next == run->count) {
        return ERR_INVAL;
    }
    const struct map_entry source = run->entries[next];
    if (!entry_is_source(source)) {
        return ERR_INVAL;
    }
    const enum err error = install_copy(aspace, entry, entry_frame(source));
    if (error == ERR_OK) {
        run->progress->entries = next;
        if ((entry_prot(entry) & MAP_EXEC) != 0) {
            tlb_flush_fetch();
            tlb_flush_fetch_others(aspace->satp);
        }
    }
    return error;
}

/* One entry that is well formed. */
static enum err carry_out(struct aspace *aspace, struct map_entry entry, struct run *run)
    REQUIRES(memory_lock)
{
    switch ((enum map_op)entry_op(entry)) {
    case MAP_NOP:
        return ERR_OK;
    case MAP_INSTALL_ZERO:
    case MAP_INSTALL:
    case MAP_INSTALL_SERVER:
    case MAP_INSTALL_DEVICE:
        return install(aspace, entry, run);
    case MAP_INSTALL_COPY:
        return copy(aspace, entry, run);
    case MAP_REMOVE:
    case MAP_RESTRICT:
    case MAP_REMOVE_SERVER:
        return take_away(aspace, entry, run);
    case MAP_TABLE:
        return install_table(aspace, entry);
    case MAP_UNTABLE:
        return install_untable(aspace, entry);
    case MAP_COPY_SOURCE: /* entry_is_legal() refuses it */
        break;
    }
    UNREACHABLE();
}

/* One entry that the quick ways leave. */
static enum err apply_slowly(struct aspace *aspace, struct map_entry entry, struct run *run)
    REQUIRES(memory_lock)
{
    return entry_is_legal(entry, aspace->is_server) ? carry_out(aspace, entry, run) : ERR_INVAL;
}

enum err aspace_apply(struct aspace *aspace, const struct map_entry *entries, uint64_t count,
                      struct map_progress *progress)
{
    struct run run = {.entries = entries, .count = count, .progress = progress};
    enum err error = ERR_OK;
    while (progress->entries < count) {
        /* A copy: the entries may lie where somebody else can write. */
        const struct map_entry entry = entries[progress->entries];
        bool is_done = false;
        if (entry_takes_away(entry)) {
            run.is_stale = true;
            is_done = progress->pages == 0 && quick_take(aspace, entry.where, entry.what);
        } else {
            flush_stale(aspace, &run);
            is_done = progress->pages == 0 && quick_install(aspace, entry.where, entry.what);
        }
        if (!is_done) {
            if (fill_is_open()) {
                break;
            }
            error = apply_slowly(aspace, entry, &run);
            if (error != ERR_OK) {
                break;
            }
        }
        progress->entries++;
        progress->pages = 0;
        if (fill_is_full() || (progress->entries % POLL_ENTRIES == 0 && progress->entries < count &&
                               tlb_has_interrupt())) {
            error = ERR_INTR;
            break;
        }
    }
    if (fill_is_open()) {
        error = ERR_INTR;
    }
    tlb_flush();
    if (run.is_stale) {
        tlb_flush_others(aspace->satp);
    }
    return error;
}

bool aspace_allows(const struct aspace *aspace, uaddr_t address, uint32_t access)
{
    const uint64_t page = uaddr_to_number(address) >> PAGE_SHIFT;
    if (page >= ENTRY_HALF_END) {
        return false;
    }
    uint64_t wanted = PTE_VALID | PTE_USER;
    wanted |= (access & FAULT_READ) != 0 ? PTE_READ : 0;
    wanted |= (access & FAULT_WRITE) != 0 ? PTE_WRITE : 0;
    wanted |= (access & FAULT_EXEC) != 0 ? PTE_EXEC : 0;
    const pte_t leaf = page >> TABLE_INDEX_BITS == aspace->near
                           ? aspace->near_table[table_index(page, 0)]
                           : *pt_find(aspace->root, page, 0).slot;
    if ((leaf & wanted) != wanted) {
        return false;
    }
    tlb_flush();
    return true;
}

enum err aspace_check_message(const struct aspace *aspace, uint64_t number)
{
    if (number >= WINDOW_PAGES) {
        return ERR_RANGE;
    }
    const struct pt_place place = pt_find(aspace->root, WINDOW_PAGE + number, 0);
    if (place.level != 0) {
        return ERR_NO_TABLE;
    }
    return *place.slot == 0 ? ERR_OK : ERR_EXIST;
}

void aspace_map_message(struct aspace *aspace, uint64_t number, pfn_t pfn)
{
    ASSERT(aspace_check_message(aspace, number) == ERR_OK);
    ASSERT(frame_kind_of(pfn) == FRAME_MESSAGE);
    *frame_word(pfn) += FRAME_ONE;
    *pt_find(aspace->root, WINDOW_PAGE + number, 0).slot =
        pte_make(pfn, entry_leaf_flags[MAP_READ | MAP_WRITE]);
    tlb_flush();
}

void aspace_unmap_message(struct aspace *aspace, uint64_t number)
{
    const struct pt_place place = pt_find(aspace->root, WINDOW_PAGE + number, 0);
    ASSERT(place.level == 0 && pte_is_valid(*place.slot));
    remove_count(*place.slot, 0);
    *place.slot = 0;
    tlb_flush();
    tlb_flush_others(aspace->satp);
}
