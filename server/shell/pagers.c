/* SPDX-License-Identifier: MIT */
#include "server/shell/pagers.h"

#include <stddef.h>

#include <base/checked.h>
#include <mem/proto_object.h>
#include <mem/proto_pager.h>

#include "server/shell/objects.h"
#include "server/shell/waits.h"
#include "server/shell/wire_pager.h"

STATIC_ASSERT(MEM_PAGER_WINDOW_MAX == PAGER_WINDOW_MAX && MEM_PAGER_RESERVE_MAX == RESERVE_MOST,
              "core has the numbers of the protocol");
STATIC_ASSERT((int)MEM_WORK_PULL == (int)PAGER_WORK_PULL &&
                  (int)MEM_WORK_SAVE == (int)PAGER_WORK_SAVE &&
                  (int)MEM_WORK_GONE == (int)PAGER_WORK_GONE,
              "work passes as it is");

/* A handle to a pager does what a handle to an object does that may be written to. */
#define PAGER_RIGHTS (MEM_OBJECT_READ | MEM_OBJECT_WRITE)

/* The object that names a pager, with a reference. */
static enum err find(const struct call *call, uint64_t badge, struct object **named)
{
    uint32_t rights;

    enum err error = objects_find_named(call, badge, named, &rights);
    if (error == ERR_OK && (rights & MEM_OBJECT_WRITE) == 0) {
        return objects_leave(call, *named, ERR_ACCES);
    }
    return error;
}

static enum err serve_make(struct call *call)
{
    struct pager_request request;
    struct object *named;

    enum err error = wire_pager_make(call->message, &request);
    if (error == ERR_OK) {
        error = op_pager_make(&call->shell->core, call->own, &request, &named);
    }
    return error != ERR_OK ? error : objects_give(call, named, PAGER_RIGHTS);
}

/* How long something may take, in the units of the time CSR. */
static uint64_t patience(const struct shell *shell, uint64_t milliseconds)
{
    uint64_t ticks;

    if (milliseconds == UINT64_MAX ||
        !checked_mul(milliseconds, shell->head->timebase_hz, &ticks)) {
        return UINT64_MAX;
    }
    return ticks / 1000 != 0 ? ticks / 1000 : 1;
}

static enum err serve_object(struct call *call)
{
    struct wire_pager_object request;
    struct object *named;
    struct object *object;
    uint32_t rights = MEM_OBJECT_RIGHTS;

    enum err error = wire_pager_object(call->message, &request);
    if (error == ERR_OK) {
        error = find(call, request.pager, &named);
    }
    if (error != ERR_OK) {
        return error;
    }
    const struct pager_object_request made = {
        .key = request.key,
        .bytes = request.bytes,
        .patience = patience(call->shell, request.deadline_ms),
        .window = request.window,
        .flags = ((request.flags & MEM_PAGED_APPEND) != 0 ? OBJECT_APPEND : 0) |
                 ((request.flags & MEM_PAGED_WAIT) != 0 ? OBJECT_WAITS : 0) |
                 ((request.flags & MEM_PAGED_MANDATORY) != 0 ? OBJECT_MANDATORY : 0),
    };
    rights &= (request.flags & MEM_PAGED_NOEXEC) != 0 ? ~MEM_OBJECT_EXEC : MEM_OBJECT_RIGHTS;
    rights &=
        (request.flags & MEM_PAGED_UNMAPPABLE) != 0 ? ~MEM_OBJECT_MAPPABLE : MEM_OBJECT_RIGHTS;
    error = op_pager_object(&call->shell->core, call->own, named, &made, &object);
    if (error == ERR_OK) {
        error = objects_give(call, object, rights);
    }
    return objects_leave(call, named, error);
}

/* Make frames present for pages that are to be supplied. Returns: for how many. */
static uint64_t grant(struct call *call, const struct pager_work *work, uaddr_t frames)
{
    if (uaddr_to_bytes(frames) == 0 || work->kind != PAGER_WORK_PULL) {
        return 0;
    }
    call_take_both(call);
    return op_pager_grant(&call->shell->core, call->own, frames, work->pages);
}

/* Answer with work, or have the caller wait for it. `message` asks for it in its words. */
static enum err answer_work(struct call *call, struct object *named,
                            const struct wire_pager_next *request, const struct message *message)
{
    struct core *core = &call->shell->core;
    struct pager_work work;

    enum err error = op_pager_next(core, call->own, named, &work);
    if (error == ERR_WOULD_BLOCK && !request->is_nowait) {
        return waits_hold_work(call, named->pager, message);
    }
    if (error == ERR_OK) {
        call->words[1] = work.kind;
        call->words[2] = work.key;
        call->words[3] = work.number;
        call->words[4] = work.first;
        call->words[5] = work.pages;
        call->words[6] = work.generation;
        call->words[7] = grant(call, &work, request->frames);
    }
    return error;
}

static enum err serve_next(struct call *call)
{
    struct wire_pager_next request;
    struct object *named;

