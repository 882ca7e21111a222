/* SPDX-License-Identifier: MIT */
/*
 * The decision about a fault, inline: faults are the most frequent messages, and where this stands
 * in the loop of the shell, what is decided goes from register to register into the answer.
 *
 * Straight through go anonymous pages of the region and of the shadow leaf that the last fault was
 * in: absent ones, those on the zero frame, those with a frame of their own. What needs a look-up,
 * a table, an object, a copy or a large leaf is called.
 *
 * Not here: what the states of a page mean (shadow.h); fault_handle(), the same for everyone else.
 */
#pragma once

#include "server/core/fault.h"

#include "server/core/budget.h"
#include "server/core/cow.h"
#include "server/core/large.h"
#include "server/core/pool.h"
#include "server/core/shadow.h"
#include "server/core/swap_fault.h"

/* The region that holds `page`; NULL if none. The last answer is tried first. */
static inline struct region *fault_quick_region(struct core *core, struct space *space,
                                                uint32_t page)
{
    if (LIKELY(space->region_cache != 0)) {
        struct region *region = region_at(core, space->region_cache);

        if (LIKELY(page >= region->first && page < region->end)) {
            return region;
        }
    }
    return fault_find_region(core, space, page);
}

/* The entry of a page; NULL if there is no frame for its leaf. */
static inline uint64_t *fault_quick_entry(struct core *core, struct space *space, uint32_t page)
{
    if (UNLIKELY(space->leaf_tag != page >> SHADOW_BITS)) {
        return fault_make_entry(core, space, page);
    }
    return shadow_cached(core, space, page);
}

/* A frame for a page of the space's own, which it is charged for; 0 if there is none. */
ALWAYS_INLINE uint32_t fault_quick_frame(struct core *core, struct space *space, uint32_t page)
{
    if (UNLIKELY(!budget_take_all_pages(core, space, 1))) {
        return 0;
    }
    const uint32_t frame = pool_take(core, FRAME_USER, space->number, page);

    if (UNLIKELY(frame == 0)) {
        budget_give_pages(core, space, 1);
    }
    return frame;
}

/* What is on the page is not this space's alone. */
ALWAYS_INLINE enum fault_outcome fault_quick_call(struct core *core, const struct fault *fault,
                                                  struct fault_answer *answer)
{
    struct fault_answer other; /* so that `answer` can stay in registers */
    const enum shadow_state state = shadow_entry_state(*fault->entry);
    const enum fault_outcome outcome = state == SHADOW_SHARED ? cow_fault(core, fault, &other)
                                       : state == SHADOW_SWAPPED
                                           ? swap_fault(core, fault, &other)
                                           : fault_object(core, fault, &other);

    *answer = other;
    return outcome;
}

/* Make the page present with others after it. Returns: whether it was done. */
ALWAYS_INLINE bool fault_quick_ahead(struct core *core, struct space *space,
                                     const struct region *region, uint32_t page,
                                     struct fault_answer *answer)
{
    if (!fault_ahead(core, space, region, page)) {
        return false;
    }
    *answer = (struct fault_answer){
        .frame = pool_pfn(core, shadow_entry_frame(*shadow_cached(core, space, page))),
        .prot = region_rights(region->flags),
        .how = PORT_AS_IS,
        .is_new = true,
    };
    return true;
}

/*
 * Look for a large leaf, or make one. Returns: whether the fault is decided by that: `*outcome`.
 */
ALWAYS_INLINE bool fault_quick_large(struct core *core, struct space *space, struct region *region,
                                     uint32_t page, uint32_t access, struct fault_answer *answer,
                                     enum fault_outcome *outcome)
{
    const struct fault fault = {space, region, NULL, page, access};
    struct fault_answer other; /* so that `answer` can stay in registers */

    if (((region->flags & (REGION_HUGEPAGE | REGION_HUGETLB)) | space->larges) == 0) {
        return false;
    }
    *outcome = large_fault(core, &fault, &other);
    *answer = other;
    return *outcome != FAULT_NO_REGION;
}

/* The region that holds the page at `vpn`, which may be any, and its number; NULL if none. */
ALWAYS_INLINE struct region *fault_quick_at(struct core *core, struct space *space, vpn_t vpn,
                                            uint32_t *page)
{
    return LIKELY(vpn_to_page(vpn, page)) ? fault_quick_region(core, space, *page) : NULL;
}

/* fault_handle(), but that a large leaf has an outcome of its own: nobody else is asked for it. */
ALWAYS_INLINE enum fault_outcome fault_quick(struct core *core, struct space *space, vpn_t vpn,
                                             uint32_t access, struct fault_answer *answer)
{
    uint32_t page;

    struct region *region = fault_quick_at(core, space, vpn, &page);
    if (UNLIKELY(region == NULL)) {
        return FAULT_NO_REGION;
    }
    const uint32_t rights = region_rights(region->flags);
    if (UNLIKELY((rights & access) == 0)) {
        return FAULT_DENIED;
    }
    enum fault_outcome outcome;
    if (UNLIKELY(space->leaf_tag != page >> SHADOW_BITS) &&
        fault_quick_large(core, space, region, page, access, answer, &outcome)) {
        return outcome;
    }
    uint64_t *entry = fault_quick_entry(core, space, page);
    if (UNLIKELY(entry == NULL)) {
        return FAULT_NO_FRAME;
    }
    const uint64_t old = *entry;
    if (UNLIKELY((region->object != 0 && shadow_entry_state(old) != SHADOW_OWN) ||
                 shadow_entry_state(old) >= SHADOW_SHARED)) {
        const struct fault fault = {space, region, entry, page, access};
        return fault_quick_call(core, &fault, answer);
    }
    enum port_how how = PORT_AS_IS;
    uint32_t prot = rights;
    uint32_t frame;
    if (shadow_entry_state(old) == SHADOW_OWN) {
        frame = shadow_entry_frame(old);
    } else if (access == MEM_PROT_WRITE) {
        if (UNLIKELY((region->flags & REGION_SEQUENTIAL) != 0) &&
            fault_quick_ahead(core, space, region, page, answer)) {
            return FAULT_READY;
        }
        frame = fault_quick_frame(core, space, page);
        if (UNLIKELY(frame == 0)) {
            return FAULT_NO_FRAME;
        }
        how = PORT_ZERO;
        *entry = shadow_entry(SHADOW_OWN, frame);
        space->own++;
        region->flags |= REGION_TOUCHED;
        if (LIKELY(old == 0)) {
            shadow_count(core, space);
        } else {
            space->zero--;
        }
    } else {
        frame = core->head->pool.zero_frame;
        prot &= ~MEM_PROT_WRITE;
        if (LIKELY(old == 0)) {
            *entry = shadow_entry(SHADOW_ZERO, 0);
            space->zero++;
            shadow_count(core, space);
        }
    }
    *answer = (struct fault_answer){
        .frame = pool_pfn(core, frame),
        .prot = prot,
        .how = (uint8_t)how,
        .is_new = old == 0,
    };
    return FAULT_READY;
}
