/* SPDX-License-Identifier: MIT */
#include "snapshot.h"

#include <string.h>

#include <base/assert.h>

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
        uint64_t entry = *shadow_find(&world->core, space, page);

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

static void put_space(const struct world *world, struct space *space, struct snapshot *snapshot)
{
    const struct core *core = &world->core;

    put(snapshot, space->number);
    put(snapshot, space->pages);
    put(snapshot, space->data);
    put(snapshot, space->committed);
    put(snapshot, space->locked);
    put(snapshot, space->stack);
    put(snapshot, space->future);
    put(snapshot, space->threads);
    put(snapshot, space->donated);
    put(snapshot, space->tree.count);
    for (const struct region *region = tree_first(core, &space->tree); region != NULL;
         region = tree_next(core, region)) {
        put(snapshot, region->first);
        put(snapshot, region->end);
        put(snapshot, region->flags & ~REGION_TOUCHED);
        put(snapshot, region->object);
        put(snapshot, region->offset);
        if (region->object != 0) {
            put(snapshot, object_at(core, region->object)->references);
        }
        put_pages(world, space, region, snapshot);
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
    for (uint32_t link = core->head->space_first; link != 0;) {
        struct space *space = arena_page(core, link);

        put_space(world, space, snapshot);
        link = space->next;
    }
}

bool snapshot_is_equal(const struct snapshot *a, const struct snapshot *b)
{
    return a->count == b->count && memcmp(a->words, b->words, a->count * sizeof a->words[0]) == 0;
}
