/* SPDX-License-Identifier: MIT */
#include "boot/paging.h"

#include "boot/dtb.h"
#include "mm/aspace.h"
#include "mm/page.h"
#include "mm/pt.h"
#include "riscv/direct.h"
#include "riscv/entry.h"
#include "riscv/image.h"
#include "riscv/tlb.h"
#include <base/assert.h>

#define GIGA (UINT64_C(1) << 30)

/*
 * The last two root entries show the tree, which may lie across a border, until the direct map
 * stands.
 */
#define TREE_ROOT 510u
#define TREE_VA   UINT64_C(0xffffffff80000000)
#define TREE_END  (UINT64_C(512) * GIGA)

STATIC_ASSERT(ENTRY_DIRECT_BASE == DIRECT_BASE, "entry.S agrees");
STATIC_ASSERT(ENTRY_DIRECT_ROOT_FIRST == DIRECT_ROOT_FIRST, "entry.S agrees");
STATIC_ASSERT(ENTRY_SATP_SV39 == SATP_SV39, "entry.S agrees");
STATIC_ASSERT(ENTRY_SSTATUS_CLEAR == (SSTATUS_SIE | SSTATUS_FS | SSTATUS_SUM | SSTATUS_MXR),
              "entry.S agrees");
STATIC_ASSERT(ENTRY_PTE_ALL == (PTE_KERNEL_WRITE | PTE_EXEC), "entry.S agrees");

#define TABLE_SECTION __attribute__((section(".bss_tables"), aligned(PAGE_SIZE)))

/* Not cleared with bss: entry.S clears the first, paging_finish() the second. */
pte_t boot_first_root[TABLE_ENTRIES] TABLE_SECTION;
static pte_t final_root[TABLE_ENTRIES] TABLE_SECTION;

static pte_t giga_leaf(uint64_t pa, uint64_t flags)
{
    return pte_make(paddr_to_pfn((paddr_t){pa & ~(GIGA - 1)}), flags);
}

const void *paging_open_tree(paddr_t tree, uint64_t *readable)
{
    const uint64_t pa = paddr_to_number(tree);
    if (pa == 0 || pa >= TREE_END - GIGA) {
        return NULL;
    }
    boot_first_root[TREE_ROOT] = giga_leaf(pa, PTE_KERNEL_READ);
    boot_first_root[TREE_ROOT + 1] = giga_leaf(pa + GIGA, PTE_KERNEL_READ);
    tlb_flush();
    *readable = DTB_BYTES_MAX;
    return (const void *)(uintptr_t)(TREE_VA + (pa & (GIGA - 1)));
}

void paging_open_registers(void)
{
    boot_first_root[DIRECT_ROOT_FIRST] = giga_leaf(0, PTE_KERNEL_WRITE);
    tlb_flush();
}

void paging_open_ram(const struct ranges *ram)
{
    for (uint64_t i = 0; i < ram->count; i++) {
        const struct range *range = &ram->items[i];
        for (uint64_t pa = range->start & ~(GIGA - 1); pa < range->end; pa += GIGA) {
            pte_t *slot = &boot_first_root[DIRECT_ROOT_FIRST + pa / GIGA];
            if (*slot == 0) {
                *slot = giga_leaf(pa, PTE_KERNEL_WRITE);
            }
        }
    }
    tlb_flush();
}

/* The largest leaf that starts at `pa` and fits. */
static unsigned leaf_level(uint64_t pa, uint64_t bytes)
{
    for (unsigned level = TABLE_ROOT; level > 0; level--) {
        const uint64_t unit = table_pages(level) << PAGE_SHIFT;
        if ((pa & (unit - 1)) == 0 && bytes >= unit) {
            return level;
        }
    }
    return 0;
}

/*
 * The entry for `page` in a table of `level`, with the tables above it made where they are missing.
 */
static pte_t *make_slot(uint64_t page, unsigned level, struct ranges *free)
{
    for (;;) {
        const struct pt_place place = pt_find(final_root, page, level);
        if (place.level == level) {
            return place.slot;
        }
        uint64_t table;
        ASSERT(*place.slot == 0);
        if (!ranges_take(free, PAGE_SIZE, PAGE_SIZE, &table)) {
            return NULL;
        }
        page_zero(direct_from_paddr((paddr_t){table}));
        *place.slot = pte_make(paddr_to_pfn((paddr_t){table}), PTE_VALID);
    }
}

/* Map [start, end) of physical memory with the rights, in leaves as large as possible. */
static bool map(uint64_t start, uint64_t end, uint64_t flags, struct ranges *free)
{
    uint64_t pa = start;
    while (pa < end) {
        const unsigned level = leaf_level(pa, end - pa);
        const uint64_t page = (DIRECT_BASE + pa) >> PAGE_SHIFT & (table_pages(TABLE_LEVELS) - 1);
        pte_t *slot = make_slot(page, level, free);
        if (slot == NULL) {
            return false;
        }
        /* One table's worth at a time. */
        const uint64_t unit = table_pages(level) << PAGE_SHIFT;
        do {
            *slot++ = pte_make(paddr_to_pfn((paddr_t){pa}), flags);
            pa += unit;
        } while (end - pa >= unit && (pa & ((unit << TABLE_INDEX_BITS) - 1)) != 0);
    }
    return true;
}

/* Map the part of a range of RAM that lies in [start, end). */
static bool map_part(const struct range *range, uint64_t start, uint64_t end, uint64_t flags,
                     struct ranges *free)
{
    start = start > range->start ? start : range->start;
    end = end < range->end ? end : range->end;
    return start >= end || map(start, end, flags, free);
}

/* Map what follows `start`, but for the guard pages of so many stacks. */
static bool map_stacks(const struct range *range, uint64_t start, uint64_t harts,
                       struct ranges *free)
{
    for (uint64_t i = 0; i < harts; i++) {
        const uint64_t guard = image_guard(i) - DIRECT_BASE;
        if (!map_part(range, start, guard, PTE_KERNEL_WRITE, free)) {
            return false;
        }
        start = guard + PAGE_SIZE;
    }
    return map_part(range, start, UINT64_MAX, PTE_KERNEL_WRITE, free);
}

bool paging_finish(const struct ranges *ram, uint64_t harts, struct ranges *free)
{
    const uint64_t text = image_text_start() - DIRECT_BASE;
    const uint64_t text_end = image_boot_end() - DIRECT_BASE;
    const uint64_t rodata_end = image_rodata_end() - DIRECT_BASE;

    page_zero(final_root);
    for (uint64_t i = 0; i < ram->count; i++) {
        const struct range *range = &ram->items[i];
        if (!map_part(range, 0, text, PTE_KERNEL_WRITE, free) ||
            !map_part(range, text, text_end, PTE_KERNEL_EXEC, free) ||
            !map_part(range, text_end, rodata_end, PTE_KERNEL_READ, free) ||
            !map_stacks(range, rodata_end, harts, free)) {
            return false;
        }
    }
    /* Point of no return: from here on the final map is the one. */
    aspace_set_kernel_root(final_root);
    tlb_switch(tlb_satp(direct_to_pfn(final_root)));
    return true;
}

bool paging_map_device(uint64_t start, uint64_t end, struct ranges *free)
{
    const bool is_done = map(start, end, PTE_KERNEL_WRITE, free);
    tlb_flush();
    return is_done;
}
