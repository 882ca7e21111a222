/* SPDX-License-Identifier: MIT */
#include "server/core/sweep.h"

#include <stddef.h>

#include <base/assert.h>

#include "server/core/evict.h"
#include "server/core/pool.h"
#include "server/core/pull.h"
#include "server/core/reclaim.h"

/* One run of the hand. */
struct sweep {
    struct core *core;
    struct evict evict;
    uint64_t wanted; /* frames */
    uint64_t looks;
    uint32_t records; /* arena page of records that is known to be there; 0: none is */
};

static struct reclaim *reclaim_of(const struct core *core)
{
    return &core->head->reclaim;
}

/*
 * A frame of an object: which page it is, it does not say. The object's own hand goes on by one
 * page for each of its frames that the clock comes to.
 */
static void sweep_object(struct sweep *sweep, struct object *object)
{
    struct core *core = sweep->core;

    if ((object->flags & OBJECT_GONE) != 0) {
        return; /* its pages are on their way */
    }
    uint64_t number = object->hand;
    uint32_t word = number == 0 ? 0 : radix_below(core, &object->frames, number, &number);

    if (word == 0) {
        word = radix_below(core, &object->frames, RADIX_INDEX_END, &number);
    }
    object->hand = number;
    if (word != 0) {
        evict_object_page(&sweep->evict, object, number);
    }
}

/* Its pages are looked at when the hand comes to their frames. */
static void sweep_large(struct sweep *sweep, uint32_t frame)
{
    struct core *core = sweep->core;
    const struct frame *record = pool_record(core, frame);

    (void)evict_large(&sweep->evict, arena_page(core, record->owner), record->page);
}

/* Look at one frame. Returns: how many the hand goes on. */
static uint32_t sweep_look(struct sweep *sweep, uint32_t frame)
{
    struct core *core = sweep->core;
    const uint32_t records = ARENA_RECORDS + frame / POOL_RECORDS;

    if (records != sweep->records) {
        if (arena_frame(core, records) == 0) {
            return POOL_RECORDS - frame % POOL_RECORDS; /* never used */
        }
        sweep->records = records;
    }
    const struct frame *record = &core->frames[frame];

    switch ((enum frame_kind)record->kind) {
    case FRAME_USER:
        if (record->owner != 0) {
            evict_own(&sweep->evict, frame);
        } else if (record->page != 0) {
            sweep_object(sweep, object_at(core, record->page));
        }
        break;
    case FRAME_COW:
        evict_shared(&sweep->evict, frame);
        break;
    case FRAME_SWAP:
        evict_slot(&sweep->evict, frame);
        break;
    case FRAME_LARGE:
        sweep_large(sweep, frame);
        break;
    case FRAME_HUGE:
        return record->owner;
    case FRAME_FRESH:
    case FRAME_FREE:
    case FRAME_TABLE:
    case FRAME_ARENA:
    case FRAME_MESSAGE:
    case FRAME_OBJECT:
    case FRAME_RUN:
    case FRAME_PINNED:
        break;
    }
    return 1;
}

/* Go round, until enough is free or on its way. */
static void sweep_frames(struct sweep *sweep)
{
    struct core *core = sweep->core;
    struct reclaim *reclaim = reclaim_of(core);
    const uint32_t span = core->head->pool.span;
    uint64_t passed_all = 0;

    /* At most once round: between two looks at a page somebody must have had time to touch it. */
    while (sweep->evict.freed < sweep->wanted && sweep->looks < RECLAIM_LOOKS &&
           sweep->evict.swaps < RECLAIM_SWAPS && passed_all < span) {
        if (reclaim->hand == 0 || reclaim->hand >= span) {
            reclaim->hand = 1;
        }
        const uint32_t passed = sweep_look(sweep, reclaim->hand);

        reclaim->hand += passed;
        reclaim->scanned += passed;
        passed_all += passed;
        sweep->looks++;
    }
    reclaim->count.looked += sweep->looks;
}

enum sweep_result sweep_run(struct core *core, uint64_t wanted)
{
    struct reclaim *reclaim = reclaim_of(core);
    const uint64_t span = core->head->pool.span;
    struct sweep sweep = {.core = core, .evict = {.core = core}, .wanted = wanted};

    evict_begin(&sweep.evict);
    sweep_frames(&sweep);
    evict_save(&sweep.evict);
    evict_end(&sweep.evict);
    if (sweep.evict.freed != 0) {
        reclaim->scanned = 0;
        return SWEEP_FREED;
    }
    if (pull_is_saving(core) && (reclaim->scanned >= 2 * span || sweep.evict.swaps != 0)) {
        reclaim->scanned = 0;
        return SWEEP_SAVING;
    }
    if (reclaim->scanned < 2 * span && reclaim->waiters.first != 0) {
        return SWEEP_AGAIN;
    }
    reclaim->scanned = 0;
    return SWEEP_NOTHING;
}
