/* SPDX-License-Identifier: MIT */
#include "server/core/op_pin_cost.h"

#include <stddef.h>

#include "server/core/budget.h"
#include "server/core/content.h"
#include "server/core/huge.h"
#include "server/core/large.h"
#include "server/core/limit.h"
#include "server/core/page.h"
#include "server/core/pin_rule.h"
#include "server/core/pool.h"
#include "server/core/reclaim.h"
#include "server/core/shadow.h"
#include "server/core/shared.h"
#include "server/core/tally.h"

/* A walk over the pages of a request. */
struct walk {
    struct tally tally;
    const struct pin_request *request;
    struct pin_cost *cost;
    uint64_t allowed;  /* frames more that the owner may pin */
    uint64_t pinners;  /* records that several owners of a frame need */
    uint32_t first;    /* page */
    uint32_t page;     /* that is looked at */
    uint32_t made_end; /* pages before it came with one before, each in a frame of its own */
};

static uint32_t access_of(const struct pin_request *request)
{
    return pin_has(request, MEM_PIN_WRITE) ? MEM_PROT_WRITE : MEM_PROT_READ;
}

/* The entry of a page when it has been touched for reading, as far as its state goes. */
static uint64_t entry_after(const struct core *core, const struct region *region, uint64_t entry)
{
    if (shadow_entry_state(entry) == SHADOW_SHARED &&
        pool_record(core, shadow_entry_frame(entry))->references == 1) {
        return shadow_entry(SHADOW_OWN, shadow_entry_frame(entry));
    }
    if (entry == 0) {
        return shadow_entry(region->object == 0 ? SHADOW_ZERO : SHADOW_WIRED, 0);
    }
    return entry;
}

/* Whether the page gets a frame of the space's own, which it does not have yet. */
static bool gets_own(const struct walk *walk, const struct region *region, uint64_t entry)
{
    const uint64_t after = entry_after(walk->tally.core, region, entry);

    if ((region->flags & REGION_SHARED) != 0 || shadow_entry_state(after) == SHADOW_OWN) {
        return false;
    }
    return pin_has(walk->request, MEM_PIN_WRITE) ||
           (pin_has(walk->request, MEM_PIN_GET) && pin_rule_unshares(region, walk->request, after));
}

/* Whether a touch of a page of a region is one of the object's page. */
static bool touches_object(uint64_t entry)
{
    return entry == 0 || shadow_entry_state(entry) == SHADOW_WIRED;
}

/* What pages before have done to the one of an object that is looked at. */
struct before {
    bool is_touched; /* it is there by now */
    bool is_pinned;  /* and the owner has pinned it */
};

/* What `other`, a region before this one, has done to a page of the object that both show. */
static void look_back_at(const struct walk *walk, const struct region *other, uint64_t number,
                         struct before *before)
{
    const struct core *core = walk->tally.core;
    const uint32_t page = other->first + (uint32_t)(number - other->offset);

    if (number < other->offset || number - other->offset >= region_pages(other) ||
        page < walk->first) {
        return;
    }
    const uint64_t entry = page_entry(core, walk->tally.space, page);
    const bool is_touched = touches_object(entry) || huge_is_region(other);

    before->is_touched = before->is_touched || is_touched;
    before->is_pinned = before->is_pinned || (is_touched && pin_has(walk->request, MEM_PIN_GET) &&
                                              !gets_own(walk, other, entry));
}

static struct before look_back(const struct walk *walk, const struct region *region,
                               uint64_t number)
{
    const struct core *core = walk->tally.core;
    const struct region *other = tree_prev(core, region);
    struct before before = {false, false};

    for (uint32_t i = 0; i < PIN_COST_BACK && other != NULL && other->end > walk->first; i++) {
        if (other->object == region->object) {
            look_back_at(walk, other, number, &before);
        }
        other = tree_prev(core, other);
    }
    return before;
}

/* A frame is pinned. Returns: ERR_OK; ERR_NOMEM as pin_add() (recorded). */
static enum err count_frame(struct walk *walk, uint32_t frame, bool is_new)
{
    struct core *core = walk->tally.core;
    struct space *owner = walk->request->owner;
    const struct frame *record = is_new ? NULL : pool_record(core, frame);

