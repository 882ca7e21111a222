/* SPDX-License-Identifier: MIT */
/*
 * Files and folders as records, found by number and by name in their folder.
 *
 *   (free) -> LOOSE    [node_make]
 *   LOOSE -> NAMED     [node_link] it is the last entry of a folder
 *   NAMED -> LOOSE     [node_unlink] a file without a name lives until its last user has gone
 *   LOOSE -> (free)    [node_free]
 *
 *   NAMED  has a parent; is in its parent's list and in the table of names
 *   LOOSE  has no parent; so the root, for good
 *
 * I1  Every node is in the table of numbers; numbers are never used again.
 * I2  The entries of a folder stand in the order of `place`, which grows; names differ.
 * I3  Only folders have entries.
 * Owner: the only thread. Pure C: tested on the host. Memory is the caller's functions', which may
 * refuse; nothing else here can fail.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/attr.h>
#include <files/proto.h>

struct node {
    uint64_t number;
    struct node *parent;
    struct node *first; /* entries of a folder */
    struct node *last;
    struct node *next; /* in the folder, or in the list of loose files (tree.h) */
    struct node *prev;
    struct node *name_next; /* in the tables */
    struct node *number_next;
    char *name; /* without a NUL; NULL: it never had one */
    uint64_t place;
    uint32_t name_length;
    uint32_t name_hash; /* of name and parent */
    uint32_t mode;
    uint32_t flags; /* FILES_IS_... */
    uint32_t owner; /* who pays (quota.h) */
    uint32_t part;
    uint32_t folders; /* among the entries */
    uint32_t reserved;
    uint64_t bytes;
    uint64_t changed; /* time CSR */
    uint64_t object;  /* number of the one that has the bytes; 0: none yet, or none to be had */
    uint64_t offset;  /* valid in files of the archive */
};

/* Where records and names come from. */
struct node_memory {
    void *(*take)(size_t bytes); /* NULL: there is none */
    void (*give)(void *memory);
};

struct node_table {
    const struct node_memory *memory;
    struct node **names;
    struct node **numbers;
    uint64_t buckets; /* of each; a power of two */
    uint64_t count;
    uint64_t next_number;
    uint64_t next_place;
    uint64_t changes; /* how often anything became different */
};

/* Begin with numbers from `first`, which is not 0. Returns: whether there was memory. */
MUST_USE bool node_table_init(struct node_table *table, const struct node_memory *memory,
                              uint64_t first);

/* A loose node of this mode. Returns: NULL if there is no memory. */
struct node *node_make(struct node_table *table, uint32_t mode);

/*
 * Give a loose node the name in the folder, which has none of that name.
 *
 * Returns:   whether there was memory for it.
 * On error:  nothing changed.
 */
MUST_USE bool node_link(struct node_table *table, struct node *folder, struct node *node,
                        const char *name, uint32_t length);

/* Take a node out of its folder. */
void node_unlink(struct node_table *table, struct node *node);

/* Give a loose node without entries back. */
void node_free(struct node_table *table, struct node *node);

/* Memory for a name to come, so that node_rename() cannot fail. NULL: there is none. */
char *node_name_make(const struct node_table *table, const char *name, uint32_t length);

/* Move a named node; `name`, from node_name_make(), is the node's from then on. */
void node_rename(struct node_table *table, struct node *node, struct node *folder, char *name,
                 uint32_t length);

/* The node with this number; NULL: there is none. */
struct node *node_find(const struct node_table *table, uint64_t number);

/* The entry of a folder with this name; NULL: there is none. */
struct node *node_entry(const struct node_table *table, const struct node *folder, const char *name,
                        uint32_t length);

/* The first entry of a folder behind this place; NULL: there is none. */
struct node *node_behind(const struct node *folder, uint64_t place);

static inline bool node_is_folder(const struct node *node)
{
    return (node->mode & FILES_MODE_KIND) == FILES_MODE_FOLDER;
}

/* Whether `node` is `folder` or lies somewhere in it. */
bool node_is_within(const struct node *node, const struct node *folder);

/* Check the invariants of all nodes; asserts. For tests. */
void node_audit(const struct node_table *table);
