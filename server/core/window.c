/* SPDX-License-Identifier: MIT */
#include "server/core/window.h"

#include <abi/layout.h>
#include <base/assert.h>

#include "server/core/budget.h"
#include "server/core/pool.h"
#include "server/core/port.h"
#include "server/core/shared.h"
#include "server/core/thread.h"

#define WORD_BITS     64u
#define WINDOW_BLOCKS ((uint32_t)(WINDOW_PAGES / WINDOW_BLOCK))

STATIC_ASSERT(SPACE_WINDOW_WORDS *WORD_BITS == WINDOW_BLOCK, "a bit for each page of a table");

/* An arena page. */
struct window_block {
    uint32_t next;   /* page of the block before it; 0: that is the first */
    uint32_t number; /* of the block */
    uint32_t table;
    uint32_t reserved;
    uint64_t used[SPACE_WINDOW_WORDS];
};

/* The bits of block `number`, which stands. */
static uint64_t *window_bits(const struct core *core, struct space *space, uint32_t number)
{
    uint32_t page = space->window_first;

    if (number == 0) {
        return space->window_used;
    }
    for (;;) {
        struct window_block *block = arena_page(core, page);

        ASSERT(page != 0);
        if (block->number == number) {
            return block->used;
        }
        page = block->next;
    }
}

/* The first free page of a block; WINDOW_BLOCK: none. */
static uint32_t window_free_in(const uint64_t *used)
{
    for (uint32_t word = 0; word < SPACE_WINDOW_WORDS; word++) {
        uint32_t bit = 0;

        while (bit < WORD_BITS && (used[word] >> bit & 1) != 0) {
            bit++;
        }
        if (bit < WORD_BITS) {
            return word * WORD_BITS + bit;
        }
    }
    return WINDOW_BLOCK;
}

/* Have one of the first two tables. */
static bool window_make_level(struct core *core, struct space *space, uint32_t level,
                              uint32_t *field)
{
    if (*field != 0) {
        return true;
    }
    uint32_t frame = budget_take_frame(core, space, FRAME_TABLE);

    if (frame == 0) {
        return false;
    }
    intent_step_space(core, STEP_WINDOW_TABLE, space, level, 0, frame, 0);
    port_window_table_add(core->port, space->kernel, level, 0, pool_pfn(core, frame));
    *field = frame;
    intent_step_done(core);
    return true;
}

/* The kernel made these of a space that it built. */
static bool window_begin(struct core *core, struct space *space)
{
    return space->object_frame == 0 || (window_make_level(core, space, 1, &space->window_table) &&
                                        window_make_level(core, space, 0, &space->window_leaf));
}

/* One block more, with its table. */
static bool window_extend(struct core *core, struct space *space)
{
    if (!budget_take(core, space, BUDGET_WINDOW)) {
        return false;
    }
    shared_enter(core);
    uint32_t table =
        arena_page_reserve(core, 1) ? pool_take(core, FRAME_TABLE, space->number, 0) : 0;

    if (table == 0) {
        shared_leave(core);
        budget_give(core, space, BUDGET_WINDOW);
        return false;
    }
    uint32_t page = arena_page_take(core);
    const uint32_t number = space->window_blocks + 1;

    ASSERT(page != 0);
    intent_step_space(core, STEP_WINDOW_TABLE, space, 0, number * WINDOW_BLOCK, table, page);
    shared_leave(core);
    port_window_table_add(core->port, space->kernel, 0, number * WINDOW_BLOCK,
                          pool_pfn(core, table));
    *(struct window_block *)arena_page(core, page) =
        (struct window_block){.next = space->window_first, .number = number, .table = table};
    space->window_first = page;
    space->window_blocks++;
    intent_step_done(core);
    return true;
}

