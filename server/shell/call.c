/* SPDX-License-Identifier: MIT */
#include "server/shell/call.h"

#include <stddef.h>

#include <abi/layout.h>
#include <base/assert.h>
#include <mem/proto.h>

#include "server/shell/badge.h"
#include "server/shell/client.h"
#include "server/shell/ecall.h"
#include "server/shell/memory.h"
#include "server/shell/process.h"
#include "server/shell/waits.h"

static uint32_t own_number(const struct call *call)
{
    return (uint32_t)shell_space_number(call->shell, call->message->badge);
}

/* Look the caller's space up, for who has `processes`. Returns: whether it lives. */
static bool find_own(struct call *call)
{
    struct space *own = space_find(&call->shell->core, own_number(call));

    call->is_held = own == NULL || own->badge != call->message->badge;
    call->own = own;
    call->target = own;
    return !call->is_held;
}

static void take_processes(struct call *call)
{
    mutex_take(&call->shell->core, &call->shell->core.head->processes);
    call->locks = CALL_PROCESSES;
}

bool call_begin(struct call *call, enum call_locks locks)
{
    struct shell *shell = call->shell;

    call->wants = locks;
    if (locks == CALL_OWN) {
        struct bucket *bucket = shell_bucket(shell, call->message->badge);

        call->own = shell_take_space(shell, bucket, call->message->badge);
        call->target = call->own;
        call->is_held = call->own == NULL;
        call->locks = call->is_held ? CALL_NOTHING : CALL_OWN;
        return !call->is_held;
    }
    take_processes(call);
    if (!find_own(call)) {
        call_end(call);
        return false;
    }
    if (locks == CALL_BOTH) {
        call_take_both(call);
    }
    return true;
}

void call_take_both(struct call *call)
{
    if (call->locks == CALL_PROCESSES) {
        space_lock_two(&call->shell->core, call->own->number, call->target->number);
        call->locks = CALL_BOTH;
    }
}

void call_forget_refusal(struct call *call)
{
    const bool is_taken = call->locks != CALL_PROCESSES;

    if (!is_taken) {
        space_lock(&call->shell->core, call->own->number);
    }
    call->own->refusal.error = ERR_OK;
    if (!is_taken) {
        space_unlock(&call->shell->core, call->own->number);
    }
}

void call_give_buckets(struct call *call)
{
    struct core *core = &call->shell->core;

    port_flush(&call->shell->port);
    if (call->locks == CALL_OWN) {
        space_unlock(core, call->own->number);
        call->locks = CALL_NOTHING;
    } else if (call->locks == CALL_BOTH) {
        space_unlock_two(core, call->own->number, call->target->number);
        call->locks = CALL_PROCESSES;
    }
}

void call_end(struct call *call)
{
    struct core *core = &call->shell->core;

    core_done(core);
    call_give_buckets(call);
    if (call->locks == CALL_PROCESSES) {
        mutex_give(core, &core->head->processes);
        call->locks = CALL_NOTHING;
    }
}

/* What `badge` names, for a call that has `processes` alone. */
static enum err find_named(struct call *call, uint64_t badge, uint32_t rights)
{
    const struct core *core = &call->shell->core;
    const struct badge named = badge_read(badge);

    if (named.kind != BADGE_SPACE) {
        return ERR_TYPE;
    }
    struct space *space = space_find(core, named.number);
    if (space == NULL || client_of(core, space)->serial != named.serial ||
        client_of(core, space)->stage != CLIENT_RUNNING) {
        return ERR_STALE;
    }
    if ((rights & ~named.rights) != 0) {
        return ERR_RIGHTS;
    }
    call->target = space;
    return ERR_OK;
}

enum err call_see_deaths(struct call *call)
{
    const enum call_locks locks = call->locks;

    call_give_buckets(call);
    if (call->locks == CALL_NOTHING) {
        take_processes(call);
    }
    process_deaths(call->shell);
    if (!find_own(call)) {
        return ERR_STALE;
    }
    if (locks != CALL_PROCESSES) {
        call_take_both(call);
    }
    return ERR_OK;
}

enum err call_find_target(struct call *call, uint64_t badge, uint32_t rights)
{
    call_give_buckets(call);
    if (call->locks == CALL_NOTHING) {
        take_processes(call);
    }
    /* What the kernel has ended is not to be given anything; the caller may be among it. */
    enum err error = call_see_deaths(call);
    if (error != ERR_OK) {
        return error;
    }
    error = find_named(call, badge, rights);
    if (error == ERR_OK && call->wants != CALL_PROCESSES) {
        call_take_both(call);
        if (UNLIKELY((call->target->work.phase | call->own->work.phase) != WORK_NONE) &&
            (call->message->words[0] & MEM_HEAD_NUMBER) != MEM_GO_ON) {
            error = ERR_MORE;
        }
    }
    return error;
}

bool call_is_alive(struct call *call)
{
    const struct thread *thread = thread_find(&call->shell->core, call->message->thread);

    call->is_held = thread == NULL || thread->space != call->own->number;
    return !call->is_held;
}

enum err call_page(struct call *call, void **page)
{
    *page = (void *)(uintptr_t)(WINDOW_START + call->message->thread * PAGE_SIZE);
    return call_is_alive(call) ? ERR_OK : ERR_STALE;
}

enum err call_target_to_change(struct call *call, uint64_t badge)
{
    const enum err error = call_target(call, badge, MEM_RIGHT_MAP);

    return LIKELY(error != ERR_OK || call->target->kept == 0) ? error : waits_hold_change(call);
}

/* The server gives every handle away that it makes, so its table never fills. */
uint64_t call_derive(uint64_t badge)
{
    const struct result result = ecall_three(SYS_HANDLE_DERIVE, HANDLE_MEM,
                                             RIGHT_CALL | RIGHT_TRANSFER | RIGHT_DERIVE, badge, 0);

    ASSERT(result.error == ERR_OK);
    return result.words[0];
}

uint64_t call_object_handle(uint64_t pfn, uint64_t rights)
{
    const struct result result = ecall_three(SYS_OBJECT_HANDLE, HANDLE_AUTHORITY, pfn, rights, 0);

    ASSERT(result.error == ERR_OK);
    return result.words[0];
}

enum err call_answer_handles(struct call *call, uint64_t mask)
{
    struct answer answer = {
        .number = SYS_REPLY,
        .tag = mask << IPC_TAG_HANDLES_SHIFT | mask << IPC_TAG_MOVES_SHIFT,
        .serial = call->message->serial,
        .thread = call->message->thread,
    };

    port_flush(&call->shell->port);
    if (UNLIKELY(call->shell->restarts)) {
        waits_finish(call);
    }
    memcpy(answer.words, call->words, sizeof(answer.words));
    enum err error = ecall_reply(&answer);
    if (error == ERR_SENDER_HANDLE) {
        error = ERR_STALE; /* what was made has ended already */
    }
    ASSERT(error == ERR_OK || error == ERR_STALE || error == ERR_RECEIVER_SLOTS);
    if (error == ERR_OK) {
        call->is_held = true;
        return ERR_OK;
    }
    for (unsigned i = 0; i < IPC_WORDS; i++) {
        if ((mask >> i & 1) != 0) {
            const struct result closed = ecall_three(SYS_HANDLE_CLOSE, answer.words[i], 0, 0, 0);
            ASSERT(closed.error == ERR_OK);
        }
    }
    return error;
}
