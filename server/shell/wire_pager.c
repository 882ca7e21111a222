/* SPDX-License-Identifier: MIT */
#include "server/shell/wire_pager.h"

#include <abi/ipc.h>
#include <base/bits.h>
#include <mem/proto.h>
#include <mem/proto_pager.h>

#define WORD_PAGER 6u
#define WORD_LAST  7u

STATIC_ASSERT((int)SUPPLY_COPY == (int)MEM_SUPPLY_COPY &&
                  (int)SUPPLY_MOVE == (int)MEM_SUPPLY_MOVE &&
                  (int)SUPPLY_ZERO == (int)MEM_SUPPLY_ZERO,
              "ways pass as they are");

/* Reserved words from `first` on, and a handle to a pager. */
static enum err check_pager(const struct message *message, unsigned first, uint64_t *pager)
{
    uint64_t all = message->words[WORD_LAST];

    for (unsigned i = first; i < WORD_PAGER; i++) {
        all |= message->words[i];
    }
    if (all != 0) {
        return ERR_INVAL;
    }
    if ((message->tag >> (IPC_TAG_HANDLES_SHIFT + WORD_PAGER) & 1) == 0) {
        return ERR_BADF;
    }
    *pager = message->words[WORD_PAGER];
    return ERR_OK;
}

enum err wire_pager_make(const struct message *message, struct pager_request *out)
{
    uint64_t all = message->words[1] & ~(uint64_t)MEM_PAGER_UNSERVED;

    for (unsigned i = 3; i < IPC_WORDS; i++) {
        all |= message->words[i];
    }
    if (all != 0 || message->words[2] > MEM_PAGER_RESERVE_MAX) {
        return ERR_INVAL;
    }
    *out = (struct pager_request){
        .is_served = (message->words[1] & MEM_PAGER_UNSERVED) == 0,
        .reserve = (uint32_t)message->words[2],
    };
    return ERR_OK;
}

enum err wire_pager_object(const struct message *message, struct wire_pager_object *out)
{
    const uint64_t *words = message->words;
    uint64_t pager;

    enum err error = check_pager(message, WORD_PAGER, &pager);
    if (error != ERR_OK) {
        return error;
    }
    if ((words[3] & ~(uint64_t)MEM_PAGED_FLAGS) != 0 || words[5] > MEM_PAGER_WINDOW_MAX) {
        return ERR_INVAL;
    }
    *out = (struct wire_pager_object){
        .key = words[1],
        .bytes = words[2],
        .flags = (uint32_t)words[3],
        .deadline_ms = words[4] != 0 ? words[4] : MEM_PAGER_DEADLINE_MS,
        .window = words[5] != 0 ? (uint32_t)words[5] : MEM_PAGER_WINDOW,
        .pager = pager,
    };
    return ERR_OK;
}

enum err wire_pager_next(const struct message *message, struct wire_pager_next *out)
{
    const uint64_t frames = message->words[2];
    uint64_t pager;

    if (message->words[1] > 1 || (frames & PAGE_MASK) != 0) {
        return ERR_INVAL;
    }
    enum err error = check_pager(message, 3, &pager);
    if (error == ERR_OK) {
        *out = (struct wire_pager_next){message->words[1] != 0, {frames}, pager};
    }
    return error;
}

enum err wire_pager_attach(const struct message *message, uint64_t *pager)
{
    return check_pager(message, 1, pager);
}

enum err wire_pager_adopt(const struct message *message, struct wire_pager_adopt *out)
{
    uint64_t pager;

    enum err error = check_pager(message, 2, &pager);
    if (error == ERR_OK) {
        *out = (struct wire_pager_adopt){message->words[1], pager};
    }
    return error;
}

enum err wire_pager_supply(const struct message *message, struct wire_pager_supply *out)
{
    const uint64_t *words = message->words;
    const uint32_t pages = (uint32_t)words[3];
    const uint32_t how = (uint32_t)(words[3] >> 32);
    uint64_t pager;

    enum err error = check_pager(message, WORD_PAGER, &pager);
    if (error != ERR_OK) {
        return error;
    }
    if ((how & ~(MEM_SUPPLY_HOW | MEM_SUPPLY_NEXT | MEM_SUPPLY_FRAMES)) != 0 ||
        (how & MEM_SUPPLY_HOW) == 0 ||
        ((how & MEM_SUPPLY_HOW) == MEM_SUPPLY_ZERO && words[4] != 0)) {
        return ERR_INVAL;
    }
    if ((how & MEM_SUPPLY_FRAMES) != 0 &&
        how != (MEM_SUPPLY_MOVE | MEM_SUPPLY_NEXT | MEM_SUPPLY_FRAMES)) {
        return ERR_INVAL;
    }
    *out = (struct wire_pager_supply){
        .supply = {.number = words[1],
                   .first = words[2],
                   .pages = pages,
                   .generation = words[5],
                   .address = {words[4]},
                   .way = how & MEM_SUPPLY_HOW},
        .has_next = (how & MEM_SUPPLY_NEXT) != 0,
        .has_frames = (how & MEM_SUPPLY_FRAMES) != 0,
        .pager = pager,
    };
    return ERR_OK;
}

/* Whether a number is one of the list of errors, and may be said to another process. */
static bool is_reason(uint64_t number)
{
    switch (number) {
    case ERR_WAIT: /* these steer the server and its clients */
    case ERR_MORE:
        return false;
    default: /* a number from outside, not an enum */
        break;
    }
    switch (number) {
#define ERROR(name, value, text) case (value):
#include <abi/error.def>
#undef ERROR
    case 0:
        return true;
    default: /* a number from outside, not an enum */
        return false;
    }
}

enum err wire_pager_settle(const struct message *message, struct wire_pager_settle *out)
{
    const uint64_t *words = message->words;
    uint64_t pager;

    enum err error = check_pager(message, WORD_PAGER, &pager);
    if (error != ERR_OK) {
        return error;
    }
    if (!is_reason(words[4])) {
        return ERR_INVAL;
    }
    *out = (struct wire_pager_settle){
        .settle = {.number = words[1],
                   .first = words[2],
                   .pages = words[3],
                   .generation = words[5],
                   .reason = (enum err)words[4]},
        .pager = pager,
    };
    return ERR_OK;
}

void wire_pager_make_next(struct message *message, uaddr_t frames)
{
    message->words[0] = MEM_PAGER_NEXT;
    for (unsigned i = 1; i < WORD_PAGER; i++) {
        message->words[i] = 0;
    }
    message->words[2] = uaddr_to_bytes(frames);
}
