/* SPDX-License-Identifier: MIT */
#include "tree.h"

#include <stddef.h>
#include <string.h>

#include <base/assert.h>

#define MAY_READ   0400u
#define MAY_WRITE  0200u
#define MODE_START 0755u
#define MODE_FIXED 0555u /* folders of the archive */

static const struct quota_use one_node = {.nodes = 1};

/* A node in a folder, with what entries have from it. Returns: NULL without memory. */
static struct node *entry_make(struct tree *tree, struct node *folder, const char *name,
                               uint32_t length, uint32_t mode)
{
    struct node *node = node_make(&tree->table, mode);
    if (node == NULL) {
        return NULL;
    }
    node->flags = folder->flags;
    node->part = folder->part;
    node->owner = folder->owner;
    if (!node_link(&tree->table, folder, node, name, length)) {
        node_free(&tree->table, node);
        return NULL;
    }
    tree->part_nodes[node->part]++;
    return node;
}

/* Begin a part where an entry is. */
static void part_begin(struct tree *tree, struct node *node, enum tree_part part, uint32_t flags)
{
    tree->part_nodes[node->part]--;
    tree->part_nodes[part]++;
    node->part = part;
    node->flags = flags;
}

bool tree_init(struct tree *tree, const struct node_memory *memory, uint64_t first, uint64_t pages,
               uint64_t frames)
{
    *tree = (struct tree){.root = NULL};
    quota_init(&tree->quota, pages, frames);
    if (!node_table_init(&tree->table, memory, first)) {
        return false;
    }
    tree->root = node_make(&tree->table, FILES_MODE_FOLDER | MODE_START);
    if (tree->root == NULL) {
        return false;
    }
    tree->part_nodes[TREE_ROOT] = 1;
    struct node *temporary = entry_make(tree, tree->root, "tmp", 3, FILES_MODE_FOLDER | MODE_START);
    if (temporary == NULL) {
        return false;
    }
    part_begin(tree, temporary, TREE_TEMPORARY, FILES_IS_NOEXEC);
    return true;
}

/* What is special about all of an archive. */
static uint32_t archive_flags(enum tree_part part)
{
    return part == TREE_DISK ? FILES_IS_ARCHIVE | FILES_IS_DISK : FILES_IS_ARCHIVE;
}

/* The folder of the archive with this name in another, made if it is not there. */
static enum err archive_folder(struct tree *tree, enum tree_part part, const char *name,
                               uint32_t length, struct node **folder)
{
    struct node *node = node_entry(&tree->table, *folder, name, length);
    if (node == NULL) {
        node = entry_make(tree, *folder, name, length, FILES_MODE_FOLDER | MODE_FIXED);
        if (node == NULL) {
            return ERR_NOMEM;
        }
        part_begin(tree, node, part, archive_flags(part));
    }
    *folder = node;
    return node_is_folder(node) ? ERR_OK : ERR_EXIST;
}

/* Whether an entry of the archive can have the name. */
static bool is_name(const char *name, size_t length)
{
    return length > 0 && length <= FILES_NAME_MAX && !(length == 1 && name[0] == '.') &&
           !(length == 2 && name[0] == '.' && name[1] == '.');
}

enum err tree_add_archive(struct tree *tree, enum tree_part part, const char *name, uint32_t mode,
                          uint64_t bytes, uint64_t offset, struct node **made)
{
    struct node *folder = tree->root;
    name += strspn(name, "/");
    for (;;) {
        const size_t length = strcspn(name, "/");
        if (!is_name(name, length)) {
            return ERR_INVAL;
        }
        if (name[length] == '\0') {
            break;
        }
        enum err error = archive_folder(tree, part, name, (uint32_t)length, &folder);
        if (error != ERR_OK) {
            return error;
        }
        name += length + strspn(name + length, "/");
    }
    const uint32_t length = (uint32_t)strlen(name);
    if (node_entry(&tree->table, folder, name, length) != NULL) {
        return ERR_EXIST;
    }
    struct node *node = entry_make(tree, folder, name, length,
                                   FILES_MODE_FILE | (mode & FILES_MODE_RIGHTS & ~0222u));
    if (node == NULL) {
        return ERR_NOMEM;
    }
    part_begin(tree, node, part, archive_flags(part));
    node->bytes = bytes;
    node->offset = offset;
    tree->part_pages[part] += quota_pages(bytes);
    *made = node;
    return ERR_OK;
}

