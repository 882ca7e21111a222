/* SPDX-License-Identifier: MIT */
#include "store.h"

#include <hf/env.h>
#include <hf/shared.h>

/* An object that nobody else can seal or resize. Its handle is not kept. */
static enum err make(uint64_t bytes, uint64_t *object)
{
    struct hf_message message = {
        .words = {MEM_OBJECT_MAKE, bytes, MEM_OBJECT_OWNED, MEM_SEAL_SEAL},
    };
    enum err error = hf_mem_call(&message);
    if (error != ERR_OK) {
        return ERR_NOSPC;
    }
    *object = message.words[HF_WORD(mem_object_make_rep, number)];
    return hf_handle_close(message.words[HF_WORD(mem_object_make_rep, object)]);
}

enum err store_slice(struct node *node, uint64_t archive)
{
    struct hf_message message = {
        .tag = HF_HANDLE_AT(6),
        .words = {MEM_OBJECT_SLICE, node->offset, node->bytes, 0, 0, 0, archive},
    };
    if (archive == 0 || node->offset % HF_PAGE_BYTES != 0) {
        return ERR_OK;
    }
    enum err error = hf_mem_call(&message);
    if (error != ERR_OK) {
        return error;
    }
    node->object = message.words[HF_WORD(mem_object_make_rep, number)];
    return hf_handle_close(message.words[HF_WORD(mem_object_make_rep, object)]);
}

enum err store_adopt(uint64_t handle, uint64_t bytes, uint64_t *object)
{
    const uint64_t rights = MEM_OBJECT_READ | MEM_OBJECT_EXEC | MEM_OBJECT_MAPPABLE;
    struct mem_object_info_rep info;
    enum err error = hf_shared_hold(handle);
    if (error != ERR_OK) {
        return error;
    }
    error = hf_shared_info(handle, &info);
    if (error == ERR_OK && (info.bytes != bytes || (info.rights & rights) != rights)) {
        error = ERR_INVAL;
    }
    if (error != ERR_OK) {
        struct hf_message message = {
            .tag = HF_HANDLE_AT(6),
            .words = {MEM_OBJECT_CLOSE, 0, 0, 0, 0, 0, handle},
        };
        (void)hf_mem_call(&message); /* the handle itself is not ours to close */
        return error;
    }
    *object = info.number;
    return ERR_OK;
}

enum err store_open(struct node *node, uint64_t rights, uint64_t *handle)
{
    enum err error = node->object == 0 ? make(node->bytes, &node->object) : ERR_OK;
    return error != ERR_OK ? error : hf_shared_again(node->object, rights, handle);
}

enum err store_resize(struct node *node, uint64_t bytes)
{
    uint64_t handle;
    if (node->object == 0) {
        return make(bytes, &node->object);
    }
    enum err error = hf_shared_again(node->object, MEM_OBJECT_WRITE, &handle);
    if (error == ERR_OK) {
        error = hf_shared_resize(handle, bytes);
        (void)hf_handle_close(handle);
    }
    return error == ERR_NOMEM ? ERR_NOSPC : error;
}

enum err store_write(const struct node *node, uint64_t offset, const char *bytes, uint64_t length)
{
    uint64_t handle;
    uint64_t copied = 0;
    enum err error = hf_shared_again(node->object, MEM_OBJECT_WRITE, &handle);
    if (error != ERR_OK) {
        return error;
    }
    error = hf_shared_copy(handle, (uint64_t)bytes, offset, length, MEM_COPY_TO, &copied);
    (void)hf_handle_close(handle);
    return error == ERR_NOMEM || copied != length ? ERR_NOSPC : error;
}

enum err store_token(uint64_t *object, uint64_t *handle)
{
    enum err error = make(0, object);
    if (error != ERR_OK) {
        return error;
    }
    error = hf_shared_again(*object, MEM_OBJECT_READ, handle);
    if (error != ERR_OK) {
        store_drop(*object);
    }
    return error;
}

bool store_is_used(uint64_t object)
{
    struct mem_object_info_rep info = {.others = 0};
    uint64_t handle;
    if (object == 0 || hf_shared_again(object, MEM_OBJECT_READ, &handle) != ERR_OK) {
        return false;
    }
    (void)hf_shared_info(handle, &info);
    (void)hf_handle_close(handle);
    return info.others != 0;
}

void store_drop(uint64_t object)
{
    uint64_t handle;
    if (object != 0 && hf_shared_again(object, MEM_OBJECT_READ, &handle) == ERR_OK) {
        (void)hf_shared_close(handle);
    }
}
