/* SPDX-License-Identifier: MIT */
#include "server/core/fault.h"

#include <base/assert.h>

#include "server/core/object.h"
#include "server/core/pool.h"
#include "server/core/shadow.h"

/* What one fault is about. */
struct fault {
    struct space *space;
    struct region *region;
    uint64_t *entry; /* of the shadow */
    uint32_t page;
    uint32_t access;
};

/* The region that holds `page`; NULL if none. The last answer is tried first. */
static inline struct region *fault_find_region(const struct core *core, struct space *space,
                                               uint32_t page)
{
    if (LIKELY(space->region_cache != 0)) {
        struct region *region = region_at(core, space->region_cache);

        if (LIKELY(page >= region->first && page < region->end)) {
            return region;
        }
    }
    struct region *region = tree_find(core, &space->tree, page);

    if (region == NULL || region->first > page) {
        return NULL;
    }
    space->region_cache = arena_link(core, region);
    return region;
}

static inline pfn_t fault_pfn(const struct core *core, uint32_t frame)
{
    return pfn_add((pfn_t){core->head->pool.base}, (npages_t){frame});
}

/* Give the page a frame of its own, in place of what `answer` says it replaces. */
static inline enum fault_outcome fault_own(struct core *core, const struct fault *fault,
                                           enum port_how how, struct fault_answer *answer)
{
    struct space *space = fault->space;
    uint32_t frame = pool_take(core, FRAME_USER, space->number, fault->page);

    if (UNLIKELY(frame == 0)) {
        return FAULT_NO_FRAME;
    }
    *fault->entry = shadow_entry(SHADOW_OWN, frame);
    space->own++;
    fault->region->flags |= REGION_TOUCHED;
    answer->frame = fault_pfn(core, frame);
    answer->prot = region_rights(fault->region->flags);
    answer->how = (uint8_t)how;
    return FAULT_READY;
}

/*
 * A page that shows the frame of the region's object, or a copy of it once a private one is
 * written.
 */
static enum fault_outcome fault_object(struct core *core, const struct fault *fault,
                                       struct fault_answer *answer)
{
    const struct region *region = fault->region;
    const struct object *object = object_at(core, region->object);
    uint64_t number = region->offset + (fault->page - region->first);
    bool is_shared = (region->flags & REGION_SHARED) != 0;
    bool was_absent = *fault->entry == 0;

    if (!object_has_page(object, number)) {
        return FAULT_PAST_END;
    }
    answer->replaces = was_absent ? 0 : 1;
    if (!is_shared && fault->access == MEM_PROT_WRITE) {
        enum fault_outcome outcome = fault_own(core, fault, PORT_COPY, answer);

        if (outcome != FAULT_READY) {
            return outcome;
        }
        answer->source = object_pfn(object, number);
        fault->space->wired -= was_absent ? 0 : 1;
    } else {
        *fault->entry = shadow_entry(SHADOW_WIRED, 0);
        fault->space->wired += was_absent ? 1 : 0;
        answer->frame = object_pfn(object, number);
        answer->how = PORT_AS_IS;
        answer->prot = region_rights(region->flags);
        if (!is_shared) {
            answer->prot &= ~MEM_PROT_WRITE;
        }
    }
    if (was_absent) {
        shadow_count(core, fault->space);
    }
    return FAULT_READY;
}

/* A page that is there but not mapped, or not for this access. */
static enum fault_outcome fault_present(struct core *core, const struct fault *fault,
                                        struct fault_answer *answer)
{
    uint64_t entry = *fault->entry;

    answer->replaces = 1;
    switch (shadow_entry_state(entry)) {
    case SHADOW_OWN:
        answer->frame = fault_pfn(core, shadow_entry_frame(entry));
        answer->prot = region_rights(fault->region->flags);
        answer->how = PORT_AS_IS;
        return FAULT_READY;
    case SHADOW_ZERO:
        if (fault->access == MEM_PROT_WRITE) {
            enum fault_outcome outcome = fault_own(core, fault, PORT_ZERO, answer);

            fault->space->zero -= outcome == FAULT_READY ? 1 : 0;
            return outcome;
        }
        answer->frame = fault_pfn(core, core->head->pool.zero_frame);
        answer->prot = region_rights(fault->region->flags) & ~MEM_PROT_WRITE;
        answer->how = PORT_AS_IS;
        return FAULT_READY;
    case SHADOW_WIRED:
        return fault_object(core, fault, answer);
    case SHADOW_ABSENT:
        UNREACHABLE();
    }
    UNREACHABLE();
}

/* A read of a page that was never written: the zero frame shows. */
static enum fault_outcome fault_zero(struct core *core, const struct fault *fault,
                                     struct fault_answer *answer)
{
    *fault->entry = shadow_entry(SHADOW_ZERO, 0);
    fault->space->zero++;
    answer->frame = fault_pfn(core, core->head->pool.zero_frame);
    answer->prot = region_rights(fault->region->flags) & ~MEM_PROT_WRITE;
    answer->how = PORT_AS_IS;
    answer->replaces = 0;
    shadow_count(core, fault->space);
    return FAULT_READY;
}

/*
 * Everything but the first write to an anonymous page; kept apart so that the latter saves few
 * registers.
 */
NOINLINE static enum fault_outcome fault_other(struct core *core, struct fault fault,
                                               struct fault_answer *answer)
{
    if (*fault.entry != 0) {
        return fault_present(core, &fault, answer);
    }
    if (fault.region->object != 0) {
        return fault_object(core, &fault, answer);
    }
    return fault_zero(core, &fault, answer);
}

