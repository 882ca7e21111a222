/* SPDX-License-Identifier: MIT */
/*
 * Requests about pages being in memory: LOCK and its kin, INCORE, SYNC.
 */
#include <hf/mem.h>

#include <string.h>

#include <hf/env.h>

enum err hf_lock_form(uint64_t form, uint64_t space, uint64_t addr, uint64_t length, uint64_t flags)
{
    struct hf_message message = {
        .tag = hf_mem_tag(space),
        .words = {MEM_LOCK | form, addr, length, flags, 0, 0, 0, space},
    };
    return hf_mem_call(&message);
}

enum err hf_lock(uint64_t space, uint64_t addr, uint64_t length, uint64_t flags)
{
    return hf_lock_form(0, space, addr, length, flags);
}

enum err hf_lock_cost(uint64_t space, uint64_t addr, uint64_t length, uint64_t flags,
                      struct mem_lock_cost_rep *rep)
{
    struct hf_message message = {
        .tag = hf_mem_tag(space),
        .words = {MEM_LOCK, addr, length, flags | MEM_LOCK_DRY, 0, 0, 0, space},
    };
    enum err error = hf_mem_call(&message);
    if (error == ERR_OK) {
        memcpy(rep, message.words, sizeof(*rep));
    }
    return error;
}

enum err hf_unlock_form(uint64_t form, uint64_t space, uint64_t addr, uint64_t length)
{
    struct hf_message message = {
        .tag = hf_mem_tag(space),
        .words = {MEM_UNLOCK | form, addr, length, 0, 0, 0, 0, space},
    };
    return hf_mem_call(&message);
}

enum err hf_unlock(uint64_t space, uint64_t addr, uint64_t length)
{
    return hf_unlock_form(0, space, addr, length);
}

enum err hf_lock_all_form(uint64_t form, uint64_t space, uint64_t flags)
{
    struct hf_message message = {
        .tag = hf_mem_tag(space),
        .words = {MEM_LOCK_ALL | form, flags, 0, 0, 0, 0, 0, space},
    };
    return hf_mem_call(&message);
}

enum err hf_lock_all(uint64_t space, uint64_t flags)
{
    return hf_lock_all_form(0, space, flags);
}

enum err hf_lock_all_cost(uint64_t space, uint64_t flags, struct mem_lock_cost_rep *rep)
{
    struct hf_message message = {
        .tag = hf_mem_tag(space),
        .words = {MEM_LOCK_ALL, flags | MEM_LOCK_DRY, 0, 0, 0, 0, 0, space},
    };
    enum err error = hf_mem_call(&message);
    if (error == ERR_OK) {
        memcpy(rep, message.words, sizeof(*rep));
    }
    return error;
}

enum err hf_unlock_all(uint64_t space)
{
    struct hf_message message = {
        .tag = hf_mem_tag(space),
        .words = {MEM_UNLOCK_ALL, 0, 0, 0, 0, 0, 0, space},
    };
    return hf_mem_call(&message);
}

enum err hf_incore(uint64_t space, uint64_t addr, uint64_t length, unsigned char *pages)
{
    uint64_t found;
    do {
        struct hf_message message = {
            .tag = hf_mem_tag(space),
            .words = {MEM_INCORE, addr, length, 0, 0, 0, 0, space},
        };
        enum err error = hf_mem_call(&message);
        if (error != ERR_OK) {
            return error;
        }
        found = message.words[HF_WORD(mem_incore_rep, pages)];
        memcpy(pages, hf_message_page(), found);
        pages += found;
        addr += found * HF_PAGE_BYTES;
        length -= length < found * HF_PAGE_BYTES ? length : found * HF_PAGE_BYTES;
    } while (length != 0 && found != 0);
    return ERR_OK;
}

enum err hf_sync_form(uint64_t form, uint64_t space, uint64_t addr, uint64_t length, uint64_t flags)
{
    struct hf_message message = {
        .tag = hf_mem_tag(space),
        .words = {MEM_SYNC | form, addr, length, flags, 0, 0, 0, space},
    };
    return hf_mem_call(&message);
}

enum err hf_sync(uint64_t space, uint64_t addr, uint64_t length, uint64_t flags)
{
    return hf_sync_form(0, space, addr, length, flags);
}
