/* SPDX-License-Identifier: MIT */
#include "server/core/arena.h"

#include <base/assert.h>

#include "server/core/pool.h"
#include "server/core/port.h"
#include "server/core/shared.h"

#define DIRECTORY_ENTRIES (PAGE_SIZE / 4u)

STATIC_ASSERT(sizeof(struct arena_head) <= ARENA_HEAD_PAGES * PAGE_SIZE, "the head has two pages");
STATIC_ASSERT(sizeof(struct frame) * POOL_RECORDS == PAGE_SIZE, "records fill pages");
STATIC_ASSERT(ARENA_PAGES / DIRECTORY_ENTRIES == ARENA_RECORDS - ARENA_DIRECTORY,
              "the directory covers the arena");

static uint32_t *directory_entry(const struct core *core, uint32_t page)
{
    uint32_t *directory = arena_page(core, ARENA_DIRECTORY);

    return &directory[page];
}

static uint32_t directory_page(uint32_t page)
{
    return ARENA_DIRECTORY + page / DIRECTORY_ENTRIES;
}

void arena_zero(void *memory, size_t bytes)
{
    uint64_t *word = memory;

    ASSERT(bytes % 8 == 0);
    for (size_t i = 0; i < bytes / 8; i++) {
        word[i] = 0;
    }
}

uint32_t arena_frame(const struct core *core, uint32_t page)
{
    uint32_t above = directory_page(page);

    /* The directory's own first page is always there and says which of the others are. */
    if (*directory_entry(core, above) == 0) {
        return 0;
    }
    return *directory_entry(core, page);
}

/* The page has its frame: write it down. */
static void arena_finish_back(struct core *core, uint32_t page, uint32_t frame)
{
    struct arena_head *head = core->head;

    *directory_entry(core, page) = frame;
    head->block_used[page / ARENA_BLOCK]++;
    head->backed++;
    core->frames[frame] = (struct frame){.kind = FRAME_ARENA, .references = 1};
    if (page >= head->general) {
        uint32_t *link = arena_page(core, page);

        *link = head->free_page;
        head->free_page = page;
        head->free_pages++;
    }
}

static void arena_finish_unback(struct core *core, uint32_t page, uint32_t frame)
{
    struct arena_head *head = core->head;

    *directory_entry(core, page) = 0;
    head->block_used[page / ARENA_BLOCK]--;
    head->backed--;
    pool_give(core, frame);
}

static void arena_finish_table(struct core *core, uint32_t block, uint32_t frame)
{
    core->head->table_frame[block] = frame;
    core->head->tables++;
}

static void arena_finish_untable(struct core *core, uint32_t block, uint32_t frame)
{
    core->head->table_frame[block] = 0;
    core->head->tables--;
    pool_give(core, frame);
}

/* Put a frame of the pool behind a page that has none, whose table and directory entry exist. */
static bool arena_back(struct core *core, uint32_t page)
{
    uint32_t frame = pool_take(core, FRAME_ARENA, 0, 0);

    if (frame == 0) {
        return false;
    }
    intent_step(core, STEP_ARENA_BACK, page, frame);
    port_arena_back(core->port, page, pool_pfn(core, frame));
    arena_finish_back(core, page, frame);
    intent_step_done(core);
    return true;
}

static void arena_unback(struct core *core, uint32_t page)
{
    uint32_t frame = *directory_entry(core, page);

    intent_step(core, STEP_ARENA_UNBACK, page, frame);
    port_arena_unback(core->port, page, pool_pfn(core, frame));
    arena_finish_unback(core, page, frame);
    intent_step_done(core);
}

/* Have the table of a block. */
static bool arena_table(struct core *core, uint32_t block)
{
    if (core->head->table_frame[block] != 0) {
        return true;
    }
    uint32_t frame = pool_take(core, FRAME_ARENA, 0, 0);

    if (frame == 0) {
        return false;
    }
    intent_step(core, STEP_ARENA_TABLE, block, frame);
    port_arena_table_add(core->port, 0, block * ARENA_BLOCK, pool_pfn(core, frame));
    arena_finish_table(core, block, frame);
    intent_step_done(core);
    return true;
}

/* Drop the table of a block without pages. */
static void arena_untable(struct core *core, uint32_t block)
{
    uint32_t frame = core->head->table_frame[block];

    intent_step(core, STEP_ARENA_UNTABLE, block, frame);
    port_arena_table_remove(core->port, 0, block * ARENA_BLOCK, pool_pfn(core, frame));
    arena_finish_untable(core, block, frame);
    intent_step_done(core);
}

