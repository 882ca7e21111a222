/* SPDX-License-Identifier: MIT */
#include "server/shell/wire_pin.h"

#include <stdbool.h>

#include <abi/ipc.h>
#include <mem/proto.h>

#define WORD_OBJECT 6u
#define WORD_SPACE  7u

static bool is_handle_or_zero(const struct message *message, unsigned word)
{
    return message->words[word] == 0 || (message->tag >> (IPC_TAG_HANDLES_SHIFT + word) & 1) != 0;
}

/* A text that ends, and is zero from there on. Returns: whether it is one. */
static bool read_purpose(const uint64_t words[2], char purpose[PIN_PURPOSE])
{
    bool is_ended = false;

    for (unsigned i = 0; i < PIN_PURPOSE; i++) {
        purpose[i] = (char)(words[i / 8] >> (i % 8 * 8));
        if (is_ended && purpose[i] != '\0') {
            return false;
        }
        is_ended = is_ended || purpose[i] == '\0';
    }
    return is_ended;
}

/* How many pages a request with these flags may have. */
static uint64_t pages_max(uint32_t flags)
{
    if ((flags & MEM_PIN_REGIONS) != 0) {
        return MEM_PIN_REGIONS_MAX;
    }
    return (flags & MEM_PIN_FRAMES) != 0 ? MEM_PIN_FRAMES_MAX : MEM_PIN_PAGES_MAX;
}

enum err wire_pin(const struct message *message, struct wire_pin *out)
{
    const uint64_t *words = message->words;
    const uint32_t flags = (uint32_t)words[3];
    char purpose[PIN_PURPOSE];

    if ((flags & ~MEM_PIN_FLAGS) != 0 || words[2] > pages_max(flags) ||
        !read_purpose(&words[4], purpose)) {
        return ERR_INVAL;
    }
    if (!is_handle_or_zero(message, WORD_OBJECT) || !is_handle_or_zero(message, WORD_SPACE)) {
        return ERR_BADF;
    }
    *out = (struct wire_pin){
        .pin = {.address = {words[1]},
                .pages = words[2],
                .flags = flags,
                .lease_ms = (uint32_t)(words[3] >> 32)},
        .device = words[WORD_OBJECT],
        .space = words[WORD_SPACE],
    };
    for (unsigned i = 0; i < PIN_PURPOSE; i++) {
        out->pin.purpose[i] = purpose[i];
    }
    return ERR_OK;
}

enum err wire_unpin(const struct message *message, struct wire_unpin *out)
{
    const uint64_t *words = message->words;

    if (words[2] > MEM_UNPIN_DIRTY ||
        (words[3] | words[4] | words[5] | words[WORD_OBJECT] | words[WORD_SPACE]) != 0) {
        return ERR_INVAL;
    }
    *out = (struct wire_unpin){words[1], words[2]};
    return ERR_OK;
}

enum err wire_pin_next(const struct message *message, struct lease_look *out)
{
    const uint64_t *words = message->words;

    if ((words[3] | words[4] | words[5] | words[WORD_OBJECT] | words[WORD_SPACE]) != 0) {
        return ERR_INVAL;
    }
    *out = (struct lease_look){.before = words[1], .earliest = words[2]};
    return ERR_OK;
}

enum err wire_pins(const struct message *message, struct wire_pins *out)
{
    const uint64_t which = MEM_PINS_BY | MEM_PINS_OF | MEM_PINS_QUARANTINE;
    const uint64_t *words = message->words;

    if (words[2] > MEM_PINS_MAX || (words[3] & ~which) != 0 || (words[4] | words[5]) != 0) {
        return ERR_INVAL;
    }
    if (!is_handle_or_zero(message, WORD_OBJECT) || !is_handle_or_zero(message, WORD_SPACE)) {
        return ERR_BADF;
    }
    *out = (struct wire_pins){
        .before = words[1],
        .count = (uint32_t)words[2],
        .which = (uint32_t)words[3],
        .pin = words[WORD_OBJECT],
        .space = words[WORD_SPACE],
    };
    return ERR_OK;
}
