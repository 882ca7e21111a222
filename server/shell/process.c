/* SPDX-License-Identifier: MIT */
#include "server/shell/process.h"

#include <stddef.h>

#include <abi/boot.h>
#include <abi/layout.h>
#include <base/assert.h>
#include <mem/limits.h>
#include <mem/proto.h>

#include "server/core/grow.h"
#include "server/shell/badge.h"
#include "server/shell/client.h"
#include "server/shell/ecall.h"
#include "server/shell/turns.h"
#include "server/shell/waits.h"
#include "server/shell/wire.h"

STATIC_ASSERT(MEM_PRIVILEGE_LOW == SPACE_PRIVILEGE_LOW &&
                  MEM_PRIVILEGE_LOCK == SPACE_PRIVILEGE_LOCK &&
                  MEM_PRIVILEGE_LOOK == SPACE_PRIVILEGE_LOOK &&
                  MEM_PRIVILEGE_PHYSICAL == SPACE_PRIVILEGE_PHYSICAL &&
                  MEM_PRIVILEGE_DMA == SPACE_PRIVILEGE_DMA &&
                  MEM_PRIVILEGE_KILL == SPACE_PRIVILEGE_KILL &&
                  MEM_PRIVILEGE_SWAP == SPACE_PRIVILEGE_SWAP,
              "core has the numbers of the protocol");

/* What SPACE_MAKE and CLONE may ask for. */
static enum err check_made(const struct call *call, const struct wire_space_make *request)
{
    if (request->priority_max > call->own->settings.priority) {
        return ERR_RANGE;
    }
    if (client_is_doomed(&call->shell->core, client_of(&call->shell->core, call->own))) {
        return ERR_CANCELED;
    }
    return (request->privileges & ~(uint64_t)call->own->settings.privileges) != 0 ? ERR_PERM
                                                                                  : ERR_OK;
}

/* Make a new space the caller's child, and answer. On error the space is no more. */
static enum err adopt_child(struct call *call, const char *name, struct space *space)
{
    struct shell *shell = call->shell;
    struct core *core = &shell->core;

    enum err error = client_make(shell, client_of(core, call->own), name, space);
    if (error != ERR_OK) {
        space_end(core, space);
        call_take_both(call);
        return error == ERR_NOMEM ? limit_refuse_frames(core, call->own, 1) : error;
    }
    struct client *client = client_of(core, space);
    port_flush(&shell->port);
    call->words[1] = call_derive(badge_of_space(MEM_RIGHT_ALL, client->serial, space->number));
    call->words[2] = call_object_handle(pfn_to_number(space->kernel),
                                        RIGHT_CONTROL | RIGHT_TRANSFER | RIGHT_DERIVE);
    call->words[3] = client->serial;
    error = call_answer_handles(call, 0x6);
    if (error != ERR_OK) {
        client_drop(shell, client);
    }
    return error;
}

enum err process_space_make(struct call *call)
{
    struct shell *shell = call->shell;
    struct wire_space_make request;
    struct space *space;

    enum err error = wire_space_make(call->message, &request);
    if (error == ERR_OK) {
        error = check_made(call, &request);
    }
    if (error != ERR_OK) {
        return error;
    }
    struct space_settings settings =
        shell_settings(shell, (uint32_t)request.priority_max, (uint32_t)request.privileges);
    settings.frames_max = request.frames_max;
    settings.maker = call->own->number;
    error = space_make(&shell->core, &settings, &space);
    if (error != ERR_OK) {
        return error;
    }
    space_lock(&shell->core, call->own->number);
    space_inherit(space, call->own);
    space_unlock(&shell->core, call->own->number);
    return adopt_child(call, request.name, space);
}

enum err process_clone(struct call *call)
{
    struct wire_space_make request;
    struct space *space;

    enum err error = wire_clone(call->message, &request);
    if (error == ERR_OK) {
        error = check_made(call, &request);
    }
    if (error == ERR_OK) {
        error = call_target(call, request.space, MEM_RIGHT_READ);
    }
    if (error == ERR_OK && call->target->kept != 0) {
        return waits_hold_change(call);
    }
    if (error != ERR_OK) {
        return error;
    }
    const struct clone_request clone = {
        .frames_max = request.frames_max,
        .maker = call->own->number,
        .privileges = call->target->settings.privileges & call->own->settings.privileges,
        .priority = (uint32_t)request.priority_max,
    };
    error = op_clone(&call->shell->core, call->target, &clone, &space);
    return error == ERR_OK ? adopt_child(call, request.name, space) : error;
}

/* The space that SPACE_END names: with the privilege any that can be read, but not init's. */
static enum err find_to_end(struct call *call, uint64_t space)
{
    const bool may_kill = (call->own->settings.privileges & SPACE_PRIVILEGE_KILL) != 0;

