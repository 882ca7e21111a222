/* SPDX-License-Identifier: MIT */
#include "shapes.h"

#include <mem/limits.h>

const struct shape shapes[SHAPES] = {
    {MEM_HELLO, 2, false},       {MEM_UNMAP, 3, true},        {MEM_PROTECT, 4, true},
    {MEM_REMAP, 6, true},        {MEM_ADVISE, 4, true},       {MEM_QUERY, 3, true},
    {MEM_REFUSAL, 1, false},     {MEM_COPY, 5, true},         {MEM_STATS, 1, false},
    {MEM_LIMITS, 6, true},       {MEM_SPACE_MAKE, 6, false},  {MEM_SPACE_END, 2, true},
    {MEM_THREAD_MAKE, 2, true},  {MEM_DONATE, 2, true},       {MEM_NEXT, 2, false},
    {MEM_BOOT_OBJECT, 1, false}, {MEM_BOOT_DEVICE, 2, false}, {MEM_LOCK, 4, true},
    {MEM_UNLOCK, 3, true},       {MEM_LOCK_ALL, 2, true},     {MEM_UNLOCK_ALL, 1, true},
    {MEM_INCORE, 3, true},       {MEM_SYNC, 4, true},         {MEM_CLONE, 5, true},
    {MEM_LOOK, 2, false},        {MEM_BATCH, 2, true},
};

struct message message_of(uint64_t number)
{
    struct message message = {.words = {number}};
    if (number == MEM_HELLO) {
        message.words[1] = MEM_PROTOCOL_VERSION;
    }
    if (number == MEM_LIMITS) {
        message.words[1] = MEM_LIMIT_REGIONS;
    }
    return message;
}

void name_handle(struct message *message, unsigned word, uint64_t badge)
{
    message->words[word] = badge;
    message->tag |= UINT64_C(1) << (IPC_TAG_HANDLES_SHIFT + word);
    message->tag |= UINT64_C(1) << (IPC_TAG_BADGES_SHIFT + word);
}

enum err read_words(const struct message *message, uint64_t number, union out *out)
{
    switch ((enum mem_request)number) {
    case MEM_MAP:
        return wire_map(message, &out->map);
    case MEM_UNMAP:
    case MEM_INCORE:
        return wire_unmap(message, &out->range);
    case MEM_LOCK:
        return wire_lock(message, &out->lock);
    case MEM_UNLOCK:
        return wire_unlock(message, &out->lock);
    case MEM_UNLOCK_ALL:
        return wire_space(message, &out->space);
    case MEM_SYNC:
        return wire_sync(message, &out->sync);
    case MEM_PROTECT:
        return wire_protect(message, &out->protect);
    case MEM_REMAP:
        return wire_remap(message, &out->remap);
    case MEM_ADVISE:
        return wire_advise(message, &out->advise);
    case MEM_QUERY:
        return wire_query(message, &out->query);
    case MEM_COPY:
        return wire_copy(message, &out->copy);
    case MEM_LIMITS:
        return wire_limits(message, &out->limits);
    case MEM_SPACE_MAKE:
        return wire_space_make(message, &out->space_make);
    case MEM_CLONE:
        return wire_clone(message, &out->space_make);
    case MEM_SPACE_END:
    case MEM_THREAD_MAKE:
    case MEM_DONATE:
    case MEM_LOCK_ALL:
    case MEM_BATCH:
        return wire_number(message, &out->number);
    case MEM_NEXT:
        return wire_next(message, &out->is_nowait);
    case MEM_HELLO:
        return wire_hello(message);
    case MEM_REFUSAL:
    case MEM_STATS:
    case MEM_BOOT_OBJECT:
        return wire_bare(message);
    case MEM_BOOT_DEVICE:
        return wire_boot_device(message, &out->index);
    case MEM_LOOK:
        return wire_look(message, &out->index);
    }
    return ERR_NOSYS;
}

enum err read_message(const struct message *message, union out *out)
{
    enum mem_request number;
    bool is_linux;
    enum err error = wire_head(message, &number, &is_linux);

    return error != ERR_OK ? error : read_words(message, number, out);
}
