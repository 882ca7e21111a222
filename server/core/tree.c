/* SPDX-License-Identifier: MIT */
#include "server/core/tree.h"

#include <base/assert.h>

/* More levels than a tree of all records that the arena can hold has. */
#define TREE_HEIGHT_MAX 48u
/*
 * How much the heights of siblings may differ: 2 needs fewer rotations than 1 and is hardly
 * higher.
 */
#define TREE_SLACK 2u

static inline uint32_t height_of(const struct core *core, uint32_t link)
{
    return link == 0 ? 0 : region_at(core, link)->height;
}

/* Recompute height and largest gap from the children. Returns: whether one of them changed. */
static inline bool tree_update(const struct core *core, struct region *node)
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

/*
 * Rotate so that the heights below `node`, which differ by too much, do not. Returns: the top of
 * the subtree.
 */
static NOINLINE struct region *tree_balance(const struct core *core, struct tree *tree,
                                            struct region *node)
{
    if (height_of(core, node->left) > height_of(core, node->right)) {
        struct region *child = region_at(core, node->left);

        if (height_of(core, child->right) > height_of(core, child->left)) {
            (void)rotate_left(core, tree, child);
        }
        return rotate_right(core, tree, node);
    }
    struct region *child = region_at(core, node->right);

    if (height_of(core, child->left) > height_of(core, child->right)) {
        (void)rotate_right(core, tree, child);
    }
    return rotate_left(core, tree, node);
}

/* Bring heights, gaps and balance up to date from `link` upward, as far as something changes. */
static void tree_fix(const struct core *core, struct tree *tree, uint32_t link)
{
    while (link != 0) {
        struct region *node = region_at(core, link);
        uint32_t left = height_of(core, node->left);
        uint32_t right = height_of(core, node->right);

        if (UNLIKELY(left > right + TREE_SLACK || right > left + TREE_SLACK)) {
            node = tree_balance(core, tree, node);
        } else if (!tree_update(core, node)) {
            return;
        }
        link = node->parent;
    }
}

/* The same where no height has changed. */
static void tree_fix_gap(const struct core *core, uint32_t link)
{
    while (link != 0) {
        struct region *node = region_at(core, link);

        if (!tree_update(core, node)) {
            return;
        }
        link = node->parent;
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
    return tree_at_opt(core, found);
}

/* Put a region between two neighbours into list and tree. */
static void tree_link(struct core *core, struct tree *tree, struct region *region,
                      struct region *prev_opt, struct region *next_opt)
{
    uint32_t link = arena_link(core, region);

    region->left = 0;
    region->right = 0;
    region->height = 1;
    region->prev = prev_opt == NULL ? 0 : arena_link(core, prev_opt);
    region->next = next_opt == NULL ? 0 : arena_link(core, next_opt);
    region->gap_max = tree_gap(core, region);
    tree->count++;
    if (prev_opt == NULL) {
        tree->first = link;
    } else {
        prev_opt->next = link;
    }
    if (next_opt == NULL) {
        tree->last = link;
    } else {
        next_opt->prev = link;
    }
    /* Of two neighbours one is below the other, so the lower one has the place free. */
    if (prev_opt != NULL && prev_opt->right == 0) {
        region->parent = region->prev;
        prev_opt->right = link;
    } else if (next_opt != NULL) {
        ASSERT(next_opt->left == 0);
        region->parent = region->next;
        next_opt->left = link;
    } else {
        ASSERT(tree->root == 0);
        region->parent = 0;
        tree->root = link;
    }
    tree_fix(core, tree, region->parent);
}

void tree_insert(struct core *core, struct tree *tree, struct region *region,
                 struct region *next_opt)
{
    struct region *prev = tree_before(core, tree, next_opt);

    ASSERT(region->first < region->end);
    ASSERT(prev == NULL || prev->end <= region->first);
    ASSERT(next_opt == NULL || region->end <= next_opt->first);
    tree_link(core, tree, region, prev, next_opt);
    tree_fix_gap(core, region->next);
}

void tree_split(struct core *core, struct tree *tree, struct region *region, struct region *upper,
                uint32_t page)
{
    ASSERT(region->first < page && page < region->end);
    upper->first = page;
    upper->end = region->end;
    region->end = page;
    tree_link(core, tree, upper, region, tree_next(core, region));
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

void tree_remove_quietly(struct core *core, struct tree *tree, struct region *region)
{
    uint32_t next = region->next;

    if (region->left != 0 && region->right != 0) {
        tree_sink(core, tree, region);
    }
    tree_replace(core, tree, region, region->left != 0 ? region->left : region->right);
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
    tree_fix(core, tree, region->parent);
}

void tree_settle_gap(struct core *core, struct region *next_opt)
{
    if (next_opt != NULL) {
        tree_fix_gap(core, arena_link(core, next_opt));
    }
}

void tree_remove(struct core *core, struct tree *tree, struct region *region)
{
    struct region *next = tree_next(core, region);

    tree_remove_quietly(core, tree, region);
    tree_settle_gap(core, next);
}

void tree_join(struct core *core, struct tree *tree, struct region *region)
{
    struct region *next = tree_next(core, region);

    ASSERT(next != NULL && next->first == region->end);
    region->end = next->end;
    /* Its own gap was 0, and the one after it is as far away as before. */
    tree_remove(core, tree, next);
}

void tree_resize(struct core *core, struct region *region, struct range range)
{
    bool moves_first = region->first != range.first;
    bool moves_end = region->end != range.end;

    ASSERT(!range_is_empty(range));
    ASSERT(region->prev == 0 || region_at(core, region->prev)->end <= range.first);
    ASSERT(region->next == 0 || region_at(core, region->next)->first >= range.end);
    region->first = range.first;
    region->end = range.end;
    if (moves_first) {
        tree_fix_gap(core, arena_link(core, region));
    }
    if (moves_end) {
        tree_fix_gap(core, region->next);
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

        ASSERT(left <= right + TREE_SLACK && right <= left + TREE_SLACK);
        ASSERT(!tree_update(core, &copy));
        before = here;
        count++;
        link = node->right;
    }
    ASSERT(tree->last == before);
    ASSERT(before == 0 || region_at(core, before)->next == 0);
    ASSERT(count == tree->count);
}
