/* SPDX-License-Identifier: MIT */
#include "server/core/space.h"

#include <base/assert.h>

#include "server/core/budget.h"
#include "server/core/hold.h"
#include "server/core/merge.h"
#include "server/core/name.h"
#include "server/core/op_unmap.h"
#include "server/core/orphan.h"
#include "server/core/page.h"
#include "server/core/pin.h"
#include "server/core/pool.h"
#include "server/core/port.h"
#include "server/core/shadow.h"
#include "server/core/shared.h"
#include "server/core/space_lock.h"
#include "server/core/swap.h"
#include "server/core/thread.h"
#include "server/core/twin.h"
#include "server/core/upkeep.h"
#include "server/core/window.h"

STATIC_ASSERT(sizeof(struct space) <= PAGE_SIZE, "a space is one arena page");

static struct space *space_at(const struct core *core, uint32_t number)
{
    return arena_page(core, number);
}

static bool settings_are_valid(const struct space_settings *settings)
{
    struct range range;

    return range_make(settings->lowest, 0, &range) == ERR_OK &&
           range_make(settings->base, 0, &range) == ERR_OK && settings->regions_max > 0 &&
           (settings->privileges & ~SPACE_PRIVILEGES) == 0;
}

/* Put a space that nobody knows into the list of its bucket, whose lock the caller has. */
static void space_link(struct core *core, struct space *space)
{
    struct bucket *bucket = space_bucket(core, space->number);

    space->next = bucket->first;
    if (bucket->first != 0) {
        space_at(core, bucket->first)->prev = space->number;
    }
    bucket->first = space->number;
    core->head->spaces++;
    space->state = SPACE_MAKING;
}

/* A record in its bucket, MAKING. Returns: NULL without a frame. */
static struct space *space_enlist(struct core *core, const struct space_settings *settings)
{
    shared_enter(core);
    const uint32_t number = arena_page_take(core);

    core->worker->making = number; /* which is in no list while the bucket is waited for */
    shared_leave(core);
    if (number == 0) {
        return NULL;
    }
    struct space *space = space_at(core, number);

    space_lock(core, number);

    space->number = number;
    space->settings = *settings;
    /* Regions cost their owner frames, so that he may have as many as he can pay. */
    space->ceilings =
        (struct space_ceilings){MEM_UNLIMITED, settings->pages_max, settings->data_max,
                                settings->locked_max, settings->stack_max};
    space->leaf_tag = SPACE_NO_TAG;
    space_link(core, space);
    core->worker->making = 0;
    space_unlock(core, number);
    return space;
}

static void space_delist(struct core *core, struct space *space)
{
    struct bucket *bucket = space_bucket(core, space->number);
    uint32_t number = space->number;

    shared_enter(core);
    if (space->prev != 0) {
        space_at(core, space->prev)->next = space->next;
    } else {
        bucket->first = space->next;
    }
    if (space->next != 0) {
        space_at(core, space->next)->prev = space->prev;
    }
    core->head->spaces--;
    arena_zero(space, PAGE_SIZE);
    arena_page_give(core, number);
    shared_leave(core);
}

/* Have its budget pay for the record itself. */
static bool space_open(struct core *core, struct space *space, struct space *maker_opt)
{
    if (maker_opt == NULL) {
        return budget_open(core, space, NULL) && budget_take(core, space, 1);
    }
    space_lock(core, maker_opt->number);
    const bool is_open = budget_open(core, space, maker_opt);

    space_unlock(core, maker_opt->number);
    return is_open && budget_take(core, space, 1);
}

/* What the maker is told, whose bucket is locked. Returns: ERR_NOMEM. */
static enum err space_refuse_maker(const struct core *core, const struct space *space_opt,
                                   struct space *maker)
{
    if (space_opt != NULL && space_opt->payer == space_opt->number &&
        space_opt->budget_asked != 0) {
        return limit_refuse_over(maker, ERR_NOMEM, MEM_LIMIT_BUDGET, space_opt->budget.limit,
                                 space_opt->budget_used, space_opt->budget_asked);
    }
    if (space_opt != NULL && space_opt->budget_asked != 0) {
        budget_tell(maker, space_opt);
    }
    return limit_refuse_frames(core, maker, BUDGET_SPACE);
}

