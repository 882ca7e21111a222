/* SPDX-License-Identifier: MIT */
#include "server/shell/objects.h"

#include <stddef.h>

#include <abi/layout.h>
#include <base/assert.h>
#include <mem/proto.h>
#include <mem/proto_object.h>

#include "server/core/shared.h"
#include "server/shell/badge.h"
#include "server/shell/ecall.h"
#include "server/shell/memory.h"
#include "server/shell/turns.h"
#include "server/shell/waits.h"
#include "server/shell/wire_object.h"

STATIC_ASSERT(MEM_OBJECT_READ == MAP_RIGHT_READ && MEM_OBJECT_WRITE == MAP_RIGHT_WRITE &&
                  MEM_OBJECT_EXEC == MAP_RIGHT_EXEC && MEM_OBJECT_MAPPABLE == MAP_RIGHT_MAPPABLE,
              "rights pass as they are");
STATIC_ASSERT(MEM_NAME_BYTES_MAX == NAME_BYTES_MAX, "and names");

struct object *objects_find(struct shell *shell, uint64_t badge, uint32_t *rights)
{
    const struct badge named = badge_read(badge);

    if (named.kind != BADGE_OBJECT) {
        return NULL;
    }
    *rights = named.rights;
    return object_find_get(&shell->core, named.object);
}

enum err objects_find_named(const struct call *call, uint64_t badge, struct object **object,
                            uint32_t *rights)
{
    if (badge_read(badge).kind != BADGE_OBJECT) {
        return ERR_TYPE;
    }
    *object = objects_find(call->shell, badge, rights);
    return *object == NULL ? ERR_STALE : ERR_OK;
}

enum err objects_leave(const struct call *call, struct object *object, enum err error)
{
    object_put(&call->shell->core, object);
    return error;
}

/* The same for a request that may wait for pages of the object: it is held before that may go. */
static enum err leave_waiting(struct call *call, struct object *object, enum err error)
{
    if (error == ERR_WAIT && !turns_has_more(call, error)) {
        error = waits_hold(call, ERR_WAIT);
    }
    return objects_leave(call, object, error);
}

enum err objects_give(struct call *call, struct object *object, uint32_t rights)
{
    call->words[1] = call_derive(badge_of_object(rights, object->number));
    call->words[2] = object->number;
    enum err error = call_answer_handles(call, 0x2);
    if (error != ERR_OK) {
        const bool was_held = hold_drop(&call->shell->core, call->own, object);
        ASSERT(was_held);
    }
    return error;
}

/*
 * Let the target, which is the caller if no other is named, hold an object once more, by a handle
 * with these rights.
 */
static enum err take(struct call *call, struct object *object, uint32_t rights)
{
    struct core *core = &call->shell->core;

    shared_enter(core);
    const bool has_room = arena_page_reserve(core, hold_needs(core));
    if (has_room) {
        hold_take(core, call->target, object);
        hold_add_rights(core, call->target, object, rights);
    }
    shared_leave(core);
    return has_room ? ERR_OK : limit_refuse_frames(core, call->own, 1);
}

static enum err serve_make(struct call *call)
{
    struct object_request request;
    struct object *object;

    enum err error = wire_object_make(call->message, &request);
    if (error != ERR_OK) {
        return error;
    }
    error = op_object_make(&call->shell->core, call->own, &request, &object);
    return error != ERR_OK ? error : objects_give(call, object, MEM_OBJECT_RIGHTS);
}

static enum err serve_resize(struct call *call)
{
    struct wire_object_number request;
    struct object *object;
    uint32_t rights;

    enum err error = wire_object_resize(call->message, &request);
    if (error == ERR_OK) {
        error = objects_find_named(call, request.object, &object, &rights);
    }
    if (error != ERR_OK) {
        return error;
    }
    error = op_object_resize(&call->shell->core, call->own, object, rights, request.number);
    return leave_waiting(call, object, error);
}

/* How often the caller holds an object that was found, and above it who else keeps it. */
static uint64_t count_references(const struct call *call, const struct object *object)
{
    struct core *core = &call->shell->core;

    shared_enter(core);
    const uint64_t holds = hold_count(core, call->own, object);
    /* One reference is this request's, one the caller's hold. */
    const uint64_t others = object->references - 1 - (holds != 0 ? 1 : 0);

    shared_leave(core);
    return (holds < UINT32_MAX ? holds : UINT32_MAX) | others << 32;
}

