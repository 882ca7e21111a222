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
#include <mem/proto_pager.h>

#include "tests/server/shapes.h"

#define PATTERN 0xa5

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

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

static bool read_pin_next(const struct message *message, union out *out)
{
    return wire_pin_next(message, &out->pin_next) == ERR_OK;
}

static bool read_pager_object(const struct message *message, union out *out)
{
    if (wire_pager_object(message, &out->pager_object) != ERR_OK) {
        return false;
    }
    check_handle(message, WORD_OBJECT, out->pager_object.pager);
    ASSERT(out->pager_object.window >= 1 && out->pager_object.window <= MEM_PAGER_WINDOW_MAX);
    ASSERT(out->pager_object.deadline_ms != 0);
    ASSERT((out->pager_object.flags & ~MEM_PAGED_FLAGS) == 0);
    return true;
}

static bool read_supply(const struct message *message, union out *out)
{
    if (wire_pager_supply(message, &out->supply) != ERR_OK) {
        return false;
    }
    check_handle(message, WORD_OBJECT, out->supply.pager);
    ASSERT(out->supply.supply.way >= SUPPLY_COPY && out->supply.supply.way <= SUPPLY_ZERO);
    return true;
}

static bool read_settle(const struct message *message, union out *out)
{
    if (wire_pager_settle(message, &out->settle) != ERR_OK) {
        return false;
    }
    ASSERT(out->settle.settle.reason == message->words[4]);
    /* What steers the server and its clients is nobody's reason. */
    ASSERT(out->settle.settle.reason != ERR_WAIT && out->settle.settle.reason != ERR_MORE);
    return true;
}

static bool read_pager_next(const struct message *message, union out *out)
{
    if (wire_pager_next(message, &out->pager_next) != ERR_OK) {
        return false;
    }
    ASSERT((uaddr_to_bytes(out->pager_next.frames) & PAGE_MASK) == 0);
    return true;
}

static bool read_object_hold(const struct message *message, union out *out)
{
    if (wire_object_hold(message, &out->object_hold[0], &out->object_hold[1]) != ERR_OK) {
        return false;
    }
    check_handle(message, WORD_OBJECT, out->object_hold[0]);
    check_handle(message, WORD_SPACE, out->object_hold[1]);
    return true;
}

static bool read_object_copy(const struct message *message, union out *out)
{
    if (wire_object_copy(message, &out->object_copy) != ERR_OK) {
        return false;
    }
    check_handle(message, WORD_OBJECT, out->object_copy.object);
    ASSERT(out->object_copy.length <= MEM_COPY_BYTES_MAX);
    return true;
}

static bool read_object_bits(const struct message *message, union out *out)
{
    if (wire_object_bits(message, &out->object_number) != ERR_OK) {
        return false;
    }
    check_handle(message, WORD_OBJECT, out->object_number.object);
    ASSERT(out->object_number.number <= UINT32_MAX);
    return true;
}

static void check_name(const struct wire_object_name *name)
{
    ASSERT(name->length >= 1 && name->length <= MEM_NAME_BYTES_MAX);
    ASSERT((name->rights & ~(uint32_t)MEM_OBJECT_RIGHTS) == 0);
}

static bool read_object_name(const struct message *message, union out *out)
{
    if (wire_object_name(message, &out->object_name) != ERR_OK) {
        return false;
    }
    check_handle(message, WORD_OBJECT, out->object_name.object);
    check_name(&out->object_name);
    return true;
}

static bool read_object_open(const struct message *message, union out *out)
{
    if (wire_object_open(message, &out->object_name) != ERR_OK) {
        return false;
    }
    check_name(&out->object_name);
    return true;
}

static bool read_object_again(const struct message *message, union out *out)
{
    if (wire_object_again(message, &out->object_again) != ERR_OK) {
        return false;
    }
    ASSERT((out->object_again.rights & ~(uint32_t)MEM_OBJECT_RIGHTS) == 0);
    return true;
}

static bool read_swap(const struct message *message, union out *out)
{
    if (wire_swap(message, &out->swap) != ERR_OK) {
        return false;
    }
    check_handle(message, WORD_OBJECT, out->swap.object);
    ASSERT(out->swap.flags == 0 || out->swap.flags == MEM_SWAP_ON ||
           out->swap.flags == MEM_SWAP_OFF);
    ASSERT(out->swap.flags != 0 || out->swap.object == 0);
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
READER(lock_all, wire_lock_all, lock)
READER(object_make, wire_object_make, object_make)
READER(object_resize, wire_object_resize, object_number)
READER(object, wire_object, object)
READER(object_unname, wire_object_unname, object_name)
READER(object_slice, wire_object_slice, object_slice)
READER(sync, wire_sync, sync)
READER(space, wire_space, space)
READER(number, wire_number, number)
READER(next, wire_next, is_nowait)
READER(clone, wire_clone, space_make)
READER(index, wire_index, index)
READER(unpin, wire_unpin, unpin)
READER(pager_make, wire_pager_make, pager_make)
READER(pager_attach, wire_pager_attach, object)
READER(pager_adopt, wire_pager_adopt, pager_adopt)
READER(go_on, wire_go_on, go_on)
#undef READER

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static bool (*const readers[])(const struct message *message, union out *out) = {
        read_map,          read_range,       read_protect,       read_remap,
        read_advise,       read_lock,        read_unlock,        read_sync,
        read_space,        read_query,       read_copy,          read_limits,
        read_space_make,   read_number,      read_next,          read_index,
        read_clone,        read_pin,         read_unpin,         read_pins,
        read_pager_object, read_supply,      read_settle,        read_pager_next,
        read_pager_attach, read_go_on,       read_pager_make,    read_pager_adopt,
        read_pin_next,     read_lock_all,    read_object_make,   read_object_resize,
        read_object_bits,  read_object,      read_object_hold,   read_object_copy,
        read_object_name,  read_object_open, read_object_unname, read_object_again,
        read_object_slice, read_swap,
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
