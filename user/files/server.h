/* SPDX-License-Identifier: MIT */
/*
 * The state of the file system, and what all its requests share.
 *
 * I1  Objects of the store: one for each node that has a number of one, one for each lock.
 * Owner: the only thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <hf/kernel.h>

#include "lock.h"
#include "part.h"
#include "tree.h"

/* Badge of a control handle: this bit and the number of the file. Others are clients'. */
#define SERVER_CONTROL (UINT64_C(1) << 63)

struct server {
    struct tree tree;
    struct lock_table locks;
    struct part_table parts;
    uint64_t random[2]; /* never zero together */
    uint64_t instance;  /* no file system before this one had it; not 0 */
};

/* A request on its way: its words, and those of the answer. */
struct request {
    struct server *server;
    const struct hf_request *from;
    uint32_t owner; /* the client's; valid by a client's handle */
    bool may_mount;
    struct node *file; /* of a control handle; NULL: it is gone, or came by another handle */
    uint64_t answer[IPC_WORDS];
    uint64_t handles;  /* mask of words of the answer that are handles, to be given away */
    struct node *made; /* to be taken back if the handles cannot be given; NULL: none */
    bool is_held;      /* not to be answered now */
};

/* The node with the number; 0: the root. NULL: there is none. */
struct node *server_node(const struct server *server, uint64_t number);

/*
 * Bytes of a request: those in `inline_bytes`, or left by PART if there are more than
 * FILES_INLINE_MAX.
 *
 * Returns:   ERR_OK; ERR_AGAIN: not so many were left.
 */
MUST_USE enum err server_bytes(const struct request *request, uint32_t length,
                               const char *inline_bytes, const char **bytes);

/* Give back a loose file if nobody uses it, and its object. Returns: whether it did. */
bool server_reclaim(struct server *server, struct node *node);

/* The same for some loose files that were not looked at for longest. */
void server_sweep(struct server *server);

/* Make a file longer or shorter. On error: nothing changed. */
MUST_USE enum err server_resize(struct server *server, struct node *node, uint64_t bytes);

/* A number that cannot be guessed, not 0. */
uint64_t server_random(struct server *server);
