/* SPDX-License-Identifier: MIT */
#include "shapes.h"

#include <mem/limits.h>
#include <mem/proto_object.h>
#include <mem/proto_pager.h>
#include <mem/proto_swap.h>

const struct shape shapes[SHAPES] = {
    {MEM_HELLO, 2, false},        {MEM_UNMAP, 3, true},          {MEM_PROTECT, 4, true},
    {MEM_REMAP, 6, true},         {MEM_ADVISE, 5, true},         {MEM_QUERY, 3, true},
    {MEM_REFUSAL, 1, false},      {MEM_COPY, 5, true},           {MEM_STATS, 2, false},
    {MEM_LIMITS, 6, true},        {MEM_SPACE_MAKE, 6, false},    {MEM_SPACE_END, 2, true},
    {MEM_THREAD_MAKE, 2, true},   {MEM_DONATE, 2, true},         {MEM_NEXT, 2, false},
    {MEM_BOOT_OBJECT, 1, false},  {MEM_BOOT_DEVICE, 2, false},   {MEM_LOCK, 5, true},
    {MEM_UNLOCK, 3, true},        {MEM_LOCK_ALL, 2, true},       {MEM_UNLOCK_ALL, 1, true},
    {MEM_INCORE, 3, true},        {MEM_SYNC, 4, true},           {MEM_CLONE, 5, true},
    {MEM_OBJECT_MAKE, 4, false},  {MEM_OBJECT_RESIZE, 2, false}, {MEM_OBJECT_INFO, 1, false},
    {MEM_OBJECT_SEAL, 2, false},  {MEM_OBJECT_DERIVE, 2, false}, {MEM_OBJECT_HOLD, 1, true},
    {MEM_OBJECT_CLOSE, 1, false}, {MEM_OBJECT_COPY, 5, false},   {MEM_OBJECT_NAME, 3, false},
    {MEM_OBJECT_OPEN, 3, false},  {MEM_OBJECT_UNNAME, 2, false}, {MEM_LOOK, 2, false},
    {MEM_BATCH, 2, true},         {MEM_SPACE_DERIVE, 2, true},   {MEM_HANDLES, 2, true},
    {MEM_OBJECT_AGAIN, 3, false}, {MEM_UNPIN, 3, false},         {MEM_DEVICE_RESET, 1, false},
    {MEM_COMMIT, 4, false},       {MEM_PAGER_MAKE, 3, false},    {MEM_PAGER_OBJECT, 7, false},
    {MEM_PAGER_NEXT, 3, false},   {MEM_PAGER_SUPPLY, 7, false},  {MEM_PAGER_FAIL, 7, false},
    {MEM_PAGER_WROTE, 7, false},  {MEM_PAGER_ATTACH, 1, false},  {MEM_SWAP, 2, false},
    {MEM_OBJECT_SLICE, 3, false}, {MEM_WORKER, 2, false},        {MEM_HUGE, 4, false},
    {MEM_PAGER_ADOPT, 2, false},  {MEM_PIN_NEXT, 3, false},
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
           number == MEM_OBJECT_NAME || number == MEM_OBJECT_SLICE || number == MEM_DEVICE_RESET ||
           number == MEM_SWAP || number == MEM_PAGER_ADOPT ||
           (number >= MEM_PAGER_OBJECT && number <= MEM_PAGER_ATTACH);
}

bool may_have_two(uint64_t number)
{
    return number == MEM_MAP || number == MEM_PIN || number == MEM_PINS || number == MEM_GO_ON;
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
    if (number == MEM_SWAP) {
        message.words[1] = MEM_SWAP_ON;
    }
    if (number == MEM_PAGER_SUPPLY) {
        message.words[3] = (uint64_t)MEM_SUPPLY_ZERO << 32;
    }
    if (has_object(number)) {
        name_handle(&message, WORD_OBJECT, OBJECT_BADGE);
    }
    return message;
}

static enum err read_pager_words(const struct message *message, uint64_t number, union out *out)
{
    if (number == MEM_SWAP) {
        return wire_swap(message, &out->swap);
    }
    if (number == MEM_PAGER_MAKE) {
        return wire_pager_make(message, &out->pager_make);
    }
    if (number == MEM_PAGER_OBJECT) {
        return wire_pager_object(message, &out->pager_object);
    }
    if (number == MEM_PAGER_NEXT) {
        return wire_pager_next(message, &out->pager_next);
    }
    if (number == MEM_PAGER_SUPPLY) {
        return wire_pager_supply(message, &out->supply);
    }
    if (number == MEM_PAGER_ADOPT) {
        return wire_pager_adopt(message, &out->pager_adopt);
    }
    return number == MEM_PAGER_ATTACH ? wire_pager_attach(message, &out->object)
                                      : wire_pager_settle(message, &out->settle);
}

static enum err read_object_words(const struct message *message, uint64_t number, union out *out)
{
    if (number == MEM_SWAP || number == MEM_PAGER_ADOPT ||
        (number >= MEM_PAGER_MAKE && number <= MEM_PAGER_ATTACH)) {
        return read_pager_words(message, number, out);
    }
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
    if (number == MEM_OBJECT_SLICE) {
        return wire_object_slice(message, &out->object_slice);
    }
    return wire_object(message, &out->object); /* INFO, CLOSE, DEVICE_RESET */
}

