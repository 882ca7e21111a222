/* SPDX-License-Identifier: MIT */
#include "server/core/object.h"

#include <base/assert.h>

#include "server/core/arena.h"
#include "server/core/content.h"
#include "server/core/hold.h"
#include "server/core/huge.h"
#include "server/core/paged.h"
#include "server/core/pager.h"
#include "server/core/port.h"
#include "server/core/region.h"
#include "server/core/shared.h"
#include "server/core/space.h"
#include "server/core/upkeep.h"

uint32_t object_needs(const struct core *core)
{
    const struct arena_head *head = core->head;
    return radix_needs(core, &head->object_table.links, head->object_table.number + 1) +
           slab_needs(&head->objects);
}

bool object_reserve(struct core *core)
{
    return arena_page_reserve(core, object_needs(core));
}

/* A record with a number, which makes no port call. */
static struct object *object_make(struct core *core, enum object_sort sort, npages_t pages)
{
    struct object_table *table = &core->head->object_table;
    const uint32_t link = slab_take(core, &core->head->objects);

    ASSERT(link != 0);
    struct object *object = object_at(core, link);

    object->kind = sort;
    atomic_init(&object->references, 1);
    object->pages = pages;
    object->number = ++table->number;
    radix_set(core, &table->links, object->number, link);
    return object;
}

struct object *object_make_paid(struct core *core, const struct space *space, enum object_sort sort,
                                npages_t pages)
{
    struct object *object = object_make(core, sort, pages);

    upkeep_open(core, space, object);
    return object;
}

struct object *object_make_memory(struct core *core, const struct space *space, uint64_t bytes,
                                  uint64_t charge, uint32_t flags)
{
    struct object *object = object_make_paid(core, space, OBJECT_MEMORY, object_pages(bytes));

    object->bytes = bytes;
    object->flags = flags;
    object->charge = charge;
    core->worker->promised -= charge; /* modulo 2^64, until the commit is over */
    return object;
}

void object_set_bytes(struct core *core, struct object *object, uint64_t bytes)
{
    ASSERT(object_has_frames(object) && bytes <= OBJECT_BYTES_MAX);
    object->bytes = bytes;
    object->pages = object_pages(bytes);
    if (object->kind == OBJECT_MEMORY && (object->flags & OBJECT_NORESERVE) == 0) {
        core->worker->promised -= object->pages.v - object->charge; /* modulo 2^64 */
        object->charge = object->pages.v;
    }
}

static enum err object_make_row(struct core *core, enum object_sort sort, pfn_t first,
                                npages_t pages, struct object **object)
{
    shared_enter(core);
    const bool is_reserved = object_reserve(core);

    if (is_reserved) {
        *object = object_make(core, sort, pages);
        (*object)->first = first;
        (*object)->bytes = npages_number(pages) * PAGE_SIZE;
    }
    shared_leave(core);
    return is_reserved ? ERR_OK : ERR_NOMEM;
}

enum err object_make_wired(struct core *core, pfn_t first, npages_t pages, struct object **object)
{
    return object_make_row(core, OBJECT_WIRED, first, pages, object);
}

enum err object_make_device(struct core *core, pfn_t first, npages_t pages, struct object **object)
{
    return object_make_row(core, OBJECT_DEVICE, first, pages, object);
}

struct object *object_make_slice(struct core *core, const struct space *space,
                                 const struct object *whole, uint64_t first, uint64_t bytes)
{
    const npages_t pages = object_pages(bytes);

    ASSERT(whole->kind == OBJECT_WIRED);
    ASSERT(first <= whole->pages.v && pages.v <= whole->pages.v - first);
    struct object *object = object_make_paid(core, space, OBJECT_WIRED, pages);

    object->first = pfn_add(whole->first, (npages_t){first});
    object->bytes = bytes;
    return object;
}

struct object *object_at(const struct core *core, uint32_t link)
{
    return arena_at(core, link);
}

struct object *object_find(const struct core *core, uint64_t number)
{
    const uint32_t link =
        number < RADIX_INDEX_END ? radix_get(core, &core->head->object_table.links, number) : 0;

    return link == 0 || (object_at(core, link)->flags & OBJECT_GONE) != 0 ? NULL
                                                                          : object_at(core, link);
}

