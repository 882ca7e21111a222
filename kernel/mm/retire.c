/* SPDX-License-Identifier: MIT */
#include "mm/retire.h"

#include "mm/aspace.h"
#include "mm/pt.h"
#include "riscv/direct.h"
#include "riscv/image.h"
#include "riscv/tlb.h"
#include "riscv/trap.h"

void retire_boot(void)
{
    const uint64_t page_mask = table_pages(TABLE_LEVELS) - 1;
    for (uint64_t at = image_text_end(); at < image_boot_end(); at += PAGE_SIZE) {
        const void *address = (const void *)(uintptr_t)at;
        const struct pt_place place =
            pt_find(aspace_kernel_root(), at >> PAGE_SHIFT & page_mask, 0);
        ASSERT(place.level == 0);
        *place.slot = pte_make(direct_to_pfn(address), PTE_KERNEL_WRITE);
    }
    tlb_flush();
    trap_start();
}
