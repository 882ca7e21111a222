/* SPDX-License-Identifier: MIT */
/*
 * The frequent requests, inline: MAP, UNMAP and PROTECT of the caller's own space that name no
 * handle.
 *
 * Where this stands in the shell's loop, such a request goes from the registers of its message into
 * core without being stored. Only what is entirely legal on the wire is taken: everything else,
 * also what is wrong, is left to request_serve(), so that there is one place for refusals.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/attr.h>
#include <mem/proto.h>

#include "server/shell/badge.h"
#include "server/shell/request.h"
#include "server/shell/trial.h"

STATIC_ASSERT(ERR_OK == 0 && IPC_CALL == 0 && BADGE_CLIENT == 0, "plain is zero");

/* A longer range may take more than one message (turns.h), and is not for here. */
#define QUICK_BYTES (WORK_REGIONS * PAGE_SIZE)

/*
 * What follows the operation on the space of the caller. What it left of shared memory that went is
 * for turns_bury_quick().
 *
 * Returns: whether that was all; not when it failed for frames that can be had: then it changed
 *          nothing, and is to be tried again.
 */
ALWAYS_INLINE bool request_quick_end(struct shell *shell, struct bucket *bucket, struct space *own,
                                     uint64_t number, enum err outcome)
{
    bool is_over = true;

    if (UNLIKELY(outcome != ERR_OK)) {
        is_over = !trial_lacks_frames(own, outcome) && !trial_lacks_budget(own, outcome);
        if (is_over) {
            request_refused(shell, own, number, outcome);
        }
    }
    core_done(&shell->core);
    shell_give_space(shell, bucket);
    return is_over;
}

/*
 * Carry the request out if it is one of these.
 *
 * Returns:   whether it is, and is over; then `*error` and `*value` are words 0 and 1 of the
 *            answer, and the others are zero.
 */
ALWAYS_INLINE bool request_quick(struct shell *shell, const struct message *message,
                                 uint64_t *error, uint64_t *value)
{
    const uint64_t number = message->words[0] & ~MEM_HEAD_LINUX;
    const uint64_t *words = message->words;
    /* What must be zero from word 5, 4 and 3 on. */
    const uint64_t from_5 = words[5] | words[6] | words[7];
    const uint64_t from_4 = words[4] | from_5;
    const uint64_t from_3 = words[3] | from_4;
    const uint64_t populates = (uint64_t)(MEM_MAP_POPULATE | MEM_MAP_LOCKED) << 32;
    const uint64_t replaces = (uint64_t)MEM_MAP_FIXED << 32;
    const bool is_map = number == MEM_MAP && (from_5 | (words[3] & populates)) == 0 &&
                        (words[2] <= QUICK_BYTES || (words[3] & replaces) == 0);
    const bool is_unmap = number == MEM_UNMAP && from_3 == 0 && words[2] <= QUICK_BYTES;
    const bool is_protect =
        number == MEM_PROTECT && from_4 == 0 && words[3] <= UINT32_MAX && words[2] <= QUICK_BYTES;
    const uaddr_t address = {words[1]};
    uaddr_t mapped = {0};
    enum err outcome;

    /* A call, without handles, from a client. */
    if (UNLIKELY((message->error | message->tag | badge_read(message->badge).kind) != 0) ||
        !(is_map || is_unmap || is_protect)) {
        return false;
    }
    struct bucket *bucket = shell_bucket(shell, message->badge);
    struct space *own = shell_take_space(shell, bucket, message->badge);
    if (UNLIKELY(own == NULL)) {
        return false;
    }
    if (UNLIKELY((own->work.phase | own->future | own->kept) != 0)) {
        shell_give_space(shell, bucket); /* it may have to wait, or to go on in another message */
        return false;
    }
    if (is_map) {
        const struct map_request request = {
            .address = address,
            .length = words[2],
            .prot = (uint32_t)words[3],
            .flags = (uint32_t)(words[3] >> 32),
            .offset = words[4],
        };
        outcome = op_map(&shell->core, own, &request, &mapped);
    } else if (is_unmap) {
        outcome = op_unmap(&shell->core, own, address, words[2]);
    } else {
        const struct protect_request request = {
            .address = address,
            .length = words[2],
            .prot = (uint32_t)words[3],
            .is_linux = (words[0] & MEM_HEAD_LINUX) != 0,
        };
        outcome = op_protect(&shell->core, own, &request);
    }
    *error = outcome;
    *value = outcome == ERR_OK ? uaddr_to_number(mapped) : 0;
    return request_quick_end(shell, bucket, own, number, outcome);
}
