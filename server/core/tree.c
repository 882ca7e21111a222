/* SPDX-License-Identifier: MIT */
#include "server/core/tree.h"

#include <base/assert.h>

/* More levels than a tree of all records that the arena can hold has. */
#define TREE_HEIGHT_MAX 40u

static struct region *node_opt(const struct core *core, uint32_t link)
{
    return link == 0 ? NULL : region_at(core, link);
}

static uint32_t height_of(const struct core *core, uint32_t link)
{
    return link == 0 ? 0 : region_at(core, link)->height;
}

/* Recompute height and largest gap from the children. Returns: whether one of them changed. */
static bool tree_update(const struct core *core, struct region *node)
{
    uint32_t height = 0;
    uint32_t gap = tree_gap(core, node);

    if (node->left != 0) {
        const struct region *left = region_at(core, node->left);

        height = left->height;
        gap = left->gap_max > gap ? left->gap_max : gap;
    }
    if (node->right != 0) {
        const struct region *right = region_at(core, node->right);

        height = right->height > height ? right->height : height;
        gap = right->gap_max > gap ? right->gap_max : gap;
    }
    height++;
    if (height == node->height && gap == node->gap_max) {
        return false;
    }
    node->height = height;
    node->gap_max = gap;
    return true;
}

/* Put `child` where `node` is under its parent. */
static void tree_replace(const struct core *core, struct tree *tree, const struct region *node,
                         uint32_t child)
{
    uint32_t link = arena_link(core, node);

    if (node->parent == 0) {
        tree->root = child;
    } else {
        struct region *parent = region_at(core, node->parent);

        if (parent->left == link) {
            parent->left = child;
        } else {
            ASSERT(parent->right == link);
            parent->right = child;
        }
    }
    if (child != 0) {
        region_at(core, child)->parent = node->parent;
    }
}

/*
 *     node          child
 *    /    \        /     \
 *   a    child   node     c
 *        /  \    /  \
 *       b    c  a    b
 */
static struct region *rotate_left(const struct core *core, struct tree *tree, struct region *node)
{
    struct region *child = region_at(core, node->right);
    uint32_t link = arena_link(core, node);

    tree_replace(core, tree, node, node->right);
    node->parent = node->right;
    node->right = child->left;
    if (child->left != 0) {
        region_at(core, child->left)->parent = link;
    }
    child->left = link;
    (void)tree_update(core, node);
    (void)tree_update(core, child);
    return child;
}

/* The mirror image of rotate_left(). */
static struct region *rotate_right(const struct core *core, struct tree *tree, struct region *node)
{
    struct region *child = region_at(core, node->left);
    uint32_t link = arena_link(core, node);

    tree_replace(core, tree, node, node->left);
    node->parent = node->left;
    node->left = child->right;
    if (child->right != 0) {
        region_at(core, child->right)->parent = link;
    }
    child->right = link;
    (void)tree_update(core, node);
    (void)tree_update(core, child);
    return child;
}

/* Rotate so that the heights below `node` differ by at most 1. Returns: the top of that subtree. */
static struct region *tree_balance(const struct core *core, struct tree *tree, struct region *node)
{
    uint32_t left = height_of(core, node->left);
    uint32_t right = height_of(core, node->right);

    if (left > right + 1) {
        struct region *child = region_at(core, node->left);

        if (height_of(core, child->right) > height_of(core, child->left)) {
            (void)rotate_left(core, tree, child);
        }
        return rotate_right(core, tree, node);
    }
    if (right > left + 1) {
        struct region *child = region_at(core, node->right);

        if (height_of(core, child->left) > height_of(core, child->right)) {
            (void)rotate_right(core, tree, child);
        }
        return rotate_left(core, tree, node);
    }
    return node;
}

/* Bring heights, gaps and balance up to date from `link` upward, as far as something changes. */
static void tree_fix(const struct core *core, struct tree *tree, uint32_t link)
{
    while (link != 0) {
        struct region *node = region_at(core, link);
        bool is_changed = tree_update(core, node);
        const struct region *top = tree_balance(core, tree, node);

        if (!is_changed && top == node) {
            return;
        }
        link = top->parent;
    }
}

struct region *tree_find(const struct core *core, const struct tree *tree, uint32_t page)
{
    uint32_t link = tree->root;
    uint32_t found = 0;

    while (link != 0) {
        const struct region *node = region_at(core, link);

        if (page < node->end) {
            found = link;
            if (page >= node->first) {
                break;
            }
            link = node->left;
        } else {
            link = node->right;
        }
    }
    return node_opt(core, found);
}

struct region *tree_first(const struct core *core, const struct tree *tree)
{
    return node_opt(core, tree->first);
}

struct region *tree_last(const struct core *core, const struct tree *tree)
{
    return node_opt(core, tree->last);
}

struct region *tree_next(const struct core *core, const struct region *region)
{
    return node_opt(core, region->next);
}

struct region *tree_prev(const struct core *core, const struct region *region)
{
    return node_opt(core, region->prev);
}

struct region *tree_before(const struct core *core, const struct tree *tree,
                           const struct region *next_opt)
{
    return node_opt(core, next_opt == NULL ? tree->last : next_opt->prev);
}

