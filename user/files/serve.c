/* SPDX-License-Identifier: MIT */
#include "serve.h"

#include <stddef.h>
#include <string.h>

#include <hf/mem.h>
#include <hf/shared.h>

#include "naming.h"
#include "serve_lock.h"
#include "serve_mount.h"
#include "store.h"

#define RENAME_PATHS_MAX (2u * FILES_PATH_MAX + 1)

/* Words of a request from `first` on are all zero. */
static bool is_zero_from(const struct request *request, uint32_t first)
{
    uint64_t all = 0;
    for (uint32_t i = first; i < IPC_WORDS; i++) {
        all |= request->from->message.words[i];
    }
    return all == 0;
}

static enum err serve_part(struct request *request)
{
    struct files_part_req req;
    const struct hf_request *from = request->from;
    memcpy(&req, from->message.words, sizeof(req));
    if (req.length == 0 || req.length > FILES_PART_MAX) {
        return ERR_INVAL;
    }
    return part_put(&request->server->parts, from->badge, from->token.thread, req.offset, req.bytes,
                    req.length)
               ? ERR_OK
               : ERR_AGAIN;
}

/* Read a request with a path; `zeros`: how many NULs are in it. Flags must be among `legal`. */
static enum err take_path(const struct request *request, uint32_t legal, uint32_t zeros,
                          struct files_path_req *req, struct tree_path *path)
{
    memcpy(req, request->from->message.words, sizeof(*req));
    if ((req->flags & ~legal) != 0 || (req->mode & ~FILES_MODE_RIGHTS) != 0) {
        return ERR_INVAL;
    }
    if (req->length > (zeros == 0 ? FILES_PATH_MAX : RENAME_PATHS_MAX)) {
        return ERR_NAMETOOLONG;
    }
    enum err error = server_bytes(request, req->length, req->path, &path->bytes);
    if (error != ERR_OK) {
        return error;
    }
    for (uint32_t i = 0; i < req->length; i++) {
        if (path->bytes[i] == '\0') {
            if (zeros == 0) {
                return ERR_INVAL;
            }
            zeros--;
        }
    }
    path->length = req->length;
    path->base = server_node(request->server, req->base);
    return zeros != 0 ? ERR_INVAL : path->base == NULL ? ERR_NOENT : ERR_OK;
}

static struct tree_request asked(const struct request *request, const struct files_path_req *req)
{
    return (struct tree_request){
        .flags = req->flags,
        .mode = req->mode,
        .owner = request->owner,
        .now = hf_time_now(),
    };
}

/* Have handles for what was opened, and write the answer. */
static enum err open_answer(struct request *request, struct node *node, uint32_t flags)
{
    const bool has_object =
        !node_is_folder(node) && ((node->flags & FILES_IS_ARCHIVE) == 0 || node->object != 0);
    uint64_t rights = MEM_OBJECT_MAPPABLE;
    struct files_open_rep rep = {
        .file = node->number,
        .bytes = node->bytes,
        .offset = node->offset,
        .mode = node->mode,
        .flags = node->flags,
        .part = node->part,
    };
    rights |= (flags & FILES_READ) != 0 ? MEM_OBJECT_READ : 0;
    rights |= (node->flags & FILES_IS_NOEXEC) == 0 ? MEM_OBJECT_EXEC : 0;
    if ((flags & FILES_WRITE) != 0 && (node->flags & FILES_IS_APPEND_ONLY) == 0) {
        rights |= MEM_OBJECT_WRITE;
    }
    if (has_object) {
        enum err error = store_open(node, rights, &rep.object);
        if (error != ERR_OK) {
            return error;
        }
        request->handles |= 1u << HF_WORD(files_open_rep, object);
    }
    if ((flags & FILES_WRITE) != 0) {
        enum err error =
            hf_handle_derive(FILES_SLOT_ENDPOINT, RIGHT_CALL | RIGHT_TRANSFER | RIGHT_DERIVE,
                             SERVER_CONTROL | node->number, 0, &rep.control);
        if (error != ERR_OK) {
            (void)hf_handle_close(rep.object);
            request->handles = 0;
            return error;
        }
        request->handles |= 1u << HF_WORD(files_open_rep, control);
    }
    memcpy(request->answer, &rep, sizeof(rep));
    return ERR_OK;
}