    if (record != NULL && !pinner_has_room(record)) {
        return limit_refuse(owner, ERR_NOMEM);
    }
    if (record != NULL && record->pins != 0 && pinner_count(core, record, owner->number) != 0) {
        return ERR_OK;
    }
    if (walk->cost->counted >= walk->allowed) {
        return limit_check_locked(owner, walk->cost->counted + 1, ERR_NOMEM);
    }
    walk->cost->counted++;
    walk->pinners += record == NULL ? 0 : pinner_needs(record);
    return ERR_OK;
}

/* What is pinned of a page that is not huge, when it is present. */
static enum err count_page(struct walk *walk, const struct region *region, uint64_t entry,
                           const struct before *before)
{
    const struct core *core = walk->tally.core;
    const struct object *object = region->object == 0 ? NULL : object_at(core, region->object);
    const uint64_t after = entry_after(core, region, entry);
    const uint64_t number = region_kind_at(region, walk->page).offset;
    uint32_t frame;

    if (walk->page < walk->made_end || gets_own(walk, region, entry)) {
        return count_frame(walk, 0, true);
    }
    switch (shadow_entry_state(after)) {
    case SHADOW_ZERO:
        return ERR_OK;
    case SHADOW_WIRED:
        if (before->is_pinned || !object_has_frames(object)) {
            return object_has_frames(object) || pool_frame(core, object_pfn(object, number)) != 0
                       ? ERR_OK
                       : limit_refuse(walk->tally.space, ERR_FAULT);
        }
        frame = content_frame(core, object, number);
        return count_frame(walk, frame, frame == 0);
    case SHADOW_OWN:
        frame = shadow_entry_frame(after);
        return count_frame(walk, frame, shadow_entry_state(entry) == SHADOW_SHARED);
    case SHADOW_SHARED:
    case SHADOW_SWAPPED:
    case SHADOW_ABSENT:
        break;
    }
    UNREACHABLE();
}

/* What there is no frame for. Returns: ERR_NOMEM (recorded). */
static enum err refuse(const struct walk *walk)
{
    return limit_refuse_frames(walk->tally.core, walk->tally.space, 1);
}

/* A page of a region of huge pages. In shared_enter(). */
static enum err look_at_huge(struct walk *walk, const struct region *region)
{
    struct tally *tally = &walk->tally;
    const struct object *object = object_at(tally->core, region->object);
    const uint32_t unit = huge_unit(object->level);
    const uint64_t number = region_kind_at(region, walk->page).offset;
    const uint32_t frame = huge_frame(tally->core, object, number / unit);
    const bool is_own =
        pin_has(walk->request, MEM_PIN_WRITE) ||
        (pin_has(walk->request, MEM_PIN_GET) && (region->flags & REGION_SHARED) == 0);
    const uint32_t access = is_own ? MEM_PROT_WRITE : MEM_PROT_READ;
    const struct before before = look_back(walk, region, number);
    const bool is_first = walk->page == walk->first || walk->page % unit == 0;
    const bool is_copied = frame != 0 && is_own && huge_pool_names(tally->core, frame) > 1;

    if (is_first && !before.is_touched &&
        tally_huge_page(tally, object, number, access) != FAULT_READY) {
        return limit_refuse(tally->space, ERR_FAULT);
    }
    if (is_first && object->level == 1) {
        tally_upper(tally, walk->page);
    }
    if (tally_judge(tally) != FAULT_READY) {
        return refuse(walk);
    }
    if (!pin_has(walk->request, MEM_PIN_GET) || before.is_pinned) {
        return ERR_OK;
    }
    return count_frame(walk, frame + (uint32_t)(number % unit), frame == 0 || is_copied);
}

