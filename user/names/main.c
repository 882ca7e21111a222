/* SPDX-License-Identifier: MIT */
/*
 * The name service: servers register endpoints, clients find them.
 *
 * It holds a handle to each endpoint and gives copies away. When a server ends, the kernel makes
 * the handle stale, which shows the next time that it is to be given: whoever looks is told. Nobody
 * can make it wait: a FIND that waits is a token in the table, a WATCH not even that.
 *
 * Who may register and find what stands in the boot manifest; the badge of a request is the number
 * of a process there (init/roster.h), which that one's children share.
 *
 * I1  The service holds the handles of the table's entries and no other that came in a message.
 */
#include <stdio.h>
#include <string.h>

#include <hf/archive.h>
#include <hf/env.h>
#include <hf/error.h>
#include <hf/manifest.h>
#include <hf/mem.h>
#include <hf/serve.h>

#include "table.h"

#define BIT_TIME      0x1u
#define NAME_WORD     1u
#define INSTANCE_WORD 1u
#define ENDPOINT_WORD 5u

static struct table table;
static struct manifest manifest;

static int complain(const char *step, const char *why)
{
    fprintf(stderr, "names: %s: %s\n", step, why);
    return 1;
}

/* Answer with an error and nothing else; a caller that has gone needs no answer. */
static void answer(struct hf_token token, enum err error)
{
    const struct hf_request request = {.token = token, .message = {.words = {error}}};
    (void)hf_reply(request);
}

/* The same, and which instance this is: no two have had the same number of a process. */
static void answer_registered(struct hf_token token, enum err error)
{
    const struct hf_request request = {
        .token = token,
        .message = {.words = {error, hf_env()->space_id}},
    };
    (void)hf_reply(request);
}

/*
 * Answer with a copy of the entry's handle.
 *
 * Returns: false if its endpoint has ended: nobody was answered, and the entry is GONE.
 */
static bool answer_found(struct table_entry *entry, struct hf_token token)
{
    const struct hf_request request = {
        .token = token,
        .message = {.tag = HF_HANDLE_AT(1), .words = {ERR_OK, entry->handle}},
    };
    enum err error = hf_reply(request);
    if (error == ERR_SENDER_HANDLE) {
        (void)hf_handle_close(entry->handle);
        table_lose(entry);
        return false;
    }
    if (error == ERR_RECEIVER_SLOTS) {
        answer(token, error);
    }
    return true;
}

/* Whether the endpoint still lives: the kernel says what a slot holds. */
static bool lives(const struct table_entry *entry)
{
    uint64_t count = 0;
    if (entry->state != TABLE_HERE || hf_handles_read(0, entry->handle, &count) != ERR_OK) {
        return false;
    }
    const struct handle_info *info = hf_message_page();
    return count > 0 && info->slot == entry->handle && info->kind == OBJECT_ENDPOINT;
}

/* Whether others can be given the handle and call by it. */
static enum err check_handle(uint64_t handle)
{
    uint64_t count = 0;
    enum err error = hf_handles_read(0, handle, &count);
    if (error != ERR_OK) {
        return error;
    }
    const struct handle_info *info = hf_message_page();
    const uint64_t wanted = RIGHT_CALL | RIGHT_TRANSFER;
    if (count == 0 || info->slot != handle || info->kind != OBJECT_ENDPOINT) {
        return ERR_TYPE;
    }
    return (info->rights & wanted) == wanted ? ERR_OK : ERR_RIGHTS;
}

/* The answer to a FIND that is not, or no longer, to wait. */
static enum err absence(const char *name, bool has_waited)
{
    const struct table_entry *entry = table_find(&table, name);
    return entry != NULL ? ERR_PEER_GONE : has_waited ? ERR_TIMEDOUT : ERR_NOENT;
}

static enum err serve_register(const struct names_register_req *req, uint64_t badge)
{
    struct table_entry *entry = table_find(&table, req->name);
    enum err error = check_handle(req->endpoint);
    if (error != ERR_OK) {
        return error;
    }
    if (entry != NULL && lives(entry)) {
        return ERR_EXIST;
    }
    if (entry != NULL && entry->state == TABLE_HERE) {
        (void)hf_handle_close(entry->handle);
        table_lose(entry);
    }
    for (uint32_t i = 0; i < TABLE_NAMES_MAX; i++) {
        if (table.entries[i].state == TABLE_HERE && !lives(&table.entries[i])) {
            (void)hf_handle_close(table.entries[i].handle);
            table_lose(&table.entries[i]);
        }
    }
    return table_add(&table, req->name, req->endpoint, badge) ? ERR_OK : ERR_NOSPC;
}

/* Tell those who wait for a name that is there now. */
static void wake(const char *name)
{
    struct table_waiter waiter;
    struct table_entry *entry = table_find(&table, name);
    while (entry != NULL && entry->state == TABLE_HERE &&
           table_take_waiter(&table, name, &waiter)) {
        const struct hf_token token = {waiter.serial, waiter.thread};
        if (!answer_found(entry, token)) {
            answer(token, ERR_PEER_GONE);
        }
    }
}

