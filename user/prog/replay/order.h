/* SPDX-License-Identifier: MIT */
/*
 * Nodes in the order of a 64-bit key: a skip list whose links live in the nodes, so that inserting
 * never allocates and a search takes O(log n) steps at any count that a trace reaches.
 *
 * I1  At each level the keys ascend strictly; a node that is on level n is on all below n.
 * Owner: whoever owns the list owns the nodes' links while they are in it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* A node reaches level n with probability 4^-n: eight levels serve some 65,000 nodes. */
#define ORDER_LEVELS 8

struct order_node {
    uint64_t key;
    struct order_node *next[ORDER_LEVELS];
};

struct order {
    struct order_node head; /* its key means nothing */
    uint64_t random;
};

/* The object of `type` whose field `member` is at `node`. */
#define ORDER_ENTRY(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* Make `order` an empty list. */
void order_init(struct order *order);

/* Put `node` in; its key is set, and no node of that key is in the list. */
void order_insert(struct order *order, struct order_node *node);

/* Take `node`, which is in the list, out. */
void order_remove(struct order *order, struct order_node *node);

/* The node with the largest key that is at most `key`; NULL if there is none. */
struct order_node *order_find_at_most(const struct order *order, uint64_t key);

/* The first node; NULL in an empty list. The next is node->next[0]. */
struct order_node *order_first(const struct order *order);
