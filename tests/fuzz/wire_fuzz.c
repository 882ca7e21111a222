/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer: any words through the reader of messages.
 *
 * An input is a tag and up to eight words, little-endian; what is missing is 0. Each request's
 * function is given all of them, not only the one that the head names. Nothing may be written on an
 * error, and what is accepted keeps the promises of server/shell/wire.h.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <base/assert.h>
#include <mem/limits.h>
#include <mem/prot.h>

#include "server/shell/wire.h"
#include "server/shell/wire_pin.h"

#define WORD_OBJECT 6u
#define WORD_SPACE  7u
#define PATTERN     0xa5

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Room for what any of the functions writes. */
union out {
    struct wire_map map;
    struct wire_range range;
    struct wire_protect protect;
    struct wire_remap remap;
    struct wire_advise advise;
    struct wire_lock lock;
    struct wire_sync sync;
    struct wire_query query;
    struct wire_copy copy;
    struct wire_limits limits;
    struct wire_space_make space_make;
    struct wire_number number;
    struct wire_pin pin;
    struct wire_unpin unpin;
    struct wire_pins pins;
    uint64_t word;
    bool is_nowait;
    unsigned char bytes[128];
};

/* What comes out for a handle is its badge, or 0 where there was none. */
static void check_handle(const struct message *message, unsigned word, uint64_t value)
{
    bool is_handle = (message->tag >> (IPC_TAG_HANDLES_SHIFT + word) & 1) != 0;

    ASSERT(value == (is_handle ? message->words[word] : 0));
}

static bool read_map(const struct message *message, union out *out)
{
    if (wire_map(message, &out->map) != ERR_OK) {
        return false;
    }
    check_handle(message, WORD_OBJECT, out->map.object);
    check_handle(message, WORD_SPACE, out->map.space);
    ASSERT(out->map.map.length == message->words[2]);
    return true;
}

static bool read_query(const struct message *message, union out *out)
{
    if (wire_query(message, &out->query) != ERR_OK) {
        return false;
    }
    ASSERT(out->query.count <= MEM_QUERY_REGIONS_MAX);
    return true;
}

static bool read_copy(const struct message *message, union out *out)
{
    if (wire_copy(message, &out->copy) != ERR_OK) {
        return false;
    }
    ASSERT(out->copy.length <= MEM_COPY_BYTES_MAX);
    return true;
}

static bool read_limits(const struct message *message, union out *out)
{
    if (wire_limits(message, &out->limits) != ERR_OK) {
        return false;
    }
    ASSERT(out->limits.limits.which == MEM_LIMIT_REGIONS ||
           out->limits.limits.which == MEM_LIMIT_PAGES ||
           out->limits.limits.which == MEM_LIMIT_DATA ||
           out->limits.limits.which == MEM_LIMIT_LOCKED ||
           out->limits.limits.which == MEM_LIMIT_STACK ||
           out->limits.limits.which == MEM_LIMIT_BUDGET ||
           out->limits.limits.which == MEM_LIMIT_COMMIT);
    return true;
}

static bool read_space_make(const struct message *message, union out *out)
{
    if (wire_space_make(message, &out->space_make) != ERR_OK) {
        return false;
    }
    ASSERT(memchr(out->space_make.name, 0, sizeof(out->space_make.name)) != NULL);
    ASSERT((out->space_make.privileges & ~(uint64_t)MEM_PRIVILEGES) == 0);
    return true;
}

static bool read_pin(const struct message *message, union out *out)
{
    if (wire_pin(message, &out->pin) != ERR_OK) {
        return false;
    }
    ASSERT(out->pin.pin.pages <= MEM_PIN_PAGES_MAX);
    ASSERT(memchr(out->pin.pin.purpose, 0, sizeof(out->pin.pin.purpose)) != NULL);
    return true;
}

static bool read_pins(const struct message *message, union out *out)
{
    if (wire_pins(message, &out->pins) != ERR_OK) {
        return false;
    }
    ASSERT(out->pins.count <= MEM_PINS_MAX);
    return true;
}

#define READER(name, function, member)                                     \
    static bool read_##name(const struct message *message, union out *out) \
    {                                                                      \
        return function(message, &out->member) == ERR_OK;                  \
    }
READER(range, wire_unmap, range)
READER(protect, wire_protect, protect)
READER(remap, wire_remap, remap)
READER(advise, wire_advise, advise)
READER(lock, wire_lock, lock)
READER(unlock, wire_unlock, lock)
READER(sync, wire_sync, sync)
READER(space, wire_space, word)
READER(number, wire_number, number)
READER(next, wire_next, is_nowait)
READER(clone, wire_clone, space_make)
READER(boot_device, wire_boot_device, word)
READER(unpin, wire_unpin, unpin)
#undef READER

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static bool (*const readers[])(const struct message *message, union out *out) = {
        read_map,         read_range,  read_protect,    read_remap,  read_advise,
        read_lock,        read_unlock, read_sync,       read_space,  read_query,
        read_copy,        read_limits, read_space_make, read_number, read_next,
        read_boot_device, read_clone,  read_pin,        read_unpin,  read_pins,
    };
    uint64_t words[IPC_WORDS + 1] = {0};
    struct message message = {0};
    enum mem_request number;
    bool is_linux;

    memcpy(words, bytes, size < sizeof(words) ? size : sizeof(words));
    /* The kernel lets no other bits pass. */
    message.tag = words[0] & IPC_TAG_LEGAL;
    memcpy(message.words, &words[1], sizeof(message.words));
    if (wire_head(&message, &number, &is_linux) != ERR_OK) {
        return 0;
    }
    ASSERT(((uint64_t)number | (is_linux ? MEM_HEAD_LINUX : 0)) == message.words[0]);
    ASSERT((wire_features() >> number & 1) != 0);
    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
        union out out;
        union out untouched;

        memset(&out, PATTERN, sizeof(out));
        memset(&untouched, PATTERN, sizeof(untouched));
        if (!readers[i](&message, &out)) {
            ASSERT(memcmp(&out, &untouched, sizeof(out)) == 0);
        }
    }
    (void)!wire_hello(&message);
    (void)!wire_bare(&message);
    return 0;
}
