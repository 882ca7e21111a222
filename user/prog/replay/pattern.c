/* SPDX-License-Identifier: MIT */
#include "pattern.h"

#include <assert.h>
#include <stdlib.h>

#include "page.h"

#define PATTERN_ZERO  1u
#define PATTERN_FIRST 2u
#define PATTERN_LOOSE 0x80000000u

#define PATTERN_LEAF_PAGES 512u
#define PATTERN_LEAF_BYTES (PATTERN_LEAF_PAGES * PAGE_BYTES)
/* Words of a page from one pattern word to the next, and how many there are. */
#define PATTERN_STRIDE 128u
#define PATTERN_WORDS  (PAGE_WORDS / PATTERN_STRIDE)
/* A sample looks at every 15th word between them: one in every other line of 64 bytes. */
#define PATTERN_SAMPLE 15u
/* What a page of a file holds: a word in the middle of each sector of a disk. */
#define GROUND_STRIDE 64u
#define GROUND_PLACE  32u
#define GROUND_WORDS  (PAGE_WORDS / GROUND_STRIDE)

static const char fault_ground[] = "a page of a file is not as it is in the file";

struct pattern_leaf {
    struct order_node by_address; /* key: recorded address of the first page */
    uint32_t used;                /* values that are not 0 */
    uint32_t values[PATTERN_LEAF_PAGES];
};

static struct pattern_leaf *pattern_leaf_of(struct order_node *node)
{
    return node == NULL ? NULL : ORDER_ENTRY(node, struct pattern_leaf, by_address);
}

static uint64_t pattern_leaf_start(uint64_t address)
{
    return address - address % PATTERN_LEAF_BYTES;
}

static unsigned pattern_leaf_slot(uint64_t address)
{
    return (unsigned)(address % PATTERN_LEAF_BYTES / PAGE_BYTES);
}

/* The leaf that covers `address`; NULL if none was prepared. */
static struct pattern_leaf *pattern_leaf_find(struct pattern_table *table, uint64_t address)
{
    uint64_t start = pattern_leaf_start(address);

    if (table->last == NULL || table->last->by_address.key != start) {
        struct pattern_leaf *leaf = pattern_leaf_of(order_find_at_most(&table->leaves, start));

        if (leaf == NULL || leaf->by_address.key != start) {
            return NULL;
        }
        table->last = leaf;
    }
    return table->last;
}

uint32_t pattern_value(struct pattern_table *table, uint64_t address)
{
    const struct pattern_leaf *leaf = pattern_leaf_find(table, address);

    return leaf == NULL ? 0 : leaf->values[pattern_leaf_slot(address)];
}

uint32_t pattern_value_of(uint32_t event)
{
    return event + PATTERN_FIRST;
}

void pattern_set_value(struct pattern_table *table, uint64_t address, uint32_t value)
{
    struct pattern_leaf *leaf = pattern_leaf_find(table, address);

    assert(leaf != NULL);
    uint32_t *slot = &leaf->values[pattern_leaf_slot(address)];
    if (*slot == 0 && value != 0) {
        leaf->used++;
        table->resident++;
    } else if (*slot != 0 && value == 0) {
        leaf->used--;
        table->resident--;
    }
    *slot = value;
}

static uint64_t pattern_mix(uint64_t word)
{
    word = (word ^ (word >> 29)) * UINT64_C(0xbf58476d1ce4e5b9);
    return word ^ (word >> 32);
}

/* Pattern word `index` of a page whose value is `value`: 0 for a page never written, else odd. */
static uint64_t pattern_word(const struct pattern_table *table, uint32_t value, unsigned index)
{
    if (value < PATTERN_FIRST) {
        return 0;
    }
    uint32_t event = value - PATTERN_FIRST;
    uint64_t word = table->trace->events[event].address ^ (event * UINT64_C(0x9e3779b97f4a7c15));

    return (pattern_mix(word) + (index * UINT64_C(0xd6e8feb86659fd93))) | 1;
}

