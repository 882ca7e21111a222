/* SPDX-License-Identifier: MIT */
#include "grove.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <tap.h>

struct tree tree;
struct node *found;
int takes_left;

static void *take(size_t bytes)
{
    if (takes_left == 0) {
        return NULL;
    }
    takes_left -= takes_left > 0 ? 1 : 0;
    return malloc(bytes);
}

static const struct node_memory memory = {take, free};

void grove_start(void)
{
    takes_left = -1;
    EXPECT(tree_init(&tree, &memory, 100, ROOM, ROOM));
    EXPECT_ERR(tree_add_archive(&tree, TREE_ARCHIVE, "bin/hello", 0100755, 5000, 4096, &found),
               ERR_OK);
    EXPECT_ERR(tree_add_archive(&tree, TREE_ARCHIVE, "bin/sub/deep", 0100644, 1, 8192, &found),
               ERR_OK);
    EXPECT_ERR(tree_add_archive(&tree, TREE_ARCHIVE, "README", 0100644, 10, 12288, &found), ERR_OK);
}

/* Give all nodes back, entries before their folders. */
void grove_finish(void)
{
    struct node *node = tree.root;
    tree_audit(&tree);
    while (node != NULL) {
        struct node *up = node->parent;
        if (node->first != NULL) {
            node = node->first;
            continue;
        }
        if (up != NULL) {
            node_unlink(&tree.table, node);
        }
        node_free(&tree.table, node);
        node = up;
    }
    while (tree.loose != NULL) {
        node = tree.loose;
        tree.loose = node->next;
        node_free(&tree.table, node);
    }
    EXPECT_U64(tree.table.count, 0);
    free(tree.table.names);
    free(tree.table.numbers);
}

struct tree_path path(const char *text)
{
    return (struct tree_path){tree.root, text, (uint32_t)strlen(text)};
}

enum err find(const char *text)
{
    return tree_find(&tree, path(text), &found);
}

enum err open_as(const char *text, uint32_t flags, uint32_t mode)
{
    const struct tree_request request = {flags, mode, OWNER, NOW};
    bool is_made;
    return tree_open(&tree, path(text), &request, &found, &is_made);
}

enum err make(const char *text)
{
    return open_as(text, FILES_WRITE | FILES_CREATE, 0644);
}

enum err make_folder(const char *text)
{
    const struct tree_request request = {0, 0755, OWNER, NOW};
    return tree_mkdir(&tree, path(text), &request);
}

enum err take_away(const char *text)
{
    return naming_unlink(&tree, path(text), &found);
}

enum err remove_folder(const char *text)
{
    return naming_rmdir(&tree, path(text));
}

enum err move_as(const char *from, const char *to, uint32_t flags)
{
    return naming_rename(&tree, path(from), path(to), flags, &found);
}

enum err move(const char *from, const char *to)
{
    return move_as(from, to, 0);
}

enum err change(const char *text, uint32_t mode, uint32_t flags)
{
    const struct tree_request request = {flags, mode, OWNER, NOW};
    return tree_change(&tree, path(text), &request);
}

void expect_path(const struct node *node, const char *expected)
{
    char bytes[64] = {0};
    EXPECT_U64(tree_path_of(&tree, node, 0, bytes, sizeof(bytes)), strlen(expected));
    EXPECT_STR(bytes, expected);
}
