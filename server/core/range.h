/* SPDX-License-Identifier: MIT */
/*
 * A half-open interval of page numbers of one space, and all arithmetic on its ends.
 *
 * User addresses have 38 bits, so a page number has 26 and core stores it in 32. Addresses and
 * lengths of requests become ranges here, or are refused here.
 *
 * I1  first <= end <= RANGE_PAGES: a range that wraps or leaves the user half cannot be built.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <abi/layout.h>
#include <base/assert.h>
#include <base/attr.h>
#include <base/checked.h>
#include <base/types.h>

#define RANGE_PAGES (UINT32_C(1) << (USER_BITS - PAGE_SHIFT))
/* First page that regions may cover, and the first one after them. */
#define RANGE_USER_FIRST ((uint32_t)(USER_START >> PAGE_SHIFT))
#define RANGE_USER_END   ((uint32_t)(USER_END >> PAGE_SHIFT))

struct range {
    uint32_t first;
    uint32_t end;
};

static inline struct range range_of(uint32_t first, uint32_t end)
{
    ASSERT(first <= end);
    ASSERT(end <= RANGE_PAGES);
    return (struct range){first, end};
}

/*
 * The pages of [address, address + length), length rounded up.
 *
 * Returns:   ERR_INVAL if the address is not aligned; ERR_RANGE if the range wraps or leaves user
 *            space, which the caller turns into what its request promises.
 * On error:  nothing changed.
 */
MUST_USE static inline enum err range_make(uaddr_t address, uint64_t length, struct range *range)
{
    uint64_t end;

    if ((address.v & PAGE_MASK) != 0) {
        return ERR_INVAL;
    }
    if (!checked_round_up(length, PAGE_SIZE, &length) || !checked_add(address.v, length, &end) ||
        end > USER_END) {
        return ERR_RANGE;
    }
    *range = range_of((uint32_t)(address.v >> PAGE_SHIFT), (uint32_t)(end >> PAGE_SHIFT));
    return ERR_OK;
}

/*
 * The same, but what is beyond user space is cut off and reported in `*is_clipped`.
 *
 * Returns:   ERR_INVAL if the address is not aligned or the range wraps.
 * On error:  nothing changed.
 */
MUST_USE static inline enum err range_make_clipped(uaddr_t address, uint64_t length,
                                                   struct range *range, bool *is_clipped)
{
    uint64_t end;

    if ((address.v & PAGE_MASK) != 0 || !checked_round_up(length, PAGE_SIZE, &length) ||
        !checked_add(address.v, length, &end)) {
        return ERR_INVAL;
    }
    *is_clipped = end > USER_END && length != 0;
    end = end > USER_END ? USER_END : end;
    uint64_t first = address.v > end ? end : address.v;

    *range = range_of((uint32_t)(first >> PAGE_SHIFT), (uint32_t)(end >> PAGE_SHIFT));
    return ERR_OK;
}

/* Bytes of a user address, for comparisons and sums that cannot wrap. */
static inline uint64_t uaddr_to_bytes(uaddr_t address)
{
    return address.v;
}

/* Page that holds an address known to be in the user half or at its end. */
static inline uint32_t range_page_of(uaddr_t address)
{
    ASSERT(address.v <= (uint64_t)RANGE_PAGES << PAGE_SHIFT);
    return (uint32_t)(address.v >> PAGE_SHIFT);
}

static inline uint32_t range_pages(struct range range)
{
    return range.end - range.first;
}

static inline bool range_is_empty(struct range range)
{
    return range.first == range.end;
}

static inline bool range_holds(struct range range, uint32_t page)
{
    return page >= range.first && page < range.end;
}

static inline bool range_covers(struct range outer, struct range inner)
{
    return inner.first >= outer.first && inner.end <= outer.end;
}

static inline bool range_meets(struct range a, struct range b)
{
    return a.first < b.end && b.first < a.end;
}

/* What two ranges have in common; empty at `a.first` if nothing. */
static inline struct range range_common(struct range a, struct range b)
{
    uint32_t first = a.first > b.first ? a.first : b.first;
    uint32_t end = a.end < b.end ? a.end : b.end;

    return first < end ? (struct range){first, end} : (struct range){a.first, a.first};
}

static inline vpn_t page_to_vpn(uint32_t page)
{
    return (vpn_t){page};
}

/* Whether a page number that came from outside is in the user half; then `*page` is it. */
MUST_USE static inline bool vpn_to_page(vpn_t vpn, uint32_t *page)
{
    *page = (uint32_t)vpn.v;
    return vpn.v < RANGE_PAGES;
}

static inline uint64_t page_to_address(uint32_t page)
{
    return (uint64_t)page << PAGE_SHIFT;
}

static inline npages_t range_npages(struct range range)
{
    return (npages_t){range_pages(range)};
}