enum err tree_walk(const struct tree *tree, struct tree_path path, struct path_end *end)
{
    return path_walk(&tree->table, tree->root, path.base, path.bytes, path.length, end);
}

enum err tree_find(const struct tree *tree, struct tree_path path, struct node **node)
{
    struct path_end end;
    enum err error = tree_walk(tree, path, &end);
    if (error != ERR_OK) {
        return error;
    }
    if (end.node_opt == NULL) {
        return ERR_NOENT;
    }
    if (end.has_slash && !node_is_folder(end.node_opt)) {
        return ERR_NOTDIR;
    }
    *node = end.node_opt;
    return ERR_OK;
}

/* A new entry, paid for by who asks. */
static enum err make(struct tree *tree, const struct path_end *end, uint32_t kind,
                     const struct tree_request *request, struct node **node)
{
    enum err error = tree_check_folder(end->folder);
    if (error == ERR_OK) {
        error = quota_take(&tree->quota, request->owner, one_node);
    }
    if (error != ERR_OK) {
        return error;
    }
    struct node *made = entry_make(tree, end->folder, end->name, end->length,
                                   kind | (request->mode & FILES_MODE_RIGHTS));
    if (made == NULL) {
        quota_give(&tree->quota, request->owner, one_node);
        return ERR_NOSPC;
    }
    made->owner = request->owner;
    made->changed = request->now;
    *node = made;
    return ERR_OK;
}

/* Whether what is there may be opened so (may_open() of Linux). */
static enum err check_open(const struct node *node, uint32_t flags)
{
    const bool is_changed = (flags & (FILES_WRITE | FILES_TRUNCATE)) != 0;
    if ((flags & FILES_CREATE) != 0 && (flags & FILES_EXCLUSIVE) != 0) {
        return ERR_EXIST;
    }
    if (node_is_folder(node) && ((flags & FILES_CREATE) != 0 || is_changed)) {
        return ERR_ISDIR;
    }
    if (!node_is_folder(node) && (flags & FILES_FOLDER) != 0) {
        return ERR_NOTDIR;
    }
    if (is_changed && (node->flags & FILES_IS_ARCHIVE) != 0) {
        return ERR_ROFS;
    }
    if (((flags & FILES_READ) != 0 && (node->mode & MAY_READ) == 0) ||
        (is_changed && (node->mode & MAY_WRITE) == 0)) {
        return ERR_ACCES;
    }
    if ((node->flags & FILES_IS_APPEND_ONLY) != 0 &&
        ((flags & FILES_TRUNCATE) != 0 ||
         ((flags & FILES_WRITE) != 0 && (flags & FILES_APPENDING) == 0))) {
        return ERR_PERM;
    }
    return ERR_OK;
}

enum err tree_open(struct tree *tree, struct tree_path path, const struct tree_request *request,
                   struct node **node, bool *is_made)
{
    struct path_end end;
    const bool creates = (request->flags & FILES_CREATE) != 0;
    if (creates && (request->flags & FILES_FOLDER) != 0) {
        return ERR_INVAL;
    }
    enum err error = tree_walk(tree, path, &end);
    if (error != ERR_OK) {
        return error;
    }
    if (creates && end.last == PATH_NAME && end.has_slash) {
        return ERR_ISDIR;
    }
    *is_made = end.node_opt == NULL;
    if (end.node_opt == NULL) {
        return creates ? make(tree, &end, FILES_MODE_FILE, request, node) : ERR_NOENT;
    }
    if (end.has_slash && !node_is_folder(end.node_opt)) {
        return ERR_NOTDIR;
    }
    error = check_open(end.node_opt, request->flags);
    if (error == ERR_OK) {
        *node = end.node_opt;
    }
    return error;
}

