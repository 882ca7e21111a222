/* SPDX-License-Identifier: MIT */
#include "server/shell/look.h"

#include <stdbool.h>
#include <stddef.h>

#include <base/assert.h>
#include <mem/proto.h>

#include "server/core/window.h"
#include "server/shell/badge.h"
#include "server/shell/client.h"
#include "server/shell/ecall.h"
#include "server/shell/memory.h"
#include "server/shell/wire.h"

/* Whether the client is the caller's child, or a child of one that is. */
static bool stems_from(const struct core *core, const struct client *client,
                       const struct client *forebear)
{
    while (client->parent != 0) {
        client = client_at(core, client->parent);
        if (client == forebear) {
            return true;
        }
    }
    return false;
}

/* The live client with the lowest number above `after` that the caller may look at; NULL: none. */
static struct client *find_next(const struct call *call, uint64_t after)
{
    const struct core *core = &call->shell->core;
    const struct client *own = client_of(core, call->own);
    const bool may_all = (call->own->settings.privileges & SPACE_PRIVILEGE_LOOK) != 0;
    struct client *found = NULL;

    for (const struct space *space = space_first(core); space != NULL;
         space = space_next(core, space)) {
        struct client *client = client_of(core, space);

        if (client->serial > after && (found == NULL || client->serial < found->serial) &&
            (may_all || client == own || stems_from(core, client, own))) {
            found = client;
        }
    }
    return found;
}

static enum err serve_look(struct call *call)
{
    const struct core *core = &call->shell->core;
    uint64_t after;

    enum err error = wire_index(call->message, &after);
    if (error != ERR_OK) {
        return error;
    }
    const struct client *client = find_next(call, after);
    if (client == NULL) {
        return ERR_NOENT;
    }
    const struct space *space = arena_page(core, client->space);
    struct mem_look_rep rep = {
        .space = call_derive(badge_of_space(MEM_RIGHT_READ, client->serial, client->space)),
        .space_id = client->serial,
        .parent_id = client->parent != 0 ? client_at(core, client->parent)->serial : 0,
        .threads = space->threads,
    };
    memcpy(rep.name, client->name, sizeof(rep.name));
    memcpy(call->words, &rep, sizeof(rep));
    return call_answer_handles(call, 0x2);
}

static enum err serve_derive(struct call *call)
{
    const struct core *core = &call->shell->core;
    struct wire_number request;

    enum err error = wire_number(call->message, &request);
    if (error != ERR_OK) {
        return error;
    }
    if (request.number == 0 || (request.number & ~(uint64_t)MEM_RIGHT_ALL) != 0) {
        return ERR_INVAL;
    }
    error = call_target(call, request.space, (uint32_t)request.number);
    if (error != ERR_OK) {
        return error;
    }
    const struct space *space = call->target;
    call->words[1] = call_derive(
        badge_of_space((uint32_t)request.number, client_of(core, space)->serial, space->number));
    return call_answer_handles(call, 0x2);
}

static enum err serve_handles(struct call *call)
{
    struct shell *shell = call->shell;
    struct wire_number request;

    enum err error = wire_number(call->message, &request);
    if (error == ERR_OK) {
        error = call_target(call, request.space, MEM_RIGHT_READ);
    }
    if (error != ERR_OK) {
        return error;
    }
    void *page;
    error = call_page(call, &page);
    if (error != ERR_OK) {
        return error;
    }
    port_flush(&shell->port); /* the list comes in the page where entries are gathered */
    const uint64_t slot = call_object_handle(pfn_to_number(call->target->kernel), RIGHT_CONTROL);
    const struct result found = ecall_three(SYS_HANDLES_READ, slot, request.number, 0, 0);
    const struct result closed = ecall_three(SYS_HANDLE_CLOSE, slot, 0, 0, 0);
    ASSERT(closed.error == ERR_OK);
    if (found.error != ERR_OK) {
        return found.error; /* it has ended just now: STALE */
    }
    memcpy(page, shell->port.entries, found.words[0] * sizeof(struct handle_info));
    call->words[1] = found.words[0];
    return ERR_OK;
}

enum err look_serve(struct call *call, enum mem_request number)
{
    if (number == MEM_SPACE_DERIVE) {
        return serve_derive(call);
    }
    return number == MEM_LOOK ? serve_look(call) : serve_handles(call);
}
