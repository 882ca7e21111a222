/* SPDX-License-Identifier: MIT */
#include <hf/pager.h>

#include <stddef.h>
#include <string.h>

#define TAG_PAGER HF_HANDLE_AT(6)

enum err hf_pager_make_maker(uint64_t flags, uint64_t reserve, uint64_t *pager)
{
    struct hf_message message = {.words = {MEM_PAGER_MAKE, flags, reserve}};
    enum err error = hf_mem_call(&message);
    if (error == ERR_OK) {
        *pager = message.words[HF_WORD(mem_pager_make_rep, pager)];
    }
    return error;
}

enum err hf_pager_make(uint64_t *pager)
{
    return hf_pager_make_maker(0, 0, pager);
}

enum err hf_pager_make_unserved(uint64_t *pager)
{
    return hf_pager_make_maker(MEM_PAGER_UNSERVED, 0, pager);
}

enum err hf_pager_object(uint64_t pager, struct hf_pager_object object, uint64_t *handle,
                         uint64_t *number)
{
    struct hf_message message = {
        .tag = TAG_PAGER,
        .words = {MEM_PAGER_OBJECT, object.key, object.bytes, object.flags, object.deadline_ms,
                  object.window, pager},
    };
    enum err error = hf_mem_call(&message);
    if (error == ERR_OK) {
        *handle = message.words[HF_WORD(mem_pager_object_rep, object)];
        *number = message.words[HF_WORD(mem_pager_object_rep, number)];
    }
    return error;
}

/* Send a request that is answered with work. */
static enum err ask_work(struct hf_message *message, struct mem_pager_next_rep *work)
{
    enum err error = hf_mem_call(message);
    if (error == ERR_OK) {
        memcpy(work, message->words, sizeof(*work));
    }
    return error;
}

enum err hf_pager_next(uint64_t pager, bool is_nowait, struct mem_pager_next_rep *work)
{
    return hf_pager_next_frames(pager, is_nowait, 0, work);
}

enum err hf_pager_next_frames(uint64_t pager, bool is_nowait, uint64_t frames,
                              struct mem_pager_next_rep *work)
{
    struct hf_message message = {
        .tag = TAG_PAGER,
        .words = {MEM_PAGER_NEXT, is_nowait ? 1 : 0, frames, 0, 0, 0, pager},
    };
    return ask_work(&message, work);
}

enum err hf_pager_supply(uint64_t pager, const struct mem_pager_next_rep *work, uint64_t first,
                         uint64_t pages, uint64_t how, uint64_t addr)
{
    struct hf_message message = {
        .tag = TAG_PAGER,
        .words = {MEM_PAGER_SUPPLY, work->object, work->first + first,
                  (pages & UINT32_MAX) | how << 32, addr, work->generation, pager},
    };
    return hf_mem_call(&message);
}

enum err hf_pager_supply_next(uint64_t pager, uint64_t how, uint64_t addr,
                              struct mem_pager_next_rep *work)
{
    struct hf_message message = {
        .tag = TAG_PAGER,
        .words = {MEM_PAGER_SUPPLY, work->object, work->first,
                  work->pages | (how | MEM_SUPPLY_NEXT) << 32, addr, work->generation, pager},
    };
    return ask_work(&message, work);
}

/* Say how pages of a piece of work ended. */
static enum err settle(uint64_t request, uint64_t pager, const struct mem_pager_next_rep *work,
                       uint64_t first, uint64_t pages, enum err reason)
{
    struct hf_message message = {
        .tag = TAG_PAGER,
        .words = {request, work->object, work->first + first, pages, reason, work->generation,
                  pager},
    };
    return hf_mem_call(&message);
}

enum err hf_pager_fail(uint64_t pager, const struct mem_pager_next_rep *work, uint64_t first,
                       uint64_t pages, enum err reason)
{
    return settle(MEM_PAGER_FAIL, pager, work, first, pages, reason);
}

enum err hf_pager_wrote(uint64_t pager, const struct mem_pager_next_rep *work, enum err reason)
{
    return hf_pager_wrote_part(pager, work, 0, work->pages, reason);
}

enum err hf_pager_wrote_part(uint64_t pager, const struct mem_pager_next_rep *work, uint64_t first,
                             uint64_t pages, enum err reason)
{
    return settle(MEM_PAGER_WROTE, pager, work, first, pages, reason);
}

enum err hf_pager_attach(uint64_t pager)
{
    struct hf_message message = {
        .tag = TAG_PAGER,
        .words = {MEM_PAGER_ATTACH, 0, 0, 0, 0, 0, pager},
    };
    return hf_mem_call(&message);
}

enum err hf_pager_adopt(uint64_t pager, uint64_t before, struct mem_pager_adopt_rep *adopted)
{
    struct hf_message message = {
        .tag = TAG_PAGER,
        .words = {MEM_PAGER_ADOPT, before, 0, 0, 0, 0, pager},
    };
    enum err error = hf_mem_call(&message);
    if (error == ERR_OK) {
        memcpy(adopted, message.words, sizeof(*adopted));
    }
    return error;
}

enum err hf_swap(uint64_t flags, uint64_t object, struct mem_swap_rep *rep)
{
    struct hf_message message = {
        .tag = flags != 0 ? HF_HANDLE_AT(6) : 0,
        .words = {MEM_SWAP, flags, 0, 0, 0, 0, object},
    };
    enum err error = hf_mem_call(&message);
    if (error == ERR_OK && rep != NULL) {
        memcpy(rep, message.words, sizeof(*rep));
    }
    return error;
}