/* Answer the FIND, or have it wait. */
static void serve_find(const struct names_find_req *req, struct hf_token token)
{
    struct table_waiter evicted;
    struct table_entry *entry = table_find(&table, req->name);
    if (entry != NULL && entry->state == TABLE_HERE && answer_found(entry, token)) {
        return;
    }
    if (req->latest != 0 && req->latest <= hf_time_now()) {
        answer(token, absence(req->name, false));
        return;
    }
    struct table_waiter waiter = {
        .latest = req->latest == 0 ? UINT64_MAX : req->latest,
        .serial = token.serial,
        .thread = token.thread,
    };
    memcpy(waiter.name, req->name, sizeof(waiter.name));
    if (table_wait(&table, &waiter, &evicted)) {
        answer((struct hf_token){evicted.serial, evicted.thread}, ERR_AGAIN);
    }
}

static enum err serve_remove(const struct names_remove_req *req)
{
    struct table_entry *entry = table_find(&table, req->name);
    if (entry == NULL) {
        return ERR_NOENT;
    }
    if (entry->state == TABLE_HERE) {
        (void)hf_handle_close(entry->handle);
    }
    table_remove(entry);
    return ERR_OK;
}

/* Whether the words of a request that is about a name are legal. */
static bool is_legal(const struct hf_message *message, uint64_t tag)
{
    const uint64_t *words = message->words;
    const bool is_register = words[0] == NAMES_REGISTER;
    char name[NAMES_BYTES];
    memcpy(name, &words[NAME_WORD], sizeof(name));
    return table_is_name(name) && words[6] == 0 && words[7] == 0 &&
           (words[0] != NAMES_REMOVE || words[ENDPOINT_WORD] == 0) &&
           tag == (is_register ? HF_HANDLE_AT(ENDPOINT_WORD) : 0);
}

static bool is_legal_watch(const struct hf_message *message, uint64_t tag)
{
    uint64_t reserved = tag;
    for (unsigned i = INSTANCE_WORD + 1; i < IPC_WORDS; i++) {
        reserved |= message->words[i];
    }
    return reserved == 0;
}

/* What every request must fulfil. */
static enum err check(const struct hf_request *request)
{
    const uint64_t *words = request->message.words;
    const uint64_t tag = request->message.tag & ~(uint64_t)IPC_TAG_KIND;
    char name[NAMES_BYTES];
    if (words[0] < NAMES_REGISTER || words[0] > NAMES_WATCH) {
        return ERR_NOSYS;
    }
    const bool is_watch = words[0] == NAMES_WATCH;
    if (!(is_watch ? is_legal_watch : is_legal)(&request->message, tag)) {
        return ERR_INVAL;
    }
    if (request->badge == 0 || request->badge > manifest.count) {
        return ERR_ACCES;
    }
    if (is_watch) {
        return ERR_OK;
    }
    memcpy(name, &words[NAME_WORD], sizeof(name));
    const struct manifest_process *caller = &manifest.processes[request->badge - 1];
    const struct manifest_list *list = words[0] == NAMES_FIND ? &caller->finds : &caller->serves;
    return manifest_grants(list, name) ? ERR_OK : ERR_ACCES;
}

static void serve(const struct hf_request *request)
{
    const struct hf_message *message = &request->message;
    struct names_register_req req;
    struct names_find_req find;
    struct names_remove_req removal;
    enum err error = check(request);
    if (error != ERR_OK) {
        hf_message_drop(message);
        answer(request->token, error);
        return;
    }
    switch ((enum names_request)message->words[0]) {
    case NAMES_REGISTER:
        memcpy(&req, message->words, sizeof(req));
        error = serve_register(&req, request->badge);
        if (error != ERR_OK) {
            hf_message_drop(message);
        }
        answer_registered(request->token, error);
        if (error == ERR_OK) {
            wake(req.name);
        }
        break;
    case NAMES_FIND:
        memcpy(&find, message->words, sizeof(find));
        serve_find(&find, request->token);
        break;
    case NAMES_REMOVE:
        memcpy(&removal, message->words, sizeof(removal));
        answer(request->token, serve_remove(&removal));
        break;
    case NAMES_WATCH:
        if (message->words[INSTANCE_WORD] != hf_env()->space_id) {
            answer(request->token, ERR_OK);
        }
        break; /* else our end is the answer */
    }
}

/* Answer those whose time is over, and have the timer wake us for the next. */
static enum err keep_time(void)
{
    struct table_waiter waiter;
    while (table_take_late(&table, hf_time_now(), &waiter)) {
        answer((struct hf_token){waiter.serial, waiter.thread}, absence(waiter.name, true));
    }
    const uint64_t next = table_next_time(&table);
    return hf_timer(next, next != 0 ? BIT_TIME : 0);
}

static bool load_manifest(void)
{
    const struct hf_archive archive = {hf_env()->archive_opt, hf_env()->archive_bytes};
    struct hf_archive_file file;
    struct manifest_error error;
    return archive.data != NULL &&
           hf_archive_find(&archive, "boot/manifest", &file) == HF_ARCHIVE_FOUND &&
           manifest_parse(file.data, file.bytes, &manifest, &error);
}

int main(void)
{
    if (!load_manifest()) {
        return complain("boot/manifest", "cannot be used");
    }
    table_init(&table);
    uint64_t timer = 0;
    enum err error = hf_notification_bind(&timer);
    while (error == ERR_OK) {
        struct hf_request request = {.badge = 0};
        error = hf_reply_wait(NAMES_SLOT_ENDPOINT, &request);
        if (error == ERR_OK && (request.message.tag & IPC_TAG_KIND) == IPC_CALL) {
            serve(&request);
        }
        if (error == ERR_OK) {
            error = keep_time();
        }
    }
    return complain("endpoint", hf_strerror(error));
}
