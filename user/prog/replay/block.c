/* SPDX-License-Identifier: MIT */
#include "block.h"

#include <assert.h>
#include <stdlib.h>

static struct block *block_of_recorded(struct order_node *node)
{
    return node == NULL ? NULL : ORDER_ENTRY(node, struct block, by_recorded);
}

static struct block *block_of_own(struct order_node *node)
{
    return node == NULL ? NULL : ORDER_ENTRY(node, struct block, by_own);
}

static bool traits_are_continued(const struct block_traits *a, const struct block_traits *b)
{
    return a->prot == b->prot && a->kind == b->kind && a->attributes == b->attributes &&
           a->object == b->object && (a->object == 0 || a->object_base == b->object_base);
}

static struct block *block_take(struct block_map *map)
{
    struct block *block = map->free;

    assert(block != NULL);
    map->free = block->next_free;
    map->blocks++;
    return block;
}

static void block_link(struct block_map *map, struct block *block, uint64_t start)
{
    block->by_recorded.key = start;
    block->by_own.key = start + block->distance;
    order_insert(&map->by_recorded, &block->by_recorded);
    order_insert(&map->by_own, &block->by_own);
}

static void block_unlink(struct block_map *map, struct block *block)
{
    order_remove(&map->by_recorded, &block->by_recorded);
    order_remove(&map->by_own, &block->by_own);
    block->next_free = map->free;
    map->free = block;
    map->blocks--;
    map->last = NULL;
}

/* Make `address` a boundary, if a block reaches across it. */
static void block_split(struct block_map *map, uint64_t address)
{
    struct block *low = block_find(map, address);

    if (low == NULL || block_start(low) == address) {
        return;
    }
    struct block *high = block_take(map);
    high->end = low->end;
    high->distance = low->distance;
    high->traits = low->traits;
    high->is_continued = true;
    low->end = address;
    block_link(map, high, address);
    map->last = NULL;
}

/* Let `high`, which has a boundary below it, become one region with the block there, if it can. */
static void block_join(struct block_map *map, struct block *high)
{
    uint64_t boundary = block_start(high);
    struct block *low = boundary == 0 ? NULL : block_find(map, boundary - 1);

    if (low == NULL || !traits_are_continued(&low->traits, &high->traits)) {
        high->is_continued = false;
        return;
    }
    if (!high->is_continued) {
        map->merges++;
        high->is_continued = true;
    }
    if (low->distance == high->distance) {
        low->end = high->end;
        block_unlink(map, high);
    }
}

bool block_map_init(struct block_map *map, uint64_t blocks_max)
{
    *map = (struct block_map){.blocks = 0};
    order_init(&map->by_recorded);
    order_init(&map->by_own);
    if (blocks_max > SIZE_MAX / sizeof *map->pool) {
        return false;
    }
    map->pool = calloc((size_t)blocks_max, sizeof *map->pool);
    if (map->pool == NULL) {
        return false;
    }
    for (uint64_t i = blocks_max; i-- > 0;) {
        map->pool[i].next_free = map->free;
        map->free = &map->pool[i];
    }
    return true;
}

void block_map_fini(struct block_map *map)
{
    free(map->pool);
    map->pool = NULL;
}

struct block *block_find(struct block_map *map, uint64_t address)
{
    struct block *block = map->last;

    if (block != NULL && block_start(block) <= address && address < block->end) {
        return block;
    }
    block = block_of_recorded(order_find_at_most(&map->by_recorded, address));
    if (block == NULL || address >= block->end) {
        return NULL;
    }
    map->last = block;
    return block;
}

struct block *block_first(const struct block_map *map, uint64_t address)
{
    struct block *block = block_of_recorded(order_find_at_most(&map->by_recorded, address));

    if (block == NULL) {
        return block_of_recorded(order_first(&map->by_recorded));
    }
    return address < block->end ? block : block_next(block);
}

struct block *block_next(const struct block *block)
{
    return block_of_recorded(block->by_recorded.next[0]);
}

bool block_is_covered(const struct block_map *map, uint64_t start, uint64_t end)
{
    uint64_t address = start;

    for (struct block *block = block_first(map, start);
         block != NULL && address < end && block_start(block) <= address;
         block = block_next(block)) {
        address = block->end;
    }
    return address >= end;
}

bool block_is_free(const struct block_map *map, uint64_t start, uint64_t end)
{
    const struct block *block = block_first(map, start);

    return start >= end || block == NULL || block_start(block) >= end;
}

bool block_own_is_free(const struct block_map *map, uint64_t start, uint64_t end)
{
    const struct block *block = block_of_own(order_find_at_most(&map->by_own, end - 1));

    return block == NULL || block->end + block->distance <= start;
}

uint64_t block_piece_end(struct block_map *map, uint64_t start, uint64_t end)
{
    const struct block *block = block_find(map, start);

    assert(block != NULL);
    for (;;) {
        const struct block *next = block_next(block);

        if (block->end >= end) {
            return end;
        }
        if (next == NULL || block_start(next) != block->end || next->distance != block->distance) {
            return block->end;
        }
        block = next;
    }
}

void block_insert(struct block_map *map, uint64_t start, uint64_t end, uint64_t distance,
                  struct block_traits traits)
{
    struct block *block = block_take(map);

    assert(start < end);
    assert(block_is_free(map, start, end));
    assert(block_own_is_free(map, start + distance, end + distance));
    block->end = end;
    block->distance = distance;
    block->traits = traits;
    block->is_continued = false;
    block_link(map, block, start);
}

void block_cut(struct block_map *map, uint64_t start, uint64_t end)
{
    block_split(map, start);
    block_split(map, end);
    struct block *block = block_first(map, start);
    while (block != NULL && block_start(block) < end) {
        struct block *next = block_next(block);

        block_unlink(map, block);
        block = next;
    }
    if (block != NULL && block_start(block) == end) {
        block->is_continued = false;
    }
}

void block_change(struct block_map *map, uint64_t start, uint64_t end,
                  struct block_traits (*change)(struct block_traits traits, uint32_t argument),
                  uint32_t argument)
{
    block_split(map, start);
    block_split(map, end);
    for (struct block *block = block_first(map, start); block != NULL && block_start(block) < end;
         block = block_next(block)) {
        block->traits = change(block->traits, argument);
    }
}

void block_settle(struct block_map *map, uint64_t start, uint64_t end)
{
    struct block *block = block_first(map, start);

    while (block != NULL && block_start(block) <= end) {
        /* Joining frees `block`, never the one behind it. */
        struct block *next = block_next(block);

        if (block_start(block) >= start) {
            block_join(map, block);
        }
        block = next;
    }
}

bool block_is_uniform(const struct block_map *map, uint64_t start, uint64_t end)
{
    const struct block *first = block_first(map, start);

    for (const struct block *block = first; block != NULL && block_start(block) < end;
         block = block_next(block)) {
        if (!traits_are_continued(&first->traits, &block->traits)) {
            return false;
        }
    }
    return true;
}