enum err tree_check_folder(const struct node *folder)
{
    if ((folder->flags & FILES_IS_ARCHIVE) != 0) {
        return ERR_ROFS;
    }
    return (folder->mode & MAY_WRITE) == 0 ? ERR_ACCES : ERR_OK;
}

enum err tree_mkdir(struct tree *tree, struct tree_path path, const struct tree_request *request)
{
    struct path_end end;
    struct node *node;
    enum err error = tree_walk(tree, path, &end);
    if (error != ERR_OK) {
        return error;
    }
    if (end.node_opt != NULL) {
        return ERR_EXIST;
    }
    return make(tree, &end, FILES_MODE_FOLDER, request, &node);
}

enum err tree_change(struct tree *tree, struct tree_path path, const struct tree_request *request)
{
    struct node *node = path.base;
    enum err error = path.length == 0 ? ERR_OK : tree_find(tree, path, &node);
    if (error != ERR_OK) {
        return error;
    }
    if ((node->flags & FILES_IS_ARCHIVE) != 0) {
        return ERR_ROFS;
    }
    if ((request->flags & FILES_CHANGE_APPEND_ONLY) != 0 && node_is_folder(node)) {
        return ERR_OPNOTSUPP;
    }
    if ((request->flags & FILES_CHANGE_MODE) != 0 && (node->flags & FILES_IS_APPEND_ONLY) != 0) {
        return ERR_PERM;
    }
    if ((request->flags & FILES_CHANGE_MODE) != 0) {
        node->mode = (node->mode & FILES_MODE_KIND) | (request->mode & FILES_MODE_RIGHTS);
    }
    if ((request->flags & FILES_CHANGE_APPEND_ONLY) != 0) {
        node->flags |= FILES_IS_APPEND_ONLY;
    }
    return ERR_OK;
}

enum err tree_resize(struct tree *tree, struct node *node, uint64_t bytes, uint64_t now)
{
    const uint64_t before = quota_pages(node->bytes);
    const uint64_t after = quota_pages(bytes);
    if (after > before) {
        const struct quota_use more = {.pages = after - before};
        enum err error = quota_take(&tree->quota, node->owner, more);
        if (error != ERR_OK) {
            return error;
        }
    } else {
        quota_give(&tree->quota, node->owner, (struct quota_use){.pages = before - after});
    }
    tree->part_pages[node->part] += after - before; /* modulo 2^64 */
    tree->table.changes++;
    node->bytes = bytes;
    node->changed = now;
    return ERR_OK;
}

/* Put a loose file at the end of the list. */
static void loose_enter(struct tree *tree, struct node *node)
{
    node->next = NULL;
    node->prev = tree->loose_last;
    *(node->prev != NULL ? &node->prev->next : &tree->loose) = node;
    tree->loose_last = node;
    tree->loose_count++;
}

static void loose_leave(struct tree *tree, struct node *node)
{
    *(node->prev != NULL ? &node->prev->next : &tree->loose) = node->next;
    *(node->next != NULL ? &node->next->prev : &tree->loose_last) = node->prev;
    tree->loose_count--;
}

void tree_remove(struct tree *tree, struct node *node)
{
    ASSERT(node->first == NULL);
    tree_leave(tree, node);
    node_unlink(&tree->table, node);
    if (node_is_folder(node)) {
        tree->part_nodes[node->part]--;
        quota_give(&tree->quota, node->owner, one_node);
        node_free(&tree->table, node);
        return;
    }
    loose_enter(tree, node);
}

void tree_turn_loose(struct tree *tree)
{
    struct node *node = tree->loose;
    if (node != NULL) {
        loose_leave(tree, node);
        loose_enter(tree, node);
    }
}

void tree_forget(struct tree *tree, struct node *node)
{
    ASSERT(node->parent == NULL && node != tree->root);
    const struct quota_use all = {.pages = quota_pages(node->bytes), .nodes = 1};
    loose_leave(tree, node);
    if ((node->flags & FILES_IS_ARCHIVE) == 0) {
        quota_give(&tree->quota, node->owner, all);
    }
    tree->part_pages[node->part] -= all.pages;
    tree->part_nodes[node->part]--;
    node_free(&tree->table, node);
}

