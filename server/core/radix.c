/* SPDX-License-Identifier: MIT */
#include "server/core/radix.h"

#include <base/assert.h>
#include <base/types.h>

#include "server/core/arena.h"

#define RADIX_PAGE_BITS 18u
#define RADIX_PAGE_MASK ((UINT32_C(1) << RADIX_PAGE_BITS) - 1)
#define RADIX_COUNT_ONE (UINT32_C(1) << RADIX_PAGE_BITS)

STATIC_ASSERT(RADIX_ENTRIES * 4u == PAGE_SIZE, "words fill a page");
STATIC_ASSERT(ARENA_PAGES == RADIX_PAGE_MASK + 1, "an arena page fits below the count");
STATIC_ASSERT(RADIX_ENTRIES < UINT32_MAX / RADIX_COUNT_ONE, "the count fits above the page");

static uint32_t radix_count(uint32_t word)
{
    return word >> RADIX_PAGE_BITS;
}

/* The words below `word`, in which the caller may write if the map is his. */
static uint32_t *radix_page(const struct core *core, uint32_t word)
{
    return arena_page(core, word & RADIX_PAGE_MASK);
}

/* Which word of its page of `level` (0: lowest) stands for a number. */
static uint32_t radix_slot(uint64_t index, uint32_t level)
{
    return (uint32_t)(index >> (level * RADIX_BITS)) & (RADIX_ENTRIES - 1);
}

/* The height of a tree that has the number. */
static uint32_t radix_height(uint64_t index)
{
    uint32_t height = 1;

    ASSERT(index < RADIX_INDEX_END);
    while (index >> (height * RADIX_BITS) != 0) {
        height++;
    }
    return height;
}

uint32_t radix_get(const struct core *core, const struct radix *radix, uint64_t index)
{
    uint32_t word = radix->root;

    if (radix->height < RADIX_LEVELS && index >> (radix->height * RADIX_BITS) != 0) {
        return 0;
    }
    for (uint32_t level = radix->height; level > 0 && word != 0; level--) {
        word = radix_page(core, word)[radix_slot(index, level - 1)];
    }
    return word;
}

uint32_t radix_needs(const struct core *core, const struct radix *radix, uint64_t index)
{
    const uint32_t height = radix_height(index);
    uint32_t word = radix->root;
    uint32_t level = radix->height;

    if (word == 0) {
        return height;
    }
    if (height > level) {
        /* New tops over the tree that there is, and a path beside it. */
        return height - level + height - 1;
    }
    while (level > 1) {
        word = radix_page(core, word)[radix_slot(index, level - 1)];
        level--;
        if (word == 0) {
            return level;
        }
    }
    return 0;
}

static uint32_t radix_page_take(struct core *core, struct radix *radix)
{
    const uint32_t page = arena_page_take(core);

    ASSERT(page != 0);
    radix->pages++;
    return page;
}

static void radix_page_give(struct core *core, struct radix *radix, uint32_t page)
{
    arena_page_give(core, page);
    radix->pages--;
}

/* Make the tree as high as a number needs. */
static void radix_raise(struct core *core, struct radix *radix, uint32_t height)
{
    if (radix->root == 0) {
        radix->height = height;
        return;
    }
    while (radix->height < height) {
        uint32_t top = radix_page_take(core, radix);

        radix_page(core, top)[0] = radix->root;
        radix->root = top + RADIX_COUNT_ONE;
        radix->height++;
    }
}

void radix_set(struct core *core, struct radix *radix, uint64_t index, uint32_t value)
{
    const uint32_t height = radix_height(index);
    uint32_t *above = &radix->root;

    ASSERT(value != 0);
    if (radix->root == 0 || height > radix->height) {
        radix_raise(core, radix, height);
    }
    for (uint32_t level = radix->height; level > 0; level--) {
        if (*above == 0) {
            *above = radix_page_take(core, radix);
        }
        uint32_t *word = &radix_page(core, *above)[radix_slot(index, level - 1)];

        if (*word == 0) {
            *above += RADIX_COUNT_ONE;
        }
        above = word;
    }
    ASSERT(*above == 0);
    *above = value;
    radix->count++;
}

void radix_replace(struct core *core, struct radix *radix, uint64_t index, uint32_t value)
{
    uint32_t *word = &radix->root;

    for (uint32_t level = radix->height; level > 0; level--) {
        word = &radix_page(core, *word)[radix_slot(index, level - 1)];
    }
    ASSERT(*word != 0 && value != 0);
    *word = value;
}

/* Make the tree no higher than its largest number needs. */
static void radix_lower(struct core *core, struct radix *radix)
{
    while (radix->height > 1 && radix_count(radix->root) == 1) {
        uint32_t *words = radix_page(core, radix->root);

        if (words[0] == 0) {
            return;
        }
        const uint32_t top = radix->root & RADIX_PAGE_MASK;

        radix->root = words[0];
        radix->height--;
        words[0] = 0;
        radix_page_give(core, radix, top);
    }
    if (radix->root == 0) {
        radix->height = 0;
    }
}

