/* SPDX-License-Identifier: MIT */
#include "server/core/number.h"

#include <base/assert.h>

#include "server/core/arena.h"
#include "server/core/pool.h"
#include "server/core/port.h"
#include "server/core/shared.h"

#define WORD_BITS 64u

struct number_block {
    uint32_t link[NUMBER_BLOCK];
    uint64_t used[NUMBER_BLOCK / WORD_BITS];
    uint32_t count;
    uint32_t table; /* frame; 0: the kernel's */
};
STATIC_ASSERT(sizeof(struct number_block) <= PAGE_SIZE, "a block is one arena page");
STATIC_ASSERT(NUMBER_BLOCKS * sizeof(uint32_t) <= PAGE_SIZE, "the table of blocks is one page");

/* Pages of blocks; NULL before the first thread. */
static uint32_t *number_blocks(const struct core *core)
{
    return core->head->thread_page == 0 ? NULL : arena_page(core, core->head->thread_page);
}

static struct number_block *number_block(const struct core *core, uint32_t block)
{
    const uint32_t *blocks = number_blocks(core);

    return blocks == NULL || blocks[block] == 0 ? NULL : arena_page(core, blocks[block]);
}

uint32_t number_link(const struct core *core, uint64_t number)
{
    const struct number_block *block =
        number < NUMBER_END ? number_block(core, (uint32_t)number / NUMBER_BLOCK) : NULL;

    return block == NULL ? 0 : block->link[number % NUMBER_BLOCK];
}

/* The page and the table of the pool are there: make them a block. */
static void number_finish_block(struct core *core, uint32_t number, uint32_t page, uint32_t table)
{
    struct number_block *block = arena_page(core, page);

    block->table = table;
    number_blocks(core)[number] = page;
    core->head->number_tables++;
}

/* Write down that an empty block's table is gone. */
static void number_finish_unblock(struct core *core, uint32_t number)
{
    uint32_t *blocks = number_blocks(core);
    struct number_block *block = arena_page(core, blocks[number]);
    const uint32_t page = blocks[number];

    ASSERT(block->count == 0);
    pool_give(core, block->table);
    arena_zero(block, PAGE_SIZE);
    blocks[number] = 0;
    core->head->number_tables--;
    arena_page_give(core, page);
}

/* Make a block and its table. Returns: whether there were frames. */
static bool number_make_block(struct core *core, uint32_t number)
{
    shared_enter(core);
    const uint32_t table = arena_page_reserve(core, 1) ? pool_take(core, FRAME_TABLE, 0, 0) : 0;

    if (table == 0) {
        shared_leave(core);
        return false;
    }
    const uint32_t page = arena_page_take(core);

    ASSERT(page != 0);
    core->worker->intent.page = page;
    intent_step(core, STEP_NUMBERS, number, table);
    shared_leave(core);
    port_server_table_add(core->port, number * NUMBER_BLOCK, pool_pfn(core, table));
    number_finish_block(core, number, page, table);
    intent_step_done(core);
    return true;
}

static void number_drop_block(struct core *core, uint32_t number)
{
    const uint32_t table = number_block(core, number)->table;

    intent_step(core, STEP_NO_NUMBERS, number, table);
    port_server_table_remove(core->port, number * NUMBER_BLOCK, pool_pfn(core, table));
    shared_enter(core);
    number_finish_unblock(core, number);
    intent_step_done(core);
    shared_leave(core);
}

bool number_begin(struct core *core)
{
    struct arena_head *head = core->head;

    if (head->thread_page == 0) {
        head->thread_page = arena_page_take(core);
    }
    if (head->thread_page != 0 && number_blocks(core)[0] == 0) {
        number_blocks(core)[0] = arena_page_take(core);
    }
    return head->thread_page != 0 && number_blocks(core)[0] != 0;
}

/* The first free number of a block from `kept` on, which is below 64; NUMBER_BLOCK: none. */
static uint32_t number_free_in(const struct number_block *block, uint32_t kept)
{
    for (uint32_t word = 0; word < NUMBER_BLOCK / WORD_BITS; word++) {
        const uint64_t mask = word == 0 ? (UINT64_C(1) << kept) - 1 : 0;
        const uint64_t used = block->used[word] | mask;
        uint32_t bit = 0;

        while (bit < WORD_BITS && (used >> bit & 1) != 0) {
            bit++;
        }
        if (bit < WORD_BITS) {
            return word * WORD_BITS + bit;
        }
    }
    return NUMBER_BLOCK;
}

