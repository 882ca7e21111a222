/* SPDX-License-Identifier: MIT */
#include "server/core/tally.h"

#include "server/core/budget.h"
#include "server/core/content.h"
#include "server/core/huge.h"
#include "server/core/large.h"
#include "server/core/paged.h"
#include "server/core/pool.h"
#include "server/core/reclaim.h"
#include "server/core/run.h"
#include "server/core/shadow.h"
#include "server/core/swap.h"

uint64_t tally_budget(const struct space *payer)
{
    return (uint64_t)atomic_load_explicit(&payer->budget.left, memory_order_relaxed);
}

void tally_begin(struct tally *tally, struct core *core, struct space *space)
{
    *tally = (struct tally){
        .core = core,
        .space = space,
        .free = pool_free(core),
        .left = tally_budget(budget_payer(core, space)),
        .runs = run_free(core),
        .leaf = TALLY_NO_BLOCK,
        .upper = TALLY_NO_BLOCK,
    };
    for (uint32_t level = 1; level <= HUGE_SIZES; level++) {
        tally->huge[level - 1] = huge_pool_spare(core, level);
    }
}

void tally_add(struct tally *tally, uint64_t frames, uint64_t charged)
{
    tally->frames += frames;
    tally->charged += charged;
}

enum fault_outcome tally_judge(struct tally *tally)
{
    if (tally->lacks) {
        return FAULT_NO_FRAME;
    }
    if (tally->charged > tally->left) {
        budget_refused(tally->core, tally->space, 1);
        return FAULT_NO_FRAME;
    }
    return tally->frames > tally->free && !reclaim_is_possible(tally->core) ? FAULT_NO_FRAME
                                                                            : FAULT_READY;
}

void tally_upper(struct tally *tally, uint32_t page)
{
    const uint32_t block = shadow_block(page, 1);

    if (tally->upper != block && shadow_upper(tally->core, tally->space, 0, page) == NULL) {
        tally_add(tally, BUDGET_SHADOW, BUDGET_SHADOW);
    }
    tally->upper = block;
}

void tally_leaf(struct tally *tally, uint32_t page)
{
    const uint32_t block = shadow_block(page, 0);

    tally_upper(tally, page);
    if (tally->leaf != block) {
        const uint64_t *upper = shadow_upper(tally->core, tally->space, 0, page);
        const bool is_there = upper != NULL && *upper != 0;

        tally_add(tally, is_there ? 0 : BUDGET_SHADOW, is_there ? 0 : BUDGET_SHADOW);
    }
    tally->leaf = block;
}

/* Levels of the tree of an object that goes up to its page `number`. */
static uint32_t tree_height(uint64_t number)
{
    uint32_t height = 1;

    while (height < RADIX_LEVELS && number >> (RADIX_BITS * height) != 0) {
        height++;
    }
    return height;
}

/* Whether a page of the tree was not counted yet. It is from now on, if there is room. */
static uint32_t count_node(struct tally *tally, const struct object *object, uint32_t level,
                           uint64_t index)
{
    for (uint32_t i = 0; i < tally->nodes; i++) {
        const struct tally_node *node = &tally->node[i];

        if (node->object == object && node->level == level && node->index == index) {
            return 0;
        }
    }
    if (tally->nodes < TALLY_NODES) {
        tally->node[tally->nodes++] = (struct tally_node){object, level, index};
    }
    return 1;
}

/* Levels of the tree of an object after what was counted for it; 0: nothing was. */
static uint32_t counted_height(const struct tally *tally, const struct object *object)
{
    uint32_t height = 0;

    for (uint32_t i = 0; i < tally->nodes; i++) {
        const struct tally_node *node = &tally->node[i];

        height = node->object == object && node->level > height ? node->level : height;
    }
    return height;
}

/*
 * Pages of the tree of an object that its page `number` needs, beside those that are there or were
 * counted: the way down to it, and new tops over a tree that is too low. A page of a level is named
 * by what it covers, so tops by 0.
 */
static uint32_t tally_tree(struct tally *tally, const struct object *object, uint64_t number)
{
    const struct radix *tree = &object->frames;
    const uint32_t height = tree_height(number);
    const uint32_t there = tree->root == 0 ? 0 : tree->height;
    uint32_t way = radix_needs(tally->core, tree, number);
    uint32_t pages = 0;

    if (there == 0) {
        const uint32_t counted = counted_height(tally, object);

        way = counted > height ? counted : height;
    } else if (height > there) {
        way = height - 1;
        for (uint32_t level = there + 1; level <= height; level++) {
            pages += count_node(tally, object, level, 0);
        }
    }
    for (uint32_t level = 1; level <= way; level++) {
        pages += count_node(tally, object, level, number >> (RADIX_BITS * level));
    }
    return pages;
}

