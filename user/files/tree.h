/* SPDX-License-Identifier: MIT */
/*
 * The tree of files and folders: what requests on paths do to it.
 *
 * It knows sizes and rights, not bytes: these are the store's (store.h). Four parts hang together
 * at the root: the root itself, /tmp, whose files may not be executed, the folders of the boot
 * archive, and those of archives on a disk, in which nobody makes or changes anything. A file that
 * loses its name is *loose* until the store says that
 * nobody uses it any longer (tree_forget()).
 *
 * I1  What node.h says; the loose list has the nodes without a parent but for the root, all files.
 * I2  The quota has a record for each node not of the archive, and the pages of their sizes, but
 *     for the root and where parts begin.
 * I3  Flags and part of an entry are its folder's, but for append-only and where a part begins.
 * Owner: the only thread. Pure C: tested on the host.
 * Semantics: order of checks and errors as Linux's (fs/namei.c), for a user who owns all files.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>

#include "node.h"
#include "path.h"
#include "quota.h"

enum tree_part {
    TREE_ROOT = 0,
    TREE_TEMPORARY = 1,
    TREE_ARCHIVE = 2,
    TREE_DISK = 3,
};
#define TREE_PARTS   4u
#define TREE_CURSORS 8u

/* Where the next READDIR may go on: an entry that was told. */
struct tree_cursor {
    const struct node *node; /* NULL: free */
    uint64_t place;
};

struct tree {
    struct node_table table;
    struct quota quota;
    struct node *root;
    struct node *loose; /* the first and the last of them */
    struct node *loose_last;
    uint32_t loose_count;
    struct tree_cursor cursors[TREE_CURSORS];
    uint32_t cursor_next;
    uint64_t part_pages[TREE_PARTS];
    uint64_t part_nodes[TREE_PARTS];
};

/* A path and where it starts. */
struct tree_path {
    struct node *base;
    const char *bytes;
    uint32_t length;
};

/* Who asks for what. */
struct tree_request {
    uint32_t flags; /* FILES_... of the request */
    uint32_t mode;
    uint32_t owner;
    uint64_t now;
};

/*
 * A tree with numbers from `first` and room for `pages` pages in `frames` frames. Returns: whether
 * there was memory.
 */
MUST_USE bool tree_init(struct tree *tree, const struct node_memory *memory, uint64_t first,
                        uint64_t pages, uint64_t frames);

/*
 * Add a file of an archive, with the folders of its name; `part`: TREE_ARCHIVE or TREE_DISK;
 * `offset`: of its bytes in the boot archive. Its object is the caller's to make.
 *
 * Returns:   ERR_OK; ERR_EXIST: the name is taken; ERR_INVAL: it is none; ERR_NOMEM.
 * On error:  folders may have been made.
 */
MUST_USE enum err tree_add_archive(struct tree *tree, enum tree_part part, const char *name,
                                   uint32_t mode, uint64_t bytes, uint64_t offset,
                                   struct node **made);

/* Walk a path (path.h). */
MUST_USE enum err tree_walk(const struct tree *tree, struct tree_path path, struct path_end *end);

/*
 * Whether entries of a folder may be made, named and removed. Returns: ERR_OK, ERR_ROFS, ERR_ACCES.
 */
MUST_USE enum err tree_check_folder(const struct node *folder);

/*
 * What a path names. Returns: ERR_OK; errors of path_walk(); NOENT; NOTDIR: a slash behind a file.
 */
MUST_USE enum err tree_find(const struct tree *tree, struct tree_path path, struct node **node);

/*
 * OPEN, but for FILES_TRUNCATE, which is only allowed here: the caller makes it shorter.
 *
 * Returns:   ERR_OK; errors of open(2); ERR_NOSPC.
 * On error:  nothing changed.
 */
MUST_USE enum err tree_open(struct tree *tree, struct tree_path path,
                            const struct tree_request *request, struct node **node, bool *is_made);

/* MKDIR. */
MUST_USE enum err tree_mkdir(struct tree *tree, struct tree_path path,
                             const struct tree_request *request);

/* CHANGE. */
MUST_USE enum err tree_change(struct tree *tree, struct tree_path path,
                              const struct tree_request *request);

/*
 * The size of a file is another from now on.
 *
 * Returns:   ERR_OK; ERR_NOSPC: only if it grows.
 * On error:  nothing changed.
 */
MUST_USE enum err tree_resize(struct tree *tree, struct node *node, uint64_t bytes, uint64_t now);

/* A node without entries leaves its folder: a file is loose then, a folder is gone. */
void tree_remove(struct tree *tree, struct node *node);

/* The first loose file becomes the last. */
void tree_turn_loose(struct tree *tree);

/* A loose file that nobody uses any longer goes. */
void tree_forget(struct tree *tree, struct node *node);

/* The first entry of a folder behind a place; NULL: there is none. */
const struct node *tree_entry_behind(struct tree *tree, const struct node *folder, uint64_t place);

/* A node is about to leave its folder: no READDIR goes on there. */
void tree_leave(struct tree *tree, const struct node *node);

/*
 * The path of a node that has a name, or of the root, from byte `offset` on: up to `room` bytes.
 *
 * Returns:   its whole length; 0: a folder on the way has no name.
 */
uint32_t tree_path_of(const struct tree *tree, const struct node *node, uint32_t offset,
                      char *bytes, uint32_t room);

/* Check the invariants; asserts. For tests. */
void tree_audit(const struct tree *tree);