/* A general page without a frame in the block; 0 if it has none. */
static uint32_t arena_find_unbacked(const struct core *core, uint32_t block)
{
    uint32_t page = block * ARENA_BLOCK;
    uint32_t end = page + ARENA_BLOCK;

    if (page < core->head->general) {
        page = core->head->general;
    }
    for (; page < end; page++) {
        if (arena_frame(core, page) == 0) {
            return page;
        }
    }
    return 0;
}

/* Add one free page, looking block by block from the one that had room last. */
static bool arena_grow(struct core *core)
{
    struct arena_head *head = core->head;

    for (uint32_t n = 0; n < ARENA_BLOCKS; n++) {
        uint32_t block = (head->hint + n) % ARENA_BLOCKS;

        if (head->block_used[block] == ARENA_BLOCK) {
            continue;
        }
        uint32_t page = arena_find_unbacked(core, block);

        if (page == 0) {
            continue;
        }
        head->hint = block;
        if (!arena_table(core, block)) {
            return false;
        }
        if (arena_frame(core, directory_page(page)) == 0 &&
            !arena_back(core, directory_page(page))) {
            return false;
        }
        return arena_back(core, page);
    }
    core->worker->lacks_frame = 0; /* its addresses are used up, which no frame would mend */
    return false;
}

enum err arena_init(struct core *core, const struct pool *pool)
{
    uint32_t records = (pool->span + POOL_RECORDS - 1) / POOL_RECORDS;
    uint32_t general = ARENA_RECORDS + records;
    uint32_t blocks = (general + ARENA_BLOCK - 1) / ARENA_BLOCK;
    uint32_t directories = (general + DIRECTORY_ENTRIES - 1) / DIRECTORY_ENTRIES;
    uint32_t start = pool->fresh[0].first;
    uint32_t needed = 1 + blocks + ARENA_HEAD_PAGES + directories;
    uint32_t next = start;

    if (blocks >= ARENA_BLOCKS / 2 || pool->fresh[0].end - start < needed * 2) {
        return ERR_NOMEM;
    }
    /* Until the head is backed there is nowhere to write: frames start .. start + 3 come first. */
    pfn_t base = {pool->base};

    port_arena_table_add(core->port, 1, 0, pfn_add(base, (npages_t){next}));
    port_arena_table_add(core->port, 0, 0, pfn_add(base, (npages_t){next + 1}));
    port_arena_back(core->port, 0, pfn_add(base, (npages_t){next + 2}));
    port_arena_back(core->port, 1, pfn_add(base, (npages_t){next + 3}));
    struct arena_head *head = core->head;

    head->magic = ARENA_MAGIC;
    head->version = ARENA_VERSION;
    head->general = general;
    head->hint = general / ARENA_BLOCK;
    head->pool = *pool;
    head->table_top = next;
    head->table_frame[0] = next + 1;
    head->tables = 1 + blocks;
    next += 4;
    for (uint32_t block = 1; block < blocks; block++, next++) {
        port_arena_table_add(core->port, 0, block * ARENA_BLOCK, pool_pfn(core, next));
        head->table_frame[block] = next;
    }
    for (uint32_t i = 0; i < directories; i++, next++) {
        port_arena_back(core->port, ARENA_DIRECTORY + i, pool_pfn(core, next));
        *directory_entry(core, ARENA_DIRECTORY + i) = next;
    }
    *directory_entry(core, 0) = start + 2;
    *directory_entry(core, 1) = start + 3;
    head->block_used[0] = (uint16_t)(ARENA_HEAD_PAGES + directories);
    head->backed = ARENA_HEAD_PAGES + directories;
    /* Now pages for their records. Each takes a frame more, whose record may need the next page:
     * all are there before the first record is written. */
    for (uint32_t i = start / POOL_RECORDS; i <= (next - 1) / POOL_RECORDS; i++, next++) {
        port_arena_back(core->port, ARENA_RECORDS + i, pool_pfn(core, next));
        *directory_entry(core, ARENA_RECORDS + i) = next;
        head->block_used[(ARENA_RECORDS + i) / ARENA_BLOCK]++;
        head->backed++;
        head->pool.records--;
    }
    for (uint32_t frame = start; frame < next; frame++) {
        core->frames[frame] = (struct frame){.kind = FRAME_ARENA, .references = 1};
    }
    head->pool.fresh[0].first = next;
    head->pool.fresh_left -= next - start;
    return ERR_OK;
}

void arena_back_records(struct core *core, uint32_t page, uint32_t frame)
{
    intent_step(core, STEP_ARENA_BACK, page, frame);
    port_arena_back(core->port, page, pool_pfn(core, frame));
    arena_finish_back(core, page, frame);
    intent_step_done(core);
}

bool arena_page_reserve(struct core *core, uint32_t pages)
{
    ASSERT(core->depth != 0);
    while (core->head->free_pages < pages) {
        if (!arena_grow(core)) {
            return false;
        }
    }
    return true;
}

