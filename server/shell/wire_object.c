/* SPDX-License-Identifier: MIT */
#include "server/shell/wire_object.h"

#include <abi/ipc.h>
#include <mem/proto.h>
#include <mem/proto_object.h>

#define WORD_OBJECT 6u
#define WORD_SPACE  7u

/* The words from `first` on are all zero, but for the object in word 6 if there is one. */
static bool is_reserved_zero(const struct message *message, unsigned first, bool has_object)
{
    uint64_t all = message->words[WORD_SPACE];

    for (unsigned i = first; i < WORD_SPACE; i++) {
        all |= has_object && i == WORD_OBJECT ? 0 : message->words[i];
    }
    return all == 0;
}

/* Reserved words from `first` on, and a handle to an object. */
static enum err check_object(const struct message *message, unsigned first, uint64_t *object)
{
    if (!is_reserved_zero(message, first, true)) {
        return ERR_INVAL;
    }
    if ((message->tag >> (IPC_TAG_HANDLES_SHIFT + WORD_OBJECT) & 1) == 0) {
        return ERR_BADF;
    }
    *object = message->words[WORD_OBJECT];
    return ERR_OK;
}

enum err wire_object_make(const struct message *message, struct object_request *out)
{
    const uint64_t *words = message->words;

    if (!is_reserved_zero(message, 4, false) || words[2] > UINT32_MAX || words[3] > UINT32_MAX) {
        return ERR_INVAL;
    }
    *out = (struct object_request){words[1], (uint32_t)words[2], (uint32_t)words[3]};
    return ERR_OK;
}

enum err wire_object_resize(const struct message *message, struct wire_object_number *out)
{
    uint64_t object;

    enum err error = check_object(message, 2, &object);
    if (error == ERR_OK) {
        *out = (struct wire_object_number){message->words[1], object};
    }
    return error;
}

enum err wire_object_bits(const struct message *message, struct wire_object_number *out)
{
    return message->words[1] > UINT32_MAX ? ERR_INVAL : wire_object_resize(message, out);
}

enum err wire_object(const struct message *message, uint64_t *object)
{
    return check_object(message, 1, object);
}

enum err wire_object_hold(const struct message *message, uint64_t *object, uint64_t *space)
{
    const uint64_t named = message->words[WORD_SPACE];
    struct message own = *message;

    if (named != 0 && (message->tag >> (IPC_TAG_HANDLES_SHIFT + WORD_SPACE) & 1) == 0) {
        return ERR_BADF;
    }
    own.words[WORD_SPACE] = 0;
    enum err error = check_object(&own, 1, object);
    if (error == ERR_OK) {
        *space = named;
    }
    return error;
}

enum err wire_object_copy(const struct message *message, struct wire_object_copy *out)
{
    const uint64_t *words = message->words;
    uint64_t object;

    enum err error = check_object(message, 5, &object);
    if (error != ERR_OK) {
        return error;
    }
    if (words[3] > MEM_COPY_BYTES_MAX || words[4] > MEM_COPY_FROM) {
        return ERR_INVAL;
    }
    *out = (struct wire_object_copy){
        .address = {words[1]},
        .offset = words[2],
        .length = words[3],
        .is_to_object = words[4] == MEM_COPY_TO,
        .object = object,
    };
    return ERR_OK;
}

/* Length and rights of a name. */
static enum err check_name(const struct message *message, struct wire_object_name *out)
{
    const uint64_t length = message->words[1];
    const uint64_t rights = message->words[2];

    if (length == 0 || length > MEM_NAME_BYTES_MAX ||
        (rights & ~(uint64_t)MEM_OBJECT_RIGHTS) != 0) {
        return ERR_INVAL;
    }
    out->length = (uint32_t)length;
    out->rights = (uint32_t)rights;
    return ERR_OK;
}

enum err wire_object_name(const struct message *message, struct wire_object_name *out)
{
    uint64_t object;

    enum err error = check_object(message, 3, &object);
    if (error == ERR_OK) {
        error = check_name(message, out);
    }
    if (error == ERR_OK) {
        out->object = object;
    }
    return error;
}

enum err wire_object_open(const struct message *message, struct wire_object_name *out)
{
    return is_reserved_zero(message, 3, false) ? check_name(message, out) : ERR_INVAL;
}

enum err wire_object_unname(const struct message *message, struct wire_object_name *out)
{
    return is_reserved_zero(message, 2, false) ? check_name(message, out) : ERR_INVAL;
}

enum err wire_object_again(const struct message *message, struct wire_object_again *out)
{
    const uint64_t rights = message->words[2];

    if (!is_reserved_zero(message, 3, false) || (rights & ~(uint64_t)MEM_OBJECT_RIGHTS) != 0) {
        return ERR_INVAL;
    }
    *out = (struct wire_object_again){message->words[1], (uint32_t)rights};
    return ERR_OK;
}

enum err wire_object_slice(const struct message *message, struct wire_object_slice *out)
{
    uint64_t object;

    enum err error = check_object(message, 3, &object);
    if (error == ERR_OK) {
        *out = (struct wire_object_slice){message->words[1], message->words[2], object};
    }
    return error;
}