static enum err serve_info(struct call *call)
{
    struct object *object;
    uint32_t rights;
    uint64_t badge;

    enum err error = wire_object(call->message, &badge);
    if (error == ERR_OK) {
        error = objects_find_named(call, badge, &object, &rights);
    }
    if (error != ERR_OK) {
        return error;
    }
    const bool is_memory = object->kind == OBJECT_MEMORY;
    call->words[1] = object->number;
    call->words[2] = object_bytes(object);
    call->words[3] = is_memory                      ? object->frames.count
                     : object->kind == OBJECT_PAGED ? object->resident
                                                    : npages_number(object->pages);
    call->words[4] = object->seals;
    call->words[5] = rights;
    call->words[6] = (object->flags & OBJECT_APPEND) != 0 ? MEM_OBJECT_APPEND : 0;
    call->words[6] |= (object->flags & OBJECT_MANDATORY) != 0 ? MEM_OBJECT_MANDATORY : 0;
    call->words[6] |= (object->flags & OBJECT_NORESERVE) != 0 ? MEM_OBJECT_NORESERVE : 0;
    call->words[6] |= (object->flags & OBJECT_OWNED) != 0 ? MEM_OBJECT_OWNED : 0;
    call->words[7] = count_references(call, object);
    return objects_leave(call, object, ERR_OK);
}

static enum err serve_seal(struct call *call)
{
    struct wire_object_number request;
    struct object *object;
    uint32_t rights;

    enum err error = wire_object_bits(call->message, &request);
    if (error == ERR_OK) {
        error = objects_find_named(call, request.object, &object, &rights);
    }
    if (error != ERR_OK) {
        return error;
    }
    error = op_object_seal(&call->shell->core, call->own, object, rights, (uint32_t)request.number);
    return objects_leave(call, object, error);
}

static enum err serve_derive(struct call *call)
{
    struct wire_object_number request;
    struct object *object;
    uint32_t rights;

    enum err error = wire_object_bits(call->message, &request);
    if (error == ERR_OK) {
        error = objects_find_named(call, request.object, &object, &rights);
    }
    if (error != ERR_OK) {
        return error;
    }
    error = (request.number & ~(uint64_t)rights) != 0
                ? ERR_ACCES
                : take(call, object, (uint32_t)request.number);
    if (error == ERR_OK) {
        error = objects_give(call, object, (uint32_t)request.number);
    }
    return objects_leave(call, object, error);
}

static enum err serve_hold(struct call *call)
{
    struct object *object;
    uint32_t rights;
    uint64_t badge;
    uint64_t space;

    enum err error = wire_object_hold(call->message, &badge, &space);
    if (error == ERR_OK) {
        error = call_target(call, space, MEM_RIGHT_CONTROL);
    }
    if (error == ERR_OK) {
        error = objects_find_named(call, badge, &object, &rights);
    }
    return error != ERR_OK ? error : objects_leave(call, object, take(call, object, rights));
}

static enum err serve_close(struct call *call)
{
    struct object *object;
    uint32_t rights;
    uint64_t badge;

    enum err error = wire_object(call->message, &badge);
    if (error == ERR_OK) {
        error = objects_find_named(call, badge, &object, &rights);
    }
    if (error != ERR_OK) {
        return error;
    }
    const bool was_held = hold_drop(&call->shell->core, call->own, object);
    return objects_leave(call, object, was_held ? ERR_OK : ERR_NOENT);
}

static enum err serve_copy(struct call *call)
{
    struct wire_object_copy request;
    struct object *object;
    uint32_t rights;
    uint64_t copied;

    enum err error = wire_object_copy(call->message, &request);
    if (error == ERR_OK) {
        error = objects_find_named(call, request.object, &object, &rights);
    }
    if (error != ERR_OK) {
        return error;
    }
    const struct copy_object_request copy = {
        .space = call->own,
        .object = object,
        .rights = rights,
        .is_to_object = request.is_to_object,
        .address = request.address,
        .offset = request.offset,
        .length = request.length,
    };
    error = op_copy_object(&call->shell->core, &copy, &copied);
    call->words[1] = copied; /* also when it is short */
    return leave_waiting(call, object, error);
}