enum fault_outcome fault_handle(struct core *core, struct space *space, vpn_t vpn, uint32_t access,
                                struct fault_answer *answer)
{
    uint32_t page;

    if (UNLIKELY(!vpn_to_page(vpn, &page))) {
        return FAULT_NO_REGION;
    }
    struct region *region = fault_find_region(core, space, page);
    if (UNLIKELY(region == NULL)) {
        return FAULT_NO_REGION;
    }
    const uint32_t rights = region_rights(region->flags);
    if (UNLIKELY((rights & access) == 0)) {
        return FAULT_DENIED;
    }
    uint64_t *entry = shadow_find(core, space, page);
    if (UNLIKELY(entry == NULL)) {
        entry = shadow_make(core, space, page);
        if (entry == NULL) {
            return FAULT_NO_FRAME;
        }
    }
    if (UNLIKELY(access != MEM_PROT_WRITE || *entry != 0 || region->object != 0)) {
        const struct fault fault = {space, region, entry, page, access};

        return fault_other(core, fault, answer);
    }
    const uint32_t frame = pool_take(core, FRAME_USER, space->number, page);
    if (UNLIKELY(frame == 0)) {
        return FAULT_NO_FRAME;
    }
    *entry = shadow_entry(SHADOW_OWN, frame);
    space->own++;
    region->flags |= REGION_TOUCHED;
    shadow_count(core, space);
    answer->frame = fault_pfn(core, frame);
    answer->prot = rights;
    answer->how = PORT_ZERO;
    answer->replaces = 0;
    return FAULT_READY;
}

/*
 * Have `pages` new pages from `page` on filled and mapped, as a step of its own: a page that is
 * present but was never filled must not survive the server.
 */
static void fault_fill(struct core *core, const struct space *space, uint32_t page, uint32_t pages,
                       const struct fault_answer *answer)
{
    core->worker->intent.source = answer->source;
    core->worker->intent.pages = pages;
    intent_step_space(core, STEP_INSTALL, space, answer->how, page, pool_frame(core, answer->frame),
                      answer->prot);
    if (answer->replaces != 0) {
        port_remove(core->port, space->kernel, page_to_vpn(page), (npages_t){pages});
    }
    port_install(core->port, space->kernel, page_to_vpn(page), (npages_t){pages}, answer->frame,
                 answer->prot, (enum port_how)answer->how, answer->source);
    intent_step_done(core);
}

void fault_install(struct core *core, const struct space *space, uint32_t page,
                   const struct fault_answer *answer)
{
    if (answer->how != PORT_AS_IS) {
        fault_fill(core, space, page, 1, answer);
        return;
    }
    if (answer->replaces != 0) {
        port_remove(core->port, space->kernel, page_to_vpn(page), (npages_t){1});
    }
    port_install(core->port, space->kernel, page_to_vpn(page), (npages_t){1}, answer->frame,
                 answer->prot, PORT_AS_IS, answer->source);
}

void fault_recover(struct core *core)
{
    const struct intent *intent = &core->worker->intent;

    if (intent->step == STEP_INSTALL) {
        const struct space *space = arena_page(core, intent->step_space);
        const struct fault_answer answer = {
            .frame = pool_pfn(core, intent->frame),
            .source = intent->source,
            .prot = intent->page,
            .how = (uint8_t)intent->level,
            .replaces = 1,
        };
        uint32_t page = intent->where;
        uint32_t pages = intent->pages;

        intent_step_done(core);
        fault_fill(core, space, page, pages, &answer);
    }
}

/*
 * Give absent pages of one anonymous region and one leaf consecutive frames, from `page` on, as
 * long as the calling server thread's list has them next.
 *
 * Returns: how many; 0 where a page needs more than that.
 */
static uint32_t fault_own_run(struct core *core, struct space *space, uint32_t page, uint32_t end)
{
    struct region *region = fault_find_region(core, space, page);
    uint64_t *entry = shadow_find(core, space, page);
    struct worker *worker = core->worker;
    uint32_t first = worker->free_first;
    uint32_t count = 0;

    if (region == NULL || region->object != 0 || (region->flags & MEM_PROT_WRITE) == 0 ||
        entry == NULL || first == 0) {
        return 0;
    }
    uint32_t leaf_end = shadow_block_range(shadow_block(page, 0), 0).end;

    end = end < region->end ? end : region->end;
    end = end < leaf_end ? end : leaf_end;
    while (page + count < end && entry[count] == 0 && worker->free_first == first + count) {
        uint32_t frame = pool_take(core, FRAME_USER, space->number, page + count);

        entry[count++] = shadow_entry(SHADOW_OWN, frame);
    }
    if (count == 0) {
        return 0;
    }
    const struct fault_answer answer = {
        .frame = fault_pfn(core, first),
        .prot = region_rights(region->flags),
        .how = PORT_ZERO,
    };

    *(uint64_t *)arena_at(core, space->leaf_entry) += (uint64_t)count << SHADOW_COUNT_SHIFT;
    space->own += count;
    region->flags |= REGION_TOUCHED;
    fault_fill(core, space, page, count, &answer);
    return count;
}

uint32_t fault_populate(struct core *core, struct space *space, struct range range, uint32_t access)
{
    struct fault_answer answer = {0};
    uint32_t page = range.first;

    while (page < range.end) {
        uint32_t run = access == MEM_PROT_WRITE ? fault_own_run(core, space, page, range.end) : 0;

        if (run != 0) {
            page += run;
            continue;
        }
        if (fault_handle(core, space, page_to_vpn(page), access, &answer) != FAULT_READY) {
            return page;
        }
        fault_install(core, space, page, &answer);
        page++;
    }
    return range.end;
}
