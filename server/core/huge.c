/* SPDX-License-Identifier: MIT */
#include "server/core/huge.h"

#include <base/assert.h>

#include "server/core/huge_twin.h"
#include "server/core/object.h"
#include "server/core/pool.h"
#include "server/core/port.h"
#include "server/core/shared.h"
#include "server/core/upkeep.h"

/* Numbers of huge pages of an object, first .. end - 1. */
struct stretch {
    uint64_t first;
    uint64_t end;
};

static uint64_t stretch_pages(struct stretch stretch)
{
    return stretch.end - stretch.first;
}

static struct object *object_of(const struct core *core, const struct region *region)
{
    struct object *object = object_at(core, region->object);

    ASSERT(object->kind == OBJECT_HUGE);
    return object;
}

uint32_t huge_region_unit(const struct core *core, const struct region *region)
{
    return huge_unit(object_of(core, region)->level);
}

static bool huge_is_private(const struct object *object)
{
    return (object->flags & OBJECT_PRIVATE) != 0;
}

/* What part of a region, between edges of huge pages, shows of its object. */
static struct stretch shown(const struct core *core, const struct region *region,
                            struct range range)
{
    const struct range part = range_common(region_range(region), range);
    const uint32_t unit = huge_region_unit(core, region);
    const uint64_t first = region->offset + (part.first - region->first);

    ASSERT(first % unit == 0 && range_pages(part) % unit == 0);
    return (struct stretch){first / unit, (first + range_pages(part)) / unit};
}

const struct region *huge_next(const struct core *core, const struct region *region_opt,
                               struct range range)
{
    while (region_opt != NULL && region_opt->first < range.end && !huge_is_region(region_opt)) {
        region_opt = tree_next(core, region_opt);
    }
    return region_opt != NULL && region_opt->first < range.end ? region_opt : NULL;
}

const struct region *huge_first(const struct core *core, const struct space *space,
                                struct range range)
{
    return space->huges == 0 || range_is_empty(range)
               ? NULL
               : huge_next(core, tree_find(core, &space->tree, range.first), range);
}

struct object *huge_make(struct core *core, const struct space *space, uint32_t level,
                         uint32_t pages, bool is_private, bool is_reserved)
{
    const npages_t all = {(uint64_t)pages * huge_unit(level)};
    struct object *object = object_make_paid(core, space, OBJECT_HUGE, all);

    object->flags =
        OBJECT_UNNAMED | (is_reserved ? 0 : OBJECT_NORESERVE) | (is_private ? OBJECT_PRIVATE : 0);
    object->bytes = npages_number(all) * PAGE_SIZE;
    object->level = level;
    object->mapped = pages;
    object->promised = is_reserved ? pages : 0;
    huge_pool_promise(core, level, (uint32_t)object->promised);
    return object;
}

uint32_t huge_frame(const struct core *core, const struct object *object, uint64_t index)
{
    const uint32_t word = radix_get(core, &object->frames, index);

    return word == HUGE_TAKEN ? 0 : word;
}

void huge_unpromise(struct core *core, struct object *object, uint64_t promised)
{
    if (object->promised > promised) {
        huge_pool_unpromise(core, object->level, (uint32_t)(object->promised - promised));
        object->promised = promised;
    }
}

void huge_stop_copy(struct core *core, struct object *object)
{
    if (object->copy_frame != 0) {
        huge_pool_give(core, object->level, object->copy_frame);
        object->copy_frame = 0;
    }
}

/* Give back pages of an object. */
static void drop(struct core *core, struct object *object, struct stretch stretch)
{
    const uint64_t tables = object->frames.pages;
    uint64_t index = stretch.end;

    if (object->copy_index >= stretch.first && object->copy_index < stretch.end) {
        huge_stop_copy(core, object);
    }
    while (radix_below(core, &object->frames, index, &index) != 0 && index >= stretch.first) {
        const uint32_t word = radix_remove(core, &object->frames, index);

        if (word != HUGE_TAKEN) {
            huge_pool_give(core, object->level, word);
        }
    }
    upkeep_give(core, object, tables - object->frames.pages);
}

void huge_free(struct core *core, struct object *object)
{
    drop(core, object, (struct stretch){0, RADIX_INDEX_END});
    huge_stop_copy(core, object);
    huge_unpromise(core, object, 0);
}

/*
 * Pages that an object has in a stretch; of these, in `*last`, those that are free once it lets go
 * of them: it alone has them, and nobody has pinned them.
 */