    enum err error = call_target(call, space, MEM_RIGHT_CONTROL);
    if (error != ERR_RIGHTS || !may_kill) {
        return error;
    }
    error = call_target(call, space, MEM_RIGHT_READ);
    return error == ERR_OK && call->target->number == call->shell->head->init ? ERR_PERM : error;
}

enum err process_space_end(struct call *call)
{
    struct shell *shell = call->shell;
    struct core *core = &shell->core;
    struct wire_number request;

    enum err error = wire_number(call->message, &request);
    if (error != ERR_OK) {
        return error;
    }
    error = find_to_end(call, request.space);
    if (error == ERR_STALE && !call->is_held) {
        const uint64_t named = badge_read(request.space).serial;
        struct client *ended = client_find_ended(core, client_of(core, call->own), named);
        if (ended == NULL && client_find_dying(shell, named) != NULL) {
            core->more.ending = named;
            return ERR_MORE;
        }
        if (ended == NULL) {
            return ERR_STALE;
        }
        client_forget(core, ended);
        return ERR_OK;
    }
    if (error != ERR_OK) {
        return error;
    }
    /* Ends the caller too if the space is his own or a forebear's. */
    const uint32_t own = call->own->number;
    const uint64_t serial = client_of(core, call->own)->serial;
    const struct ending ending = {.cause = CAUSE_KILLED, .detail = request.number};
    const uint64_t named = client_of(core, call->target)->serial;
    client_end(shell, client_of(core, call->target), &ending);
    struct space *still = space_find(core, own);
    call->is_held = still == NULL || client_of(core, still)->serial != serial ||
                    client_of(core, still)->stage != CLIENT_RUNNING;
    if (!call->is_held && client_find_dying(shell, named) != NULL) {
        core->more.ending = named;
        return ERR_MORE;
    }
    return ERR_OK;
}

/* Take back a thread that nobody can start: P18. */
static void discard_thread(struct core *core, struct thread *thread)
{
    const uint64_t slot = call_object_handle(pfn_to_number(thread->kernel), RIGHT_CONTROL);
    const struct result ended = ecall_three(SYS_THREAD_END, slot, 0, 0, 0);
    ASSERT(ended.error == ERR_OK || ended.error == ERR_STALE);
    const struct result closed = ecall_three(SYS_HANDLE_CLOSE, slot, 0, 0, 0);
    ASSERT(closed.error == ERR_OK);
    thread_end(core, thread);
}

enum err process_thread_make(struct call *call)
{
    struct wire_number request;
    struct thread *thread;

    enum err error = wire_number(call->message, &request);
    if (error != ERR_OK) {
        return error;
    }
    error = call_target(call, request.space, MEM_RIGHT_CONTROL);
    if (error != ERR_OK) {
        return error;
    }
    if (request.number > call->target->settings.priority) {
        return ERR_RANGE;
    }
    call_take_both(call);
    error = thread_make(&call->shell->core, call->target, THREAD_ANY_PAGE, (uint32_t)request.number,
                        &thread);
    if (error != ERR_OK) {
        return error;
    }
    port_flush(&call->shell->port);
    const uint64_t slot =
        call_object_handle(pfn_to_number(thread->kernel),
                           RIGHT_CONTROL | RIGHT_TRANSFER | RIGHT_DERIVE | RIGHT_DESTROY);
    call->words[1] = slot;
    call->words[2] = WINDOW_START + (uint64_t)thread->window_page * PAGE_SIZE;
    call->words[3] = thread->number;
    error = call_answer_handles(call, 0x2);
    if (error != ERR_OK) {
        discard_thread(&call->shell->core, thread);
    }
    return error;
}

enum err process_donate(struct call *call)
{
    struct wire_number request;

    enum err error = wire_number(call->message, &request);
    if (error != ERR_OK) {
        return error;
    }
    error = call_target(call, request.space, MEM_RIGHT_CONTROL);
    if (error != ERR_OK) {
        return error;
    }
    switch (request.number) {
    case OBJECT_ENDPOINT:
    case OBJECT_NOTIFICATION:
        return space_donate(&call->shell->core, call->target, PORT_SLAB_OBJECTS);
    case OBJECT_HANDLES:
        return space_donate(&call->shell->core, call->target, PORT_SLAB_HANDLES);
    default:
        return ERR_INVAL;
    }
}

enum err process_next(struct call *call)
{
    struct core *core = &call->shell->core;
    struct client *client = client_of(core, call->own);
    bool is_nowait;

    enum err error = wire_next(call->message, &is_nowait);
    if (error != ERR_OK) {
        return error;
    }
    if (client->wait_serial != 0) {
        return ERR_BUSY;
    }
    if (client->ended_first == 0 && client->live_first == 0) {
        return ERR_SRCH;
    }
    if (client->ended_first == 0 && is_nowait) {
        return ERR_WOULD_BLOCK;
    }
    if (!call_is_alive(call)) {
        return ERR_STALE;
    }
    client->wait_serial = call->message->serial;
    client->wait_thread = call->message->thread;
    call->is_held = true;
    client_wake(call->shell, client);
    return ERR_OK;
}