void tree_insert(struct core *core, struct tree *tree, struct region *region,
                 struct region *next_opt)
{
    uint32_t link = arena_link(core, region);
    struct region *prev = tree_before(core, tree, next_opt);

    ASSERT(region->first < region->end);
    ASSERT(prev == NULL || prev->end <= region->first);
    ASSERT(next_opt == NULL || region->end <= next_opt->first);
    region->left = 0;
    region->right = 0;
    region->height = 0;
    region->gap_max = 0;
    region->prev = prev == NULL ? 0 : arena_link(core, prev);
    region->next = next_opt == NULL ? 0 : arena_link(core, next_opt);
    tree->count++;
    if (prev == NULL) {
        tree->first = link;
    } else {
        prev->next = link;
    }
    if (next_opt == NULL) {
        tree->last = link;
    } else {
        next_opt->prev = link;
    }
    /* Of two neighbours one is below the other, so the lower one has the place free. */
    if (prev != NULL && prev->right == 0) {
        region->parent = region->prev;
        prev->right = link;
    } else if (next_opt != NULL) {
        ASSERT(next_opt->left == 0);
        region->parent = region->next;
        next_opt->left = link;
    } else {
        ASSERT(tree->root == 0);
        region->parent = 0;
        tree->root = link;
    }
    tree_fix(core, tree, link);
    tree_fix(core, tree, region->next);
}

/*
 * Exchange the place of a node that has two children for that of its successor, which has no left
 * one.
 */
static void tree_sink(const struct core *core, struct tree *tree, struct region *region)
{
    uint32_t link = arena_link(core, region);
    uint32_t heir_link = region->next;
    struct region *heir = region_at(core, heir_link);
    struct region old = *heir;

    ASSERT(heir->left == 0);
    tree_replace(core, tree, region, heir_link);
    heir->left = region->left;
    heir->height = region->height;
    heir->gap_max = region->gap_max;
    region_at(core, heir->left)->parent = heir_link;
    if (old.parent == link) {
        heir->right = link;
        region->parent = heir_link;
    } else {
        heir->right = region->right;
        region_at(core, heir->right)->parent = heir_link;
        region_at(core, old.parent)->left = link;
        region->parent = old.parent;
    }
    region->left = 0;
    region->right = old.right;
    if (old.right != 0) {
        region_at(core, old.right)->parent = link;
    }
}

void tree_remove(struct core *core, struct tree *tree, struct region *region)
{
    uint32_t next = region->next;

    if (region->left != 0 && region->right != 0) {
        tree_sink(core, tree, region);
    }
    tree_replace(core, tree, region, region->left != 0 ? region->left : region->right);
    uint32_t parent = region->parent;

    if (region->prev == 0) {
        tree->first = next;
    } else {
        region_at(core, region->prev)->next = next;
    }
    if (next == 0) {
        tree->last = region->prev;
    } else {
        region_at(core, next)->prev = region->prev;
    }
    tree->count--;
    tree_fix(core, tree, parent);
    tree_fix(core, tree, next);
}

void tree_resize(struct core *core, struct tree *tree, struct region *region, struct range range)
{
    bool moves_first = region->first != range.first;
    bool moves_end = region->end != range.end;

    ASSERT(!range_is_empty(range));
    ASSERT(region->prev == 0 || region_at(core, region->prev)->end <= range.first);
    ASSERT(region->next == 0 || region_at(core, region->next)->first >= range.end);
    region->first = range.first;
    region->end = range.end;
    if (moves_first) {
        tree_fix(core, tree, arena_link(core, region));
    }
    if (moves_end) {
        tree_fix(core, tree, region->next);
    }
}

void tree_audit(const struct core *core, const struct tree *tree)
{
    uint32_t stack[TREE_HEIGHT_MAX];
    uint32_t depth = 0;
    uint32_t link = tree->root;
    uint32_t before = 0;
    uint32_t count = 0;

    ASSERT(tree->root == 0 || region_at(core, tree->root)->parent == 0);
    while (link != 0 || depth > 0) {
        while (link != 0) {
            ASSERT(depth < TREE_HEIGHT_MAX);
            stack[depth++] = link;
            link = region_at(core, link)->left;
        }
        uint32_t here = stack[--depth];
        const struct region *node = region_at(core, here);
        struct region copy = *node;

        ASSERT(node->first < node->end && node->first >= RANGE_USER_FIRST);
        ASSERT(node->end <= RANGE_USER_END);
        ASSERT(node->prev == before);
        ASSERT(before == 0 ? tree->first == here : region_at(core, before)->next == here);
        ASSERT(before == 0 || region_at(core, before)->end <= node->first);
        ASSERT(node->left == 0 || region_at(core, node->left)->parent == here);
        ASSERT(node->right == 0 || region_at(core, node->right)->parent == here);
        uint32_t left = height_of(core, node->left);
        uint32_t right = height_of(core, node->right);

        ASSERT(left <= right + 1 && right <= left + 1);
        ASSERT(!tree_update(core, &copy));
        before = here;
        count++;
        link = node->right;
    }
    ASSERT(tree->last == before);
    ASSERT(before == 0 || region_at(core, before)->next == 0);
    ASSERT(count == tree->count);
}
