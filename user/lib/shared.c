/* SPDX-License-Identifier: MIT */
#include <hf/shared.h>

#include <string.h>

#include <hf/env.h>

#define TAG_OBJECT HF_HANDLE_AT(6)

/* Send a request whose answer is a handle in word 1. */
static enum err ask_handle(struct hf_message *message, uint64_t *handle)
{
    enum err error = hf_mem_call(message);
    if (error == ERR_OK) {
        *handle = message->words[HF_WORD(mem_object_make_rep, object)];
    }
    return error;
}

/* Send a request about an object with one number. */
static enum err ask_number(uint64_t request, uint64_t object, uint64_t number)
{
    struct hf_message message = {
        .tag = TAG_OBJECT,
        .words = {request, number, 0, 0, 0, 0, object},
    };
    return hf_mem_call(&message);
}

enum err hf_shared_make(uint64_t bytes, uint64_t flags, uint64_t seals, uint64_t *object)
{
    struct hf_message message = {.words = {MEM_OBJECT_MAKE, bytes, flags, seals}};
    return ask_handle(&message, object);
}

enum err hf_shared_resize(uint64_t object, uint64_t bytes)
{
    return ask_number(MEM_OBJECT_RESIZE, object, bytes);
}

enum err hf_shared_info(uint64_t object, struct mem_object_info_rep *rep)
{
    struct hf_message message = {
        .tag = TAG_OBJECT,
        .words = {MEM_OBJECT_INFO, 0, 0, 0, 0, 0, object},
    };
    enum err error = hf_mem_call(&message);
    if (error == ERR_OK) {
        memcpy(rep, message.words, sizeof(message.words));
    }
    return error;
}

enum err hf_shared_seal(uint64_t object, uint64_t seals)
{
    return ask_number(MEM_OBJECT_SEAL, object, seals);
}

enum err hf_shared_derive(uint64_t object, uint64_t rights, uint64_t *derived)
{
    struct hf_message message = {
        .tag = TAG_OBJECT,
        .words = {MEM_OBJECT_DERIVE, rights, 0, 0, 0, 0, object},
    };
    return ask_handle(&message, derived);
}

enum err hf_shared_again(uint64_t number, uint64_t rights, uint64_t *object)
{
    struct hf_message message = {.words = {MEM_OBJECT_AGAIN, number, rights}};
    return ask_handle(&message, object);
}

enum err hf_shared_slice(uint64_t object, uint64_t offset, uint64_t bytes, uint64_t *slice)
{
    struct hf_message message = {
        .tag = TAG_OBJECT,
        .words = {MEM_OBJECT_SLICE, offset, bytes, 0, 0, 0, object},
    };
    return ask_handle(&message, slice);
}

enum err hf_shared_hold(uint64_t object)
{
    return ask_number(MEM_OBJECT_HOLD, object, 0);
}

enum err hf_shared_hold_for(uint64_t space, uint64_t object)
{
    struct hf_message message = {
        .tag = TAG_OBJECT | HF_HANDLE_AT(7),
        .words = {MEM_OBJECT_HOLD, 0, 0, 0, 0, 0, object, space},
    };
    return hf_mem_call(&message);
}

enum err hf_shared_close(uint64_t object)
{
    enum err error = ask_number(MEM_OBJECT_CLOSE, object, 0);
    enum err closed = hf_handle_close(object);
    return error != ERR_OK ? error : closed;
}

enum err hf_shared_copy(uint64_t object, uint64_t addr, uint64_t offset, uint64_t length,
                        uint64_t direction, uint64_t *copied)
{
    enum err error = ERR_OK;
    uint64_t done = 0;
    uint64_t part = 0;
    uint64_t asked = 0;
    do {
        uint64_t left = length - done;
        asked = left < MEM_COPY_BYTES_MAX ? left : MEM_COPY_BYTES_MAX;
        struct hf_message message = {
            .tag = TAG_OBJECT,
            .words = {MEM_OBJECT_COPY, addr + done, offset + done, asked, direction, 0, object},
        };
        error = hf_mem_call(&message);
        if (error != ERR_OK && error != ERR_FAULT) {
            return error;
        }
        part = message.words[HF_WORD(mem_copy_rep, copied)];
        done += part;
    } while (error == ERR_OK && done < length && part == asked);
    *copied = done;
    return error;
}

/* Put a name where the server reads it. Returns: ERR_OK, ERR_INVAL. */
static enum err name_put(const char *name, size_t length)
{
    if (length == 0 || length > MEM_NAME_BYTES_MAX) {
        return ERR_INVAL;
    }
    memcpy(hf_message_page(), name, length);
    return ERR_OK;
}

enum err hf_shared_name(uint64_t object, const char *name, size_t length, uint64_t rights)
{
    struct hf_message message = {
        .tag = TAG_OBJECT,
        .words = {MEM_OBJECT_NAME, length, rights, 0, 0, 0, object},
    };
    enum err error = name_put(name, length);
    return error != ERR_OK ? error : hf_mem_call(&message);
}

enum err hf_shared_open(const char *name, size_t length, uint64_t rights, uint64_t *object)
{
    struct hf_message message = {.words = {MEM_OBJECT_OPEN, length, rights}};
    enum err error = name_put(name, length);
    return error != ERR_OK ? error : ask_handle(&message, object);
}

enum err hf_shared_unname(const char *name, size_t length)
{
    struct hf_message message = {.words = {MEM_OBJECT_UNNAME, length}};
    enum err error = name_put(name, length);
    return error != ERR_OK ? error : hf_mem_call(&message);
}
