/* SPDX-License-Identifier: MIT */
#include "server/core/op_pin.h"

#include <stddef.h>

#include <base/assert.h>

#include "server/core/content.h"
#include "server/core/fault_quick.h"
#include "server/core/large.h"
#include "server/core/limit.h"
#include "server/core/page.h"
#include "server/core/shared.h"

STATIC_ASSERT(MEM_PIN_PAGES_MAX == PIN_PAGES_MAX && MEM_PIN_PURPOSE == PIN_PURPOSE,
              "core has the numbers of the protocol");

static bool pin_has(const struct pin_request *request, uint32_t flags)
{
    return (request->flags & flags) != 0;
}

static enum err pin_check(struct space *space, const struct pin_request *request)
{
    const uint32_t needs_get = MEM_PIN_FRAMES | MEM_PIN_HANDLE | MEM_PIN_LONGTERM;
    const uint32_t privileges = request->owner->settings.privileges;
    const bool gets = pin_has(request, MEM_PIN_GET);

    if ((request->flags & ~MEM_PIN_FLAGS) != 0 || (!gets && pin_has(request, needs_get)) ||
        (!gets && request->device != 0) || request->pages > PIN_PAGES_MAX) {
        return limit_refuse(space, ERR_INVAL);
    }
    if (pin_has(request, MEM_PIN_REGIONS) && pin_has(request, MEM_PIN_MAY_DROP)) {
        return limit_refuse(space, ERR_INVAL); /* P12 */
    }
    if ((pin_has(request, MEM_PIN_FRAMES) && (privileges & SPACE_PRIVILEGE_PHYSICAL) == 0) ||
        (request->device != 0 && (privileges & SPACE_PRIVILEGE_DMA) == 0)) {
        return limit_refuse(space, ERR_PERM);
    }
    return ERR_OK;
}

/* Private, and its pages may be written one day: what it has together with others is copied. */
static bool pin_region_copies(const struct region *region)
{
    return (region->flags & (REGION_SHARED | MEM_PROT_WRITE << REGION_MAY_SHIFT)) ==
           MEM_PROT_WRITE << REGION_MAY_SHIFT;
}

/* P2, P3: whether pages of the region can be pinned so (Linux check_vma_flags()). */
static bool pin_region_allows(const struct core *core, const struct region *region,
                              const struct pin_request *request)
{
    const uint32_t rights = region_rights(region->flags);
    const bool forces = pin_has(request, MEM_PIN_FORCE);

    /* Pages of pagers cannot be pinned as yet: PIN does not wait for them. */
    if (region->object != 0 && (object_at(core, region->object)->kind == OBJECT_DEVICE ||
                                object_at(core, region->object)->kind == OBJECT_PAGED)) {
        return false;
    }
    if (pin_has(request, MEM_PIN_WRITE)) {
        return (rights & MEM_PROT_WRITE) != 0 || (forces && pin_region_copies(region));
    }
    return (rights & MEM_PROT_READ) != 0 ||
           (forces && (region->flags & MEM_PROT_READ << REGION_MAY_SHIFT) != 0);
}

/* P4: whether the owner's next write would go to another frame than the one that is pinned. */
static bool pin_must_unshare(const struct region *region, const struct pin_request *request,
                             uint64_t entry)
{
    switch (shadow_entry_state(entry)) {
    case SHADOW_SHARED:
        return true;
    case SHADOW_ZERO:
    case SHADOW_WIRED:
        return pin_has(request, MEM_PIN_LONGTERM) && pin_region_copies(region);
    case SHADOW_OWN:
    case SHADOW_ABSENT:
        return false;
    }
    UNREACHABLE();
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
    /* A page that is there need not be in the page table, unless it counts as touched (P6). */
    const bool is_wanted = pin_has(request, MEM_PIN_TOUCH) || !pin_has(request, MEM_PIN_GET);

    if (answer.how != PORT_AS_IS || (is_wanted && answer.prot != 0)) {
        fault_install(core, space, page, &answer);
    }
    return FAULT_READY;
}