/* Word `index` of the eight that a page of a file holds. */
static uint64_t pattern_ground_word(uint64_t seed, uint64_t page, unsigned index)
{
    uint64_t word = seed ^ ((page * GROUND_WORDS + index + 1) * UINT64_C(0x9e3779b97f4a7c15));

    return pattern_mix(word) | 1;
}

/* All bits that are set in the words between the pattern words: every `step`-th of them. */
static uint64_t pattern_rest(const volatile uint64_t *words, unsigned phase, unsigned step,
                             const struct pattern_ground *ground)
{
    uint64_t bits = 0;

    for (unsigned i = 0; i < PATTERN_WORDS; i++) {
        for (unsigned j = 1 + phase; j < PATTERN_STRIDE; j += step) {
            bool is_ground = ground->has_file && j % GROUND_STRIDE == GROUND_PLACE;

            bits |= is_ground ? 0 : words[i * PATTERN_STRIDE + j];
        }
    }
    return bits;
}

/* Whether the page holds what its file has, as far as that reaches, and zeros behind. */
static bool pattern_ground_stands(const volatile uint64_t *words,
                                  const struct pattern_ground *ground)
{
    for (unsigned i = 0; ground->has_file && i < GROUND_WORDS; i++) {
        unsigned place = i * GROUND_STRIDE + GROUND_PLACE;
        bool is_inside = (place + 1) * sizeof *words <= ground->bytes;
        uint64_t expected = is_inside ? pattern_ground_word(ground->seed, ground->page, i) : 0;

        if (words[place] != expected) {
            return false;
        }
    }
    return true;
}

void pattern_ground_write(uint64_t seed, uint64_t page, uint64_t *words)
{
    for (unsigned i = 0; i < GROUND_WORDS; i++) {
        words[i * GROUND_STRIDE + GROUND_PLACE] = pattern_ground_word(seed, page, i);
    }
}

void pattern_init(struct pattern_table *table, const struct trace *trace)
{
    *table = (struct pattern_table){.trace = trace};
    order_init(&table->leaves);
}

void pattern_fini(struct pattern_table *table)
{
    struct order_node *node = order_first(&table->leaves);

    while (node != NULL) {
        struct order_node *next = node->next[0];

        free(pattern_leaf_of(node));
        node = next;
    }
}

bool pattern_prepare(struct pattern_table *table, uint64_t start, uint64_t end)
{
    for (uint64_t at = pattern_leaf_start(start); at < end; at += PATTERN_LEAF_BYTES) {
        if (pattern_leaf_find(table, at) != NULL) {
            continue;
        }
        struct pattern_leaf *leaf = calloc(1, sizeof *leaf);
        if (leaf == NULL) {
            return false;
        }
        leaf->by_address.key = at;
        order_insert(&table->leaves, &leaf->by_address);
    }
    return true;
}

bool pattern_prepare_move(struct pattern_table *table, uint64_t start, uint64_t end,
                          uint64_t distance)
{
    struct order_node *node = order_find_at_most(&table->leaves, start);

    if (node == NULL) {
        node = order_first(&table->leaves);
    }
    for (; node != NULL && node->key < end; node = node->next[0]) {
        uint64_t low = node->key > start ? node->key : start;
        uint64_t high = node->key + PATTERN_LEAF_BYTES < end ? node->key + PATTERN_LEAF_BYTES : end;

        if (low < high && !pattern_prepare(table, low + distance, high + distance)) {
            return false;
        }
    }
    return true;
}

