/* SPDX-License-Identifier: MIT */
/*
 * The direct map of the host tests: frames MODEL_FIRST.. are pages of an array. The frame table may
 * know more frames than there are pages; whoever touches one of those has failed the test.
 *
 * Takes the place of kernel/riscv/direct.h.
 */
#pragma once

#include <stdint.h>

#include <base/assert.h>
#include <base/types.h>
#include <riscv/sv39.h>

#define DIRECT_BASE       UINT64_C(0xffffffd000000000)
#define DIRECT_ROOT_FIRST 320u
#define DIRECT_ROOT_LAST  509u

#define MODEL_FIRST UINT64_C(0x80000) /* aligned to 1 GiB */
#define MODEL_PAGES UINT64_C(4096)

struct model_page {
    _Alignas(PAGE_SIZE) unsigned char bytes[PAGE_SIZE];
};

extern struct model_page model_ram[MODEL_PAGES];

static inline void *direct_from_pfn(pfn_t pfn)
{
    ASSERT(pfn.v - MODEL_FIRST < MODEL_PAGES);
    return &model_ram[pfn.v - MODEL_FIRST];
}

static inline pfn_t direct_to_pfn(const void *address)
{
    const struct model_page *page = address;
    ASSERT(page >= model_ram && page < model_ram + MODEL_PAGES);
    return (pfn_t){MODEL_FIRST + (uint64_t)(page - model_ram)};
}

static inline pte_t *direct_table(pte_t pte)
{
    return direct_from_pfn(pte_to_pfn(pte));
}
