/* SPDX-License-Identifier: MIT */
/*
 * One interval of a space with one set of properties.
 *
 * Regions of a space are in a balanced tree and in a list in ascending order; both are links.
 * Records are 64 bytes, 63 to an arena page. Splitting and joining never touches page records.
 *
 * I1  Regions of a space do not overlap, are not empty and lie in RANGE_USER_FIRST ..
 *     RANGE_USER_END.
 * I2  Neighbours that could be one region are one region (merge.h).
 * I3  `offset` of an anonymous private region is its own first page (R22).
 * I4  A region with an object holds one of the object's references and is in its list.
 * Owner: the space; freed by region_free().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/assert.h>
#include <base/attr.h>
#include <mem/prot.h>

#include "server/core/arena.h"
#include "server/core/range.h"

struct space;

/* Protection and what the protection may become, as MEM_PROT_ bits shifted. */
#define REGION_PROT      0x7u
#define REGION_MAY_SHIFT 3
#define REGION_MAY       (0x7u << REGION_MAY_SHIFT)

#define REGION_SHARED     0x40u
#define REGION_NORESERVE  0x80u
#define REGION_ACCOUNT    0x100u /* its pages are in the commit account */
#define REGION_DONTFORK   0x200u
#define REGION_WIPEONFORK 0x400u
#define REGION_SEQUENTIAL 0x800u
#define REGION_RANDOM     0x1000u
#define REGION_HUGEPAGE   0x2000u
#define REGION_NOHUGEPAGE 0x4000u
#define REGION_TOUCHED \
    0x8000u /* may hold pages of its own; the only flag that never keeps regions apart */
#define REGION_LOCKED      0x10000u
#define REGION_LOCKONFAULT 0x20000u /* with LOCKED: pages become present when touched */
#define REGION_LOCKS       (REGION_LOCKED | REGION_LOCKONFAULT)
#define REGION_GROWSDOWN   0x40000u
#define REGION_HUGETLB     0x80000u /* of huge pages, by an object of its own (huge.h) */
#define REGION_FLAGS       0xfffffu

struct region {
    uint32_t first; /* pages */
    uint32_t end;
    uint64_t offset; /* pages */
    uint32_t flags;
    uint32_t object; /* link; 0: anonymous */
    uint32_t next;   /* links; 0: none */
    uint32_t prev;
    uint32_t left;
    uint32_t right;
    uint32_t parent;
    uint32_t gap_max;     /* largest gap before a region of this subtree, pages */
    uint32_t height;      /* of this subtree; a leaf has 1 */
    uint32_t object_next; /* links, of the regions that map the object; valid with one */
    uint32_t object_prev;
    uint32_t space; /* number; valid with an object */
};

/* What a region is apart from its place. */
struct region_kind {
    uint32_t flags;
    uint32_t object;
    uint64_t offset; /* of the first page */
};

static inline struct region *region_at(const struct core *core, uint32_t link)
{
    return arena_at(core, link);
}

static inline struct range region_range(const struct region *region)
{
    return (struct range){region->first, region->end};
}

static inline uint32_t region_pages(const struct region *region)
{
    return region->end - region->first;
}

/* Protection with what the page table adds: write implies read. */
static inline uint32_t region_rights(uint32_t flags)
{
    return (flags | (flags & MEM_PROT_WRITE) >> 1) & REGION_PROT;
}

/* Private and writable: written pages are its own, and promised (R24). */
static inline bool region_is_private_writable(uint32_t flags)
{
    return (flags & (MEM_PROT_WRITE | REGION_SHARED)) == MEM_PROT_WRITE;
}

/* Counted against the data limit (R23): private and writable, and no stack. */
static inline bool region_is_data(uint32_t flags)
{
    return (flags & (MEM_PROT_WRITE | REGION_SHARED | REGION_GROWSDOWN)) == MEM_PROT_WRITE;
}

/* The page of a region's space that shows a page of its object, if one does. */
static inline bool region_shows(const struct region *region, uint64_t number, uint32_t *page)
{
    *page = region->first + (uint32_t)(number - region->offset);
    return number >= region->offset && number - region->offset < region_pages(region);
}

/* What `region` is from `page` on, a page of it. */
static inline struct region_kind region_kind_at(const struct region *region, uint32_t page)
{
    ASSERT(page >= region->first && page < region->end);
    return (struct region_kind){.flags = region->flags,
                                .object = region->object,
                                .offset = region->offset + (page - region->first)};
}

/* Whether pages of kind `after` starting where pages of kind `before` end make one region (R26). */
static inline bool region_can_join(const struct region_kind *before, uint32_t before_pages,
                                   const struct region_kind *after)
{
    return ((before->flags ^ after->flags) & ~REGION_TOUCHED) == 0 &&
           before->object == after->object && before->offset + before_pages == after->offset;
}

/* Take records from the arena until `count` are in hand. */
MUST_USE enum err region_reserve_slow(struct core *core, uint32_t count);

/* A zeroed record out of the hand, which must not be empty. */
static inline struct region *region_alloc(struct core *core)
{
    struct worker *worker = core->worker;

    ASSERT(worker->spares > 0);
    struct region *region = region_at(core, worker->spare_first);

    worker->spares--;
    worker->spare_first = region->left;
    region->left = 0;
    return region;
}

/* Put a zeroed record into the hand. */
static inline void region_keep(struct core *core, struct region *region)
{
    struct worker *worker = core->worker;

    region->left = worker->spare_first;
    worker->spare_first = arena_link(core, region);
    worker->spares++;
}

/* Take back the record of a region that is in no tree, into the hand. */
static inline void region_free(struct core *core, struct region *region)
{
    *region = (struct region){0};
    region_keep(core, region);
}

/* Give records back until at most `keep` are in hand. May make port calls. */
void region_trim(struct core *core, uint32_t keep);
