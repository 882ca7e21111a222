/* SPDX-License-Identifier: MIT */
#include <hf/name.h>

#include <stdbool.h>
#include <string.h>

#include "keep.h"
#include <hf/env.h>
#include <hf/mem.h>

#define NAME_WORD  1u
#define VALUE_WORD 5u
/* How much longer than the service itself we wait for its answer, in seconds. */
#define PATIENCE_SECONDS 2u

/* Put the name where the requests have it. Returns: whether it fits. */
static bool name_put(const char *name, struct hf_message *message)
{
    const size_t length = strlen(name);
    if (length >= NAMES_BYTES) {
        return false;
    }
    memcpy(&message->words[NAME_WORD], name, length);
    return true;
}

static enum err name_ask(uint64_t latest, struct hf_message *message)
{
    enum err error = hf_call_timed(HANDLE_NAMES, latest, message);
    return error != ERR_OK ? error : (enum err)message->words[0];
}

static uint64_t time_after(uint64_t time)
{
    return time + PATIENCE_SECONDS * hf_env()->timebase_hz;
}

enum err hf_name_register(const char *name, uint64_t endpoint)
{
    return strlen(name) < NAMES_BYTES ? keep_register(name, endpoint) : ERR_INVAL;
}

enum err hf_name_find(const char *name, uint64_t latest, uint64_t *endpoint)
{
    enum err error = ERR_AGAIN;
    struct hf_message message;
    while (error == ERR_AGAIN) {
        const uint64_t now = hf_time_now();
        message = (struct hf_message){.words = {NAMES_FIND}};
        message.words[VALUE_WORD] = latest;
        if (!name_put(name, &message)) {
            return ERR_INVAL;
        }
        error = name_ask(latest == 0 ? 0 : time_after(latest > now ? latest : now), &message);
        if (error == ERR_AGAIN) {
            (void)hf_yield(); /* others wait too */
        }
    }
    /* Our own endpoint arrives as its badge (abi/ipc.h), by which nobody can call. */
    if (error == ERR_OK && (message.tag >> IPC_TAG_BADGES_SHIFT & 0xff) != 0) {
        return ERR_DEADLK;
    }
    if (error == ERR_OK) {
        *endpoint = message.words[HF_WORD(names_find_rep, endpoint)];
    }
    return error;
}

enum err hf_name_remove(const char *name)
{
    return strlen(name) < NAMES_BYTES ? keep_remove(name) : ERR_INVAL;
}
