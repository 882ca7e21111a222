/* SPDX-License-Identifier: MIT */
#include "server/core/op_copy.h"

#include <base/assert.h>

#include "server/core/content.h"
#include "server/core/fault.h"
#include "server/core/op_map.h"
#include "server/core/paged.h"
#include "server/core/pool.h"
#include "server/core/shared.h"

/* Why a page cannot be touched. Returns: as copy_touch(). */
NOINLINE static enum err copy_refuse(const struct core *core, struct space *space,
                                     enum fault_outcome outcome)
{
    switch (outcome) {
    case FAULT_NO_REGION:
    case FAULT_DENIED:
    case FAULT_PAST_END:
        return limit_refuse(space, ERR_FAULT);
    case FAULT_NO_FRAME:
        return limit_refuse_frames(core, space, 1);
    case FAULT_WAIT:
        return ERR_WAIT;
    case FAULT_READY:
    case FAULT_LARGE:
    case FAULT_AGAIN:
        break;
    }
    UNREACHABLE();
}

enum err copy_touch(struct core *core, struct space *space, uint64_t address, uint32_t access,
                    struct copy_page *page)
{
    vpn_t vpn = uaddr_to_vpn((uaddr_t){address});
    struct fault_answer answer = {0};
    uint32_t number;
    enum fault_outcome outcome = fault_handle(core, space, vpn, access, &answer);

    if (UNLIKELY(outcome != FAULT_READY)) {
        return copy_refuse(core, space, outcome);
    }
    if (answer.how == PORT_DEVICE) {
        return limit_refuse(space, ERR_FAULT);
    }
    bool is_user = vpn_to_page(vpn, &number);

    ASSERT(is_user);
    /* A page that was present keeps its frame; whether it is mapped does not matter here. */
    if (answer.how != PORT_AS_IS || answer.is_new) {
        fault_install(core, space, number, &answer);
    }
    page->frame = answer.frame;
    page->offset = (uint32_t)(address & PAGE_MASK);
    return ERR_OK;
}

static uint64_t copy_least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The copy is over, or has to wait after `done` of `length` bytes. Returns: `error`. */
NOINLINE static enum err copy_end(struct core *core, uint64_t done, uint64_t length, enum err error)
{
    if (error == ERR_WAIT) {
        core->need.pages = (length - done + PAGE_MASK) / PAGE_SIZE;
        core->need.progress = done;
    }
    return error;
}

enum err op_copy(struct core *core, const struct copy_request *request, uint64_t *copied)
{
    uint64_t done = core->resume;
    enum err error = ERR_OK;

    limit_begin(request->from);
    limit_begin(request->to);
    while (done < request->length) {
        uint64_t from_address = uaddr_to_bytes(request->from_address) + done;
        uint64_t to_address = uaddr_to_bytes(request->to_address) + done;
        struct copy_page from;
        struct copy_page to;

        /* The write side first: it may give the page that is read a frame of its own. */
        error = copy_touch(core, request->to, to_address, MEM_PROT_WRITE, &to);
        if (error == ERR_OK) {
            error = copy_touch(core, request->from, from_address, MEM_PROT_READ, &from);
        }
        if (error != ERR_OK) {
            break;
        }
        uint64_t part = copy_least(PAGE_SIZE - to.offset, PAGE_SIZE - from.offset);

        part = copy_least(part, request->length - done);
        port_copy(core->port, to.frame, to.offset, from.frame, from.offset, (uint32_t)part);
        done += part;
    }
    *copied = done;
    if (UNLIKELY(error == ERR_WAIT) && request->is_nowait && core->need.kind != NEED_TURN) {
        core->need = (struct need){0};
        return limit_refuse(request->from, ERR_AGAIN);
    }
    return LIKELY(error == ERR_OK) ? ERR_OK : copy_end(core, done, request->length, error);
}