    enum err error = wire_pager_next(call->message, &request);
    if (error == ERR_OK) {
        error = find(call, request.pager, &named);
    }
    if (error != ERR_OK) {
        return error;
    }
    return objects_leave(call, named, answer_work(call, named, &request, call->message));
}

static enum err serve_supply(struct call *call)
{
    struct wire_pager_supply request;
    struct object *named;
    uint64_t done;

    enum err error = wire_pager_supply(call->message, &request);
    if (error == ERR_OK) {
        error = find(call, request.pager, &named);
    }
    if (error != ERR_OK) {
        return error;
    }
    error = op_supply(&call->shell->core, call->own, named, &request.supply, &done);
    call->words[1] = done; /* also when it is short */
    if (error == ERR_OK && request.has_next) {
        const uaddr_t none = {0};
        const struct wire_pager_next wanted = {
            .frames = request.has_frames ? request.supply.address : none,
        };
        struct message next = *call->message;

        call->words[1] = 0;
        wire_pager_make_next(&next, wanted.frames);
        call_give_buckets(call);
        error = answer_work(call, named, &wanted, &next);
    }
    return objects_leave(call, named, error);
}

/* What was to leave once it is saved goes, and more of that kind is saved. */
static enum err finish_leaving(struct call *call)
{
    struct core *core = &call->shell->core;

    if (core->head->pagers.is_leaving != 0) {
        waits_set_timer(call->shell);
    }
    if (LIKELY(core->leave.pages == 0)) {
        return ERR_OK;
    }
    const enum err error = call_see_deaths(call);

    if (error == ERR_OK) {
        call_give_buckets(call);
        op_pageout_finish(core);
    }
    core->leave = (struct leave){0}; /* what stays is the next that reclaim takes */
    return error;
}

static enum err serve_settle(struct call *call, enum mem_request number)
{
    struct wire_pager_settle request;
    struct object *named;

    enum err error = wire_pager_settle(call->message, &request);
    if (error == ERR_OK) {
        error = find(call, request.pager, &named);
    }
    if (error != ERR_OK) {
        return error;
    }
    error = number == MEM_PAGER_FAIL
                ? op_supply_fail(&call->shell->core, call->own, named, &request.settle)
                : op_supply_wrote(&call->shell->core, call->own, named, &request.settle);
    if (error == ERR_OK) {
        error = finish_leaving(call);
    }
    return objects_leave(call, named, error);
}

static enum err serve_attach(struct call *call)
{
    struct object *named;
    uint64_t pager;

    enum err error = wire_pager_attach(call->message, &pager);
    if (error == ERR_OK) {
        error = find(call, pager, &named);
    }
    if (error != ERR_OK) {
        return error;
    }
    return objects_leave(call, named, op_pager_attach(&call->shell->core, call->own, named));
}

static uint64_t flags_of(const struct object *object)
{
    return ((object->flags & OBJECT_APPEND) != 0 ? MEM_PAGED_APPEND : 0) |
           ((object->flags & OBJECT_WAITS) != 0 ? MEM_PAGED_WAIT : 0) |
           ((object->flags & OBJECT_MANDATORY) != 0 ? MEM_PAGED_MANDATORY : 0) |
           ((object->flags & OBJECT_SWAP) != 0 ? MEM_PAGED_SWAP : 0);
}

static enum err serve_adopt(struct call *call)
{
    struct wire_pager_adopt request;
    struct object *named;
    struct object *object;

    enum err error = wire_pager_adopt(call->message, &request);
    if (error == ERR_OK) {
        error = find(call, request.pager, &named);
    }
    if (error != ERR_OK) {
        return error;
    }
    error = op_pager_adopt(&call->shell->core, call->own, named, request.before, &object);
    if (error == ERR_OK) {
        call->words[3] = object->key;
        call->words[4] = object->bytes;
        call->words[5] = flags_of(object);
        call->words[6] = object->unsaved;
        error = objects_give(call, object, MEM_OBJECT_RIGHTS);
    }
    if (error == ERR_OK) {
        op_pager_adopted(&call->shell->core, object);
    }
    return objects_leave(call, named, error);
}

enum err pagers_serve(struct call *call, enum mem_request number)
{
    /* What becomes of pulls depends on the time. */
    waits_look_at_the_clock(call->shell);
    switch ((unsigned)number) {
    case MEM_PAGER_MAKE:
        return serve_make(call);
    case MEM_PAGER_OBJECT:
        return serve_object(call);
    case MEM_PAGER_NEXT:
        return serve_next(call);
    case MEM_PAGER_SUPPLY:
        return serve_supply(call);
    case MEM_PAGER_FAIL:
    case MEM_PAGER_WROTE:
        return serve_settle(call, number);
    case MEM_PAGER_ATTACH:
        return serve_attach(call);
    case MEM_PAGER_ADOPT:
        return serve_adopt(call);
    default: /* request.c sends no other */
        UNREACHABLE();
    }
}
