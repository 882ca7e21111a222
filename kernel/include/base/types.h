/* SPDX-License-Identifier: MIT */
/*
 * Addresses and counts as types of their own, so that the compiler refuses to mix them.
 *
 * A one-field struct costs nothing on RV64. The field `.v` is read only here, in range.h, in
 * kernel/riscv, in uaccess.c and where numbers are formatted; elsewhere the named functions
 * convert.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096u
#define PAGE_MASK  0xfffu

/* Physical address. */
typedef struct {
    uint64_t v;
} paddr_t;

/* User virtual address: an allegation of another protection domain. */
typedef struct {
    uint64_t v;
} uaddr_t;

/* Physical frame number. */
typedef struct {
    uint64_t v;
} pfn_t;

/* Virtual page number of a user address. */
typedef struct {
    uint64_t v;
} vpn_t;

/* A count of 4 KiB pages. */
typedef struct {
    uint64_t v;
} npages_t;

static inline pfn_t paddr_to_pfn(paddr_t pa)
{
    return (pfn_t){pa.v >> PAGE_SHIFT};
}

static inline uaddr_t vpn_to_uaddr(vpn_t vpn)
{
    return (uaddr_t){vpn.v << PAGE_SHIFT};
}

static inline vpn_t uaddr_to_vpn(uaddr_t va)
{
    return (vpn_t){va.v >> PAGE_SHIFT};
}

static inline pfn_t pfn_add(pfn_t pfn, npages_t n)
{
    return (pfn_t){pfn.v + n.v};
}

static inline bool pfn_is_equal(pfn_t a, pfn_t b)
{
    return a.v == b.v;
}

/*
 * Plain numbers, for arithmetic on words that are not one frame or page: packed entries, table
 * indices.
 */
static inline uint64_t pfn_to_number(pfn_t pfn)
{
    return pfn.v;
}

static inline pfn_t pfn_from_number(uint64_t number)
{
    return (pfn_t){number};
}

static inline uint64_t vpn_to_number(vpn_t vpn)
{
    return vpn.v;
}

static inline uint64_t npages_to_number(npages_t n)
{
    return n.v;
}

static inline uint64_t paddr_to_number(paddr_t pa)
{
    return pa.v;
}

static inline uint64_t uaddr_to_number(uaddr_t va)
{
    return va.v;
}