/* Whether the handle and the object let it be done. */
static enum err copy_check_object(const struct core *core,
                                  const struct copy_object_request *request)
{
    const struct object *object = request->object;
    const bool is_swap = (object->flags & OBJECT_SWAP) != 0;
    const uint32_t right = request->is_to_object ? MAP_RIGHT_WRITE : MAP_RIGHT_READ;

    if (object->kind == OBJECT_DEVICE || object->kind == OBJECT_PAGER) {
        return limit_refuse(request->space, ERR_NODEV);
    }
    if (is_swap &&
        (request->is_to_object || pager_of(core, object)->space != request->space->number)) {
        return limit_refuse(request->space, ERR_ACCES); /* what is in there is others' */
    }
    if ((request->rights & right) == 0 || (request->is_to_object && object->kind == OBJECT_WIRED)) {
        return limit_refuse(request->space, ERR_ACCES);
    }
    if (request->is_to_object &&
        ((object->flags & OBJECT_APPEND) != 0 ||
         (object->seals & (MEM_SEAL_WRITE | MEM_SEAL_FUTURE_WRITE)) != 0)) {
        return limit_refuse(request->space, ERR_PERM);
    }
    return ERR_OK;
}

/* The pager has to supply a page first. */
static enum err copy_need_object(struct core *core, const struct object *object, uint64_t number)
{
    wait_need(core, &(struct need){.kind = NEED_PAGE,
                                   .object = arena_link(core, object),
                                   .page = number,
                                   .hint = HINT_NONE});
    return ERR_WAIT;
}

/* The frame of the object's page that holds byte `offset`. */
static enum err copy_find_object(struct core *core, const struct copy_object_request *request,
                                 uint64_t offset, struct copy_page *page)
{
    const uint64_t number = offset / PAGE_SIZE;
    struct object *object = request->object;

    page->offset = (uint32_t)(offset & PAGE_MASK);
    if (!object_has_frames(object)) {
        page->frame = object_pfn(object, number);
        return ERR_OK;
    }
    /* It stays the page's as long as the caller has a bucket (op_object.h). */
    shared_enter(core);
    uint32_t frame = content_frame(core, object, number);

    if (frame != 0 &&
        (object->pager == 0 || pager_of(core, object)->space != request->space->number)) {
        paged_note_use(core, frame);
    }
    if ((object->flags & OBJECT_SWAP) != 0 && frame == 0) {
        frame = core->head->pool.zero_frame; /* a slot that nobody needs any longer */
    }
    if (object->kind == OBJECT_PAGED) {
        if (frame != 0 && request->is_to_object) {
            paged_touch(core, object, number);
        }
        shared_leave(core);
        page->frame = pool_pfn(core, frame);
        return frame != 0 ? ERR_OK : copy_need_object(core, object, number);
    }
    if (frame == 0 && content_is_swapped(core, object, number)) {
        const uint32_t name = content_slot(core, object, number);

        if (!content_return(core, object, number, &frame)) {
            shared_leave(core);
            return copy_need_object(core, swap_object(core, name), swap_slot(name));
        }
    }
    if (frame == 0) {
        frame = request->is_to_object ? content_make(core, request->space, object, number)
                                      : core->head->pool.zero_frame;
    }
    shared_leave(core);
    page->frame = pool_pfn(core, frame);
    return frame == 0 ? limit_refuse_frames(core, request->space, 1) : ERR_OK;
}

enum err op_copy_object(struct core *core, const struct copy_object_request *request,
                        uint64_t *copied)
{
    const uint64_t bytes = object_bytes(request->object);
    const uint64_t left = request->offset < bytes ? bytes - request->offset : 0;
    const uint64_t length = copy_least(request->length, left);
    const uint32_t access = request->is_to_object ? MEM_PROT_READ : MEM_PROT_WRITE;
    uint64_t done = core->resume;

    limit_begin(request->space);
    enum err error = copy_check_object(core, request);

    while (error == ERR_OK && done < length) {
        struct copy_page client;
        struct copy_page page;

        error = copy_touch(core, request->space, uaddr_to_bytes(request->address) + done, access,
                           &client);
        if (error == ERR_OK) {
            error = copy_find_object(core, request, request->offset + done, &page);
        }
        if (error != ERR_OK) {
            break;
        }
        const struct copy_page *to = request->is_to_object ? &page : &client;
        const struct copy_page *from = request->is_to_object ? &client : &page;
        uint64_t part = copy_least(PAGE_SIZE - to->offset, PAGE_SIZE - from->offset);

        part = copy_least(part, length - done);
        port_copy(core->port, to->frame, to->offset, from->frame, from->offset, (uint32_t)part);
        done += part;
    }
    *copied = done;
    return LIKELY(error == ERR_OK) ? ERR_OK : copy_end(core, done, length, error);
}
