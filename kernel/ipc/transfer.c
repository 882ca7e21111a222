/* SPDX-License-Identifier: MIT */
#include "ipc/transfer.h"

#include <base/bits.h>

#include "ipc/endpoint.h"
#include "task/handle.h"
#include "task/space.h"

#define TAG_MASK UINT64_C(0xff)

/* What becomes of one word. */
struct transfer_word {
    struct handle_slot value;
    uint64_t slot; /* of the receiver; 0: arrives as badge */
};

bool transfer_is_legal_tag(uint64_t tag)
{
    const uint64_t handles = tag >> IPC_TAG_HANDLES_SHIFT & TAG_MASK;
    const uint64_t moves = tag >> IPC_TAG_MOVES_SHIFT & TAG_MASK;
    return (tag & ~IPC_TAG_LEGAL) == 0 && (moves & ~handles) == 0;
}

/* The handle names an endpoint that the receiving space made: it arrives as its badge. */
static bool transfer_is_own(const struct handle_slot *value, const struct space *receiver)
{
    return object_id_kind(value->id) == OBJECT_ENDPOINT &&
           ((const struct endpoint *)(const void *)value->object)->owner == receiver;
}

static enum err transfer_check(struct thread *from, struct thread *to, uint64_t handles,
                               const uint64_t words[IPC_WORDS],
                               struct transfer_word plan[IPC_WORDS]) REQUIRES(handle_lock)
{
    uint64_t at = 0;

    for (unsigned i = 0; i < IPC_WORDS; i++) {
        if ((handles & BIT(i)) == 0) {
            continue;
        }
        struct handle_slot *source;
        if (handle_get(from->space, words[i], &source) != ERR_OK || !handle_is_live(source) ||
            (source->id & RIGHT_TRANSFER) == 0) {
            return ERR_SENDER_HANDLE;
        }
        plan[i].value = *source;
        plan[i].slot = 0;
        if (!transfer_is_own(source, to->space)) {
            if (!handle_next_free(to->space, to->accept_first, to->accept_count, &at)) {
                return ERR_RECEIVER_SLOTS;
            }
            plan[i].slot = at;
            at++;
        }
    }
    return ERR_OK;
}

enum err transfer_handles(struct thread *from, struct thread *to, uint64_t *tag,
                          uint64_t words[IPC_WORDS])
{
    const uint64_t handles = *tag >> IPC_TAG_HANDLES_SHIFT & TAG_MASK;
    const uint64_t moves = *tag >> IPC_TAG_MOVES_SHIFT & TAG_MASK;
    struct transfer_word plan[IPC_WORDS];
    uint64_t badges = 0;

    lock_take(&handle_lock);
    const enum err error = transfer_check(from, to, handles, words, plan);
    if (error != ERR_OK) {
        lock_release(&handle_lock);
        return error;
    }

    /* Point of no return: nothing below may fail. */
    for (unsigned i = 0; i < IPC_WORDS; i++) {
        if ((handles & BIT(i)) != 0 && (moves & BIT(i)) != 0) {
            handle_clear(from->space, words[i]);
        }
    }
    for (unsigned i = 0; i < IPC_WORDS; i++) {
        if ((handles & BIT(i)) == 0) {
            continue;
        }
        if (plan[i].slot == 0) {
            words[i] = plan[i].value.badge;
            badges |= BIT(i);
        } else {
            handle_put(to->space, plan[i].slot, plan[i].value);
            words[i] = plan[i].slot;
        }
    }
    lock_release(&handle_lock);
    *tag = handles << IPC_TAG_HANDLES_SHIFT | badges << IPC_TAG_BADGES_SHIFT;
    return ERR_OK;
}
