/* SPDX-License-Identifier: MIT */
#include "keep.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <hf/env.h>
#include <hf/kernel.h>
#include <hf/mem.h>
#include <hf/mutex.h>
#include <hf/thread.h>
#include <names/proto.h>

#define STACK_BYTES   UINT64_C(4096)
#define PRIORITY_LOW  1u
#define NAME_WORD     1u
#define INSTANCE_WORD 1u
#define ENDPOINT_WORD 5u
/* How long the caller of the library waits for an answer, in seconds. */
#define PATIENCE_SECONDS 2u

/* In use: `endpoint` is not HANDLE_NONE. */
struct record {
    char name[NAMES_BYTES];
    uint64_t endpoint;
    uint64_t instance; /* with which it was registered last */
};

static struct {
    struct hf_mutex lock;
    struct record records[NAMES_EACH_MAX];
    struct hf_thread thread;
    bool is_there;     /* the thread is, and has not decided to leave */
    bool has_left;     /* it has decided so, and was not joined */
    uint64_t instance; /* with which all are registered; 0: not known */
} keeper;

/* Ask the service; one that ends meanwhile is followed by another. Returns: the first error. */
static enum err ask(uint64_t latest, const struct hf_message *request, struct hf_message *answer)
{
    enum err error;
    do {
        *answer = *request;
        error = hf_call_timed(HANDLE_NAMES, latest, answer);
    } while (error == ERR_PEER_GONE);
    return error;
}

/* `instance` is written if the service answered. */
static enum err ask_register(uint64_t latest, const char *name, uint64_t endpoint,
                             uint64_t *instance)
{
    struct hf_message answer;
    struct hf_message request = {.tag = HF_HANDLE_AT(ENDPOINT_WORD), .words = {NAMES_REGISTER}};
    memcpy(&request.words[NAME_WORD], name, strlen(name));
    request.words[ENDPOINT_WORD] = endpoint;
    enum err error = ask(latest, &request, &answer);
    if (error == ERR_OK) {
        *instance = answer.words[INSTANCE_WORD];
        error = (enum err)answer.words[0];
    }
    return error;
}

static uint64_t soon(void)
{
    return hf_time_now() + PATIENCE_SECONDS * hf_env()->timebase_hz;
}

static void record_drop(struct record *record)
{
    (void)hf_handle_close(record->endpoint);
    *record = (struct record){.endpoint = HANDLE_NONE};
}

static struct record *record_find(const char *name)
{
    for (unsigned i = 0; i < NAMES_EACH_MAX; i++) {
        struct record *record = &keeper.records[i];
        if (record->endpoint != HANDLE_NONE && strcmp(record->name, name) == 0) {
            return record;
        }
    }
    return NULL;
}

/* Whether the endpoint of a record has ended: then nothing more can be made of its handle. */
static bool record_is_stale(const struct record *record)
{
    uint64_t handle = HANDLE_NONE;
    enum err error = hf_handle_derive(record->endpoint, RIGHT_CALL, 0, 0, &handle);
    if (error == ERR_OK) {
        (void)hf_handle_close(handle);
    }
    return error == ERR_STALE;
}

/* A record for a name: its own, a free one, or one that is of no use. Returns: NULL: there is none.
 */
static struct record *record_room(const char *name)
{
    struct record *record = record_find(name);
    for (unsigned i = 0; i < NAMES_EACH_MAX && record == NULL; i++) {
        record = keeper.records[i].endpoint == HANDLE_NONE ? &keeper.records[i] : NULL;
    }
    for (unsigned i = 0; i < NAMES_EACH_MAX && record == NULL; i++) {
        record = record_is_stale(&keeper.records[i]) ? &keeper.records[i] : NULL;
    }
    return record;
}

/* Register a name again. Returns: whether there is, or may be, a name service. */
static bool record_renew(struct record *record)
{
    uint64_t instance = 0;
    enum err error = ask_register(0, record->name, record->endpoint, &instance);
    if (error == ERR_STALE || error == ERR_BADF) {
        return false;
    }
    /* EXIST: somebody else has it, unless it was registered with this instance just now. No room:
     * there are too many others; it is tried again with the next instance. */
    if (error == ERR_OK || error == ERR_NOSPC || error == ERR_RECEIVER_SLOTS ||
        (error == ERR_EXIST && instance == record->instance)) {
        record->instance = instance;
    } else {
        record_drop(record);
    }
    return true;
}

/*
 * Register all names again.
 *
 * Returns: whether the keeper is still of use. `keeper.instance` is 0 if not all are registered
 *          with the same instance.
 */
