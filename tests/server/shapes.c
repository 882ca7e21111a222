/* SPDX-License-Identifier: MIT */
#include "shapes.h"

#include <mem/limits.h>
#include <mem/proto_object.h>

const struct shape shapes[SHAPES] = {
    {MEM_HELLO, 2, false},        {MEM_UNMAP, 3, true},          {MEM_PROTECT, 4, true},
    {MEM_REMAP, 6, true},         {MEM_ADVISE, 4, true},         {MEM_QUERY, 3, true},
    {MEM_REFUSAL, 1, false},      {MEM_COPY, 5, true},           {MEM_STATS, 1, false},
    {MEM_LIMITS, 6, true},        {MEM_SPACE_MAKE, 6, false},    {MEM_SPACE_END, 2, true},
    {MEM_THREAD_MAKE, 2, true},   {MEM_DONATE, 2, true},         {MEM_NEXT, 2, false},
    {MEM_BOOT_OBJECT, 1, false},  {MEM_BOOT_DEVICE, 2, false},   {MEM_LOCK, 4, true},
    {MEM_UNLOCK, 3, true},        {MEM_LOCK_ALL, 2, true},       {MEM_UNLOCK_ALL, 1, true},
    {MEM_INCORE, 3, true},        {MEM_SYNC, 4, true},           {MEM_CLONE, 5, true},
    {MEM_OBJECT_MAKE, 4, false},  {MEM_OBJECT_RESIZE, 2, false}, {MEM_OBJECT_INFO, 1, false},
    {MEM_OBJECT_SEAL, 2, false},  {MEM_OBJECT_DERIVE, 2, false}, {MEM_OBJECT_HOLD, 1, true},
    {MEM_OBJECT_CLOSE, 1, false}, {MEM_OBJECT_COPY, 5, false},   {MEM_OBJECT_NAME, 3, false},
    {MEM_OBJECT_OPEN, 3, false},  {MEM_OBJECT_UNNAME, 2, false}, {MEM_LOOK, 2, false},
    {MEM_BATCH, 2, true},         {MEM_SPACE_DERIVE, 2, true},   {MEM_HANDLES, 2, true},
    {MEM_OBJECT_AGAIN, 3, false}, {MEM_UNPIN, 3, false},         {MEM_DEVICE_RESET, 1, false},
    {MEM_COMMIT, 4, false},
};

void name_handle(struct message *message, unsigned word, uint64_t badge)
{
    message->words[word] = badge;
    message->tag |= UINT64_C(1) << (IPC_TAG_HANDLES_SHIFT + word);
    message->tag |= UINT64_C(1) << (IPC_TAG_BADGES_SHIFT + word);
}

bool has_object(uint64_t number)
{
    return (number >= MEM_OBJECT_RESIZE && number <= MEM_OBJECT_COPY) ||
           number == MEM_OBJECT_NAME || number == MEM_DEVICE_RESET;
}

bool may_have_two(uint64_t number)
{
    return number == MEM_MAP || number == MEM_PIN || number == MEM_PINS;
}

struct message message_of(uint64_t number)
{
    struct message message = {.words = {number}};
    if (number == MEM_HELLO) {
        message.words[1] = MEM_PROTOCOL_VERSION;
    }
    if (number == MEM_LIMITS) {
        message.words[1] = MEM_LIMIT_REGIONS;
    }
    if (number == MEM_OBJECT_NAME || number == MEM_OBJECT_OPEN || number == MEM_OBJECT_UNNAME) {
        message.words[1] = 1;
    }
    if (has_object(number)) {
        name_handle(&message, WORD_OBJECT, OBJECT_BADGE);
    }
    return message;
}

static enum err read_object_words(const struct message *message, uint64_t number, union out *out)
{
    if (number == MEM_OBJECT_MAKE) {
        return wire_object_make(message, &out->object_make);
    }
    if (number == MEM_OBJECT_RESIZE) {
        return wire_object_resize(message, &out->object_number);
    }
    if (number == MEM_OBJECT_SEAL || number == MEM_OBJECT_DERIVE) {
        return wire_object_bits(message, &out->object_number);
    }
    if (number == MEM_OBJECT_HOLD) {
        return wire_object_hold(message, &out->object, &out->space);
    }
    if (number == MEM_OBJECT_COPY) {
        return wire_object_copy(message, &out->object_copy);
    }
    if (number == MEM_OBJECT_NAME) {
        return wire_object_name(message, &out->object_name);
    }
    if (number == MEM_OBJECT_OPEN) {
        return wire_object_open(message, &out->object_name);
    }
    if (number == MEM_OBJECT_UNNAME) {
        return wire_object_unname(message, &out->object_name);
    }
    if (number == MEM_OBJECT_AGAIN) {
        return wire_object_again(message, &out->object_again);
    }
    return wire_object(message, &out->object); /* INFO, CLOSE, DEVICE_RESET */
}

static enum err read_other_words(const struct message *message, uint64_t number, union out *out)
{
    if (number == MEM_PIN) {
        return wire_pin(message, &out->pin);
    }
    if (number == MEM_HELLO) {
        return wire_hello(message);
    }
    if (number == MEM_COMMIT) {
        return wire_commit(message, &out->commit);
    }
    if (number == MEM_NEXT) {
        return wire_next(message, &out->is_nowait);
    }
    if (number == MEM_LOOK) {
        return wire_look(message, &out->index);
    }
    if (number == MEM_BOOT_DEVICE) {
        return wire_boot_device(message, &out->index);
    }
    return number == MEM_UNPIN ? wire_unpin(message, &out->unpin) : wire_pins(message, &out->pins);
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
    case MEM_SPACE_DERIVE:
    case MEM_HANDLES:
        return wire_number(message, &out->number);
    case MEM_REFUSAL:
    case MEM_STATS:
    case MEM_BOOT_OBJECT:
        return wire_bare(message);
    case MEM_OBJECT_MAKE:
    case MEM_OBJECT_RESIZE:
    case MEM_OBJECT_INFO:
    case MEM_OBJECT_SEAL:
    case MEM_OBJECT_DERIVE:
    case MEM_OBJECT_HOLD:
    case MEM_OBJECT_CLOSE:
    case MEM_OBJECT_COPY:
    case MEM_OBJECT_NAME:
    case MEM_OBJECT_OPEN:
    case MEM_OBJECT_UNNAME:
    case MEM_OBJECT_AGAIN:
    case MEM_DEVICE_RESET:
        return read_object_words(message, number, out);
    case MEM_BOOT_DEVICE:
    case MEM_COMMIT:
    case MEM_HELLO:
    case MEM_LOOK:
    case MEM_NEXT:
    case MEM_PIN:
    case MEM_UNPIN:
    case MEM_PINS:
        return read_other_words(message, number, out);
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
