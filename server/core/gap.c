/* SPDX-License-Identifier: MIT */
#include "server/core/gap.h"

#include <base/assert.h>

/* The last region of the subtree before which `pages` pages are free; the subtree has one. */
static struct region *gap_last(const struct core *core, uint32_t link, uint32_t pages)
{
    for (;;) {
        struct region *node = region_at(core, link);

        ASSERT(node->gap_max >= pages);
        if (node->right != 0 && region_at(core, node->right)->gap_max >= pages) {
            link = node->right;
        } else if (tree_gap(core, node) >= pages) {
            return node;
        } else {
            link = node->left;
        }
    }
}

/* The first such region. */
static const struct region *gap_first(const struct core *core, uint32_t link, uint32_t pages)
{
    for (;;) {
        const struct region *node = region_at(core, link);

        ASSERT(node->gap_max >= pages);
        if (node->left != 0 && region_at(core, node->left)->gap_max >= pages) {
            link = node->left;
        } else if (tree_gap(core, node) >= pages) {
            return node;
        } else {
            link = node->right;
        }
    }
}

/* The last region before `node` (NULL: of all) with such a gap before it; NULL if none. */
static struct region *gap_before(const struct core *core, const struct tree *tree,
                                 struct region *node, uint32_t pages)
{
    uint32_t below = node == NULL ? tree->root : node->left;

    for (;;) {
        if (below != 0 && region_at(core, below)->gap_max >= pages) {
            return gap_last(core, below, pages);
        }
        /* Climb to the next ancestor that lies before. */
        const struct region *child;

        do {
            if (node == NULL || node->parent == 0) {
                return NULL;
            }
            child = node;
            node = region_at(core, node->parent);
        } while (node->left == arena_link(core, child));
        if (tree_gap(core, node) >= pages) {
            return node;
        }
        below = node->left;
    }
}

/* The first region after `node` with such a gap before it; NULL if none. */
static const struct region *gap_after(const struct core *core, const struct region *node,
                                      uint32_t pages)
{
    for (;;) {
        if (node->right != 0 && region_at(core, node->right)->gap_max >= pages) {
            return gap_first(core, node->right, pages);
        }
        const struct region *child;

        do {
            if (node->parent == 0) {
                return NULL;
            }
            child = node;
            node = region_at(core, node->parent);
        } while (node->right == arena_link(core, child));
        if (tree_gap(core, node) >= pages) {
            return node;
        }
    }
}

bool gap_find_below(const struct core *core, const struct tree *tree, struct range limits,
                    uint32_t pages, uint32_t *page, struct region **next)
{
    /*
     * First what is free right below the limit: before the region that ends above it, or after
     * all.
     */
    struct region *above =
        limits.end == 0 ? tree_first(core, tree) : tree_find(core, tree, limits.end - 1);
    const struct region *before = tree_before(core, tree, above);
    uint32_t start = before == NULL ? 0 : before->end;
    uint32_t end = above == NULL || above->first > limits.end ? limits.end : above->first;

    ASSERT(pages > 0);
    if (start < limits.first) {
        start = limits.first;
    }
    if (end >= start && end - start >= pages) {
        *page = end - pages;
        *next = above;
        return true;
    }
    struct region *region = gap_before(core, tree, above, pages);

    /* The lowest gap is nobody's in the tree. */
    region = region == NULL ? tree_first(core, tree) : region;
    if (region == NULL || region == above || region->first < limits.first ||
        region->first - limits.first < pages) {
        return false;
    }
    *page = region->first - pages;
    *next = region;
    return true;
}

bool gap_find_above(const struct core *core, const struct tree *tree, struct range limits,
                    uint32_t pages, uint32_t *page)
{
    const struct region *above = tree_find(core, tree, limits.first);
    uint32_t start = limits.first;

    ASSERT(pages > 0);
    if (above != NULL && (above->first < start || above->first - start < pages)) {
        const struct region *region = gap_after(core, above, pages);

        start = region == NULL ? tree_last(core, tree)->end : region_at(core, region->prev)->end;
    }
    if (limits.end < start || limits.end - start < pages) {
        return false;
    }
    *page = start;
    return true;
}