static uint64_t count(const struct core *core, const struct object *object, struct stretch stretch,
                      uint64_t *last)
{
    uint64_t index = stretch.end;
    uint64_t found = 0;

    *last = 0;
    for (;;) {
        const uint32_t frame = radix_below(core, &object->frames, index, &index);

        if (frame == 0 || index < stretch.first) {
            return found;
        }
        if (frame != HUGE_TAKEN) {
            found++;
            *last += huge_pool_names(core, frame) == 1 && huge_pool_pinned(core, frame) == 0;
        }
    }
}

struct huge_share huge_shown(const struct core *core, const struct region *region,
                             struct range range)
{
    const struct stretch stretch = shown(core, region, range);
    struct huge_share share = {.pages = stretch_pages(stretch)};

    share.held = count(core, object_of(core, region), stretch, &share.last);
    return share;
}

struct huge_share huge_all(const struct core *core, const struct object *object)
{
    struct huge_share share = {.pages = object->mapped};

    share.held = count(core, object, (struct stretch){0, RADIX_INDEX_END}, &share.last);
    return share;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void huge_restrict(struct core *core, const struct space *space, struct range range,
                   uint32_t rights)
{
    bool removes = false;

    for (const struct region *region = huge_first(core, space, range); region != NULL;
         region = huge_next(core, tree_next(core, region), range)) {
        const struct range part = range_common(region_range(region), range);

        if (rights == 0) {
            port_remove(core->port, space->kernel, page_to_vpn(part.first), range_npages(part));
            removes = true;
        } else {
            port_restrict(core->port, space->kernel, page_to_vpn(part.first), range_npages(part),
                          rights);
        }
    }
    if (removes) {
        port_hand_over(core->port); /* the pages may be another's as soon as the commit is over */
    }
}

void huge_drop(struct core *core, const struct region *region, struct range range)
{
    struct object *object = object_of(core, region);
    const struct stretch stretch = shown(core, region, range);

    ASSERT(huge_is_private(object));
    drop(core, object, stretch);
    object->mapped -= stretch_pages(stretch);
    huge_unpromise(core, object, least(object->promised, object->mapped - object->frames.count));
}

/* The whole huge pages of a region in a range. */
static struct range whole(const struct core *core, const struct region *region, struct range range)
{
    const uint32_t unit = huge_region_unit(core, region);
    const struct range part = range_common(region_range(region), range);
    const uint32_t first = (part.first + unit - 1) / unit * unit;
    const uint32_t end = part.end / unit * unit;

    return range_of(first < end ? first : end, end);
}

void huge_discard(struct core *core, const struct space *space, struct range range)
{
    if (space->kernel.v == 0) {
        return; /* a twin: the batch does it after the exchange */
    }
    for (const struct region *region = huge_first(core, space, range); region != NULL;
         region = huge_next(core, tree_next(core, region), range)) {
        struct object *object = object_of(core, region);
        const struct range part = whole(core, region, range);

        if (!huge_is_private(object) || range_is_empty(part)) {
            continue;
        }
        drop(core, object, shown(core, region, part));
        if ((object->flags & OBJECT_NORESERVE) == 0) {
            /* Promised again, as far as the pages are not the clone's now. */
            const uint64_t absent = object->mapped - object->frames.count;
            const uint64_t more =
                least(absent - object->promised, huge_pool_spare(core, object->level));

            huge_pool_promise(core, object->level, (uint32_t)more);
            object->promised += more;
        }
    }
}

void huge_move(struct core *core, const struct space *space, struct range range)
{
    for (const struct region *region = huge_first(core, space, range); region != NULL;
         region = huge_next(core, tree_next(core, region), range)) {
        huge_stop_copy(core, object_of(core, region));
    }
}

/* A copy of a page for an object that has a table for it (P15). */
static void share_copy(struct core *core, struct object *to, uint64_t index, uint32_t source)
{
    const uint32_t frame = huge_pool_take(core, to->level);

    radix_set(core, &to->frames, index, frame);
    for (uint32_t i = 0; i < huge_unit(to->level); i++) {
        port_zero(core->port, pool_pfn(core, frame + i));
        port_copy(core->port, pool_pfn(core, frame + i), 0, pool_pfn(core, source + i), 0,
                  PAGE_SIZE);
    }
}

/* Let an object that is new name the page, or have a copy of it, if it is pinned. */
static enum err share_page(struct core *core, struct space *from, struct object *to, uint64_t index,
                           uint32_t frame, struct space *clone)
{
    const uint32_t needs = radix_needs(core, &to->frames, index);
    const bool is_copied = huge_pool_pinned(core, frame) != 0;

    if (is_copied && huge_pool_spare(core, to->level) == 0) {
        const uint32_t total = core->head->huge[to->level - 1].total;

        return limit_refuse_over(from, ERR_NOMEM, MEM_LIMIT_HUGE, total, total, 1);
    }
    if (!upkeep_take(core, clone, to, needs)) {
        return ERR_NOMEM;
    }
    if (!arena_page_reserve(core, needs)) {
        upkeep_give(core, to, needs);
        return ERR_NOMEM;
    }
    if (is_copied) {
        share_copy(core, to, index, frame);
        return ERR_OK;
    }
    radix_set(core, &to->frames, index, frame);
    huge_pool_name(core, frame);
    return ERR_OK;
}

enum err huge_share(struct core *core, struct space *from, const struct region *region,
                    struct object *to, struct space *clone)
{
    const struct object *object = object_of(core, region);
    const struct stretch stretch = shown(core, region, region_range(region));
    const uint32_t rights = region_rights(region->flags) & ~MEM_PROT_WRITE;
    uint64_t index = stretch.end;

