/* SPDX-License-Identifier: MIT */
/*
 * Records of one size, packed into arena pages.
 *
 * A link names a record by its offset in the arena divided by 8, so that any record size works and
 * following a link costs two instructions. Each page starts with a head; pages with a free record
 * are in a list. A page whose last record is given back leaves the list and goes back to the arena,
 * zeroed.
 *
 * I1  A page is in the list exactly if it has a free record.
 * I2  A free record is zero but for its first word, the link to the next free one of its page.
 * Owner: shared (shared.h): taking and giving enter, and may wait for that.
 */
#pragma once

#include <stdint.h>

#include <base/attr.h>

struct core;

/* In the head of the arena, one per size. Constant: size, capacity. */
struct slab {
    uint32_t size;     /* bytes of a record, a multiple of 8 */
    uint32_t capacity; /* records in a page */
    uint32_t partial;  /* first page with a free record */
    uint32_t pages;
    uint64_t records; /* in use */
};

#define SLAB_HEAD_BYTES 64u

/* Set up a slab in zeroed memory. */
void slab_init(struct slab *slab, uint32_t size);

/* Arena pages that the next slab_take() needs. */
static inline uint32_t slab_needs(const struct slab *slab)
{
    return slab->partial == 0 ? 1 : 0;
}

/* Arena pages that the next `count` of them need. */
static inline uint64_t slab_needs_for(const struct slab *slab, uint64_t count)
{
    const uint64_t room = (uint64_t)slab->pages * slab->capacity - slab->records;

    return count <= room ? 0 : (count - room + slab->capacity - 1) / slab->capacity;
}

/*
 * Take a zeroed record. Returns: its link; 0 if there is no frame for a page. May make port calls.
 */
MUST_USE uint32_t slab_take(struct core *core, struct slab *slab);

/* Give a record back. Makes no port call but to wait. */
void slab_give(struct core *core, struct slab *slab, uint32_t link);

/* Check the invariants above. */
void slab_audit(const struct core *core, const struct slab *slab);
