/* SPDX-License-Identifier: MIT */
#include "server/core/cow.h"

#include "server/core/port.h"
#include "server/core/shadow.h"
#include "server/core/shared.h"
#include "server/core/swap.h"

/* The frame of the page is this space's alone from now on. */
static void cow_keep(struct core *core, const struct fault *fault, uint32_t frame)
{
    *pool_record(core, frame) = (struct frame){
        .kind = FRAME_USER, .references = 1, .owner = fault->space->number, .page = fault->page};
    core->head->pool.cow--;
}

static enum fault_outcome cow_fault_page(struct core *core, const struct fault *fault,
                                         struct fault_answer *answer)
{
    const uint32_t shared = shadow_entry_frame(*fault->entry);
    const bool is_last = pool_record(core, shared)->references == 1;
    uint32_t frame = shared;

    ASSERT(pool_record(core, shared)->kind == FRAME_COW);
    pool_record(core, shared)->idle = FRAME_USED;
    *answer = (struct fault_answer){
        .frame = pool_pfn(core, shared),
        .prot = region_rights(fault->region->flags),
        .how = PORT_AS_IS,
    };
    if (is_last) {
        cow_keep(core, fault, frame);
    } else if (fault->access == MEM_PROT_WRITE) {
        frame = pool_take(core, FRAME_USER, fault->space->number, fault->page);
        if (frame == 0) {
            return FAULT_NO_FRAME;
        }
        pool_record(core, shared)->references--;
        answer->source = answer->frame;
        answer->frame = pool_pfn(core, frame);
        answer->how = PORT_COPY;
    } else {
        answer->prot &= ~MEM_PROT_WRITE;
        return FAULT_READY;
    }
    *fault->entry = shadow_entry(SHADOW_OWN, frame);
    fault->space->shared--;
    return FAULT_READY;
}

/*
 * Fill a copied page at once: as soon as its source is another space's alone, that may write to it.
 * Then the page is there as it is.
 */
static void cow_copy(struct core *core, const struct fault *fault, struct fault_answer *answer)
{
    fault_install(core, fault->space, fault->page, answer);
    port_hand_over(core->port);
    answer->how = PORT_AS_IS;
}

enum fault_outcome cow_fault(struct core *core, const struct fault *fault,
                             struct fault_answer *answer)
{
    shared_enter(core);
    const enum fault_outcome outcome = cow_fault_page(core, fault, answer);

    if (outcome == FAULT_READY && answer->how == PORT_COPY) {
        cow_copy(core, fault, answer);
    }
    shared_leave(core);
    return outcome;
}

/* One entry more names the frame of a page that is OWN or SHARED. Returns: whether it was OWN. */
static bool cow_get(const struct core *core, uint64_t entry, uint32_t page)
{
    struct frame *record = &core->frames[shadow_entry_frame(entry)];

    /* Pinned pages are copied by CLONE before it comes here (P15). */
    ASSERT(record->pins == 0);
    if (shadow_entry_state(entry) == SHADOW_OWN) {
        ASSERT(record->kind == FRAME_USER);
        *record = (struct frame){.kind = FRAME_COW, .references = 2, .page = page};
        return true;
    }
    ASSERT(record->kind == FRAME_COW);
    record->references++;
    return false;
}

uint32_t cow_count(const struct core *core, struct space *space, struct range range)
{
    const uint64_t *entry = shadow_find(core, space, range.first);
    uint32_t count = 0;

    ASSERT(entry != NULL);
    ASSERT(shadow_block(range.first, 0) == shadow_block(range.end - 1, 0));
    for (uint32_t i = 0; i < range_pages(range); i++) {
        count += shadow_entry_is_counted(entry[i]) ? 1 : 0;
    }
    return count;
}

void cow_share(struct core *core, struct space *from, struct space *to, struct range range)
{
    uint64_t *source = shadow_find(core, from, range.first);
    uint64_t *target = shadow_find(core, to, range.first);
    uint32_t turned = 0;
    uint32_t shared = 0;
    uint32_t swapped = 0;
    uint32_t zero = 0;
    uint32_t wired = 0;

    ASSERT(source != NULL && target != NULL);
    ASSERT(shadow_block(range.first, 0) == shadow_block(range.end - 1, 0));
    for (uint32_t i = 0; i < range_pages(range); i++) {
        const uint64_t entry = source[i];

        if (entry == 0) {
            continue;
        }
        if (UNLIKELY(target[i] != 0)) {
            /* Pinned pages were copied before (P15). */
            ASSERT(shadow_entry_state(entry) == SHADOW_OWN);
            continue;
        }
        if (LIKELY(shadow_entry_is_private(entry))) {
            turned += cow_get(core, entry, range.first + i) ? 1 : 0;
            shared++;
            source[i] = shadow_entry(SHADOW_SHARED, shadow_entry_frame(entry));
        } else if (shadow_entry_state(entry) == SHADOW_ZERO) {
            zero++;
        } else if (shadow_entry_state(entry) == SHADOW_SWAPPED) {
            swap_get(core, shadow_entry_frame(entry));
            swapped++;
        } else {
            ASSERT(shadow_entry_state(entry) == SHADOW_WIRED);
            wired++;
        }
        target[i] = source[i];
    }
    core->head->pool.cow += turned;
    from->shared += turned;
    to->own += shared + swapped;
    to->shared += shared;
    to->zero += zero;
    to->wired += wired;
    swap_count(to, swapped);
    *(uint64_t *)arena_at(core, to->leaf_entry) += (uint64_t)(shared + swapped + zero + wired)
                                                   << SHADOW_COUNT_SHIFT;
}
