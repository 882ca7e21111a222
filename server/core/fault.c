/* SPDX-License-Identifier: MIT */
#include "server/core/fault.h"

#include <base/assert.h>

#include "server/core/around.h"
#include "server/core/budget.h"
#include "server/core/content.h"
#include "server/core/fault_quick.h"
#include "server/core/grow.h"
#include "server/core/huge.h"
#include "server/core/object.h"
#include "server/core/page.h"
#include "server/core/paged.h"
#include "server/core/pool.h"
#include "server/core/present.h"
#include "server/core/reclaim.h"
#include "server/core/shadow.h"

struct region *fault_find_region(struct core *core, struct space *space, uint32_t page)
{
    if (UNLIKELY(space->work.phase != WORK_NONE)) {
        return NULL; /* whoever asks makes a step first */
    }
    struct region *region = tree_find(core, &space->tree, page);

    if (region == NULL || region->first > page) {
        region = grow_down(core, space, page);
        if (region == NULL) {
            return NULL;
        }
    }
    space->region_cache = arena_link(core, region);
    return region;
}

uint64_t *fault_make_entry(struct core *core, struct space *space, uint32_t page)
{
    uint64_t *entry = shadow_find(core, space, page);

    return entry != NULL ? entry : shadow_make(core, space, page);
}

enum fault_outcome fault_need(struct core *core, const struct region *region,
                              const struct object *object, uint64_t number)
{
    const uint32_t hint = (region->flags & REGION_SEQUENTIAL) != 0 ? HINT_SEQUENTIAL
                          : (region->flags & REGION_RANDOM) != 0   ? HINT_RANDOM
                                                                   : HINT_NONE;

    wait_need(core, &(struct need){.kind = NEED_PAGE,
                                   .object = arena_link(core, object),
                                   .page = number,
                                   .pages = 1,
                                   .hint = hint});
    return FAULT_WAIT;
}

/* The frame of a page of an object, which exists. Returns: FAULT_READY, _NO_FRAME or _WAIT. */
static enum fault_outcome fault_object_frame(struct core *core, const struct fault *fault,
                                             struct object *object, uint64_t number, pfn_t *pfn)
{
    if (!object_has_frames(object)) {
        *pfn = object_pfn(object, number);
        return FAULT_READY;
    }
    uint32_t frame = content_frame(core, object, number);

    if (frame == 0 && object->kind == OBJECT_PAGED) {
        return fault_need(core, fault->region, object, number);
    }
    if (frame == 0 && content_is_swapped(core, object, number)) {
        const uint32_t name = content_slot(core, object, number);

        if (!content_return(core, object, number, &frame)) {
            return fault_need(core, fault->region, swap_object(core, name), swap_slot(name));
        }
    }
    if (frame == 0) {
        frame = content_make(core, fault->space, object, number);
    }
    if (frame == 0) {
        return FAULT_NO_FRAME;
    }
    paged_note_use(core, frame);
    *pfn = pool_pfn(core, frame);
    return FAULT_READY;
}

/* What a shared region may do with a page. Writing is noticed: it makes a page of a pager dirty. */
static uint32_t fault_shared_prot(struct core *core, struct object *object, uint64_t number,
                                  uint32_t access)
{
    if (object->kind != OBJECT_PAGED) {
        return MEM_PROT_ALL;
    }
    if (access == MEM_PROT_WRITE) {
        paged_touch(core, object, number);
    }
    return paged_is_writable(core, object, number) ? MEM_PROT_ALL : ~MEM_PROT_WRITE;
}

static enum fault_outcome fault_object_page(struct core *core, const struct fault *fault,
                                            struct object *object, struct fault_answer *answer)
{
    struct space *space = fault->space;
    struct region *region = fault->region;
    uint64_t number = region->offset + (fault->page - region->first);
    bool is_shared = (region->flags & REGION_SHARED) != 0;
    bool is_new = *fault->entry == 0;

    pfn_t shown;

    if (!object_has_page(object, number)) {
        return FAULT_PAST_END;
    }
    const enum fault_outcome outcome = fault_object_frame(core, fault, object, number, &shown);