void object_get(struct object *object)
{
    const uint32_t before = atomic_fetch_add_explicit(&object->references, 1, memory_order_relaxed);

    ASSERT(before > 0);
}

struct object *object_find_get(struct core *core, uint64_t number)
{
    uint32_t references = 0;

    shared_enter(core);
    struct object *object = object_find(core, number);

    if (object != NULL) {
        references = atomic_load_explicit(&object->references, memory_order_relaxed);
        while (references != 0 && !atomic_compare_exchange_weak_explicit(
                                      &object->references, &references, references + 1,
                                      memory_order_relaxed, memory_order_relaxed)) {
        }
    }
    shared_leave(core);
    return references != 0 ? object : NULL;
}

void object_put(struct core *core, struct object *object)
{
    const uint32_t before = atomic_fetch_sub_explicit(&object->references, 1, memory_order_acq_rel);

    ASSERT(before > 0);
    if (before == 1) {
        object->next_dead = core->worker->dead_first;
        core->worker->dead_first = arena_link(core, object);
        if (core->worker->intent.phase != INTENT_WRITING) {
            object_bury(core);
        }
    }
}

void object_forget(struct core *core, struct object *object)
{
    ASSERT(object->region_first == 0 && object->references == 0);
    upkeep_close(core, object);
    atomic_fetch_sub_explicit(&core->head->commit.used, object->charge, memory_order_relaxed);
    (void)radix_remove(core, &core->head->object_table.links, object->number);
    slab_give(core, &core->head->objects, arena_link(core, object));
}

/* Give back all of an object that nobody refers to. */
static void object_free(struct core *core, struct object *object)
{
    switch ((enum object_sort)object->kind) {
    case OBJECT_WIRED:
    case OBJECT_DEVICE:
        break;
    case OBJECT_MEMORY:
        content_drop(core, object, 0);
        break;
    case OBJECT_PAGED:
        paged_drop(core, object, 0);
        if (pager_leave(core, object)) {
            return; /* until the pager has been told */
        }
        break;
    case OBJECT_PAGER:
        pager_free(core, object);
        break;
    case OBJECT_HUGE:
        huge_free(core, object);
        break;
    }
    object_forget(core, object);
}

void object_bury(struct core *core)
{
    struct worker *worker = core->worker;

    while (worker->dead_first != 0) {
        struct object *object = object_at(core, worker->dead_first);

        shared_enter(core);
        if (UNLIKELY(burial_is_long(core, object))) {
            port_hand_over(core->port); /* others may give out its pages from now on */
            worker->dead_first = object->next_dead;
            burial_begin(core, object);
        } else {
            worker->dead_first = object->next_dead;
            object_free(core, object);
        }
        shared_leave(core);
    }
}

void object_enter(struct core *core, struct space *space, struct region *region)
{
    struct object *object = object_at(core, region->object);

    object_get(object);
    region->space = space->number;
    space->huges += object->kind == OBJECT_HUGE ? 1 : 0;
    if (!object_has_regions(object)) {
        return; /* whose pages never go: nobody asks who maps it */
    }
    ASSERT(core->depth != 0);
    atomic_fetch_add_explicit(&space->together, 1, memory_order_relaxed);
    region->object_prev = 0;
    region->object_next = object->region_first;
    if (object->region_first != 0) {
        region_at(core, object->region_first)->object_prev = arena_link(core, region);
    }
    object->region_first = arena_link(core, region);
}

/* Take a region out of the list of its object. */
static void object_unlink(const struct core *core, struct object *object,
                          const struct region *region)
{
    ASSERT(core->depth != 0);
    if (region->object_prev != 0) {
        region_at(core, region->object_prev)->object_next = region->object_next;
    } else {
        object->region_first = region->object_next;
    }
    if (region->object_next != 0) {
        region_at(core, region->object_next)->object_prev = region->object_prev;
    }
}

void object_leave(struct core *core, struct space *space, struct region *region)
{
    struct object *object = object_at(core, region->object);

    space->huges -= object->kind == OBJECT_HUGE ? 1 : 0;
    if (object_has_regions(object)) {
        object_unlink(core, object, region);
        atomic_fetch_sub_explicit(&space->together, 1, memory_order_relaxed);
    }
    object_put(core, object);
}

