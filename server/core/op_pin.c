/* SPDX-License-Identifier: MIT */
#include "server/core/op_pin.h"

#include <stddef.h>

#include <base/assert.h>

#include "server/core/content.h"
#include "server/core/fault_quick.h"
#include "server/core/huge.h"
#include "server/core/huge_fault.h"
#include "server/core/large.h"
#include "server/core/lease.h"
#include "server/core/limit.h"
#include "server/core/page.h"
#include "server/core/pin_rule.h"
#include "server/core/pull.h"
#include "server/core/shared.h"

/* A page that is there need not be in the page table, unless it counts as touched (P6). */
static bool pin_maps(const struct pin_request *request)
{
    return pin_has(request, MEM_PIN_TOUCH) || !pin_has(request, MEM_PIN_GET);
}

/* Have a page for `access` (one MEM_PROT_ bit), which the region need not allow. */
static enum fault_outcome pin_fault(struct core *core, struct space *space,
                                    const struct pin_request *request, uint32_t page,
                                    uint32_t rights, uint32_t access)
{
    const bool is_allowed = (rights & access) != 0;
    const vpn_t vpn = page_to_vpn(page);
    struct fault_answer answer = {0};
    const enum fault_outcome outcome = is_allowed ? fault_handle(core, space, vpn, access, &answer)
                                                  : fault_force(core, space, vpn, access, &answer);

    if (outcome != FAULT_READY) {
        return outcome;
    }
    if (answer.how != PORT_AS_IS || (pin_maps(request) && answer.prot != 0)) {
        fault_install(core, space, page, &answer);
    }
    return FAULT_READY;
}

/*
 * Make a huge page present, by force, since the rules let it pass; to be pinned, one that no clone
 * has (P4, P15).
 */
static enum fault_outcome pin_touch_huge(struct core *core, struct space *space,
                                         struct region *region, const struct pin_request *request,
                                         uint32_t page)
{
    const bool is_own = pin_has(request, MEM_PIN_WRITE) ||
                        (pin_has(request, MEM_PIN_GET) && (region->flags & REGION_SHARED) == 0);
    const struct fault fault = {.space = space,
                                .region = region,
                                .page = page,
                                .access = is_own ? MEM_PROT_WRITE : MEM_PROT_READ};
    struct fault_answer answer = {0};
    enum fault_outcome outcome;

    do {
        outcome = huge_fault(core, &fault, &answer);
    } while (outcome == FAULT_AGAIN && !core->has_turns);
    if (outcome == FAULT_AGAIN) {
        wait_need(core, &(struct need){.kind = NEED_TURN});
        return FAULT_WAIT;
    }
    if (outcome == FAULT_READY && pin_maps(request) && answer.prot != 0) {
        fault_install(core, space, page, &answer);
    }
    return fault_judge(core, outcome);
}

/* Make a page present; to be pinned, as one of a leaf, and the space's own where it has to be. */
static enum fault_outcome pin_touch(struct core *core, struct space *space, struct region *region,
                                    const struct pin_request *request, uint32_t page)
{
    if (UNLIKELY(huge_is_region(region))) {
        return pin_touch_huge(core, space, region, request, page);
    }
    const uint32_t rights = region_rights(region->flags);
    const uint32_t access = pin_has(request, MEM_PIN_WRITE) ? MEM_PROT_WRITE : MEM_PROT_READ;
    const enum fault_outcome outcome = pin_fault(core, space, request, page, rights, access);

    if (outcome != FAULT_READY || !pin_has(request, MEM_PIN_GET)) {
        return outcome;
    }
    if (large_split(core, space, page) != ERR_OK) {
        return FAULT_NO_FRAME;
    }
    if (!pin_rule_unshares(region, request, *shadow_find(core, space, page))) {
        return FAULT_READY;
    }
    /* By force: the owner need not be able to write now. */
    return pin_fault(core, space, request, page, 0, MEM_PROT_WRITE);
}

/* Enter a page that is present in the pin. */
static enum err pin_take(struct core *core, struct space *space, const struct region *region,
                         struct pin *pin, uint32_t page)
{
    const struct object *object = region->object == 0 ? NULL : object_at(core, region->object);
    const uint64_t number = region_kind_at(region, page).offset;
    uint32_t frame;

    if (UNLIKELY(huge_is_region(region))) {
        const uint32_t unit = huge_unit(object->level);

        return pin_add(core, pin,
                       huge_frame(core, object, number / unit) + (uint32_t)(number % unit));
    }
    const uint64_t entry = *shadow_find(core, space, page);

    switch (shadow_entry_state(entry)) {
    case SHADOW_OWN:
        return pin_add(core, pin, shadow_entry_frame(entry));
    case SHADOW_ZERO:
        pin_add_for_good(core, pin, core->head->pool.zero_frame);
        return ERR_OK;
    case SHADOW_WIRED:
        ASSERT(object != NULL);
        if (object_has_frames(object)) {
            return pin_add(core, pin, content_frame(core, object, number));
        }
        frame = pool_frame(core, object_pfn(object, number));
        if (frame == 0) {
            return limit_refuse(space, ERR_FAULT); /* no RAM */
        }
        pin_add_for_good(core, pin, frame);
        return ERR_OK;
    case SHADOW_SHARED:
    case SHADOW_SWAPPED:
    case SHADOW_ABSENT:
        break;
    }
    UNREACHABLE();
}