const char *pattern_write(struct pattern_table *table, uint64_t address, void *own, uint32_t event,
                          const struct pattern_ground *ground)
{
    volatile uint64_t *words = own;
    uint32_t value = pattern_value(table, address);
    uint32_t value_new = pattern_value_of(event);
    const char *fault = NULL;

    if (value == 0) {
        /* Write first, so that the fault is a write fault; the rest must be as it was. */
        words[0] = pattern_word(table, value_new, 0);
        if (pattern_rest(words, event % PATTERN_SAMPLE, PATTERN_SAMPLE, ground) != 0) {
            fault = "a page that was never touched is not zero";
        } else if (!pattern_ground_stands(words, ground)) {
            fault = fault_ground;
        }
    } else {
        fault = pattern_check(table, address, own, false, ground);
    }
    for (unsigned i = 0; i < PATTERN_WORDS; i++) {
        words[i * PATTERN_STRIDE] = pattern_word(table, value_new, i);
    }
    pattern_set_value(table, address, ground->is_shared ? PATTERN_ZERO : value_new);
    return fault;
}

const char *pattern_read(struct pattern_table *table, uint64_t address, void *own,
                         const struct pattern_ground *ground)
{
    if (pattern_value(table, address) == 0) {
        pattern_set_value(table, address, PATTERN_ZERO);
    }
    return pattern_check(table, address, own, false, ground);
}

uint64_t pattern_next(struct pattern_table *table, uint64_t address, uint64_t end)
{
    struct order_node *node = order_find_at_most(&table->leaves, address);
    const struct pattern_leaf *leaf =
        pattern_leaf_of(node == NULL ? order_first(&table->leaves) : node);

    for (; leaf != NULL && leaf->by_address.key < end;
         leaf = pattern_leaf_of(leaf->by_address.next[0])) {
        uint64_t start = leaf->by_address.key;
        unsigned slot = address > start ? (unsigned)((address - start) / PAGE_BYTES) : 0;

        if (leaf->used == 0) {
            continue;
        }
        for (; slot < PATTERN_LEAF_PAGES; slot++) {
            if (leaf->values[slot] != 0) {
                uint64_t found = start + slot * PAGE_BYTES;

                return found < end ? found : end;
            }
        }
    }
    return end;
}

const char *pattern_check(struct pattern_table *table, uint64_t address, const void *own,
                          bool is_whole, const struct pattern_ground *ground)
{
    const volatile uint64_t *words = own;
    uint32_t value = pattern_value(table, address);
    unsigned phase = is_whole ? 0 : value % PATTERN_SAMPLE;

    if ((value & PATTERN_LOOSE) != 0) {
        return NULL;
    }
    if (value < PATTERN_FIRST && ground->has_file) {
        value = ground->value;
    }
    for (unsigned i = 0; i < PATTERN_WORDS; i++) {
        if (words[i * PATTERN_STRIDE] != pattern_word(table, value, i)) {
            return value < PATTERN_FIRST ? "a page that was only read is not zero"
                                         : "a written page lost its pattern";
        }
    }
    if (pattern_rest(words, phase, is_whole ? 1 : PATTERN_SAMPLE, ground) != 0) {
        return "a page holds what nobody wrote there";
    }
    if (!pattern_ground_stands(words, ground)) {
        return fault_ground;
    }
    table->verified += value >= PATTERN_FIRST;
    table->verified_ground += ground->has_file;
    return NULL;
}

void pattern_drop(struct pattern_table *table, uint64_t start, uint64_t end)
{
    for (uint64_t page = pattern_next(table, start, end); page < end;
         page = pattern_next(table, page + PAGE_BYTES, end)) {
        pattern_set_value(table, page, 0);
    }
}

void pattern_loosen(struct pattern_table *table, uint64_t start, uint64_t end)
{
    for (uint64_t page = pattern_next(table, start, end); page < end;
         page = pattern_next(table, page + PAGE_BYTES, end)) {
        uint32_t value = pattern_value(table, page);

        if (value != PATTERN_ZERO) {
            pattern_set_value(table, page, value | PATTERN_LOOSE);
        }
    }
}

void pattern_move(struct pattern_table *table, uint64_t start, uint64_t end, uint64_t distance)
{
    for (uint64_t page = pattern_next(table, start, end); page < end;
         page = pattern_next(table, page + PAGE_BYTES, end)) {
        uint32_t value = pattern_value(table, page);

        pattern_set_value(table, page, 0);
        pattern_set_value(table, page + distance, value);
    }
}