static bool renew_all(void)
{
    uint64_t instance = 0;
    bool is_one = true;
    unsigned count = 0;
    for (unsigned i = 0; i < NAMES_EACH_MAX; i++) {
        struct record *record = &keeper.records[i];
        if (record->endpoint == HANDLE_NONE) {
            continue;
        }
        if (!record_renew(record)) {
            return false;
        }
        if (record->endpoint != HANDLE_NONE) {
            is_one = is_one && (count == 0 || record->instance == instance);
            instance = record->instance;
            count++;
        }
    }
    keeper.instance = is_one ? instance : 0;
    return count > 0;
}

static bool has_records(void)
{
    for (unsigned i = 0; i < NAMES_EACH_MAX; i++) {
        if (keeper.records[i].endpoint != HANDLE_NONE) {
            return true;
        }
    }
    return false;
}

/* The thread. */
static void keep(void *argument)
{
    (void)argument;
    bool is_needed = true;
    hf_mutex_lock(&keeper.lock);
    while (is_needed && has_records()) {
        const struct hf_message request = {.words = {NAMES_WATCH, keeper.instance}};
        struct hf_message answer = request;
        hf_mutex_unlock(&keeper.lock);
        enum err error = hf_call_timed(HANDLE_NAMES, 0, &answer);
        hf_mutex_lock(&keeper.lock);
        is_needed = (error == ERR_OK || error == ERR_PEER_GONE) && renew_all();
    }
    keeper.is_there = false;
    keeper.has_left = true;
    hf_mutex_unlock(&keeper.lock);
}

static enum err keeper_start(void)
{
    if (keeper.is_there) {
        return ERR_OK;
    }
    if (keeper.has_left) {
        hf_thread_join(&keeper.thread);
        keeper.has_left = false;
    }
    enum err error = hf_thread_run_stack(&keeper.thread, PRIORITY_DEFAULT, STACK_BYTES, keep, NULL);
    if (error == ERR_RANGE) { /* this process may not even do what is usual */
        error = hf_thread_run_stack(&keeper.thread, PRIORITY_LOW, STACK_BYTES, keep, NULL);
    }
    keeper.is_there = error == ERR_OK;
    return error;
}

/* With the lock, and `handle` a handle of ours. */
static enum err register_and_keep(const char *name, uint64_t handle)
{
    uint64_t instance = 0;
    struct record *record = record_room(name);
    if (record == NULL) {
        return ERR_NOSPC;
    }
    enum err error = keeper_start();
    if (error == ERR_OK) {
        error = ask_register(soon(), name, handle, &instance);
    }
    if (error != ERR_OK) {
        return error;
    }
    if (!has_records()) {
        keeper.instance = instance; /* the keeper has not begun */
    }
    if (record->endpoint != HANDLE_NONE) {
        record_drop(record);
    }
    *record = (struct record){.endpoint = handle, .instance = instance};
    memcpy(record->name, name, strlen(name));
    return ERR_OK;
}

/* A handle of ours to what the caller's is to; says what is wrong with that. */
static enum err handle_take(uint64_t endpoint, uint64_t *handle)
{
    uint64_t count = 0;
    enum err error = hf_handles_read(0, endpoint, &count);
    const struct handle_info *info = hf_message_page();
    if (error == ERR_OK && count > 0 && info->slot == endpoint && info->kind != OBJECT_ENDPOINT) {
        return ERR_TYPE;
    }
    return hf_handle_derive(endpoint, RIGHT_CALL | RIGHT_TRANSFER | RIGHT_DERIVE, 0, 0, handle);
}

enum err keep_register(const char *name, uint64_t endpoint)
{
    uint64_t handle = HANDLE_NONE;
    hf_mutex_lock(&keeper.lock);
    enum err error = handle_take(endpoint, &handle);
    if (error == ERR_OK) {
        error = register_and_keep(name, handle);
        if (error != ERR_OK) {
            (void)hf_handle_close(handle);
        }
    }
    hf_mutex_unlock(&keeper.lock);
    return error;
}

enum err keep_remove(const char *name)
{
    struct hf_message answer;
    struct hf_message request = {.words = {NAMES_REMOVE}};
    memcpy(&request.words[NAME_WORD], name, strlen(name));
    hf_mutex_lock(&keeper.lock);
    enum err error = ask(soon(), &request, &answer);
    if (error == ERR_OK) {
        error = (enum err)answer.words[0];
    }
    struct record *record = record_find(name);
    if (record != NULL && (error == ERR_OK || error == ERR_NOENT)) {
        record_drop(record);
    }
    hf_mutex_unlock(&keeper.lock);
    return error;
}

void keep_forget_all(void)
{
    memset(&keeper, 0, sizeof(keeper));
}