uint32_t radix_remove(struct core *core, struct radix *radix, uint64_t index)
{
    uint32_t *path[RADIX_LEVELS + 1]; /* by level of the page below; the value last */
    uint32_t *word = &radix->root;
    uint32_t level;

    for (level = radix->height; level > 0; level--) {
        path[level] = word;
        word = &radix_page(core, *word)[radix_slot(index, level - 1)];
    }
    const uint32_t value = *word;

    ASSERT(value != 0);
    *word = 0;
    for (level = 1; level <= radix->height; level++) {
        *path[level] -= RADIX_COUNT_ONE;
        if (radix_count(*path[level]) != 0) {
            break;
        }
        radix_page_give(core, radix, *path[level] & RADIX_PAGE_MASK);
        *path[level] = 0;
    }
    radix->count--;
    radix_lower(core, radix);
    return value;
}

/*
 * The last slot up to `slot` of a page that is in use. Returns: RADIX_ENTRIES if there is none.
 */
static uint32_t radix_last_slot(const uint32_t *words, uint32_t slot)
{
    while (words[slot] == 0) {
        if (slot == 0) {
            return RADIX_ENTRIES;
        }
        slot--;
    }
    return slot;
}

/*
 * The largest number up to `*last` in the tree, or, where the branch that `*last` is in has none,
 * the value 0 and in `*last` the number before that branch (`*is_over`: there is none).
 */
static uint32_t radix_try(const struct core *core, const struct radix *radix, uint64_t *last,
                          bool *is_over)
{
    uint64_t index = *last;
    uint32_t word = radix->root;

    for (uint32_t level = radix->height; level > 0; level--) {
        const uint32_t shift = (level - 1) * RADIX_BITS;
        const uint32_t slot = radix_slot(index, level - 1);
        const uint32_t found = radix_last_slot(radix_page(core, word), slot);
        const uint64_t branch = index >> (shift + RADIX_BITS) << (shift + RADIX_BITS);

        if (found == RADIX_ENTRIES) {
            *is_over = branch == 0;
            *last = branch - 1;
            return 0;
        }
        if (found != slot) {
            /* All that is below counts. */
            index = branch + ((uint64_t)(found + 1) << shift) - 1;
        }
        word = radix_page(core, word)[found];
    }
    *last = index;
    return word;
}

uint32_t radix_below(const struct core *core, const struct radix *radix, uint64_t end,
                     uint64_t *index)
{
    bool is_over = end == 0 || radix->root == 0;
    uint64_t last = end - 1;

    if (!is_over && radix->height < RADIX_LEVELS && last >> (radix->height * RADIX_BITS) != 0) {
        last = (UINT64_C(1) << (radix->height * RADIX_BITS)) - 1;
    }
    /* Each try but the last leaves a branch behind, at most one a level. */
    while (!is_over) {
        const uint32_t value = radix_try(core, radix, &last, &is_over);

        if (value != 0) {
            *index = last;
            return value;
        }
    }
    return 0;
}

/*
 * The smallest number from `*first` on in the tree, or, where the branch that `*first` is in has
 * none, the value 0 and in `*first` the number after that branch.
 */
static uint32_t radix_try_from(const struct core *core, const struct radix *radix, uint64_t *first)
{
    uint64_t index = *first;
    uint32_t word = radix->root;

    for (uint32_t level = radix->height; level > 0; level--) {
        const uint32_t shift = (level - 1) * RADIX_BITS;
        const uint32_t *words = radix_page(core, word);
        const uint64_t branch = index >> (shift + RADIX_BITS) << (shift + RADIX_BITS);
        const uint32_t slot = radix_slot(index, level - 1);
        uint32_t found = slot;

        while (found < RADIX_ENTRIES && words[found] == 0) {
            found++;
        }
        if (found == RADIX_ENTRIES) {
            *first = branch + ((uint64_t)RADIX_ENTRIES << shift);
            return 0;
        }
        if (found != slot) {
            index = branch + ((uint64_t)found << shift);
        }
        word = words[found];
    }
    *first = index;
    return word;
}

uint32_t radix_from(const struct core *core, const struct radix *radix, uint64_t first,
                    uint64_t *index)
{
    const uint64_t end = UINT64_C(1) << (radix->height * RADIX_BITS);

    /* Each try but the last leaves a branch behind, at most one a level. */
    while (radix->root != 0 && first < end) {
        const uint32_t value = radix_try_from(core, radix, &first);

        if (value != 0) {
            *index = first;
            return value;
        }
    }
    return 0;
}

void radix_audit(const struct core *core, const struct radix *radix)
{
    /* The page on each level of a walk in order, and the next slot to look at. */
    uint32_t word[RADIX_LEVELS + 1] = {0};
    uint32_t next[RADIX_LEVELS + 1] = {0};
    uint32_t used[RADIX_LEVELS + 1] = {0};
    uint32_t level = radix->height;
    uint64_t count = 0;
    uint64_t pages = radix->root == 0 ? 0 : 1;
    uint64_t last = 0;

    ASSERT(radix_below(core, radix, RADIX_INDEX_END, &last) == 0 ||
           radix_height(last) == radix->height);
    ASSERT((radix->root == 0) == (radix->height == 0) && radix->height <= RADIX_LEVELS);
    word[level] = radix->root;
    while (level > 0 && level <= radix->height) {
        if (next[level] == RADIX_ENTRIES) {
            ASSERT(used[level] > 0 && used[level] == radix_count(word[level]));
            level++;
            continue;
        }
        const uint32_t below = radix_page(core, word[level])[next[level]++];

        if (below == 0) {
            continue;
        }
        used[level]++;
        if (level == 1) {
            count++;
        } else {
            pages++;
            level--;
            word[level] = below;
            next[level] = 0;
            used[level] = 0;
        }
    }
    ASSERT(count == radix->count && pages == radix->pages);
}
