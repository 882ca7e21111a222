/* SPDX-License-Identifier: MIT */
#include "order.h"

void order_init(struct order *order)
{
    /* A fixed seed: the same trace takes the same steps each time. */
    *order = (struct order){.random = UINT64_C(0x9e3779b97f4a7c15)};
}

/* How many levels the next node takes: xorshift64, two bits a level. */
static unsigned order_draw_levels(struct order *order)
{
    uint64_t bits = order->random;
    unsigned levels = 1;

    bits ^= bits << 13;
    bits ^= bits >> 7;
    bits ^= bits << 17;
    order->random = bits;
    while (levels < ORDER_LEVELS && (bits & 3) == 0) {
        levels++;
        bits >>= 2;
    }
    return levels;
}

/* For each level, the last node whose key is below `key`. */
static void order_find_before(struct order *order, uint64_t key,
                              struct order_node *before[ORDER_LEVELS])
{
    struct order_node *node = &order->head;

    for (unsigned level = ORDER_LEVELS; level-- > 0;) {
        while (node->next[level] != NULL && node->next[level]->key < key) {
            node = node->next[level];
        }
        before[level] = node;
    }
}

void order_insert(struct order *order, struct order_node *node)
{
    struct order_node *before[ORDER_LEVELS];
    unsigned levels = order_draw_levels(order);

    order_find_before(order, node->key, before);
    for (unsigned level = 0; level < ORDER_LEVELS; level++) {
        node->next[level] = NULL;
        if (level < levels) {
            node->next[level] = before[level]->next[level];
            before[level]->next[level] = node;
        }
    }
}

void order_remove(struct order *order, struct order_node *node)
{
    struct order_node *before[ORDER_LEVELS];

    order_find_before(order, node->key, before);
    for (unsigned level = 0; level < ORDER_LEVELS; level++) {
        if (before[level]->next[level] == node) {
            before[level]->next[level] = node->next[level];
        }
    }
}

struct order_node *order_find_at_most(const struct order *order, uint64_t key)
{
    const struct order_node *node = &order->head;

    for (unsigned level = ORDER_LEVELS; level-- > 0;) {
        while (node->next[level] != NULL && node->next[level]->key <= key) {
            node = node->next[level];
        }
        if (node != &order->head && node->key == key) {
            break;
        }
    }
    return node == &order->head ? NULL : (struct order_node *)(uintptr_t)node;
}

struct order_node *order_first(const struct order *order)
{
    return order->head.next[0];
}