/* One page, whatever is there. Returns: ERR_OK, ERR_FAULT, ERR_NOMEM, ERR_WAIT. */
static enum err pin_page(struct core *core, struct space *space, const struct pin_request *request,
                         struct pin *pin_opt, uint32_t page)
{
    struct region *region = fault_quick_region(core, space, page);
    enum err error = ERR_OK;

    if (region == NULL || !pin_rule_allows(core, region, request)) {
        return limit_refuse(space, ERR_FAULT);
    }
    switch (pin_touch(core, space, region, request, page)) {
    case FAULT_READY:
    case FAULT_LARGE:
    case FAULT_AGAIN:
        break;
    case FAULT_NO_REGION:
    case FAULT_DENIED:
    case FAULT_PAST_END:
        return limit_refuse(space, ERR_FAULT);
    case FAULT_WAIT:
        return ERR_WAIT;
    case FAULT_NO_FRAME:
        return limit_refuse_frames(core, space, 1);
    }
    if (pin_opt != NULL) {
        shared_enter(core);
        error = pin_take(core, space, region, pin_opt, page);
        shared_leave(core);
    }
    return error;
}

/*
 * Enter pages from `page` on, as long as they are in one region and one leaf, have frames of their
 * own, and no pin. In shared_enter().
 *
 * Returns: how many.
 */
static uint32_t pin_row(struct core *core, struct space *space, const struct pin_request *request,
                        struct pin *pin, uint32_t page, uint64_t pages)
{
    const struct region *region = fault_quick_region(core, space, page);

    if (region == NULL || pin_has(request, MEM_PIN_TOUCH) ||
        !pin_rule_allows(core, region, request)) {
        return 0;
    }
    const uint64_t *entry = shadow_find(core, space, page);
    const uint32_t owner = request->owner->number;
    const uint64_t allowed = pin_rule_allowance(request->owner);
    uint32_t *frames = pin_frames(core, pin) + pin->count;
    uint32_t end = region->end - page;
    uint32_t count = 0;

    if (entry == NULL) {
        return 0;
    }
    const uint32_t in_leaf = SHADOW_ENTRIES - (page & (SHADOW_ENTRIES - 1));

    end = end < in_leaf ? end : in_leaf;
    end = end < pages ? end : (uint32_t)pages;
    end = end < allowed ? end : (uint32_t)allowed;
    while (count < end && shadow_entry_state(entry[count]) == SHADOW_OWN) {
        const uint32_t frame = shadow_entry_frame(entry[count]);
        struct frame *record = &core->frames[frame];

        if (record->pins != 0) {
            break;
        }
        (void)pinner_add(core, record, owner);
        frames[count++] = frame;
    }
    pin->count += count;
    atomic_fetch_add_explicit(&request->owner->pinned, count, memory_order_relaxed);
    return count;
}

/* Page by page from `first` on. Returns: as pin_page() for the page after `*done`. */
static enum err pin_walk(struct core *core, struct space *space, const struct pin_request *request,
                         struct pin *pin_opt, uint32_t first, uint64_t *done)
{
    enum err error = ERR_OK;

    while (error == ERR_OK && *done < request->pages) {
        const uint32_t page = first + (uint32_t)*done;
        uint32_t row = 0;

        if (pin_opt != NULL) {
            shared_enter(core);
            row = pin_row(core, space, request, pin_opt, page, request->pages - *done);
            shared_leave(core);
        }
        if (row == 0) {
            error = pin_page(core, space, request, pin_opt, page);
        }
        *done += error == ERR_OK && row == 0 ? 1 : row;
    }
    return error;
}

static enum err pin_begin(struct core *core, struct space *space, const struct pin_request *request,
                          uint32_t first, struct pin **pin)
{
    struct pin_maker maker = {
        .owner = request->owner,
        .space = space,
        .first = first,
        .pages = (uint32_t)request->pages,
        .flags = request->flags,
        .lease_ms = request->lease_ms,
        .due = request->due,
        .device = request->device,
        .now = request->now,
    };

    for (uint32_t i = 0; i < PIN_PURPOSE; i++) {
        maker.purpose[i] = request->purpose[i];
    }
    return pin_make(core, &maker, pin);
}

/* The pin that was being made when its request had to wait. Returns: ERR_OK; ERR_STALE. */
static enum err pin_go_on(struct core *core, const struct pin_request *request, struct pin **pin)
{
    shared_enter(core);
    *pin = pin_find(core, core->making);
    shared_leave(core);
    return *pin != NULL && (*pin)->state == PIN_MAKING && (*pin)->owner == request->owner->number
               ? ERR_OK
               : limit_refuse(request->owner, ERR_STALE);
}

