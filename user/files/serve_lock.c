/* SPDX-License-Identifier: MIT */
#include "serve_lock.h"

#include <stddef.h>
#include <string.h>

#include <hf/mem.h>

#include "store.h"

#define OWNER_LOCKS_MAX 64u

/* Forget a lock and its token. */
static void drop(struct lock *lock)
{
    store_drop(lock->token);
    lock_drop(lock);
}

/* Take away locks in the way of one on the file that nobody holds; none is left: true. */
static bool clear_way(struct server *server, uint64_t file, bool is_exclusive)
{
    bool is_clear = true;
    struct lock *lock = NULL;
    while ((lock = lock_against(&server->locks, file, is_exclusive, lock)) != NULL) {
        if (store_is_used(lock->token)) {
            is_clear = false;
        } else {
            drop(lock);
        }
    }
    return is_clear;
}

/* A lock with a token, that nothing stands against. `words`: of the answer. */
static enum err grant(struct server *server, const struct lock_waiter *to, uint64_t *words)
{
    struct lock lock = {
        .id = server_random(server),
        .file = to->file,
        .owner = to->owner,
        .is_exclusive = to->is_exclusive,
    };
    uint64_t handle;
    if (lock_count(&server->locks, to->owner) >= OWNER_LOCKS_MAX) {
        return ERR_NOSPC;
    }
    enum err error = store_token(&lock.token, &handle);
    if (error != ERR_OK) {
        return error;
    }
    if (!lock_take(&server->locks, &lock)) {
        store_drop(lock.token);
        (void)hf_handle_close(handle);
        return ERR_NOSPC;
    }
    words[HF_WORD(files_lock_rep, lock)] = lock.id;
    words[HF_WORD(files_lock_rep, token)] = handle;
    return ERR_OK;
}

/* Answer a waiter: with a lock, or why there is none for it. */
static void answer_waiter(struct server *server, const struct lock_waiter *waiter)
{
    struct hf_request to = {.token = {waiter->serial, waiter->thread}};
    uint64_t *words = to.message.words;
    words[0] = grant(server, waiter, words);
    if (words[0] != ERR_OK) {
        (void)hf_reply(to);
        return;
    }
    const uint64_t handle = words[HF_WORD(files_lock_rep, token)];
    to.message.tag = HF_HANDLE_AT(HF_WORD(files_lock_rep, token));
    enum err error = hf_reply(to);
    (void)hf_handle_close(handle);
    if (error != ERR_OK) {
        drop(lock_find(&server->locks, words[HF_WORD(files_lock_rep, lock)]));
    }
    if (error == ERR_RECEIVER_SLOTS) {
        (void)hf_reply((struct hf_request){.token = to.token, .message = {.words = {error}}});
    }
}

void serve_lock_sweep(struct server *server)
{
    struct lock_waiter waiter;
    for (uint32_t i = 0; i < server->locks.waiters_count; i++) {
        const struct lock_waiter *one = &server->locks.waiters[i];
        (void)clear_way(server, one->file, one->is_exclusive);
    }
    while (lock_next_waiter(&server->locks, &waiter)) {
        answer_waiter(server, &waiter);
    }
}

/* Change the kind of a lock if nothing else stands against it; else it is gone (flock(2)). */
static enum err change(struct server *server, struct lock *lock, const struct lock_waiter *asked)
{
    struct lock before = *lock;
    lock_drop(lock);
    if (clear_way(server, asked->file, asked->is_exclusive)) {
        before.is_exclusive = asked->is_exclusive;
        return lock_take(&server->locks, &before) ? ERR_OK : ERR_NOSPC;
    }
    store_drop(before.token);
    return ERR_WOULD_BLOCK;
}

enum err serve_lock(struct request *request)
{
    struct files_lock_req req;
    struct server *server = request->server;
    memcpy(&req, request->from->message.words, sizeof(req));
    const struct lock_waiter asked = {
        .file = req.file,
        .serial = request->from->token.serial,
        .thread = request->from->token.thread,
        .owner = request->owner,
        .is_exclusive = (req.flags & FILES_LOCK_EXCLUSIVE) != 0,
    };
    if ((req.flags & ~(uint64_t)(FILES_LOCK_EXCLUSIVE | FILES_LOCK_NOWAIT)) != 0) {
        return ERR_INVAL;
    }
    if (req.file == 0 || server_node(server, req.file) == NULL) {
        return ERR_STALE;
    }
    struct lock *lock = req.lock == 0 ? NULL : lock_find(&server->locks, req.lock);
    if (lock != NULL && lock->file == req.file) {
        enum err error = change(server, lock, &asked);
        serve_lock_sweep(server); /* a weaker one lets others in */
        if (error != ERR_WOULD_BLOCK) {
            request->answer[HF_WORD(files_lock_rep, lock)] = req.lock;
            return error;
        }
    }
    if (clear_way(server, asked.file, asked.is_exclusive)) {
        enum err error = grant(server, &asked, request->answer);
        request->handles = error == ERR_OK ? 1u << HF_WORD(files_lock_rep, token) : 0;
        return error;
    }
    if ((req.flags & FILES_LOCK_NOWAIT) != 0) {
        return ERR_WOULD_BLOCK;
    }
    request->is_held = lock_wait(&server->locks, &asked);
    return request->is_held ? ERR_OK : ERR_BUSY;
}

enum err serve_unlock(struct request *request)
{
    const uint64_t id = request->from->message.words[HF_WORD(files_unlock_req, lock)];
    struct lock *lock = id == 0 ? NULL : lock_find(&request->server->locks, id);
    if (lock == NULL) {
        return ERR_NOENT;
    }
    drop(lock);
    serve_lock_sweep(request->server);
    return ERR_OK;
}

void serve_lock_undo(struct server *server, uint64_t id)
{
    struct lock *lock = lock_find(&server->locks, id);
    if (lock != NULL) {
        drop(lock);
        serve_lock_sweep(server);
    }
}
