/* SPDX-License-Identifier: MIT */
#include "server/shell/call.h"

#include <stddef.h>

#include <base/assert.h>

#include "server/shell/badge.h"
#include "server/shell/client.h"
#include "server/shell/ecall.h"
#include "server/shell/memory.h"
#include "server/shell/process.h"

enum err call_find_target(struct call *call, uint64_t badge, uint32_t rights)
{
    const struct core *core = &call->shell->core;
    const uint32_t own = call->own->number;
    const uint64_t own_serial = client_of(core, call->own)->serial;

    /* What the kernel has ended is not to be given anything; the caller may be among it. */
    process_deaths(call->shell);
    struct space *still = space_find(core, own);
    if (still == NULL || client_of(core, still)->serial != own_serial) {
        call->is_held = true;
        return ERR_STALE;
    }
    const struct badge named = badge_read(badge);
    if (named.kind != BADGE_SPACE) {
        return ERR_TYPE;
    }
    struct space *space = space_find(core, named.number);
    if (space == NULL || client_of(core, space)->serial != named.serial) {
        return ERR_STALE;
    }
    if ((rights & ~named.rights) != 0) {
        return ERR_RIGHTS;
    }
    call->target = space;
    return ERR_OK;
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
