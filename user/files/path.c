/* SPDX-License-Identifier: MIT */
#include "path.h"

#include <stddef.h>
#include <string.h>

#define MAY_SEARCH 0100u

/* Where a walk is. */
struct walk {
    const char *at;
    const char *end;
};

static void slashes_skip(struct walk *walk)
{
    while (walk->at < walk->end && *walk->at == '/') {
        walk->at++;
    }
}

/* The name that begins here, up to a slash or the end. */
static uint32_t name_take(struct walk *walk, const char **name)
{
    *name = walk->at;
    while (walk->at < walk->end && *walk->at != '/') {
        walk->at++;
    }
    return (uint32_t)(walk->at - *name);
}

static enum path_last kind_of(const char *name, uint32_t length)
{
    if (length == 1 && name[0] == '.') {
        return PATH_DOT;
    }
    return length == 2 && name[0] == '.' && name[1] == '.' ? PATH_DOTDOT : PATH_NAME;
}

/* What a name of the kind is in a folder; NULL: nothing. */
static struct node *look_up(const struct node_table *table, struct node *folder,
                            const struct path_end *end)
{
    switch (end->last) {
    case PATH_ROOT:
    case PATH_DOT:
        return folder;
    case PATH_DOTDOT:
        return folder->parent != NULL ? folder->parent : folder;
    case PATH_NAME:
        break;
    }
    return node_entry(table, folder, end->name, end->length);
}

enum err path_walk(const struct node_table *table, struct node *root, struct node *base,
                   const char *path, uint32_t length, struct path_end *end)
{
    struct walk walk = {path, path + length};
    struct node *folder = length > 0 && path[0] == '/' ? root : base;
    if (length == 0) {
        return ERR_NOENT;
    }
    if (length > FILES_PATH_MAX) {
        return ERR_NAMETOOLONG;
    }
    slashes_skip(&walk);
    *end = (struct path_end){.last = PATH_ROOT, .folder = folder, .node_opt = folder};
    /* Each turn takes a name of the path. */
    while (walk.at < walk.end) {
        if (end->node_opt == NULL) {
            return ERR_NOENT;
        }
        folder = end->node_opt;
        if (!node_is_folder(folder)) {
            return ERR_NOTDIR;
        }
        if ((folder->mode & MAY_SEARCH) == 0) {
            return ERR_ACCES;
        }
        end->folder = folder;
        end->length = name_take(&walk, &end->name);
        end->last = kind_of(end->name, end->length);
        if (end->length > FILES_NAME_MAX) {
            return ERR_NAMETOOLONG;
        }
        end->has_slash = walk.at < walk.end;
        slashes_skip(&walk);
        end->node_opt = look_up(table, folder, end);
    }
    return ERR_OK;
}
