/* SPDX-License-Identifier: MIT */
#include "naming.h"

#include <stdbool.h>
#include <stddef.h>

#define MAY_WRITE 0200u

/* Whether an entry may lose its name (may_delete() of Linux). */
static enum err check_removal(const struct node *node, bool is_for_folder)
{
    enum err error = tree_check_folder(node->parent);
    if (error != ERR_OK) {
        return error;
    }
    if ((node->flags & FILES_IS_APPEND_ONLY) != 0) {
        return ERR_PERM;
    }
    if (is_for_folder && !node_is_folder(node)) {
        return ERR_NOTDIR;
    }
    if (!is_for_folder && node_is_folder(node)) {
        return ERR_ISDIR;
    }
    return node->part != node->parent->part ? ERR_BUSY : ERR_OK;
}

enum err naming_unlink(struct tree *tree, struct tree_path path, struct node **node)
{
    struct path_end end;
    enum err error = tree_walk(tree, path, &end);
    if (error != ERR_OK) {
        return error;
    }
    if (end.last != PATH_NAME) {
        return ERR_ISDIR;
    }
    if ((end.folder->flags & FILES_IS_ARCHIVE) != 0) {
        return ERR_ROFS;
    }
    if (end.node_opt == NULL) {
        return ERR_NOENT;
    }
    if (end.has_slash) {
        return node_is_folder(end.node_opt) ? ERR_ISDIR : ERR_NOTDIR;
    }
    error = check_removal(end.node_opt, false);
    if (error == ERR_OK) {
        tree_remove(tree, end.node_opt);
        *node = end.node_opt;
    }
    return error;
}

enum err naming_rmdir(struct tree *tree, struct tree_path path)
{
    static const enum err refusals[] = {
        [PATH_NAME] = ERR_OK,
        [PATH_ROOT] = ERR_BUSY,
        [PATH_DOT] = ERR_INVAL,
        [PATH_DOTDOT] = ERR_NOTEMPTY,
    };
    struct path_end end;
    enum err error = tree_walk(tree, path, &end);
    if (error == ERR_OK) {
        error = refusals[end.last];
    }
    if (error != ERR_OK) {
        return error;
    }
    if ((end.folder->flags & FILES_IS_ARCHIVE) != 0) {
        return ERR_ROFS;
    }
    if (end.node_opt == NULL) {
        return ERR_NOENT;
    }
    error = check_removal(end.node_opt, true);
    if (error != ERR_OK) {
        return error;
    }
    if (end.node_opt->first != NULL) {
        return ERR_NOTEMPTY;
    }
    tree_remove(tree, end.node_opt);
    return ERR_OK;
}

/* Whether `from` may take the place that `to` ends at. */
static enum err check_rename(const struct path_end *from, const struct path_end *to, uint32_t flags)
{
    const struct node *node = from->node_opt;
    const struct node *there = to->node_opt;
    if (from->folder->part != to->folder->part) {
        return ERR_XDEV;
    }
    if (from->last != PATH_NAME || to->last != PATH_NAME) {
        return ERR_BUSY;
    }
    if ((from->folder->flags & FILES_IS_ARCHIVE) != 0) {
        return ERR_ROFS;
    }
    if (node == NULL) {
        return ERR_NOENT;
    }
    if (there != NULL && (flags & FILES_RENAME_NOREPLACE) != 0) {
        return ERR_EXIST;
    }
    if (!node_is_folder(node) && (from->has_slash || to->has_slash)) {
        return ERR_NOTDIR;
    }
    if (node_is_within(to->folder, node)) {
        return ERR_INVAL;
    }
    if (there != NULL && there != node && node_is_within(from->folder, there)) {
        return ERR_NOTEMPTY;
    }
    if (there == node) {
        return ERR_OK;
    }
    enum err error = check_removal(node, node_is_folder(node));
    if (error == ERR_OK) {
        error = there != NULL ? check_removal(there, node_is_folder(node))
                              : tree_check_folder(to->folder);
    }
    if (error != ERR_OK) {
        return error;
    }
    if (node_is_folder(node) && from->folder != to->folder && (node->mode & MAY_WRITE) == 0) {
        return ERR_ACCES; /* its ".." changes */
    }
    return there != NULL && there->first != NULL ? ERR_NOTEMPTY : ERR_OK;
}

enum err naming_rename(struct tree *tree, struct tree_path from, struct tree_path to,
                       uint32_t flags, struct node **replaced)
{
    struct path_end old;
    struct path_end new;
    enum err error = tree_walk(tree, from, &old);
    if (error == ERR_OK) {
        error = tree_walk(tree, to, &new);
    }
    if (error == ERR_OK) {
        error = check_rename(&old, &new, flags);
    }
    if (error != ERR_OK) {
        return error;
    }
    *replaced = NULL;
    if (old.node_opt == new.node_opt) {
        return ERR_OK;
    }
    char *name = node_name_make(&tree->table, new.name, new.length);
    if (name == NULL) {
        return ERR_NOSPC;
    }
    /* Point of no return: nothing below may fail. */
    if (new.node_opt != NULL) {
        *replaced = node_is_folder(new.node_opt) ? NULL : new.node_opt;
        tree_remove(tree, new.node_opt);
    }
    tree_leave(tree, old.node_opt);
    node_rename(&tree->table, old.node_opt, new.folder, name, new.length);
    return ERR_OK;
}