uint64_t object_bytes(const struct object *object)
{
    return object->bytes;
}

bool object_has_page(const struct object *object, uint64_t page)
{
    return page < object->pages.v;
}

bool object_is_resident(struct core *core, const struct object *object, uint64_t page)
{
    if (object->kind == OBJECT_HUGE) {
        return huge_is_resident(core, object, page);
    }
    if (!object_has_frames(object)) {
        return object_has_page(object, page);
    }
    shared_enter(core);
    const bool is_resident =
        object_has_page(object, page) && content_frame(core, object, page) != 0;

    shared_leave(core);
    return is_resident;
}

pfn_t object_pfn(const struct object *object, uint64_t page)
{
    ASSERT(!object_has_frames(object));
    ASSERT(object_has_page(object, page));
    return pfn_add(object->first, (npages_t){page});
}

/* One object: its regions, and what it has of frames and charges. */
static void object_audit_one(const struct core *core, const struct object *object)
{
    const struct region *prev = NULL;
    uint32_t regions = 0;

    ASSERT((object->references > 0) == ((object->flags & OBJECT_GONE) == 0));
    for (uint32_t link = object->region_first; link != 0; regions++) {
        const struct region *region = region_at(core, link);

        ASSERT(object_at(core, region->object) == object);
        ASSERT(region->object_prev == (prev == NULL ? 0 : arena_link(core, prev)));
        prev = region;
        link = region->object_next;
    }
    ASSERT(regions + hold_audit(core, object) + object->names <= object->references);
    if (object->kind == OBJECT_MEMORY) {
        /* Its maker lets it go before his request ends. */
        ASSERT(regions + hold_audit(core, object) + object->names == object->references);
        ASSERT(object->pages.v == object_pages(object->bytes).v);
        ASSERT((object->flags & OBJECT_NORESERVE) == 0 ? object->charge == object->pages.v
                                                       : object->charge == 0);
    }
    ASSERT(object->kind == OBJECT_MEMORY || object->charge == 0);
    ASSERT(object_has_regions(object) || object->frames.count == 0);
    if (object->kind == OBJECT_PAGED) {
        ASSERT(regions + hold_audit(core, object) + object->names +
                   ((object->flags & OBJECT_SWAP) != 0 ? 1 : 0) +
                   ((object->flags & OBJECT_KEPT) != 0 ? 1 : 0) ==
               object->references);
        ASSERT(object->pages.v == object_pages(object->bytes).v);
        paged_audit(core, object);
    } else if (object->kind == OBJECT_HUGE) {
        ASSERT(regions == object->references);
        huge_audit(core, object);
    } else {
        content_audit(core, object);
    }
}

uint64_t object_charges(const struct core *core)
{
    uint64_t number = core->head->object_table.number + 1;
    uint64_t charges = 0;

    for (;;) {
        const uint32_t link = radix_below(core, &core->head->object_table.links, number, &number);

        if (link == 0) {
            return charges;
        }
        charges += object_at(core, link)->charge;
    }
}

uint64_t object_audit(const struct core *core, uint64_t *charge)
{
    const struct object_table *table = &core->head->object_table;
    uint64_t number = table->number + 1;
    uint64_t frames = 0;
    uint64_t objects = 0;
    uint64_t gone = 0;

    *charge = 0;
    radix_audit(core, &table->links);
    for (;;) {
        const uint32_t link = radix_below(core, &table->links, number, &number);

        if (link == 0) {
            break;
        }
        const struct object *object = object_at(core, link);

        ASSERT(object->number == number);
        object_audit_one(core, object);
        frames += object->kind == OBJECT_PAGED  ? object->resident
                  : object->kind == OBJECT_HUGE ? 0
                                                : object->frames.count - object->swapped;
        *charge += object->charge;
        gone += object->kind == OBJECT_MEMORY && object->references == 0 ? 1 : 0;
        objects++;
    }
    ASSERT(gone == burial_audit(core));
    ASSERT(objects == core->head->objects.records && objects == table->links.count);
    ASSERT(frames == table->frames);
    return frames;
}