enum err number_choose(struct core *core, uint32_t *number)
{
    const uint32_t end = core->head->thread_numbers;

    if (!number_begin(core)) {
        return ERR_NOMEM;
    }
    for (uint32_t i = 0; i * NUMBER_BLOCK < end; i++) {
        const struct number_block *block = number_block(core, i);

        if (block == NULL) {
            if (!number_make_block(core, i)) {
                return ERR_NOMEM;
            }
            block = number_block(core, i);
        }
        const uint32_t free = number_free_in(block, i == 0 ? core->head->thread_first : 0);

        if (free < NUMBER_BLOCK && i * NUMBER_BLOCK + free < end) {
            *number = i * NUMBER_BLOCK + free;
            return ERR_OK;
        }
    }
    return ERR_RANGE;
}

uint32_t number_kept(const struct core *core)
{
    uint32_t count = 0;

    for (uint32_t number = 1; number < core->head->thread_first; number++) {
        count += number_link(core, number) == 0 ? 1 : 0; /* init has one of them */
    }
    return count;
}

void number_enter(struct core *core, uint32_t number, uint32_t link)
{
    struct number_block *block = number_block(core, number / NUMBER_BLOCK);
    const uint32_t at = number % NUMBER_BLOCK;

    ASSERT(block != NULL && link != 0 && block->link[at] == 0);
    block->link[at] = link;
    block->used[at / WORD_BITS] |= UINT64_C(1) << at % WORD_BITS;
    block->count++;
}

void number_leave(struct core *core, uint32_t number)
{
    struct number_block *block = number_block(core, number / NUMBER_BLOCK);
    const uint32_t at = number % NUMBER_BLOCK;

    ASSERT(block != NULL && block->link[at] != 0);
    block->link[at] = 0;
    block->used[at / WORD_BITS] &= ~(UINT64_C(1) << at % WORD_BITS);
    block->count--;
    if (block->count == 0 && block->table != 0) {
        number_drop_block(core, number / NUMBER_BLOCK);
    }
}

uint32_t number_next(const struct core *core, uint32_t number)
{
    while (number < NUMBER_END) {
        const struct number_block *block = number_block(core, number / NUMBER_BLOCK);
        const uint32_t end = (number / NUMBER_BLOCK + 1) * NUMBER_BLOCK;

        for (; block != NULL && number < end; number++) {
            if (block->link[number % NUMBER_BLOCK] != 0) {
                return number;
            }
        }
        number = end;
    }
    return NUMBER_END;
}

void number_recover_step(struct core *core)
{
    const struct intent *intent = &core->worker->intent;

    if (intent->step == STEP_NUMBERS) {
        port_server_table_remove(core->port, intent->where * NUMBER_BLOCK,
                                 pool_pfn(core, intent->frame));
        arena_page_give(core, intent->page);
        pool_give(core, intent->frame);
        intent_step_done(core);
    } else if (intent->step == STEP_NO_NUMBERS) {
        port_server_table_remove(core->port, intent->where * NUMBER_BLOCK,
                                 pool_pfn(core, intent->frame));
        number_finish_unblock(core, intent->where);
        intent_step_done(core);
    }
}

void number_recover(struct core *core)
{
    for (uint32_t i = 1; number_blocks(core) != NULL && i < NUMBER_BLOCKS; i++) {
        const struct number_block *block = number_block(core, i);

        if (block != NULL && block->count == 0) {
            number_drop_block(core, i);
        }
    }
}

uint64_t number_audit(const struct core *core)
{
    uint64_t tables = 0;

    for (uint32_t i = 0; i < NUMBER_BLOCKS; i++) {
        const struct number_block *block = number_block(core, i);
        uint32_t count = 0;

        if (block == NULL) {
            continue;
        }
        for (uint32_t at = 0; at < NUMBER_BLOCK; at++) {
            const bool is_used = (block->used[at / WORD_BITS] >> at % WORD_BITS & 1) != 0;

            ASSERT(is_used == (block->link[at] != 0));
            count += is_used ? 1 : 0;
        }
        ASSERT(count == block->count);
        ASSERT((i == 0) == (block->table == 0));
        tables += block->table != 0 ? 1 : 0;
    }
    ASSERT(tables == core->head->number_tables);
    return tables;
}
