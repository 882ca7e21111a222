/* SPDX-License-Identifier: MIT */
#include "snapshot.h"

#include <string.h>

#include <base/assert.h>

#include "server/core/huge.h"
#include "server/core/page.h"
#include "server/core/shadow.h"

static void put(struct snapshot *snapshot, uint64_t word)
{
    ASSERT(snapshot->count < SNAPSHOT_WORDS);
    snapshot->words[snapshot->count++] = word;
}

/* Pages that differ from what is behind the region: place and first word. */
static void put_pages(const struct world *world, struct space *space, const struct region *region,
                      struct snapshot *snapshot)
{
    struct range rest = region_range(region);
    uint32_t page = page_next(&world->core, space, rest);

    for (; page < rest.end; page = page_next(&world->core, space, range_of(page + 1, rest.end))) {
        uint64_t entry = page_entry(&world->core, space, page);

        if (shadow_entry_is_private(entry)) {
            uint64_t pfn = pool_pfn(&world->core, shadow_entry_frame(entry)).v;
            uint64_t word = model_read(world->port, (uint32_t)(pfn - MODEL_BASE));

            if (word != 0 || region->object != 0) {
                put(snapshot, page);
                put(snapshot, word);
            }
        }
    }
}

/*
 * What tells the object of a region from others: its number, or of one that MAP made, which nobody
 * is told and which differs if a request is made again, the first place where the space shows it.
 */
static uint64_t object_name(const struct core *core, const struct space *space,
                            const struct region *region)
{
    const struct region *shown = tree_first(core, &space->tree);

    if (region->object == 0) {
        return 0;
    }
    const struct object *object = object_at(core, region->object);

    if ((object->flags & OBJECT_UNNAMED) == 0) {
        return object->number;
    }
    while (shown->object != region->object) {
        shown = tree_next(core, shown);
    }
    return UINT64_MAX - shown->first;
}

/*
 * What was set, and what it may be set to; and what of the budget does not come and go with pages.
 * (Its limit is not among that: refusal_test.c sets it, and looks at it.)
 */
static void put_limits(const struct core *core, const struct space *space,
                       struct snapshot *snapshot)
{
    const struct space_settings *settings = &space->settings;
    const struct space_ceilings *ceilings = &space->ceilings;

    put(snapshot, settings->lowest.v);
    put(snapshot, settings->base.v);
    put(snapshot, settings->regions_max);
    put(snapshot, settings->pages_max);
    put(snapshot, settings->data_max);
    put(snapshot, settings->stack_max);
    put(snapshot, settings->locked_max);
    put(snapshot, settings->privileges);
    put(snapshot, settings->priority);
    put(snapshot, settings->frames_max);
    put(snapshot, settings->maker);
    put(snapshot, ceilings->regions);
    put(snapshot, ceilings->pages);
    put(snapshot, ceilings->data);
    put(snapshot, ceilings->locked);
    put(snapshot, ceilings->stack);
    put(snapshot, budget_view(core, space).reserved);
}

static void put_space(const struct world *world, struct space *space, struct snapshot *snapshot)
{
    const struct core *core = &world->core;

    put(snapshot, space->number);
    put_limits(core, space, snapshot);
    put(snapshot, space->pages);
    put(snapshot, space->data);
    put(snapshot, space->committed);
    put(snapshot, space->locked);
    put(snapshot, space->stack);
    put(snapshot, space->future);
    put(snapshot, space->threads);
    put(snapshot, space->pins);
    put(snapshot, space->pinned);
    put(snapshot, space->donated);
    put(snapshot, space->tree.count);
    for (const struct region *region = tree_first(core, &space->tree); region != NULL;
         region = tree_next(core, region)) {
        put(snapshot, region->first);
        put(snapshot, region->end);
        put(snapshot, region->flags & ~REGION_TOUCHED);
        put(snapshot, object_name(core, space, region));
        put(snapshot, region->offset);
        put_pages(world, space, region, snapshot);
    }
}

/* A huge page, if it is there and not all zero: each of its parts that is not. */
static void put_huge(const struct world *world, const struct object *object, uint64_t index,
                     struct snapshot *snapshot)
{
    const uint32_t first = huge_frame(&world->core, object, index);

    for (uint32_t i = 0; first != 0 && i < huge_unit(object->level); i++) {
        const uint64_t pfn = pool_pfn(&world->core, first + i).v;
        const uint64_t word = model_read(world->port, (uint32_t)(pfn - MODEL_BASE));

        if (word != 0) {
            put(snapshot, index);
            put(snapshot, i);
            put(snapshot, word);
        }
    }
}

/* An object, and the pages of it that are not zero. */
static void put_object(const struct world *world, const struct object *object,
                       struct snapshot *snapshot)
{
    uint64_t page = RADIX_INDEX_END;

    put(snapshot, (object->flags & OBJECT_UNNAMED) != 0 ? 0 : object->number);
    put(snapshot, object->references);
    put(snapshot, object->pages.v);
    put(snapshot, object->charge);
    put(snapshot, object->bytes);
    put(snapshot, object->seals);
    put(snapshot, object->names);
    for (;;) {
        const uint32_t frame = radix_below(&world->core, &object->frames, page, &page);

        if (frame == 0) {
            return;
        }
        if (object->kind == OBJECT_HUGE) {
            put_huge(world, object, page, snapshot);
            continue;
        }
        uint64_t pfn = pool_pfn(&world->core, frame).v;
        uint64_t word = model_read(world->port, (uint32_t)(pfn - MODEL_BASE));

        if (word != 0) {
            put(snapshot, page);
            put(snapshot, word);
        }
    }
}

static void put_objects(const struct world *world, struct snapshot *snapshot)
{
    const struct radix *links = &world->core.head->object_table.links;
    uint64_t number = RADIX_INDEX_END;

    for (;;) {
        const uint32_t link = radix_below(&world->core, links, number, &number);

        if (link == 0) {
            return;
        }
        put_object(world, object_at(&world->core, link), snapshot);
    }
}

void snapshot_take(const struct world *world, struct snapshot *snapshot)
{
    const struct core *core = &world->core;

    snapshot->count = 0;
    put(snapshot, core->head->spaces);
    put(snapshot, core->head->commit.used);
    put(snapshot, core->head->threads.records);
    put(snapshot, core->head->objects.records);
    put(snapshot, core->head->holds.records);
    put(snapshot, core->head->names.records);
    put(snapshot, core->head->pins.records.records);
    put(snapshot, core->head->pins.detained);
    put(snapshot, core->head->pins.quarantined);
    for (uint32_t i = 0; i < HUGE_SIZES; i++) {
        put(snapshot, core->head->huge[i].free);
        put(snapshot, core->head->huge[i].reserved);
    }
    put_objects(world, snapshot);
    for (struct space *space = space_first(core); space != NULL; space = space_next(core, space)) {
        put_space(world, space, snapshot);
    }
}

void snapshot_take_space(const struct world *world, uint64_t number, struct snapshot *snapshot)
{
    struct space *space = space_find(&world->core, number);

    snapshot->count = 0;
    if (space != NULL) {
        put_space(world, space, snapshot);
    }
}

bool snapshot_is_equal(const struct snapshot *a, const struct snapshot *b)
{
    return a->count == b->count && memcmp(a->words, b->words, a->count * sizeof a->words[0]) == 0;
}