static enum err read_lock(const struct message *message, uint64_t number, union out *out)
{
    if (number == MEM_UNLOCK_ALL) {
        return wire_space(message, &out->space);
    }
    if (number == MEM_LOCK_ALL) {
        return wire_lock_all(message, &out->lock);
    }
    return number == MEM_LOCK ? wire_lock(message, &out->lock) : wire_unlock(message, &out->lock);
}

static enum err read_made(const struct message *message, uint64_t number,
                          struct wire_space_make *out)
{
    return number == MEM_CLONE ? wire_clone(message, out) : wire_space_make(message, out);
}

static enum err read_other_words(const struct message *message, uint64_t number, union out *out)
{
    if (number == MEM_UNMAP || number == MEM_INCORE) {
        return wire_unmap(message, &out->range);
    }
    if (number == MEM_PIN) {
        return wire_pin(message, &out->pin);
    }
    if (number == MEM_GO_ON) {
        return wire_go_on(message, &out->go_on);
    }
    if (number == MEM_MAP) {
        return wire_map(message, &out->map);
    }
    if (number == MEM_REFUSAL || number == MEM_BOOT_OBJECT) {
        return wire_bare(message);
    }
    if (number == MEM_STATS) {
        return wire_stats(message, &out->stats);
    }
    if (number == MEM_HELLO) {
        return wire_hello(message);
    }
    if (number == MEM_COMMIT) {
        return wire_commit(message, &out->commit);
    }
    if (number == MEM_HUGE) {
        return wire_huge(message, &out->huge);
    }
    if (number == MEM_NEXT) {
        return wire_next(message, &out->is_nowait);
    }
    if (number == MEM_LOOK || number == MEM_BOOT_DEVICE || number == MEM_WORKER) {
        return wire_index(message, &out->index);
    }
    if (number == MEM_QUERY) {
        return wire_query(message, &out->query);
    }
    if (number == MEM_COPY) {
        return wire_copy(message, &out->copy);
    }
    if (number == MEM_LIMITS) {
        return wire_limits(message, &out->limits);
    }
    if (number == MEM_SYNC) {
        return wire_sync(message, &out->sync);
    }
    if (number == MEM_PROTECT) {
        return wire_protect(message, &out->protect);
    }
    if (number == MEM_REMAP) {
        return wire_remap(message, &out->remap);
    }
    if (number == MEM_ADVISE) {
        return wire_advise(message, &out->advise);
    }
    if (number == MEM_PIN_NEXT) {
        return wire_pin_next(message, &out->pin_next);
    }
    return number == MEM_UNPIN ? wire_unpin(message, &out->unpin) : wire_pins(message, &out->pins);
}

enum err read_words(const struct message *message, uint64_t number, union out *out)
{
    if (number >= MEM_PAGER_MAKE && number <= MEM_PAGER_ATTACH) {
        return read_object_words(message, number, out);
    }
    switch ((unsigned)number) {
    case MEM_LOCK:
    case MEM_UNLOCK:
    case MEM_LOCK_ALL:
    case MEM_UNLOCK_ALL:
        return read_lock(message, number, out);
    case MEM_SPACE_MAKE:
    case MEM_CLONE:
        return read_made(message, number, &out->space_make);
    case MEM_SPACE_END:
    case MEM_THREAD_MAKE:
    case MEM_DONATE:
    case MEM_BATCH:
    case MEM_SPACE_DERIVE:
    case MEM_HANDLES:
        return wire_number(message, &out->number);
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
    case MEM_OBJECT_SLICE:
    case MEM_DEVICE_RESET:
    case MEM_PAGER_ADOPT:
    case MEM_SWAP:
        return read_object_words(message, number, out);
    case MEM_ADVISE:
    case MEM_BOOT_DEVICE:
    case MEM_BOOT_OBJECT:
    case MEM_COMMIT:
    case MEM_HUGE:
    case MEM_COPY:
    case MEM_GO_ON:
    case MEM_HELLO:
    case MEM_LIMITS:
    case MEM_LOOK:
    case MEM_MAP:
    case MEM_NEXT:
    case MEM_PIN:
    case MEM_PINS:
    case MEM_PROTECT:
    case MEM_QUERY:
    case MEM_REFUSAL:
    case MEM_REMAP:
    case MEM_STATS:
    case MEM_SYNC:
    case MEM_UNMAP:
    case MEM_INCORE:
    case MEM_UNPIN:
    case MEM_PIN_NEXT:
    case MEM_WORKER:
        return read_other_words(message, number, out);
    default:
        return ERR_NOSYS;
    }
}

enum err read_message(const struct message *message, union out *out)
{
    enum mem_request number;
    bool is_linux;
    enum err error = wire_head(message, &number, &is_linux);

    return error != ERR_OK ? error : read_words(message, number, out);
}