const struct node *tree_entry_behind(struct tree *tree, const struct node *folder, uint64_t place)
{
    const struct node *found = NULL;
    struct tree_cursor *cursor = NULL;
    for (uint32_t i = 0; i < TREE_CURSORS && place != 0; i++) {
        const struct node *node = tree->cursors[i].node;
        if (node != NULL && node->parent == folder && tree->cursors[i].place == place) {
            cursor = &tree->cursors[i];
            found = node->next;
        }
    }
    if (cursor == NULL) {
        cursor = &tree->cursors[tree->cursor_next];
        tree->cursor_next = (tree->cursor_next + 1) % TREE_CURSORS;
        found = node_behind(folder, place);
    }
    cursor->node = found;
    cursor->place = found != NULL ? found->place : 0;
    return found;
}

void tree_leave(struct tree *tree, const struct node *node)
{
    for (uint32_t i = 0; i < TREE_CURSORS; i++) {
        if (tree->cursors[i].node == node) {
            tree->cursors[i].node = NULL;
        }
    }
}

uint32_t tree_path_of(const struct tree *tree, const struct node *node, uint32_t offset,
                      char *bytes, uint32_t room)
{
    uint32_t length = 0;
    if (node == tree->root && offset == 0 && room > 0) {
        bytes[0] = '/';
    }
    const struct node *up = node;
    for (; up->parent != NULL; up = up->parent) {
        length += up->name_length + 1;
    }
    if (up != tree->root) {
        return 0;
    }
    /* From the end to the front, so that each name's place is known. */
    uint32_t at = length;
    for (up = node; up->parent != NULL; up = up->parent) {
        at -= up->name_length + 1;
        for (uint32_t i = 0; i <= up->name_length; i++) {
            if (at + i >= offset && at + i - offset < room) {
                bytes[at + i - offset] = i == 0 ? '/' : up->name[i - 1];
            }
        }
    }
    return length > 0 ? length : 1;
}

/* Add up what quota and parts must have for one node. */
static void audit_node(const struct tree *tree, const struct node *node, struct quota_use *total,
                       uint64_t *pages, uint64_t *nodes)
{
    const bool is_start = node->parent == NULL || node->part != node->parent->part;
    ASSERT(node_is_folder(node) || node->first == NULL);
    pages[node->part] += quota_pages(node->bytes);
    nodes[node->part]++;
    if ((node->flags & FILES_IS_ARCHIVE) == 0 && node != tree->root &&
        !(is_start && node_is_folder(node))) {
        total->pages += quota_pages(node->bytes);
        total->nodes++;
    }
}

void tree_audit(const struct tree *tree)
{
    struct quota_use total = {0, 0};
    struct quota_use owners = {0, 0};
    uint64_t pages[TREE_PARTS] = {0};
    uint64_t nodes[TREE_PARTS] = {0};
    uint64_t loose = 0;
    uint64_t listed = 0;
    node_audit(&tree->table);
    for (uint64_t i = 0; i < tree->table.buckets; i++) {
        for (const struct node *node = tree->table.numbers[i]; node != NULL;
             node = node->number_next) {
            audit_node(tree, node, &total, pages, nodes);
            loose += node->parent == NULL && node != tree->root ? 1 : 0;
        }
    }
    for (const struct node *node = tree->loose; node != NULL; node = node->next) {
        ASSERT(node->parent == NULL && !node_is_folder(node));
        listed++;
    }
    ASSERT(loose == listed && listed == tree->loose_count);
    for (uint32_t i = 0; i < QUOTA_OWNERS; i++) {
        owners.pages += tree->quota.owners[i].pages;
        owners.nodes += tree->quota.owners[i].nodes;
    }
    ASSERT(total.pages == tree->quota.total.pages && total.nodes == tree->quota.total.nodes);
    ASSERT(owners.pages == total.pages && owners.nodes == total.nodes);
    ASSERT(memcmp(pages, tree->part_pages, sizeof(pages)) == 0);
    ASSERT(memcmp(nodes, tree->part_nodes, sizeof(nodes)) == 0);
}