/* Absent pages from the one that is looked at on that come with it (fault_ahead()). */
static uint32_t count_ahead(const struct walk *walk, const struct region *region)
{
    const struct tally *tally = &walk->tally;
    const uint32_t ahead = tally->core->head->fault_ahead;
    const uint64_t spare = 2 * (uint64_t)ahead;
    uint32_t end = shadow_block_range(shadow_block(walk->page, 0), 0).end;

    if ((region->flags & REGION_SEQUENTIAL) == 0 || tally->free < tally->frames + spare ||
        tally->left < tally->charged + spare) {
        return 1;
    }
    end = end < region->end ? end : region->end;
    end = end < walk->page + ahead + 1 ? end : walk->page + ahead + 1;
    return page_next(tally->core, tally->space, range_of(walk->page, end)) - walk->page;
}

/* The page is in a large leaf, which is there or comes with it. */
static void look_at_large(struct walk *walk, bool is_split)
{
    if (is_split) {
        tally_add(&walk->tally, BUDGET_SHADOW, BUDGET_SHADOW);
    }
    walk->made_end = shadow_block_range(shadow_block(walk->page, 0), 0).end;
}

/*
 * Whether a large leaf is thought of where the page is absent. Where an empty leaf stands it is
 * not, once that was looked for, which rows of present pages are (op_pin.h).
 */
static bool may_be_large(const struct walk *walk, const uint64_t *upper_opt)
{
    const struct space *space = walk->tally.space;
    const uint32_t block = shadow_block(walk->page, 0);
    const bool is_looked_for =
        pin_has(walk->request, MEM_PIN_GET) && !pin_has(walk->request, MEM_PIN_TOUCH);

    if (walk->tally.leaf == block) {
        return false;
    }
    return upper_opt == NULL || *upper_opt == 0 ||
           (shadow_upper_count(*upper_opt) == 0 && !is_looked_for &&
            (walk->page != walk->first || space->leaf_tag != block));
}

/* An absent page of an anonymous region that is written to, as its rights let. */
static void look_at_new(struct walk *walk, const struct region *region, const uint64_t *upper_opt)
{
    struct tally *tally = &walk->tally;

    tally_upper(tally, walk->page);
    if (may_be_large(walk, upper_opt) &&
        tally_becomes_large(tally, region, walk->page, MEM_PROT_WRITE)) {
        const bool has_leaf = upper_opt != NULL && *upper_opt != 0;

        tally_large(tally);
        tally_add(tally, has_leaf ? 0 - (uint64_t)BUDGET_SHADOW : 0,
                  has_leaf ? 0 - (uint64_t)BUDGET_SHADOW : 0);
        look_at_large(walk, pin_has(walk->request, MEM_PIN_GET));
        return;
    }
    tally_leaf(tally, walk->page);
    const uint32_t pages = count_ahead(walk, region);

    tally_add(tally, pages, pages);
    walk->made_end = walk->page + pages;
}

/* Have the page present. In shared_enter(). Returns: ERR_OK; ERR_NOMEM, ERR_FAULT (recorded). */
static enum err look_at_page(struct walk *walk, const struct region *region, uint64_t entry,
                             const struct before *before)
{
    struct tally *tally = &walk->tally;
    const uint64_t *upper = shadow_upper(tally->core, tally->space, 0, walk->page);
    const bool has_leaf = upper != NULL && *upper != 0;
    const uint32_t access = access_of(walk->request);
    const bool is_forced = (region_rights(region->flags) & access) == 0;
    enum fault_outcome outcome = FAULT_READY;

    if (walk->page < walk->made_end) {
        return ERR_OK;
    }
    if (has_leaf && shadow_upper_is_large(*upper)) {
        look_at_large(walk, is_forced || pin_has(walk->request, MEM_PIN_GET));
    } else if (region->object == 0 && entry == 0 && access == MEM_PROT_WRITE && !is_forced) {
        look_at_new(walk, region, upper);
    } else {
        const bool is_own = gets_own(walk, region, entry);

        tally_leaf(tally, walk->page);
        if (before->is_touched && touches_object(entry)) {
            tally_add(tally, is_own ? 1 : 0, is_own ? 1 : 0);
            tally->copies += is_own ? 1 : 0;
        } else {
            outcome = tally_page(tally, region, walk->page, entry,
                                 is_own ? MEM_PROT_WRITE : MEM_PROT_READ);
        }
    }
    if (outcome != FAULT_READY) {
        return limit_refuse(tally->space, ERR_FAULT);
    }
    return tally_judge(tally) == FAULT_READY ? ERR_OK : refuse(walk);
}

