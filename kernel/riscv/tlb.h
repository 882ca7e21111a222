/* SPDX-License-Identifier: MIT */
/*
 * What has to happen after page tables changed.
 *
 * Always everything: address-scoped fences are broken on FU540, non-global ones on early U74
 * (CIP-1200). Invalid entries may be cached too, so a fence follows an install as well.
 *
 * Host tests have their own header of this name, which counts.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/types.h>
#include <riscv/csr.h>

/* Page tables that this hart uses have changed. */
static inline void tlb_flush(void)
{
    csr_sfence_vma();
}

/* Pages became executable: what was stored in them may be fetched from now on. */
static inline void tlb_flush_fetch(void)
{
    csr_fence_i();
}

/*
 * Leaves or rights are gone from the space with this satp: the other harts that run in it do not
 * know them any longer when this returns. (task/harts.c)
 */
void tlb_flush_others(uint64_t satp);

/* Pages of the space became executable: as above, and every hart fetches them anew. */
void tlb_flush_fetch_others(uint64_t satp);

/* Somebody wants this hart: long work should be cut here. */
static inline bool tlb_has_interrupt(void)
{
    return csr_has_interrupt();
}

/* Value of satp for a root table. */
static inline uint64_t tlb_satp(pfn_t root)
{
    return SATP_SV39 | root.v;
}

/* Change the address space of this hart; ASIDs are not used, so nothing of the old one stays. */
static inline void tlb_switch(uint64_t satp)
{
    csr_write_satp(satp);
    csr_sfence_vma();
}