    ASSERT(core->depth != 0 && huge_is_private(object) && huge_is_private(to));
    huge_restrict(core, from, region_range(region), rights);
    for (;;) {
        const uint32_t frame = radix_below(core, &object->frames, index, &index);

        if (frame == 0 || index < stretch.first) {
            return ERR_OK;
        }
        const enum err error = share_page(core, from, to, index, frame, clone);

        if (error != ERR_OK) {
            return error;
        }
    }
}

bool huge_is_resident(struct core *core, const struct object *object, uint64_t number)
{
    shared_enter(core);
    const uint32_t frame = huge_frame(core, object, number / huge_unit(object->level));

    shared_leave(core);
    return frame != 0;
}

uint64_t huge_count(struct core *core, const struct region *region)
{
    uint64_t last;

    shared_enter(core);
    const struct object *object = object_of(core, region);
    const uint64_t pages = count(core, object, shown(core, region, region_range(region)), &last);

    shared_leave(core);
    return pages * huge_unit(object->level);
}

uint64_t huge_pinned(struct core *core, const struct region *region)
{
    uint64_t pinned = 0;

    shared_enter(core);
    const struct stretch stretch = shown(core, region, region_range(region));
    const struct object *object = object_of(core, region);
    uint64_t index = stretch.end;

    for (;;) {
        const uint32_t frame = radix_below(core, &object->frames, index, &index);

        if (frame == 0 || index < stretch.first) {
            break;
        }
        pinned += frame != HUGE_TAKEN ? huge_pool_pinned(core, frame) : 0;
    }
    shared_leave(core);
    return pinned;
}

void huge_audit(const struct core *core, const struct object *object)
{
    const uint64_t words = object->frames.count;
    uint64_t last;
    const uint64_t held = count(core, object, (struct stretch){0, RADIX_INDEX_END}, &last);

    radix_audit(core, &object->frames);
    ASSERT(object->level >= 1 && object->level <= HUGE_SIZES);
    ASSERT(object->mapped <= object->pages.v / huge_unit(object->level));
    ASSERT(object->promised + words <= object->mapped);
    ASSERT((object->flags & OBJECT_NORESERVE) == 0 || object->promised == 0);
    ASSERT(huge_is_private(object) || (object->flags & OBJECT_NORESERVE) != 0 ||
           object->promised + words == object->mapped);
    ASSERT(held == words || (object->flags & (OBJECT_PRIVATE | OBJECT_NORESERVE)) == 0);
    ASSERT(last <= held);
    ASSERT(object->copy_frame == 0 || huge_pool_names(core, object->copy_frame) == 1);
}

void huge_audit_all(const struct core *core)
{
    uint64_t named[HUGE_SIZES] = {0};
    uint64_t promised[HUGE_SIZES] = {0};
    uint64_t number = core->head->object_table.number + 1;
    uint32_t link;

    while ((link = radix_below(core, &core->head->object_table.links, number, &number)) != 0) {
        const struct object *object = object_at(core, link);

        if (object->kind == OBJECT_HUGE) {
            uint64_t last;

            named[object->level - 1] +=
                count(core, object, (struct stretch){0, RADIX_INDEX_END}, &last) +
                (object->copy_frame != 0 ? 1 : 0);
            promised[object->level - 1] += object->promised;
        }
    }
    for (uint32_t level = 1; level <= HUGE_SIZES; level++) {
        huge_pool_audit(core, level, named[level - 1], promised[level - 1]);
    }
}