/* Make a page present; to be pinned, as one of a leaf, and the space's own where it has to be. */
static enum fault_outcome pin_touch(struct core *core, struct space *space,
                                    const struct region *region, const struct pin_request *request,
                                    uint32_t page)
{
    const uint32_t rights = region_rights(region->flags);
    const uint32_t access = pin_has(request, MEM_PIN_WRITE) ? MEM_PROT_WRITE : MEM_PROT_READ;
    const enum fault_outcome outcome = pin_fault(core, space, request, page, rights, access);

    if (outcome != FAULT_READY || !pin_has(request, MEM_PIN_GET)) {
        return outcome;
    }
    if (large_split(core, space, page) != ERR_OK) {
        return FAULT_NO_FRAME;
    }
    if (!pin_must_unshare(region, request, *shadow_find(core, space, page))) {
        return FAULT_READY;
    }
    /* By force: the owner need not be able to write now. */
    return pin_fault(core, space, request, page, 0, MEM_PROT_WRITE);
}

/* Enter a page that is present in the pin. */
static enum err pin_take(struct core *core, struct space *space, const struct region *region,
                         struct pin *pin, uint32_t page)
{
    const uint64_t entry = *shadow_find(core, space, page);
    const struct object *object = region->object == 0 ? NULL : object_at(core, region->object);
    const uint64_t number = region_kind_at(region, page).offset;
    uint32_t frame;

    switch (shadow_entry_state(entry)) {
    case SHADOW_OWN:
        return pin_add(core, pin, shadow_entry_frame(entry));
    case SHADOW_ZERO:
        pin_add_for_good(core, pin, core->head->pool.zero_frame);
        return ERR_OK;
    case SHADOW_WIRED:
        ASSERT(object != NULL);
        if (object->kind == OBJECT_MEMORY) {
            return pin_add(core, pin, content_frame(core, object, number));
        }
        frame = pool_frame(core, object_pfn(object, number));
        if (frame == 0) {
            return limit_refuse(space, ERR_FAULT); /* no RAM */
        }
        pin_add_for_good(core, pin, frame);
        return ERR_OK;
    case SHADOW_SHARED:
    case SHADOW_ABSENT:
        break;
    }
    UNREACHABLE();
}

/* One page, whatever is there. Returns: ERR_OK, ERR_FAULT, ERR_NOMEM. */
static enum err pin_page(struct core *core, struct space *space, const struct pin_request *request,
                         struct pin *pin_opt, uint32_t page)
{
    const struct region *region = fault_quick_region(core, space, page);
    enum err error = ERR_OK;

    if (region == NULL || !pin_region_allows(core, region, request)) {
        return limit_refuse(space, ERR_FAULT);
    }
    switch (pin_touch(core, space, region, request, page)) {
    case FAULT_READY:
    case FAULT_LARGE:
        break;
    case FAULT_NO_REGION:
    case FAULT_DENIED:
    case FAULT_PAST_END:
    case FAULT_WAIT: /* not with what pin_region_allows() */
        return limit_refuse(space, ERR_FAULT);
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

/* How many frames more the owner may pin. */
static uint64_t pin_allowance(const struct space *owner)
{
    const uint64_t limit = owner->settings.locked_max / PAGE_SIZE;
    const uint64_t used =
        owner->locked + atomic_load_explicit(&owner->pinned, memory_order_relaxed);

    if ((owner->settings.privileges & SPACE_PRIVILEGE_LOCK) != 0) {
        return UINT64_MAX;
    }
    return used < limit ? limit - used : 0;
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
        !pin_region_allows(core, region, request)) {
        return 0;
    }
    const uint64_t *entry = shadow_find(core, space, page);
    const uint32_t owner = request->owner->number;
    const uint64_t allowed = pin_allowance(request->owner);
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
        .device = request->device,
        .now = request->now,
    };

    for (uint32_t i = 0; i < PIN_PURPOSE; i++) {
        maker.purpose[i] = request->purpose[i];
    }
    return pin_make(core, &maker, pin);
}

enum err op_pin(struct core *core, struct space *space, const struct pin_request *request,
                struct pin_answer *answer)
{
    uint32_t first;

    limit_begin(request->owner);
    limit_begin(space);
    *answer = (struct pin_answer){0};
    enum err error = pin_check(space, request);

    if (error != ERR_OK || request->pages == 0) {
        return error;
    }
    if (!vpn_to_page(uaddr_to_vpn(request->address), &first)) {
        return limit_refuse(space, ERR_FAULT);
    }
    struct pin *pin = NULL;