/* P13: the page is asked for all the same. */
static enum err pin_ask(struct core *core, struct space *space)
{
    uint32_t slot;

    if (core->need.kind == NEED_FRAME) {
        core->need = (struct need){0};
        return limit_refuse(space, ERR_AGAIN);
    }
    shared_enter(core);
    (void)pull_ask(core, space, object_at(core, core->need.object), &core->need, &slot);
    shared_leave(core);
    core->need = (struct need){0};
    return limit_refuse(space, ERR_AGAIN);
}

/* All that can be done now. Returns: ERR_OK; ERR_WAIT: core->need says for what; as pin_page(). */
static enum err pin_go(struct core *core, struct space *space, const struct pin_request *request,
                       uint32_t first, struct pin_answer *answer)
{
    const bool may_drop = pin_has(request, MEM_PIN_MAY_DROP);

    answer->pages = core->resume;
    answer->is_dropped = core->is_dropped;
    if (core->is_restarted && may_drop && !pin_has(request, MEM_PIN_GET)) {
        return ERR_OK; /* P10 */
    }
    enum err error = pin_walk(core, space, request, answer->pin_opt, first, &answer->pages);

    if (error != ERR_WAIT || core->need.kind == NEED_TURN) {
        return error;
    }
    core->need.pages = request->pages - answer->pages;
    if (pin_has(request, MEM_PIN_NOWAIT)) {
        return pin_ask(core, space);
    }
    core->need.progress = answer->pages;
    core->need.keeps = !may_drop; /* P8, P9 */
    core->need.making = answer->pin_opt == NULL ? 0 : answer->pin_opt->number;
    return ERR_WAIT;
}

enum err op_pin_end(struct core *core, struct space *space, const struct pin_request *request,
                    enum err error, struct pin_answer *answer)
{
    struct pin *pin = answer->pin_opt;

    if (answer->pages == 0) {
        answer->pin_opt = NULL;
        if (pin != NULL) {
            pin_drop(core, pin);
        }
        const bool is_told = error == ERR_OK || space->refusal.error == (uint32_t)error ||
                             request->owner->refusal.error == (uint32_t)error;

        return is_told ? error : limit_refuse(space, error);
    }
    if (pin != NULL) {
        pin_ready(pin);
        if (UNLIKELY(pin->lease_ms != 0)) {
            lease_begin(core, pin);
        }
    }
    /* P1: what came after the last page is no refusal. */
    limit_begin(request->owner);
    limit_begin(space);
    AUDIT(space_audit(core, space));
    return ERR_OK;
}

/*
 * A step of a huge page was made, and the request is to come again as it came: that is no wait
 * (P8, P10, P13), so what it has pinned goes, and all is pinned when no step is left.
 */
static void pin_start_over(struct core *core, struct pin_answer *answer)
{
    if (answer->pin_opt != NULL) {
        pin_drop(core, answer->pin_opt);
    }
    *answer = (struct pin_answer){0};
    core->need = (struct need){.kind = NEED_TURN};
}

enum err op_pin(struct core *core, struct space *space, const struct pin_request *request,
                struct pin_answer *answer)
{
    uint32_t first;

    limit_begin(request->owner);
    limit_begin(space);
    *answer = (struct pin_answer){0};
    enum err error = pin_rule_check(space, request);

    if (error != ERR_OK || request->pages == 0) {
        return error;
    }
    if (!vpn_to_page(uaddr_to_vpn(request->address), &first)) {
        return limit_refuse(space, ERR_FAULT);
    }
    if (pin_has(request, MEM_PIN_GET)) {
        error = core->making != 0 ? pin_go_on(core, request, &answer->pin_opt)
                                  : pin_begin(core, space, request, first, &answer->pin_opt);
        if (error != ERR_OK) {
            return error;
        }
    }
    error = pin_go(core, space, request, first, answer);
    if (error == ERR_WAIT && core->need.kind == NEED_TURN) {
        pin_start_over(core, answer);
        return ERR_WAIT;
    }
    return error == ERR_WAIT ? ERR_WAIT : op_pin_end(core, space, request, error, answer);
}

enum err op_unpin(struct core *core, struct space *owner, uint64_t number, uint64_t flags)
{
    limit_begin(owner);
    if ((flags & ~(uint64_t)MEM_UNPIN_DIRTY) != 0) {
        return limit_refuse(owner, ERR_INVAL);
    }
    shared_enter(core);
    struct pin *pin = pin_find(core, number);
    const bool stands = pin != NULL && pin->state == PIN_STANDING;
    const bool is_own = stands && pin->owner == owner->number;

    shared_leave(core);
    if (!stands) {
        return limit_refuse(owner, ERR_STALE);
    }
    if (!is_own) {
        return limit_refuse(owner, ERR_PERM);
    }
    pin_drop(core, pin); /* which nobody else can have done */
    return ERR_OK;
}