enum err process_boot_object(struct call *call)
{
    const struct shell_head *head = call->shell->head;

    enum err error = wire_bare(call->message);
    if (error != ERR_OK) {
        return error;
    }
    if (call->own->number != head->init) {
        return ERR_PERM;
    }
    if (head->archive == 0) {
        return ERR_NOENT;
    }
    call->words[1] = call_derive(
        badge_of_object(MAP_RIGHT_READ | MAP_RIGHT_EXEC | MAP_RIGHT_MAPPABLE, head->archive));
    call->words[2] = head->archive_bytes;
    return call_answer_handles(call, 0x2);
}

/* A thread alone ends with its own will or another's; anything else is the end of its process. */
static bool ends_alone(const struct space *space, uint64_t cause)
{
    return space->threads > 1 && (cause == CAUSE_EXIT || cause == CAUSE_KILLED);
}

/* Whether the address, below the region, is where a stack was to grow: in its guard gap. */
static bool is_missed_stack(const struct query_region *region, uint64_t address)
{
    return (region->flags & MEM_MAP_GROWSDOWN) != 0 &&
           region->start - address <= GROW_GUARD_PAGES * PAGE_SIZE;
}

/* The region that holds the address, or the stack above it, in the words of NEXT. */
static uint64_t region_word(struct core *core, struct space *space, uint64_t address)
{
    struct query_region region;

    if (op_query(core, space, (uaddr_t){address}, 1, &region) == 0 ||
        (region.start > address && !is_missed_stack(&region, address))) {
        return 0;
    }
    return region.start / PAGE_SIZE |
           (region.end - region.start) / PAGE_SIZE << MEM_NEXT_PAGE_BITS |
           (uint64_t)region.prot << MEM_NEXT_PROT_SHIFT |
           ((region.flags & MEM_MAP_SHARED) != 0 ? MEM_NEXT_SHARED : 0) |
           ((region.attributes & REGION_NOHUGEPAGE) != 0 ? MEM_NEXT_STACK : 0) |
           ((region.flags & MEM_MAP_ANONYMOUS) == 0 ? MEM_NEXT_OBJECT : 0);
}

static void thread_died(struct shell *shell, const struct result *death)
{
    struct core *core = &shell->core;
    struct thread *thread = thread_find(core, death->words[7]);

    if (thread == NULL || pfn_to_number(thread->kernel) != death->words[1]) {
        return; /* given back before its notice was taken */
    }
    struct space *space = space_find(core, thread->space);
    struct client *client = client_of(core, space);
    const uint32_t number = space->number;
    const bool is_alone = ends_alone(space, death->words[3]);
    struct ending ending = {
        .cause = death->words[3],
        .detail = death->words[4],
        .pc = death->words[5],
        .access = death->words[6],
    };
    space_lock(core, number);
    if (is_alone) {
        if (client->wait_thread == thread->number) {
            client->wait_serial = 0;
        }
        thread_end(core, thread);
    } else if (death->words[6] != 0) { /* an access tells an address from a number */
        ending.region = region_word(core, space, death->words[4]);
    }
    port_flush(&shell->port);
    space_unlock(core, number);
    if (!is_alone) {
        client_end(shell, client, &ending);
    }
}

static void space_died(struct shell *shell, const struct result *death)
{
    struct core *core = &shell->core;
    struct space *space = space_find(core, shell_space_number(shell, death->words[2]));
    const struct ending ending = {
        .cause = death->words[3],
        .detail = death->words[4],
        .pc = death->words[5],
        .access = death->words[6],
    };

    ASSERT(space != NULL && pfn_to_number(space->kernel) == death->words[1]);
    client_end(shell, client_of(core, space), &ending);
}

void process_deaths(struct shell *shell)
{
    /* Ends when no dead are left: each was once made by a request. */
    for (;;) {
        const struct result death = ecall_three(SYS_NEXT_DEATH, HANDLE_AUTHORITY, 0, 0, 0);
        ASSERT(death.error == ERR_OK);
        switch (death.words[0]) {
        case OBJECT_NONE:
            return;
        case OBJECT_THREAD:
            thread_died(shell, &death);
            break;
        case OBJECT_SPACE:
            space_died(shell, &death);
            break;
        default:
            UNREACHABLE();
        }
    }
}

void process_take_deaths(struct shell *shell)
{
    struct core *core = &shell->core;

    mutex_take(core, &core->head->processes);
    process_deaths(shell);
    while (shell->head->dying_first != 0) { /* somebody is refused what they still have */
        client_end_step(shell, NULL);
    }
    burial_finish(core);
    turns_bury_event(shell);
    core_done(core);
    port_flush(&shell->port);
    mutex_give(core, &core->head->processes);
}