uint32_t arena_page_take(struct core *core)
{
    struct arena_head *head = core->head;
    uint32_t page = 0;

    shared_enter(core);
    if (arena_page_reserve(core, 1)) {
        page = head->free_page;
        uint32_t *link = arena_page(core, page);

        head->free_page = *link;
        head->free_pages--;
        *link = 0;
    }
    shared_leave(core);
    return page;
}

void arena_page_give(struct core *core, uint32_t page)
{
    struct arena_head *head = core->head;
    uint32_t *link = arena_page(core, page);

    ASSERT(page >= head->general && page < ARENA_PAGES);
    ASSERT(*link == 0);
    shared_enter(core);
    *link = head->free_page;
    head->free_page = page;
    head->free_pages++;
    shared_leave(core);
}

/* Drop what only an empty block needed: its table, and with its neighbour the directory page. */
static void arena_trim_block(struct core *core, uint32_t block)
{
    struct arena_head *head = core->head;
    uint32_t fixed = (head->general - 1) / ARENA_BLOCK;

    if (block <= fixed || head->block_used[block] != 0) {
        return;
    }
    arena_untable(core, block);
    uint32_t directory = directory_page(block * ARENA_BLOCK);

    if (directory > directory_page(head->general - 1) && head->block_used[block ^ 1] == 0) {
        arena_unback(core, directory);
    }
    if (head->hint == block) {
        head->hint = fixed;
    }
}

void arena_trim(struct core *core, uint32_t keep)
{
    bool is_done = false;

    /* One page at a time, so that others get their turn. */
    while (!is_done) {
        shared_enter(core);
        is_done = core->head->free_pages <= keep;
        if (!is_done) {
            uint32_t page = arena_page_take(core);

            arena_unback(core, page);
            arena_trim_block(core, page / ARENA_BLOCK);
        }
        shared_leave(core);
    }
}

void arena_recover(struct core *core)
{
    const struct intent *intent = &core->worker->intent;

    switch ((enum intent_step)intent->step) {
    case STEP_ARENA_BACK:
        port_arena_back(core->port, intent->where, pool_pfn(core, intent->frame));
        arena_finish_back(core, intent->where, intent->frame);
        break;
    case STEP_ARENA_UNBACK:
        port_arena_unback(core->port, intent->where, pool_pfn(core, intent->frame));
        arena_finish_unback(core, intent->where, intent->frame);
        break;
    case STEP_ARENA_TABLE:
        port_arena_table_add(core->port, 0, intent->where * ARENA_BLOCK,
                             pool_pfn(core, intent->frame));
        arena_finish_table(core, intent->where, intent->frame);
        break;
    case STEP_ARENA_UNTABLE:
        port_arena_table_remove(core->port, 0, intent->where * ARENA_BLOCK,
                                pool_pfn(core, intent->frame));
        arena_finish_untable(core, intent->where, intent->frame);
        break;
    case STEP_NONE:
    case STEP_TABLE:
    case STEP_UNTABLE:
    case STEP_WINDOW_TABLE:
    case STEP_SLAB:
    case STEP_INSTALL:
    case STEP_FILL:
    case STEP_NUMBERS:
    case STEP_NO_NUMBERS:
    case STEP_TAIL:
    case STEP_LARGE:
        return;
    }
    intent_step_done(core);
    arena_trim(core, ARENA_KEEP);
}

uint64_t arena_audit(const struct core *core)
{
    const struct arena_head *head = core->head;
    uint64_t backed = 0;
    uint32_t tables = 1;
    uint32_t free = 0;

    for (uint32_t block = 0; block < ARENA_BLOCKS; block++) {
        uint32_t used = 0;

        if (head->table_frame[block] == 0) {
            ASSERT(head->block_used[block] == 0);
            continue;
        }
        tables++;
        ASSERT(core->frames[head->table_frame[block]].kind == FRAME_ARENA);
        for (uint32_t i = 0; i < ARENA_BLOCK; i++) {
            uint32_t frame = arena_frame(core, block * ARENA_BLOCK + i);

            if (frame != 0) {
                used++;
                ASSERT(core->frames[frame].kind == FRAME_ARENA);
            }
        }
        ASSERT(used == head->block_used[block]);
        backed += used;
    }
    ASSERT(backed == head->backed);
    ASSERT(tables == head->tables);
    for (uint32_t page = head->free_page; page != 0; free++) {
        const uint32_t *words = arena_page(core, page);

        ASSERT(page >= head->general && arena_frame(core, page) != 0);
        for (uint32_t i = 1; i < PAGE_SIZE / 4; i++) {
            ASSERT(words[i] == 0);
        }
        page = words[0];
        ASSERT(free < head->free_pages);
    }
    ASSERT(free == head->free_pages);
    return backed + tables;
}
