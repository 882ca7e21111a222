/* SPDX-License-Identifier: MIT */
#include "server/shell/wire_swap.h"

#include <stdbool.h>

#include <abi/ipc.h>
#include <mem/proto_swap.h>

#define WORD_OBJECT 6u
#define WORD_LAST   7u

enum err wire_swap(const struct message *message, struct wire_swap *out)
{
    const bool has_object = (message->tag >> (IPC_TAG_HANDLES_SHIFT + WORD_OBJECT) & 1) != 0;
    const uint64_t flags = message->words[1];
    uint64_t all = message->words[WORD_LAST];

    for (unsigned i = 2; i < WORD_OBJECT; i++) {
        all |= message->words[i];
    }
    if (all != 0 || flags > MEM_SWAP_OFF ||
        (flags == 0 && (has_object || message->words[WORD_OBJECT] != 0))) {
        return ERR_INVAL;
    }
    if (flags != 0 && !has_object) {
        return ERR_BADF;
    }
    *out = (struct wire_swap){.flags = (uint32_t)flags, .object = message->words[WORD_OBJECT]};
    return ERR_OK;
}