/* Tell the maker what there was too little of for `space_opt`. Returns: ERR_NOMEM. */
static enum err space_refuse(struct core *core, const struct space *space_opt,
                             struct space *maker_opt)
{
    if (maker_opt == NULL) {
        return ERR_NOMEM;
    }
    space_lock(core, maker_opt->number);
    const enum err error = space_refuse_maker(core, space_opt, maker_opt);

    space_unlock(core, maker_opt->number);
    return error;
}

/* End a space that could not be made. Returns: ERR_NOMEM. */
static enum err space_unmake(struct core *core, struct space *space, struct space *maker_opt)
{
    enum err error = space_refuse(core, space, maker_opt);

    if (space->payer == 0) {
        const uint32_t number = space->number;

        space_lock(core, number);
        space_delist(core, space);
        space_unlock(core, number);
    } else {
        space_end(core, space);
    }
    return error;
}

enum err space_begin_bare(struct core *core, const struct space_settings *settings,
                          struct space **space)
{
    if (!settings_are_valid(settings)) {
        return ERR_INVAL;
    }
    struct space *maker = settings->maker != 0 ? space_at(core, settings->maker) : NULL;
    struct space *made = space_enlist(core, settings);

    if (made == NULL) {
        return space_refuse(core, NULL, maker);
    }
    if (!space_open(core, made, maker)) {
        return space_unmake(core, made, maker);
    }
    *space = made;
    return ERR_OK;
}

enum err space_begin(struct core *core, const struct space_settings *settings, struct space **space)
{
    struct space *maker = settings->maker != 0 ? space_at(core, settings->maker) : NULL;
    struct space *made;
    enum err error = space_begin_bare(core, settings, &made);

    if (error != ERR_OK) {
        return error;
    }
    made->object_frame = budget_take_frame(core, made, FRAME_OBJECT);
    made->root_frame = budget_take_frame(core, made, FRAME_TABLE);
    made->slots_frame = budget_take_frame(core, made, FRAME_OBJECT);
    if (made->object_frame == 0 || made->root_frame == 0 || made->slots_frame == 0) {
        return space_unmake(core, made, maker);
    }
    core->head->generation++;
    made->badge_later = core->head->generation << SPACE_NUMBER_BITS | made->number;
    made->kernel = pool_pfn(core, made->object_frame);
    port_space_make(core->port, made->kernel, pool_pfn(core, made->root_frame),
                    pool_pfn(core, made->slots_frame), made->badge_later, settings->priority);
    *space = made;
    return ERR_OK;
}

void space_ready(struct core *core, struct space *space)
{
    ASSERT(space->state == SPACE_MAKING && space->kernel.v != 0);
    ASSERT(space->badge_later != 0);
    space_lock(core, space->number);
    space->badge = space->badge_later;
    space->state = SPACE_LIVE;
    space_unlock(core, space->number);
}

enum err space_make(struct core *core, const struct space_settings *settings, struct space **space)
{
    enum err error = space_begin(core, settings, space);

    if (error == ERR_OK) {
        space_ready(core, *space);
    }
    return error;
}

enum err space_adopt(struct core *core, const struct space_settings *settings, pfn_t object,
                     uint64_t badge, struct space **space)
{
    if (!settings_are_valid(settings)) {
        return ERR_INVAL;
    }
    struct space *made = space_enlist(core, settings);

    if (made == NULL) {
        return ERR_NOMEM;
    }
    if (!space_open(core, made, NULL)) {
        return space_unmake(core, made, NULL);
    }
    made->kernel = object;
    made->badge_later = badge;
    space_ready(core, made);
    *space = made;
    return ERR_OK;
}

enum err space_adopt_table(struct core *core, struct space *space, uint32_t level, vpn_t vpn,
                           pfn_t table)
{
    uint32_t page;

    ASSERT(level <= 1);
    if (!vpn_to_page(vpn, &page) || pool_frame(core, table) == 0) {
        return ERR_INVAL;
    }
    return shadow_adopt(core, space, level, page, table) ? ERR_OK : ERR_NOMEM;
}