/* The bytes of a name, out of the message page before anyone looks at them. As call_page(). */
static enum err copy_name(struct call *call, uint32_t length, uint8_t bytes[NAME_BYTES_MAX],
                          struct name_text *text)
{
    void *page;
    enum err error = call_page(call, &page);

    if (error == ERR_OK) {
        memcpy(bytes, page, length);
        *text = (struct name_text){bytes, length};
    }
    return error;
}

static enum err serve_name(struct call *call)
{
    uint8_t bytes[NAME_BYTES_MAX];
    struct wire_object_name request;
    struct object *object;
    uint32_t rights;

    enum err error = wire_object_name(call->message, &request);
    if (error == ERR_OK) {
        error = objects_find_named(call, request.object, &object, &rights);
    }
    if (error != ERR_OK) {
        return error;
    }
    if ((request.rights & ~rights) != 0) {
        return objects_leave(call, object, ERR_ACCES);
    }
    struct name_text text;
    error = copy_name(call, request.length, bytes, &text);
    if (error == ERR_OK) {
        error = name_add(&call->shell->core, call->own, &text, object, request.rights);
    }
    return objects_leave(call, object, error);
}

static enum err serve_open(struct call *call)
{
    uint8_t bytes[NAME_BYTES_MAX];
    struct wire_object_name request;
    uint32_t rights;

    enum err error = wire_object_open(call->message, &request);
    if (error != ERR_OK) {
        return error;
    }
    struct name_text text;
    error = copy_name(call, request.length, bytes, &text);
    if (error != ERR_OK) {
        return error;
    }
    shared_enter(&call->shell->core);
    struct object *object = name_find(&call->shell->core, &text, &rights);
    if (object != NULL) {
        object_get(object);
    }
    shared_leave(&call->shell->core);
    if (object == NULL) {
        return ERR_NOENT;
    }
    error = (request.rights & ~rights) != 0 ? ERR_ACCES : take(call, object, request.rights);
    if (error == ERR_OK) {
        error = objects_give(call, object, request.rights);
    }
    return objects_leave(call, object, error);
}

static enum err serve_unname(struct call *call)
{
    uint8_t bytes[NAME_BYTES_MAX];
    struct wire_object_name request;

    enum err error = wire_object_unname(call->message, &request);
    if (error != ERR_OK) {
        return error;
    }
    struct name_text text;
    error = copy_name(call, request.length, bytes, &text);
    return error != ERR_OK ? error : name_remove(&call->shell->core, call->own, &text);
}

static enum err serve_again(struct call *call)
{
    struct wire_object_again request;

    enum err error = wire_object_again(call->message, &request);
    if (error != ERR_OK) {
        return error;
    }
    error = op_object_again(&call->shell->core, call->own, request.number, request.rights);
    if (error != ERR_OK) {
        return error;
    }
    call->words[1] = call_derive(badge_of_object(request.rights, request.number));
    call->words[2] = request.number;
    return call_answer_handles(call, 0x2);
}

static enum err serve_slice(struct call *call)
{
    struct wire_object_slice request;
    struct object *whole;
    struct object *object;
    uint32_t rights;

    enum err error = wire_object_slice(call->message, &request);
    if (error == ERR_OK) {
        error = objects_find_named(call, request.object, &whole, &rights);
    }
    if (error != ERR_OK) {
        return error;
    }
    error = op_object_slice(&call->shell->core, call->own, whole, rights, request.offset,
                            request.bytes, &object);
    if (error == ERR_OK) {
        error = objects_give(call, object, SLICE_RIGHTS);
    }
    return objects_leave(call, whole, error);
}

enum err objects_serve(struct call *call, enum mem_request number)
{
    static enum err (*const functions[])(struct call *) = {
        serve_make,
        serve_resize,
        serve_info,
        serve_seal,
        serve_derive,
        serve_hold,
        serve_close,
        serve_copy,
        serve_name,
        serve_open,
        serve_unname,
        [MEM_OBJECT_AGAIN - MEM_OBJECT_MAKE] = serve_again,
        [MEM_OBJECT_SLICE - MEM_OBJECT_MAKE] = serve_slice,
    };
    const unsigned index = number - MEM_OBJECT_MAKE;

    ASSERT(index < sizeof(functions) / sizeof(functions[0]) && functions[index] != NULL);
    return functions[index](call);
}
