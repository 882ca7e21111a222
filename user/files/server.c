/* SPDX-License-Identifier: MIT */
#include "server.h"

#include <stddef.h>

#include "store.h"

#define BYTES_MAX   (UINT64_MAX >> 1)
#define SWEEP_COUNT 256u

struct node *server_node(const struct server *server, uint64_t number)
{
    return number == 0 ? server->tree.root : node_find(&server->tree.table, number);
}

enum err server_bytes(const struct request *request, uint32_t length, const char *inline_bytes,
                      const char **bytes)
{
    if (length <= FILES_INLINE_MAX) {
        *bytes = inline_bytes;
        return ERR_OK;
    }
    const struct part *part =
        part_find(&request->server->parts, request->from->badge, request->from->token.thread);
    if (part == NULL || part->length != length) {
        return ERR_AGAIN;
    }
    *bytes = part->bytes;
    return ERR_OK;
}

bool server_reclaim(struct server *server, struct node *node)
{
    if (store_is_used(node->object)) {
        return false;
    }
    store_drop(node->object);
    tree_forget(&server->tree, node);
    return true;
}

void server_sweep(struct server *server)
{
    /* Each of them once at most: those that have users come again otherwise. */
    const uint32_t loose = server->tree.loose_count;
    const uint32_t count = loose < SWEEP_COUNT ? loose : SWEEP_COUNT;
    for (uint32_t i = 0; i < count; i++) {
        if (!server_reclaim(server, server->tree.loose)) {
            tree_turn_loose(&server->tree);
        }
    }
}

enum err server_resize(struct server *server, struct node *node, uint64_t bytes)
{
    const uint64_t before = node->bytes;
    const uint64_t changed = node->changed;
    enum err error = bytes > BYTES_MAX ? ERR_FBIG : ERR_OK;
    if (error == ERR_OK && bytes == before) {
        return ERR_OK;
    }
    /* What grows is paid for first; what shrinks is given back last. */
    if (error == ERR_OK && bytes > before) {
        error = tree_resize(&server->tree, node, bytes, hf_time_now());
    }
    if (error != ERR_OK) {
        return error;
    }
    error = store_resize(node, bytes);
    if (error == ERR_OK && bytes > before) {
        return ERR_OK;
    }
    const enum err shrunk = error == ERR_OK ? tree_resize(&server->tree, node, bytes, hf_time_now())
                                            : tree_resize(&server->tree, node, before, changed);
    return error != ERR_OK ? error : shrunk;
}

/* xorshift128+. */
uint64_t server_random(struct server *server)
{
    uint64_t word = 0;
    while (word == 0) {
        uint64_t x = server->random[0];
        const uint64_t y = server->random[1];
        server->random[0] = y;
        x ^= x << 23;
        server->random[1] = x ^ y ^ (x >> 17) ^ (y >> 26);
        word = server->random[1] + y;
    }
    return word;
}