/* A free page in any block that stands; WINDOW_PAGES: none. */
static uint32_t window_find_free(const struct core *core, const struct space *space)
{
    uint32_t free = window_free_in(space->window_used);

    if (free < WINDOW_BLOCK) {
        return free;
    }
    for (uint32_t page = space->window_first; page != 0;) {
        const struct window_block *block = arena_page(core, page);

        free = window_free_in(block->used);
        if (free < WINDOW_BLOCK) {
            return block->number * WINDOW_BLOCK + free;
        }
        page = block->next;
    }
    return WINDOW_PAGES;
}

enum err window_choose(struct core *core, struct space *space, uint32_t *page)
{
    if (*page != THREAD_ANY_PAGE) {
        if (*page >= WINDOW_BLOCK) {
            return ERR_RANGE;
        }
        if ((space->window_used[*page / WORD_BITS] >> *page % WORD_BITS & 1) != 0) {
            return ERR_EXIST;
        }
        return window_begin(core, space) ? ERR_OK : ERR_NOMEM;
    }
    if (!window_begin(core, space)) {
        return ERR_NOMEM;
    }
    *page = window_find_free(core, space);
    if (*page == WINDOW_PAGES) {
        if (space->window_blocks + 1 == WINDOW_BLOCKS) {
            return ERR_RANGE;
        }
        if (!window_extend(core, space)) {
            return ERR_NOMEM;
        }
        *page = space->window_blocks * WINDOW_BLOCK;
    }
    return ERR_OK;
}

void window_take(const struct core *core, struct space *space, uint32_t page)
{
    uint64_t *used = window_bits(core, space, page / WINDOW_BLOCK);
    const uint32_t at = page % WINDOW_BLOCK;

    ASSERT((used[at / WORD_BITS] >> at % WORD_BITS & 1) == 0);
    used[at / WORD_BITS] |= UINT64_C(1) << at % WORD_BITS;
}

void window_give(const struct core *core, struct space *space, uint32_t page)
{
    uint64_t *used = window_bits(core, space, page / WINDOW_BLOCK);
    const uint32_t at = page % WINDOW_BLOCK;

    ASSERT((used[at / WORD_BITS] >> at % WORD_BITS & 1) != 0);
    used[at / WORD_BITS] &= ~(UINT64_C(1) << at % WORD_BITS);
}

/* One of the first two tables. */
static void window_drop_level(struct core *core, struct space *space, uint32_t level,
                              uint32_t *field)
{
    if (*field != 0) {
        port_window_table_remove(core->port, space->kernel, level, 0, pool_pfn(core, *field));
        budget_give_frame(core, space, *field);
        *field = 0;
    }
}

void window_end(struct core *core, struct space *space)
{
    while (space->window_first != 0) {
        const uint32_t page = space->window_first;
        struct window_block *block = arena_page(core, page);

        port_window_table_remove(core->port, space->kernel, 0, block->number * WINDOW_BLOCK,
                                 pool_pfn(core, block->table));
        shared_enter(core);
        pool_give(core, block->table);
        budget_give(core, space, BUDGET_WINDOW);
        space->window_first = block->next;
        space->window_blocks--;
        arena_zero(block, sizeof(*block));
        arena_page_give(core, page);
        shared_leave(core);
    }
    ASSERT(space->window_blocks == 0);
    window_drop_level(core, space, 0, &space->window_leaf);
    window_drop_level(core, space, 1, &space->window_table);
}

void window_recover(struct core *core)
{
    const struct intent *intent = &core->worker->intent;

    if (intent->step == STEP_WINDOW_TABLE) {
        const struct space *space = arena_page(core, intent->step_space);

        port_window_table_remove(core->port, space->kernel, intent->level, intent->where,
                                 pool_pfn(core, intent->frame));
        if (intent->page != 0) {
            arena_page_give(core, intent->page);
        }
        pool_give(core, intent->frame);
        intent_step_done(core);
    }
}

uint32_t window_frames(const struct space *space)
{
    return (space->window_table != 0) + (space->window_leaf != 0) + space->window_blocks;
}
