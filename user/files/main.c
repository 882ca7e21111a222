/* SPDX-License-Identifier: MIT */
/*
 * The file system: the boot archive as read-only files, and files in memory.
 *
 * One thread answers one request after the other and waits for nobody: it calls the memory server
 * alone, about objects that it has made itself. A timer wakes it while somebody waits for a lock,
 * or a file without a name has users.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hf/archive.h>
#include <hf/env.h>
#include <hf/error.h>
#include <hf/mem.h>
#include <hf/serve.h>

#include "serve.h"
#include "serve_lock.h"
#include "store.h"

#define BIT_TIME     0x1u
#define WAKES_SECOND 20u /* so often it looks whether a lock's holder has gone */
#define ROOM_DIVISOR 2u  /* of the frames that are free at the start */
#define ROOM_FACTOR  32u /* for holes, unless memory is promised once only */

static struct server server;

static int complain(const char *step, const char *why)
{
    fprintf(stderr, "files: %s: %s\n", step, why);
    return 1;
}

/* Enter the files of the boot archive; names that cannot be are left out, with a line. */
static bool load_archive(void)
{
    const struct hf_archive archive = {hf_env()->archive_opt, hf_env()->archive_bytes};
    struct hf_archive_file file;
    struct node *node = NULL;
    uint64_t offset = 0;
    if (archive.data == NULL) {
        return complain("boot archive", "there is none") == 0;
    }
    while (hf_archive_next(&archive, &offset, &file) == HF_ARCHIVE_FOUND) {
        const char *name = strncmp(file.name, "./", 2) == 0 ? file.name + 2 : file.name;
        enum err error =
            tree_add_archive(&server.tree, TREE_ARCHIVE, name, file.mode, file.bytes,
                             (uint64_t)(file.data - (const char *)archive.data), &node);
        if (error == ERR_OK) {
            error = store_slice(node, hf_env()->archive_object);
        }
        if (error == ERR_NOMEM) {
            return complain("boot archive", hf_strerror(error)) == 0;
        }
        if (error != ERR_OK) {
            (void)complain(file.name, hf_strerror(error));
        }
    }
    return true;
}

/* Give an answer with handles; who cannot take them gets an error. */
static void answer_handles(struct request *request, struct hf_request *next)
{
    struct hf_request reply = {
        .token = next->token,
        .message = {.tag = request->handles << IPC_TAG_HANDLES_SHIFT},
    };
    memcpy(reply.message.words, request->answer, sizeof(reply.message.words));
    const enum err error = hf_reply(reply);
    for (unsigned i = 0; i < IPC_WORDS; i++) {
        if ((request->handles >> i & 1) != 0) {
            (void)hf_handle_close(request->answer[i]);
        }
    }
    next->token.serial = 0;
    if (error != ERR_OK) {
        serve_undo(request);
    }
    if (error == ERR_RECEIVER_SLOTS) {
        next->token = reply.token;
        next->message = (struct hf_message){.words = {error}};
    }
}

/* Serve what came; `next` becomes the answer to be given, or none. */
static void handle(struct hf_request *next)
{
    const struct hf_request from = *next;
    struct request request = {.server = &server, .from = &from};
    next->token.serial = 0;
    next->message = (struct hf_message){.tag = 0};
    if ((from.message.tag & IPC_TAG_KIND) != IPC_CALL) {
        return;
    }
    const enum err error = serve(&request);
    hf_message_drop(&from.message);
    next->token = from.token;
    if (request.is_held) {
        next->token.serial = 0;
        return;
    }
    request.answer[0] = error;
    if (error == ERR_OK && request.handles != 0) {
        answer_handles(&request, next);
        return;
    }
    if (error == ERR_OK) {
        memcpy(next->message.words, request.answer, sizeof(request.answer));
    } else {
        next->message.words[0] = error;
    }
}

/* Look after waiters and loose files, and have the timer wake us while there are any. */
static enum err keep_time(const struct hf_request *came)
{
    static bool is_set;
    const bool is_needed = server.locks.waiters_count != 0 || server.tree.loose != NULL;
    if ((came->message.tag & IPC_TAG_KIND) == IPC_NOTIFY) {
        is_set = false;
        serve_lock_sweep(&server);
        server_sweep(&server);
    }
    if (is_set || !is_needed) {
        return ERR_OK;
    }
    is_set = true;
    return hf_timer(hf_time_now() + hf_env()->timebase_hz / WAKES_SECOND, BIT_TIME);
}

/* Everything that has to be there before the first request. */
static enum err prepare(void)
{
    static const struct node_memory memory = {malloc, free};
    struct mem_commit_rep commit;
    struct mem_stats_rep stats;
    uint64_t timer = 0;
    enum err error = hf_stats(&stats);
    if (error == ERR_OK) {
        error = hf_commit_get(&commit);
    }
    if (error != ERR_OK) {
        return error;
    }
    /* Where sizes are no promises, holes in files are nothing to be careful with. */
    const uint64_t frames = stats.free / ROOM_DIVISOR;
    const uint64_t pages = commit.mode == MEM_COMMIT_NEVER ? frames : frames * ROOM_FACTOR;
    memcpy(server.random, hf_env()->random, sizeof(server.random));
    server.random[0] |= 1;
    /* Numbers from the time on: none of an instance before this one comes again. */
    server.instance = hf_time_now() + 1;
    if (!tree_init(&server.tree, &memory, server.instance, pages, frames)) {
        return ERR_NOMEM;
    }
    return hf_notification_bind(&timer);
}

int main(void)
{
    struct hf_request request = {.badge = 0};
    enum err error = prepare();
    if (error != ERR_OK || !load_archive()) {
        return complain("start", hf_strerror(error));
    }
    while (error == ERR_OK) {
        error = hf_reply_wait(FILES_SLOT_ENDPOINT, &request);
        if (error == ERR_STALE) {
            request.token.serial = 0; /* who was to be answered has gone */
            error = ERR_OK;
            continue;
        }
        if (error == ERR_OK) {
            const struct hf_request came = request;
            handle(&request);
            error = keep_time(&came);
        }
    }
    return complain("endpoint", hf_strerror(error));
}