/* The next page. Returns: as op_pin() for it. */
static enum err look_at(struct walk *walk)
{
    struct core *core = walk->tally.core;
    struct space *space = walk->tally.space;
    const struct region *region = tree_find(core, &space->tree, walk->page);

    if (region == NULL || region->first > walk->page ||
        !pin_rule_allows(core, region, walk->request) ||
        (region->object != 0 && !object_has_page(object_at(core, region->object),
                                                 region_kind_at(region, walk->page).offset))) {
        return limit_refuse(space, ERR_FAULT);
    }
    if (UNLIKELY(huge_is_region(region))) {
        return look_at_huge(walk, region);
    }
    const uint64_t entry = page_entry(core, space, walk->page);
    struct before before = {false, false};

    if (region->object != 0 && touches_object(entry)) {
        before = look_back(walk, region, region_kind_at(region, walk->page).offset);
    }
    const enum err error = look_at_page(walk, region, entry, &before);

    if (error != ERR_OK || !pin_has(walk->request, MEM_PIN_GET)) {
        return error;
    }
    return count_page(walk, region, entry, &before);
}

/* The record of the pin, which its owner pays for. Returns: as pin_make(). */
static enum err look_at_record(struct walk *walk)
{
    struct core *core = walk->tally.core;
    struct space *owner = walk->request->owner;
    const struct pin_needs needs = pin_needs(core, owner, walk->request->pages);

    if (!pin_has(walk->request, MEM_PIN_GET)) {
        return ERR_OK;
    }
    if (needs.charged > tally_budget(budget_payer(core, owner))) {
        budget_refused(core, owner, needs.charged);
        return limit_refuse_frames(core, owner, 1);
    }
    if (needs.frames > walk->tally.free && !reclaim_is_possible(core)) {
        return limit_refuse_frames(core, owner, needs.frames);
    }
    tally_add(&walk->tally, needs.frames,
              owner->payer == walk->tally.space->payer ? needs.charged : 0);
    return ERR_OK;
}

static enum err look_at_all(struct walk *walk)
{
    struct pin_cost *cost = walk->cost;
    enum err error = look_at_record(walk);

    while (error == ERR_OK && cost->pages < walk->request->pages) {
        walk->page = walk->first + (uint32_t)cost->pages;
        error = look_at(walk);
        cost->pages += error == ERR_OK ? 1 : 0;
    }
    cost->frames =
        walk->tally.frames + slab_needs_for(&walk->tally.core->head->pins.pinners, walk->pinners);
    cost->charged = walk->tally.charged;
    cost->copies = walk->tally.copies;
    return error;
}

enum err op_pin_cost(struct core *core, struct space *space, const struct pin_request *request,
                     struct pin_cost *cost)
{
    const struct space_settings *settings = &request->owner->settings;
    struct walk walk = {
        .request = request, .cost = cost, .allowed = pin_rule_allowance(request->owner)};

    limit_begin(request->owner);
    limit_begin(space);
    *cost = (struct pin_cost){
        .limit = walk.allowed == UINT64_MAX ? MEM_UNLIMITED : settings->locked_max / PAGE_SIZE,
        .used = request->owner->locked + request->owner->pinned,
    };
    enum err error = pin_rule_check(space, request);

    if (error != ERR_OK || request->pages == 0) {
        return error;
    }
    if (!vpn_to_page(uaddr_to_vpn(request->address), &walk.first)) {
        return limit_refuse(space, ERR_FAULT);
    }
    tally_begin(&walk.tally, core, space);
    shared_enter(core);
    error = look_at_all(&walk);
    shared_leave(core);
    if (cost->pages == 0) {
        return error;
    }
    limit_begin(request->owner);
    limit_begin(space);
    return ERR_OK;
}