    if (outcome != FAULT_READY) {
        return outcome;
    }
    *answer = (struct fault_answer){
        .frame = shown,
        .prot = region_rights(region->flags),
        .how = object->kind == OBJECT_DEVICE ? PORT_DEVICE : PORT_AS_IS,
        .is_new = is_new,
    };
    if (!is_shared && fault->access == MEM_PROT_WRITE) {
        uint32_t frame = fault_quick_frame(core, space, fault->page);

        if (frame == 0) {
            return FAULT_NO_FRAME;
        }
        *fault->entry = shadow_entry(SHADOW_OWN, frame);
        space->own++;
        space->wired -= is_new ? 0 : 1;
        region->flags |= REGION_TOUCHED;
        answer->source = answer->frame;
        answer->frame = pool_pfn(core, frame);
        answer->how = PORT_COPY;
    } else {
        *fault->entry = shadow_entry(SHADOW_WIRED, 0);
        space->wired += is_new ? 1 : 0;
        answer->prot &=
            is_shared ? fault_shared_prot(core, object, number, fault->access) : ~MEM_PROT_WRITE;
    }
    if (is_new) {
        shadow_count(core, space);
    }
    return FAULT_READY;
}

/* Pages get frames in shared_enter(); they keep them while anybody serves a space (op_object.h). */
static enum fault_outcome fault_memory(struct core *core, const struct fault *fault,
                                       struct object *object, struct fault_answer *answer)
{
    shared_enter(core);
    const bool is_new = *fault->entry == 0;
    const enum fault_outcome outcome = fault_object_page(core, fault, object, answer);

    /* A page that was waited for, and asked for alone, has nothing beside it as a rule. */
    if (outcome == FAULT_READY && is_new && fault->access != MEM_PROT_WRITE &&
        !(core->is_restarted && object->ahead == 1)) {
        around_map(core, fault, object);
    }
    shared_leave(core);
    return outcome;
}

enum fault_outcome fault_object(struct core *core, const struct fault *fault,
                                struct fault_answer *answer)
{
    struct object *object = object_at(core, fault->region->object);

    return object_has_frames(object) ? fault_memory(core, fault, object, answer)
                                     : fault_object_page(core, fault, object, answer);
}

enum fault_outcome fault_judge(struct core *core, enum fault_outcome outcome)
{
    const bool lacks_frame = outcome == FAULT_NO_FRAME && core->worker->lacks_frame != 0;

    return lacks_frame && reclaim_need(core) ? FAULT_WAIT : outcome;
}

enum fault_outcome fault_handle(struct core *core, struct space *space, vpn_t vpn, uint32_t access,
                                struct fault_answer *answer)
{
    enum fault_outcome outcome;

    do {
        outcome = fault_quick(core, space, vpn, access, answer);
    } while (outcome == FAULT_AGAIN && !core->has_turns);
    if (outcome == FAULT_AGAIN) {
        wait_need(core, &(struct need){.kind = NEED_TURN});
        return FAULT_WAIT;
    }
    return outcome == FAULT_LARGE ? FAULT_READY : fault_judge(core, outcome);
}

/* fault_force() of an anonymous page that no clone has. */
static enum fault_outcome fault_force_anonymous(struct core *core, const struct fault *fault,
                                                struct fault_answer *answer)
{
    const enum shadow_state state = shadow_entry_state(*fault->entry);
    const bool is_new = state == SHADOW_ABSENT;
    const bool gets_own = state != SHADOW_OWN && fault->access == MEM_PROT_WRITE;
    struct space *space = fault->space;
    uint32_t frame =
        state == SHADOW_OWN ? shadow_entry_frame(*fault->entry) : core->head->pool.zero_frame;

    if (gets_own) {
        frame = fault_quick_frame(core, space, fault->page);
        if (frame == 0) {
            return FAULT_NO_FRAME;
        }
        *fault->entry = shadow_entry(SHADOW_OWN, frame);
        space->own++;
        space->zero -= is_new ? 0 : 1;
        fault->region->flags |= REGION_TOUCHED;
    } else if (is_new) {
        *fault->entry = shadow_entry(SHADOW_ZERO, 0);
        space->zero++;
    }
    if (is_new) {
        shadow_count(core, space);
    }
    *answer = (struct fault_answer){
        .frame = pool_pfn(core, frame),
        .prot = region_rights(fault->region->flags),
        .how = gets_own ? PORT_ZERO : PORT_AS_IS,
        .is_new = is_new,
    };
    if (shadow_entry_state(*fault->entry) == SHADOW_ZERO) {
        answer->prot &= ~MEM_PROT_WRITE;
    }
    return FAULT_READY;
}