static enum err serve_open(struct request *request)
{
    struct files_path_req req;
    struct tree_path path;
    struct node *node = NULL;
    bool is_made = false;
    enum err error = take_path(request, FILES_OPEN_ALL, 0, &req, &path);
    if (error != ERR_OK) {
        return error;
    }
    const struct tree_request what = asked(request, &req);
    error = tree_open(&request->server->tree, path, &what, &node, &is_made);
    if (error == ERR_NOSPC) {
        server_sweep(request->server);
        error = tree_open(&request->server->tree, path, &what, &node, &is_made);
    }
    if (error != ERR_OK) {
        return error;
    }
    request->made = is_made ? node : NULL;
    if ((req.flags & FILES_TRUNCATE) != 0) {
        error = server_resize(request->server, node, 0);
    }
    if (error == ERR_OK) {
        error = open_answer(request, node, req.flags);
    }
    if (error != ERR_OK) {
        serve_undo(request);
    }
    return error;
}

/* What a path, or a number, names. */
static enum err find(struct request *request, struct node **node)
{
    struct files_path_req req;
    struct tree_path path;
    enum err error = take_path(request, 0, 0, &req, &path);
    if (error != ERR_OK) {
        return error;
    }
    *node = path.base;
    return path.length == 0 ? ERR_OK : tree_find(&request->server->tree, path, node);
}

static enum err serve_stat(struct request *request)
{
    struct node *node = NULL;
    enum err error = find(request, &node);
    if (error != ERR_OK) {
        return error;
    }
    const bool is_loose = node->parent == NULL && node != request->server->tree.root;
    const struct files_stat_rep rep = {
        .file = node->number,
        .bytes = node->bytes,
        .changed = node->changed,
        .mode = node->mode,
        .flags = node->flags,
        .links = node_is_folder(node) ? 2 + node->folders
                 : is_loose           ? 0
                                      : 1,
        .part = node->part,
    };
    memcpy(request->answer, &rep, sizeof(rep));
    return ERR_OK;
}

static enum err serve_readdir(struct request *request)
{
    struct files_readdir_req req;
    memcpy(&req, request->from->message.words, sizeof(req));
    const struct node *folder = server_node(request->server, req.folder);
    if (!is_zero_from(request, 4)) {
        return ERR_INVAL;
    }
    if (folder == NULL) {
        return ERR_STALE;
    }
    if (!node_is_folder(folder)) {
        return ERR_NOTDIR;
    }
    const struct node *node = tree_entry_behind(&request->server->tree, folder, req.after);
    if (node == NULL) {
        return ERR_NOENT;
    }
    struct files_readdir_rep rep = {
        .file = node->number,
        .place = node->place,
        .mode = node->mode,
        .length = node->name_length,
    };
    if (req.offset >= node->name_length) {
        return ERR_INVAL;
    }
    const uint64_t left = node->name_length - req.offset;
    memcpy(rep.name, node->name + req.offset, left < sizeof(rep.name) ? left : sizeof(rep.name));
    memcpy(request->answer, &rep, sizeof(rep));
    return ERR_OK;
}

static enum err serve_name(struct request *request)
{
    struct files_name_req req;
    struct files_name_rep rep = {.length = 0};
    memcpy(&req, request->from->message.words, sizeof(req));
    const struct node *node = server_node(request->server, req.file);
    if (!is_zero_from(request, 3) || req.offset > FILES_PATH_MAX) {
        return ERR_INVAL;
    }
    if (node == NULL) {
        return ERR_STALE;
    }
    rep.length = tree_path_of(&request->server->tree, node, (uint32_t)req.offset, rep.bytes,
                              sizeof(rep.bytes));
    if (rep.length == 0) {
        return ERR_STALE;
    }
    memcpy(request->answer, &rep, sizeof(rep));
    return rep.length > FILES_PATH_MAX ? ERR_NAMETOOLONG : ERR_OK;
}

static enum err serve_mkdir(struct request *request)
{
    struct files_path_req req;
    struct tree_path path;
    enum err error = take_path(request, 0, 0, &req, &path);
    if (error != ERR_OK) {
        return error;
    }
    const struct tree_request what = asked(request, &req);
    error = tree_mkdir(&request->server->tree, path, &what);
    if (error == ERR_NOSPC) {
        server_sweep(request->server);
        error = tree_mkdir(&request->server->tree, path, &what);
    }
    return error;
}

