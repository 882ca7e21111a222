/* SPDX-License-Identifier: MIT */
#include "server/core/twin.h"

#include <base/assert.h>

#include "server/core/budget.h"
#include "server/core/object.h"
#include "server/core/shared.h"

static struct range twin_all(void)
{
    return range_of(RANGE_USER_FIRST, RANGE_USER_END);
}

/* A region like `region` after all that the twin has; a record is in hand. */
static void twin_add(struct core *core, struct space *twin, const struct region *region)
{
    struct region *copy = region_alloc(core);

    copy->first = region->first;
    copy->end = region->end;
    copy->offset = region->offset;
    copy->flags = region->flags;
    copy->object = region->object;
    if (copy->object != 0) {
        object_enter(core, twin, copy);
    }
    tree_insert(core, &twin->tree, copy, NULL);
}

static enum err twin_fill(struct core *core, const struct space *space, struct space *twin)
{
    const struct region *region = tree_first(core, &space->tree);

    while (region != NULL) {
        if (region_reserve(core, twin, ARENA_SPARES) != ERR_OK) {
            return ERR_NOMEM;
        }
        shared_enter(core);
        intent_open(core, twin, twin_all());
        intent_write(core);
        for (uint32_t i = 0; i < ARENA_SPARES && region != NULL; i++) {
            twin_add(core, twin, region);
            region = tree_next(core, region);
        }
        intent_close(core);
        shared_leave(core);
    }
    return ERR_OK;
}

enum err twin_begin(struct core *core, const struct space_settings *settings, uint32_t number,
                    struct space **twin)
{
    struct space_settings own = *settings;

    own.maker = number;
    own.frames_max = 0;
    return space_begin_bare(core, &own, twin);
}

enum err twin_make(struct core *core, struct space *space, struct space *twin)
{
    twin->settings = space->settings;
    twin->settings.maker = space->number;
    twin->settings.frames_max = 0;
    if (twin_fill(core, space, twin) != ERR_OK) {
        budget_tell(space, twin);
        return limit_refuse_frames(core, space, 1);
    }
    twin->future = space->future;
    twin->pages = space->pages;
    twin->data = space->data;
    twin->stack = space->stack;
    twin->committed = space->committed;
    twin->locked = space->locked;
    return ERR_OK;
}

static void swap(uint64_t *a, uint64_t *b)
{
    uint64_t was = *a;

    *a = *b;
    *b = was;
}

void twin_exchange(struct core *core, struct space *space, struct space *twin)
{
    const struct tree tree = space->tree;
    const uint32_t room = space->region_room;
    const uint32_t memories = space->together - space->pinned_by;

    ASSERT(space->payer == twin->payer);
    space->tree = twin->tree;
    twin->tree = tree;
    space->together = twin->together + space->pinned_by;
    twin->together = memories;
    const uint32_t huges = space->huges;

    space->huges = twin->huges;
    twin->huges = huges;
    space->region_cache = 0;
    twin->region_cache = 0;
    space->merges += twin->merges;
    swap(&space->pages, &twin->pages);
    swap(&space->data, &twin->data);
    swap(&space->stack, &twin->stack);
    swap(&space->committed, &twin->committed);
    swap(&space->locked, &twin->locked);
    /* Frames for records go with the records. */
    const uint64_t frames = room / BUDGET_REGIONS;
    const uint64_t twin_frames = twin->region_room / BUDGET_REGIONS;

    space->charged = space->charged - frames + twin_frames;
    twin->charged = twin->charged - twin_frames + frames;
    space->region_room = twin->region_room;
    twin->region_room = room;
    for (struct region *region = tree_first(core, &space->tree); region != NULL;
         region = tree_next(core, region)) {
        region->space = region->object != 0 ? space->number : 0;
    }
}

void twin_refuse(struct core *core, const struct space *space, const struct space *twin)
{
    atomic_fetch_add_explicit(&core->head->commit.used, space->committed - twin->committed,
                              memory_order_relaxed);
}

void twin_clear(struct core *core, struct space *twin)
{
    ASSERT(twin->kernel.v == 0 && twin->shadows == 0);
    intent_open(core, twin, twin_all());
    intent_write(core);
    for (struct region *region = tree_first(core, &twin->tree); region != NULL;
         region = tree_first(core, &twin->tree)) {
        tree_remove(core, &twin->tree, region);
        if (region->object != 0) {
            object_leave(core, twin, region);
        }
        region_free(core, region);
    }
    intent_close(core);
    twin->pages = 0;
    twin->data = 0;
    twin->stack = 0;
    twin->committed = 0;
    twin->locked = 0;
    budget_give(core, twin, twin->region_room / BUDGET_REGIONS);
    twin->region_room = 0;
}