enum fault_outcome fault_force(struct core *core, struct space *space, vpn_t vpn, uint32_t access,
                               struct fault_answer *answer)
{
    uint32_t page;

    if (!vpn_to_page(vpn, &page)) {
        return FAULT_NO_REGION;
    }
    struct region *region = fault_quick_region(core, space, page);

    if (region == NULL) {
        return FAULT_NO_REGION;
    }
    if (large_split(core, space, page) != ERR_OK) {
        return FAULT_NO_FRAME;
    }
    uint64_t *entry = fault_quick_entry(core, space, page);

    if (entry == NULL) {
        return FAULT_NO_FRAME;
    }
    const struct fault fault = {space, region, entry, page, access};
    const enum shadow_state state = shadow_entry_state(*entry);

    return fault_judge(core, state >= SHADOW_SHARED || (region->object != 0 && state != SHADOW_OWN)
                                 ? fault_quick_call(core, &fault, answer)
                                 : fault_force_anonymous(core, &fault, answer));
}

/* Fill a new page that nobody may see at present. */
static void fault_fill_unseen(struct core *core, const struct fault_answer *answer)
{
    port_zero(core->port, answer->frame);
    if (answer->how == PORT_COPY) {
        port_copy(core->port, answer->frame, 0, answer->source, 0, PAGE_SIZE);
    }
}

/*
 * Have `pages` new pages from `page` on filled and mapped, as a step of its own: a page that is
 * present but was never filled must not survive the server.
 */
static void fault_fill(struct core *core, const struct space *space, uint32_t page, uint32_t pages,
                       const struct fault_answer *answer)
{
    ASSERT(!answer->is_large);
    core->worker->intent.source = answer->source;
    core->worker->intent.pages = pages;
    intent_step_space(core, STEP_INSTALL, space, answer->how, page, pool_frame(core, answer->frame),
                      answer->prot);
    if (UNLIKELY(answer->prot == 0)) {
        fault_fill_unseen(core, answer);
    } else {
        port_install(core->port, space->kernel, page_to_vpn(page), (npages_t){pages}, answer->frame,
                     answer->prot, (enum port_how)answer->how, answer->source);
    }
    intent_step_done(core);
}

/* Have the large leaf installed that holds `page`: if it is new, as a step of its own. */
static void fault_install_large(struct core *core, const struct space *space, uint32_t page,
                                const struct fault_answer *answer)
{
    const uint32_t offset = page & (huge_unit(answer->level) - 1);
    const uint32_t frame = pool_frame(core, answer->frame) - offset;
    const uint32_t first = page - offset;

    if (answer->how == PORT_ZERO) {
        intent_step_space(core, STEP_LARGE, space, 1, first, frame, answer->prot);
    }
    port_install_large(core->port, space->kernel, answer->level, page_to_vpn(first),
                       pool_pfn(core, frame), answer->prot, (enum port_how)answer->how);
    intent_step_done(core);
}

void fault_install(struct core *core, const struct space *space, uint32_t page,
                   const struct fault_answer *answer)
{
    if (answer->is_large) {
        fault_install_large(core, space, page, answer);
        return;
    }
    if (answer->how == PORT_ZERO || answer->how == PORT_COPY) {
        fault_fill(core, space, page, 1, answer);
        return;
    }
    port_install(core->port, space->kernel, page_to_vpn(page), (npages_t){1}, answer->frame,
                 answer->prot, (enum port_how)answer->how, answer->source);
}

