/* SPDX-License-Identifier: MIT */
/*
 * The direct map: physical address p is at kernel address DIRECT_BASE + p. The kernel itself is
 * linked there too and has no other address.
 *
 * I1  RAM, and the registers of the interrupt controller. Firmware's memory and other devices are
 *     not mapped. Kernel text is readable and executable, its constants are readable, everything
 *     else is readable and writable.
 * I2  The same in every space from boot on; root entries DIRECT_ROOT_FIRST.. of all roots are
 *     equal.
 *
 * Host tests have their own header of this name, over a model of RAM.
 */
#pragma once

#include <stdint.h>

#include <base/types.h>
#include <riscv/sv39.h>

#define DIRECT_BASE       UINT64_C(0xffffffd000000000)
#define DIRECT_ROOT_FIRST 320u
#define DIRECT_ROOT_LAST  509u
/* Physical addresses below this can be reached: 190 GiB. */
#define DIRECT_BYTES ((uint64_t)(DIRECT_ROOT_LAST + 1u - DIRECT_ROOT_FIRST) << 30)

static inline void *direct_from_paddr(paddr_t pa)
{
    return (void *)(uintptr_t)(DIRECT_BASE + pa.v);
}

static inline paddr_t direct_to_paddr(const void *address)
{
    return (paddr_t){(uint64_t)(uintptr_t)address - DIRECT_BASE};
}

static inline void *direct_from_pfn(pfn_t pfn)
{
    return (void *)(uintptr_t)(DIRECT_BASE + (pfn.v << PAGE_SHIFT));
}

static inline pfn_t direct_to_pfn(const void *address)
{
    return paddr_to_pfn(direct_to_paddr(address));
}

/* The table that a table entry points to. */
static inline pte_t *direct_table(pte_t pte)
{
    return (pte_t *)direct_from_pfn(pte_to_pfn(pte));
}