/* A page of an object that has none gets its frames, at the cost of who made the object. */
static void tally_object_page(struct tally *tally, const struct object *object, uint64_t number,
                              uint64_t pages)
{
    const uint64_t frames = tally_tree(tally, object, number) + pages;
    const bool is_paid = object->payer != 0;

    if (tally->object != object) {
        tally->object = object;
        tally->object_frames = 0;
        tally->object_promised = object->promised;
    }
    tally->object_frames += frames;
    tally_add(tally, frames, is_paid && object->payer == tally->space->payer ? frames : 0);
    if (is_paid && object->payer != tally->space->payer) {
        const struct space *payer = arena_page(tally->core, object->payer);

        if (tally->object_frames > tally_budget(payer)) {
            budget_refused_by(tally->core, tally->space, payer, frames);
            tally->lacks = true;
        }
    }
}

/* How many name a slot. */
static uint32_t slot_users(const struct core *core, uint32_t name)
{
    const uint32_t word = paged_word(core, swap_object(core, name), swap_slot(name));
    const uint32_t frame = paged_word_frame(word);

    return frame != 0 ? pool_record(core, frame)->references : paged_word_count(word);
}

/* A page of a region with an object that shows what the object has. */
static enum fault_outcome tally_object(struct tally *tally, const struct region *region,
                                       uint32_t page, uint32_t access)
{
    const struct core *core = tally->core;
    const struct object *object = object_at(core, region->object);
    const uint64_t number = region_kind_at(region, page).offset;
    const bool is_copied = (region->flags & REGION_SHARED) == 0 && access == MEM_PROT_WRITE;

    if (!object_has_page(object, number)) {
        return FAULT_PAST_END;
    }
    if (object_has_frames(object) && content_frame(core, object, number) == 0) {
        if (content_is_swapped(core, object, number)) {
            const uint32_t name = content_slot(core, object, number);

            tally_add(tally, swap_frame(core, name) == 0 ? 1 : 0, 0);
        } else {
            tally_object_page(tally, object, number, 1);
        }
    }
    tally_add(tally, is_copied ? 1 : 0, is_copied ? 1 : 0);
    tally->copies += is_copied ? 1 : 0;
    return FAULT_READY;
}

/* A page that others have too may be copied: all who have it are charged for it already. */
static void tally_copy(struct tally *tally, bool is_copied)
{
    tally_add(tally, is_copied ? 1 : 0, 0);
    tally->copies += is_copied ? 1 : 0;
}

enum fault_outcome tally_page(struct tally *tally, const struct region *region, uint32_t page,
                              uint64_t entry, uint32_t access)
{
    const struct core *core = tally->core;
    const bool is_write = access == MEM_PROT_WRITE;
    const enum shadow_state state = shadow_entry_state(entry);
    const uint32_t name = shadow_entry_frame(entry);

    switch (state) {
    case SHADOW_OWN:
        return FAULT_READY;
    case SHADOW_ABSENT:
    case SHADOW_WIRED:
        if (region->object != 0) {
            return tally_object(tally, region, page, access);
        }
        tally_add(tally, is_write ? 1 : 0, is_write ? 1 : 0);
        return FAULT_READY;
    case SHADOW_ZERO:
        tally_add(tally, is_write ? 1 : 0, is_write ? 1 : 0);
        return FAULT_READY;
    case SHADOW_SHARED:
        tally_copy(tally, is_write && pool_record(core, name)->references > 1);
        return FAULT_READY;
    case SHADOW_SWAPPED:
        tally_add(tally, swap_frame(core, name) == 0 ? 1 : 0, 0);
        tally_copy(tally, is_write && slot_users(core, name) > 1);
        return FAULT_READY;
    }
    UNREACHABLE();
}

bool tally_becomes_large(const struct tally *tally, const struct region *region, uint32_t page,
                         uint32_t access)
{
    const struct range block = shadow_block_range(shadow_block(page, 0), 0);

    return access == MEM_PROT_WRITE && (region->flags & REGION_HUGEPAGE) != 0 &&
           region->object == 0 && range_covers(region_range(region), block) && tally->runs != 0 &&
           tally->left >= tally->charged + LARGE_PAGES &&
           tally->free >= tally->frames + LARGE_PAGES + POOL_REFILL;
}

void tally_large(struct tally *tally)
{
    tally_add(tally, LARGE_PAGES, LARGE_PAGES);
    tally->runs--;
}

enum fault_outcome tally_huge_page(struct tally *tally, const struct object *object,
                                   uint64_t number, uint32_t access)
{
    uint32_t *spare = &tally->huge[object->level - 1];
    const uint64_t index = number / huge_unit(object->level);
    const bool was_taken = radix_get(tally->core, &object->frames, index) == HUGE_TAKEN;
    const uint32_t frame = huge_frame(tally->core, object, index);
    const bool is_copied = frame != 0 && access == MEM_PROT_WRITE && object->copy_frame == 0 &&
                           huge_pool_names(tally->core, frame) > 1;

    if (!object_has_page(object, number)) {
        return FAULT_PAST_END;
    }
    if (frame == 0 && !was_taken) {
        tally_object_page(tally, object, index, 0);
        if (tally->object_promised != 0) {
            tally->object_promised--;
            return FAULT_READY;
        }
    }
    if (frame == 0 || is_copied) {
        if (*spare == 0) {
            return FAULT_PAST_END;
        }
        --*spare;
    }
    return FAULT_READY;
}