static enum err serve_unlink(struct request *request)
{
    struct files_path_req req;
    struct tree_path path;
    struct node *node = NULL;
    enum err error = take_path(request, 0, 0, &req, &path);
    if (error == ERR_OK) {
        error = naming_unlink(&request->server->tree, path, &node);
    }
    if (error == ERR_OK) {
        (void)server_reclaim(request->server, node);
    }
    return error;
}

static enum err serve_rmdir(struct request *request)
{
    struct files_path_req req;
    struct tree_path path;
    enum err error = take_path(request, 0, 0, &req, &path);
    return error != ERR_OK ? error : naming_rmdir(&request->server->tree, path);
}

static enum err serve_rename(struct request *request)
{
    struct files_path_req req;
    struct tree_path from;
    struct node *replaced = NULL;
    enum err error = take_path(request, FILES_RENAME_NOREPLACE, 1, &req, &from);
    if (error != ERR_OK) {
        return error;
    }
    const uint32_t length = (uint32_t)strnlen(from.bytes, from.length);
    const struct tree_path to = {from.base, from.bytes + length + 1, from.length - length - 1};
    from.length = length;
    error = naming_rename(&request->server->tree, from, to, req.flags, &replaced);
    if (error == ERR_OK && replaced != NULL) {
        (void)server_reclaim(request->server, replaced);
    }
    return error;
}

static enum err serve_change(struct request *request)
{
    struct files_path_req req;
    struct tree_path path;
    enum err error =
        take_path(request, FILES_CHANGE_MODE | FILES_CHANGE_APPEND_ONLY, 0, &req, &path);
    if (error != ERR_OK) {
        return error;
    }
    const struct tree_request what = asked(request, &req);
    return tree_change(&request->server->tree, path, &what);
}

/* Answer RESIZE and APPEND. */
static void resize_answer(struct request *request, uint64_t before, uint64_t bytes)
{
    request->answer[HF_WORD(files_resize_rep, before)] = before;
    request->answer[HF_WORD(files_resize_rep, bytes)] = bytes;
}

/* Resize, and once more when loose files have made room. */
static enum err resize(struct request *request, uint64_t bytes)
{
    enum err error = server_resize(request->server, request->file, bytes);
    if (error == ERR_NOSPC) {
        server_sweep(request->server);
        error = server_resize(request->server, request->file, bytes);
    }
    return error;
}

static enum err serve_resize(struct request *request)
{
    struct files_resize_req req;
    struct node *node = request->file;
    memcpy(&req, request->from->message.words, sizeof(req));
    const uint64_t before = node->bytes;
    if ((req.flags & ~(uint64_t)FILES_RESIZE_ALL) != 0 || !is_zero_from(request, 4)) {
        return ERR_INVAL;
    }
    if ((req.flags & FILES_RESIZE_ADD) != 0) {
        if (req.bytes > UINT64_MAX - before) {
            return ERR_FBIG;
        }
        req.bytes += before;
    }
    if (((req.flags & FILES_RESIZE_EXTEND) != 0 && before >= req.bytes) ||
        ((req.flags & FILES_RESIZE_IF) != 0 && before != req.expected)) {
        req.bytes = before;
    }
    if (req.bytes != before && (node->flags & FILES_IS_APPEND_ONLY) != 0) {
        return ERR_PERM;
    }
    enum err error = resize(request, req.bytes);
    resize_answer(request, before, req.bytes);
    return error;
}

static enum err serve_append(struct request *request)
{
    struct files_append_req req;
    struct node *node = request->file;
    const char *bytes;
    memcpy(&req, request->from->message.words, sizeof(req));
    const uint64_t before = node->bytes;
    if (req.length == 0 || req.length > FILES_PARTS_MAX || req.reserved[0] != 0 ||
        req.reserved[1] != 0) {
        return ERR_INVAL;
    }
    enum err error = server_bytes(request, req.length, req.bytes, &bytes);
    if (error == ERR_OK) {
        error = resize(request, before + req.length);
    }
    if (error != ERR_OK) {
        return error;
    }
    error = store_write(node, before, bytes, req.length);
    if (error != ERR_OK) {
        enum err shrunk = server_resize(request->server, node, before);
        return shrunk != ERR_OK ? shrunk : error;
    }
    resize_answer(request, before, node->bytes);
    return ERR_OK;
}

