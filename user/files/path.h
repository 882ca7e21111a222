/* SPDX-License-Identifier: MIT */
/*
 * From a path to the folder of its last name, and to what has that name.
 *
 * Semantics: path_resolution(7), POSIX "Pathname Resolution"; there are no symbolic links.
 * Pure C: tested on the host.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "node.h"

/* The last name of a path. */
enum path_last {
    PATH_NAME,   /* one that an entry can have */
    PATH_ROOT,   /* none: slashes alone */
    PATH_DOT,    /* "." */
    PATH_DOTDOT, /* ".." */
};

struct path_end {
    enum path_last last;
    struct node *folder;   /* in which the last name is looked for; of ROOT: the root */
    struct node *node_opt; /* what it names; NULL: nothing (only of NAME) */
    const char *name;      /* valid in NAME; points into the path */
    uint32_t length;
    bool has_slash; /* behind the name */
};

/*
 * Walk `path` of `length` bytes, from `root` if it begins with a slash, else from `base`.
 *
 * Returns:   ERR_OK; ERR_NOENT: it is empty, or a folder on the way is not there; ERR_NOTDIR: one
 *            is no folder; ERR_ACCES: one may not be searched; ERR_NAMETOOLONG: a name has more
 *            than FILES_NAME_MAX bytes, or the path more than FILES_PATH_MAX.
 * On error:  `end` is undefined.
 */
MUST_USE enum err path_walk(const struct node_table *table, struct node *root, struct node *base,
                            const char *path, uint32_t length, struct path_end *end);