void fault_recover(struct core *core)
{
    const struct intent *intent = &core->worker->intent;

    if (intent->step == STEP_LARGE) {
        const struct space *space = arena_page(core, intent->step_space);
        const struct fault_answer answer = {.frame = pool_pfn(core, intent->frame),
                                            .prot = intent->page,
                                            .how = PORT_ZERO,
                                            .is_large = true,
                                            .level = 1};
        const uint32_t page = intent->where;

        port_remove(core->port, space->kernel, page_to_vpn(page), (npages_t){LARGE_PAGES});
        intent_step_done(core);
        fault_install_large(core, space, page, &answer);
    }
    if (intent->step == STEP_INSTALL) {
        const struct space *space = arena_page(core, intent->step_space);
        const struct fault_answer answer = {
            .frame = pool_pfn(core, intent->frame),
            .source = intent->source,
            .prot = intent->page,
            .how = (uint8_t)intent->level,
        };
        uint32_t page = intent->where;
        uint32_t pages = intent->pages;

        /* Frames that were mapped already are not unused: unmap them. */
        port_remove(core->port, space->kernel, page_to_vpn(page), (npages_t){pages});
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
    struct region *region = fault_quick_region(core, space, page);
    uint64_t *entry = shadow_find(core, space, page);
    struct worker *worker = core->worker;
    uint32_t count = 0;

    if (worker->free_first == 0) {
        pool_refill(core); /* not in the middle: it may make port calls */
    }
    const uint32_t first = worker->free_first;
    uint32_t next = first;

    if (region == NULL || region->object != 0 || (region->flags & MEM_PROT_WRITE) == 0 ||
        entry == NULL || first == 0) {
        return 0;
    }
    uint32_t leaf_end = shadow_block_range(shadow_block(page, 0), 0).end;

    end = end < region->end ? end : region->end;
    end = end < leaf_end ? end : leaf_end;
    const uint32_t allowed = budget_take_pages(core, space, end - page);

    while (count < allowed && entry[count] == 0 && next == first + count) {
        next = pool_claim(core, first + count, FRAME_USER, space->number, page + count);
        entry[count] = shadow_entry(SHADOW_OWN, first + count);
        count++;
    }
    budget_give_pages(core, space, allowed - count);
    if (count == 0) {
        return 0;
    }
    worker->free_first = next;
    pool_count(worker, 0 - count);
    const struct fault_answer answer = {
        .frame = pool_pfn(core, first),
        .prot = region_rights(region->flags),
        .how = PORT_ZERO,
    };

    *(uint64_t *)arena_at(core, space->leaf_entry) += (uint64_t)count << SHADOW_COUNT_SHIFT;
    space->own += count;
    region->flags |= REGION_TOUCHED;
    fault_fill(core, space, page, count, &answer);
    return count;
}

/* Take from what this turn may do. */
static void fault_charge(struct core *core, uint32_t units)
{
    core->left -= units < core->left ? units : core->left;
}

/* Pages from `page` on to the end of the large leaf, or to `end` if that is before. */
static uint32_t fault_large_rest(const struct fault_answer *answer, uint32_t page, uint32_t end)
{
    const uint32_t unit = huge_unit(answer->level);
    const uint32_t rest = unit - (page & (unit - 1));

    return rest < end - page ? rest : end - page;
}

uint32_t fault_populate(struct core *core, struct space *space, struct range range, uint32_t access)
{
    struct fault_answer answer = {0};
    uint32_t page = range.first;

    while (page < range.end && !fault_turn_is_over(core)) {
        const uint32_t left = core->has_turns ? core->left : range_pages(range);
        const uint32_t end = left < range.end - page ? page + left : range.end;
        uint32_t run = present_run(core, space, page, range.end);

        if (run != 0) {
            fault_charge(core, (run + TURN_PRESENT - 1) / TURN_PRESENT);
        } else if (access == MEM_PROT_WRITE) {
            run = fault_own_run(core, space, page, end);
            fault_charge(core, run);
        }
        if (run == 0) {
            if (fault_handle(core, space, page_to_vpn(page), access, &answer) != FAULT_READY) {
                return page;
            }
            fault_install(core, space, page, &answer);
            run = answer.is_large ? fault_large_rest(&answer, page, range.end) : 1;
            fault_charge(core, run * TURN_SINGLE);
        }
        page += run;
    }
    return page < range.end ? page : range.end;
}

bool fault_ahead(struct core *core, struct space *space, const struct region *region, uint32_t page)
{
    const uint32_t ahead = core->head->fault_ahead;
    const uint32_t leaf_end = shadow_block_range(shadow_block(page, 0), 0).end;
    const uint32_t left = (region->end < leaf_end ? region->end : leaf_end) - page;
    const uint32_t end = page + (left <= ahead ? left : ahead + 1);
    const uint64_t spare = 2 * (uint64_t)ahead;
    const uint32_t spender = core->spender;
    uint32_t next = page;

    /* Nobody asked for these pages: they must not take what somebody will ask for. */
    if (pool_free(core) < spare || !budget_draw(core, space, (int64_t)spare)) {
        return false;
    }
    budget_give_pages(core, space, (uint32_t)spare);
    core->spender = 0; /* nor what a reserve has for one that is waited for */
    while (next < end) {
        const uint32_t run = fault_own_run(core, space, next, end);

        if (run == 0) {
            break;
        }
        next += run;
    }
    core->spender = spender;
    return next > page;
}