static enum err serve_space(struct request *request)
{
    static const char *const mounts[TREE_PARTS] = {"/", "/tmp", "/ (archive)", "/" FILES_DISK};
    static const uint32_t flags[TREE_PARTS] = {0, FILES_IS_NOEXEC, FILES_IS_ARCHIVE,
                                               FILES_IS_ARCHIVE | FILES_IS_DISK};
    const struct tree *tree = &request->server->tree;
    const uint64_t index = request->from->message.words[1];
    if (!is_zero_from(request, 2)) {
        return ERR_INVAL;
    }
    if (index >= TREE_PARTS || (index == TREE_DISK && tree->part_nodes[index] == 0)) {
        return ERR_NOENT;
    }
    const bool is_archive = (flags[index] & FILES_IS_ARCHIVE) != 0;
    struct files_space_rep rep = {
        .flags = flags[index],
        .files = (uint32_t)tree->part_nodes[index],
        .pages = tree->part_pages[index],
        .pages_free = is_archive ? 0 : quota_left(&tree->quota, request->owner),
        .pages_max = is_archive ? rep.pages : tree->quota.limit.pages,
        .changes = tree->table.changes,
    };
    strncpy(rep.mount, mounts[index], sizeof(rep.mount) - 1);
    memcpy(request->answer, &rep, sizeof(rep));
    return ERR_OK;
}

/* Whether the request is one about the file of a control handle. */
static bool is_controlled(uint64_t number)
{
    return number == FILES_RESIZE || number == FILES_APPEND;
}

/* Who asks: a client, or whoever has a control handle. */
static enum err check_badge(struct request *request, uint64_t number)
{
    uint64_t badge = request->from->badge;
    if (((badge & SERVER_CONTROL) != 0) != is_controlled(number) && number != FILES_PART) {
        return ERR_TYPE;
    }
    if ((badge & SERVER_CONTROL) == 0) {
        request->may_mount = (badge & FILES_BADGE_MOUNTS) != 0;
        badge &= ~FILES_BADGE_MOUNTS;
        request->owner = (uint32_t)badge;
        return badge >= QUOTA_OWNERS ? ERR_ACCES : ERR_OK;
    }
    request->file = node_find(&request->server->tree.table, badge & ~SERVER_CONTROL);
    return request->file == NULL ? ERR_STALE : ERR_OK;
}

enum err serve(struct request *request)
{
    static enum err (*const functions[])(struct request *) = {
#define REQUEST(name, number, function, summary) [number] = serve_##function,
#include <files/proto.def>
#undef REQUEST
    };
    /* PART, READDIR... have their number in all of word 0, the others in its lower half. */
    const uint64_t number = request->from->message.words[0] & UINT32_MAX;
    if (number == 0 || number >= sizeof(functions) / sizeof(functions[0])) {
        return ERR_NOSYS;
    }
    const uint64_t handles =
        number == FILES_MOUNT ? HF_HANDLE_AT(HF_WORD(files_mount_req, object)) : 0;
    if ((request->from->message.tag & ~(uint64_t)IPC_TAG_KIND) != handles) {
        return ERR_INVAL;
    }
    enum err error = check_badge(request, number);
    if (error == ERR_OK) {
        error = functions[number](request);
    }
    struct part *left =
        part_find(&request->server->parts, request->from->badge, request->from->token.thread);
    if (left != NULL && number != FILES_PART) {
        part_drop(left);
    }
    return error;
}

void serve_undo(struct request *request)
{
    const uint64_t number = request->from->message.words[0] & UINT32_MAX;
    if (number == FILES_LOCK) {
        serve_lock_undo(request->server, request->answer[HF_WORD(files_lock_rep, lock)]);
    }
    if (request->made != NULL) {
        tree_remove(&request->server->tree, request->made);
        (void)server_reclaim(request->server, request->made);
        request->made = NULL;
    }
}