void space_inherit(struct space *space, const struct space *parent)
{
    space->settings.regions_max = parent->settings.regions_max;
    space->settings.pages_max = parent->settings.pages_max;
    space->settings.data_max = parent->settings.data_max;
    space->settings.locked_max = parent->settings.locked_max;
    space->settings.stack_max = parent->settings.stack_max;
    space->ceilings = parent->ceilings;
}

struct space *space_find(const struct core *core, uint64_t number)
{
    const uint32_t place = (uint32_t)(number % ARENA_BUCKETS);
    uint32_t link = core->head->buckets[place].first;

    while (link != 0 && link != number) {
        link = space_at(core, link)->next;
    }
    return link != 0 && space_at(core, link)->state == SPACE_LIVE ? space_at(core, link) : NULL;
}

/* The kernel has the frame: remember it for the end of the space. */
static void space_keep_slab(const struct core *core, struct space *space, uint32_t frame)
{
    pool_record(core, frame)->page = space->slab_first;
    space->slab_first = frame;
    space->donated++;
}

enum err space_donate(struct core *core, struct space *space, uint32_t slab)
{
    ASSERT(slab == PORT_SLAB_OBJECTS || slab == PORT_SLAB_HANDLES);
    limit_begin(space);
    uint32_t frame = budget_take_frame(core, space, FRAME_OBJECT);

    if (frame == 0) {
        return limit_refuse_frames(core, space, 1);
    }
    intent_step_space(core, STEP_SLAB, space, slab, 0, frame, 0);
    enum err error =
        port_slab_donate(core->port, space->kernel, pool_pfn(core, frame), (enum port_slab)slab);

    if (error == ERR_OK) {
        space_keep_slab(core, space, frame);
    } else {
        budget_give_frame(core, space, frame);
        error = limit_refuse(space, error);
    }
    intent_step_done(core);
    return error;
}

/* Every region and page of the space. */
static void space_clear(struct core *core, struct space *space)
{
    struct range all = range_of(RANGE_USER_FIRST, RANGE_USER_END);
    struct range gap = range_of(0, RANGE_PAGES);

    work_forget(core, space);
    if (space->tree.count != 0) {
        intent_open(core, space, all);
        uint32_t first = unmap_leaves(core, space, all);

        intent_write(core);
        (void)unmap_apply(core, space, all, first);
        intent_close(core);
    }
    ASSERT(space->region_room < 2 * BUDGET_REGIONS);
    if (space->region_room != 0) {
        space->region_room = 0;
        budget_give(core, space, 1);
    }
    shadow_prune(core, space, gap, gap);
    ASSERT(space->shadows == 0 && space->adopted_tables == 0);
}

/* One frame that the kernel must let go of; the field is empty afterwards. */
static void space_release(struct core *core, struct space *space, uint32_t *frame)
{
    if (*frame != 0) {
        port_frame_release(core->port, pool_pfn(core, *frame));
        budget_give_frame(core, space, *frame);
        *frame = 0;
    }
}

static void space_release_slabs(struct core *core, struct space *space)
{
    while (space->slab_first != 0) {
        uint32_t frame = space->slab_first;

        port_frame_release(core->port, pool_pfn(core, frame));
        space->slab_first = pool_record(core, frame)->page;
        space->donated--;
        budget_give_frame(core, space, frame);
    }
    ASSERT(space->donated == 0);
}

