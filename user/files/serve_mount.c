/* SPDX-License-Identifier: MIT */
#include "serve_mount.h"

#include <string.h>

#include <hf/mem.h>

#include "store.h"

/* The path of a MOUNT from the root on, with a NUL behind it. */
static enum err mount_path(const struct request *request, const struct files_mount_req *req,
                           char path[FILES_PATH_MAX + 1])
{
    const size_t prefix = sizeof(FILES_DISK "/") - 1;
    const char *bytes = req->path;
    if (req->length == 0 || req->length > FILES_PATH_MAX - prefix || req->reserved != 0) {
        return ERR_INVAL;
    }
    if (req->length > FILES_MOUNT_INLINE) {
        const struct part *part =
            part_find(&request->server->parts, request->from->badge, request->from->token.thread);
        if (part == NULL || part->length != req->length) {
            return ERR_AGAIN;
        }
        bytes = part->bytes;
    }
    if (memchr(bytes, '\0', req->length) != NULL) {
        return ERR_INVAL;
    }
    memcpy(path, FILES_DISK "/", prefix);
    memcpy(path + prefix, bytes, req->length);
    path[prefix + req->length] = '\0';
    return ERR_OK;
}

/* The file that was mounted before by this path; NULL: there is none. */
static struct node *find_mounted(const struct server *server, const char *path)
{
    const struct tree_path where = {server->tree.root, path, (uint32_t)strlen(path)};
    struct node *node = NULL;
    const bool is_there = tree_find(&server->tree, where, &node) == ERR_OK;
    return is_there && node->part == TREE_DISK && !node_is_folder(node) ? node : NULL;
}

/* Put a file whose object is held in the place of another, who has which open keeps it. */
static enum err replace(struct server *server, const struct files_mount_req *req, const char *path,
                        uint64_t object)
{
    struct node *node = find_mounted(server, path);
    if (node != NULL && node->object == object) {
        store_drop(object); /* held twice now; who mounts has begun anew, and took it over */
        return ERR_OK;
    }
    if (node != NULL) {
        tree_remove(&server->tree, node);
        (void)server_reclaim(server, node);
    }
    enum err error =
        tree_add_archive(&server->tree, TREE_DISK, path, req->mode, req->bytes, 0, &node);
    if (error == ERR_OK) {
        node->object = object;
    } else {
        store_drop(object);
    }
    return error;
}

enum err serve_mount(struct request *request)
{
    static char path[FILES_PATH_MAX + 1];
    struct files_mount_req req;
    uint64_t object = 0;
    memcpy(&req, request->from->message.words, sizeof(req));
    if (!request->may_mount) {
        return ERR_ACCES;
    }
    enum err error = mount_path(request, &req, path);
    if (error == ERR_OK) {
        error = store_adopt(req.object, req.bytes, &object);
    }
    request->answer[HF_WORD(files_mount_rep, instance)] = request->server->instance;
    return error == ERR_OK ? replace(request->server, &req, path, object) : error;
}

enum err serve_watch(struct request *request)
{
    struct files_watch_req req;
    memcpy(&req, request->from->message.words, sizeof(req));
    if (!request->may_mount) {
        return ERR_ACCES;
    }
    bool is_legal = req.number == FILES_WATCH;
    for (unsigned i = 0; i < sizeof(req.reserved) / sizeof(req.reserved[0]); i++) {
        is_legal = is_legal && req.reserved[i] == 0;
    }
    if (!is_legal) {
        return ERR_INVAL;
    }
    request->answer[HF_WORD(files_watch_rep, instance)] = request->server->instance;
    /* The kernel tells him when we end: nothing is kept for it here. */
    request->is_held = req.instance == request->server->instance;
    return ERR_OK;
}