    if (pin_has(request, MEM_PIN_GET)) {
        error = pin_begin(core, space, request, first, &pin);
        if (error != ERR_OK) {
            return error;
        }
    }
    error = pin_walk(core, space, request, pin, first, &answer->pages);
    if (answer->pages == 0) {
        if (pin != NULL) {
            pin_drop(core, pin);
        }
        return error;
    }
    if (pin != NULL) {
        pin_ready(pin);
    }
    /* P1: what came after the last page is no refusal. */
    limit_begin(request->owner);
    limit_begin(space);
    answer->pin_opt = pin;
    AUDIT(space_audit(core, space));
    return ERR_OK;
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

/* What a page that is on `entry` (0: absent) would take. */
static void pin_add_cost(struct core *core, const struct region *region,
                         const struct pin_request *request, uint32_t page, uint64_t entry,
                         struct pin_cost *cost)
{
    const struct object *object = region->object == 0 ? NULL : object_at(core, region->object);
    const bool is_memory = object != NULL && object->kind == OBJECT_MEMORY;
    const bool is_shared = (region->flags & REGION_SHARED) != 0;
    const uint64_t number = region_kind_at(region, page).offset;
    uint64_t would_be = entry;
    uint32_t frame = 0;

    if (entry == 0) {
        would_be = shadow_entry(object == NULL ? SHADOW_ZERO : SHADOW_WIRED, 0);
    }
    const enum shadow_state state = shadow_entry_state(would_be);
    const bool is_copied =
        state != SHADOW_OWN && !is_shared &&
        (pin_has(request, MEM_PIN_WRITE) || pin_must_unshare(region, request, would_be));

    shared_enter(core);
    if (state == SHADOW_OWN) {
        frame = shadow_entry_frame(entry);
    } else if (state == SHADOW_WIRED && is_memory) {
        frame = content_frame(core, object, number);
        cost->frames += frame == 0 ? 1 : 0;
    }
    const bool is_new = frame == 0 || is_copied ||
                        pinner_count(core, pool_record(core, frame), request->owner->number) == 0;
    const bool counts = is_copied || state == SHADOW_OWN || (state == SHADOW_WIRED && is_memory);

    shared_leave(core);
    cost->frames += is_copied ? 1 : 0;
    cost->copies += is_copied && state != SHADOW_ZERO ? 1 : 0;
    cost->counted += counts && is_new && pin_has(request, MEM_PIN_GET) ? 1 : 0;
    cost->pages++;
}

/* Frames for tables that the page would be the first to need, of those looked at. */
static uint64_t pin_table_cost(const struct core *core, const struct space *space, uint32_t page,
                               bool is_first)
{
    uint64_t frames = 0;

    if (is_first || page % SHADOW_ENTRIES == 0) {
        const uint64_t *upper = shadow_upper(core, space, 0, page);

        frames += upper == NULL || *upper == 0 || shadow_upper_is_large(*upper) ? BUDGET_SHADOW : 0;
        frames += upper == NULL && (is_first || page % (SHADOW_ENTRIES * SHADOW_ENTRIES) == 0)
                      ? BUDGET_SHADOW
                      : 0;
    }
    return frames;
}

enum err op_pin_cost(struct core *core, struct space *space, const struct pin_request *request,
                     struct pin_cost *cost)
{
    const uint64_t allowed = pin_allowance(request->owner);
    const struct space_settings *settings = &request->owner->settings;
    uint32_t first;

    limit_begin(request->owner);
    limit_begin(space);
    *cost = (struct pin_cost){
        .limit = allowed == UINT64_MAX ? MEM_UNLIMITED : settings->locked_max / PAGE_SIZE,
        .used = request->owner->locked + request->owner->pinned,
    };
    enum err error = pin_check(space, request);

    if (error != ERR_OK || request->pages == 0) {
        return error;
    }
    if (!vpn_to_page(uaddr_to_vpn(request->address), &first)) {
        return limit_refuse(space, ERR_FAULT);
    }
    while (cost->pages < request->pages) {
        const uint32_t page = first + (uint32_t)cost->pages;
        const struct region *region = tree_find(core, &space->tree, page);

        if (region == NULL || region->first > page || !pin_region_allows(core, region, request) ||
            (region->object != 0 && !object_has_page(object_at(core, region->object),
                                                     region_kind_at(region, page).offset))) {
            break;
        }
        cost->frames += pin_table_cost(core, space, page, cost->pages == 0);
        pin_add_cost(core, region, request, page, page_entry(core, space, page), cost);
        if (cost->counted > allowed) {
            break;
        }
    }
    return cost->pages != 0 ? ERR_OK : limit_refuse(space, ERR_FAULT);
}