void space_end(struct core *core, struct space *space)
{
    const uint32_t number = space->number;

    space_lock(core, number);
    bool was_made = space->state != SPACE_MAKING || space->kernel.v != 0;

    space->state = SPACE_ENDING;
    space->badge = 0;
    if (was_made) {
        port_space_end(core->port, space->kernel);
        thread_end_all(core, space);
        wait_release(core, space);
        orphan_begin(core, space);
        pin_end(core, space);
        space_clear(core, space);
        pin_forget(core, space);
        hold_end(core, space);
        name_end(core, space);
        window_end(core, space);
        space_release_slabs(core, space);
        space_release(core, space, &space->slots_frame);
        space_release(core, space, &space->object_frame);
    }
    if (!was_made && (space->tree.count != 0 || space->region_room != 0)) {
        twin_clear(core, space);
    }
    /* Frames that the kernel never saw, or that came free with the space's object. */
    uint32_t *frames[] = {&space->slots_frame, &space->object_frame, &space->root_frame};

    for (int i = 0; i < 3; i++) {
        if (*frames[i] != 0) {
            budget_give_frame(core, space, *frames[i]);
            *frames[i] = 0;
        }
    }
    ASSERT(space->tree.count == 0 && space->threads == 0);
    ASSERT(space->pages == 0 && space->data == 0 && space->committed == 0);
    ASSERT(space->locked == 0 && space->stack == 0);
    ASSERT(space->own == 0 && space->zero == 0 && space->wired == 0 && space->shared == 0);
    ASSERT(space->swapped == 0 && space->huges == 0);
    ASSERT(space->children == 0 && space->thread_frames == 0);
    if (space->charged != 0) {
        budget_give(core, space, 1); /* its record */
    }
    upkeep_inherit(core, space);
    swap_end(core, space);
    space_delist(core, space);
    port_hand_over(core->port);
    space_unlock(core, number);
}

void space_recover_step(struct core *core)
{
    const struct intent *intent = &core->worker->intent;

    if (intent->step == STEP_SLAB) {
        struct space *space = space_at(core, intent->step_space);
        enum err error = port_slab_donate(core->port, space->kernel, pool_pfn(core, intent->frame),
                                          (enum port_slab)intent->level);

        if (error == ERR_OK) {
            /* Was charged before the server died, so there is as much. */
            bool is_charged = budget_take(core, space, 1);

            ASSERT(is_charged);
            space_keep_slab(core, space, intent->frame);
        } else {
            pool_give(core, intent->frame);
        }
        intent_step_done(core);
    }
    if (core->worker->making != 0) {
        arena_page_give(core, core->worker->making);
        core->worker->making = 0;
    }
}

void space_recover(struct core *core)
{
    struct space *next = space_first(core);

    while (next != NULL) {
        struct space *space = next;

        next = space_next(core, space);
        if (space->state != SPACE_LIVE) {
            space_end(core, space);
        } else {
            work_finish(core, space);
            /* A request that reserved tables and then did not happen. */
            unmap_tables(core, space, range_of(0, RANGE_PAGES));
        }
    }
}

uint64_t space_audit(const struct core *core, const struct space *space)
{
    struct range all = range_of(0, RANGE_PAGES);
    struct page_totals totals = page_totals(core, space, all);
    uint64_t pages = 0;
    uint64_t data = 0;
    uint64_t committed = 0;
    uint64_t locked = 0;
    uint64_t stack = 0;
    uint32_t huges = 0;
    uint32_t shadows = shadow_audit(core, space);

    tree_audit(core, &space->tree);
    ASSERT(space->state == SPACE_LIVE || space->state == SPACE_MAKING);
    for (const struct region *region = tree_first(core, &space->tree); region != NULL;
         region = tree_next(core, region)) {
        merge_audit(core, space, region);
        pages += region_pages(region);
        data += region_is_data(region->flags) ? region_pages(region) : 0;
        committed += (region->flags & REGION_ACCOUNT) != 0 ? region_pages(region) : 0;
        stack += (region->flags & REGION_GROWSDOWN) != 0 ? region_pages(region) : 0;
        locked += (region->flags & REGION_LOCKED) != 0 ? region_pages(region) : 0;
        huges += (region->flags & REGION_HUGETLB) != 0 ? 1 : 0;
    }
    ASSERT(pages == space->pages && data == space->data && committed == space->committed);
    ASSERT(stack == space->stack && huges == space->huges);
    ASSERT(locked == space->locked && (space->future & ~REGION_LOCKS) == 0);
    ASSERT(totals.own == space->own && totals.zero == space->zero);
    ASSERT(totals.shared == space->shared && totals.swapped == space->swapped);
    ASSERT(totals.wired == space->wired);
    ASSERT(space->own + space->zero + space->wired <= space->pages);
    uint64_t frames = totals.own - totals.shared - totals.swapped +
                      (shadows - space->adopted_tables) + space->donated;

    frames += space->object_frame != 0 ? 3 : 0;
    frames += window_frames(space);
    return frames;
}
