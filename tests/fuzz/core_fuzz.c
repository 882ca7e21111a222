/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer: requests through the reader of messages into core, on the model of the kernel.
 *
 * An input is a byte for the number of frames, one for the commit mode, and records of RECORD_BYTES
 * bytes, each a request or a touch on a small window around a border of 1 GiB. A request is made of
 * words, read by server/shell/wire.h, and carried out. Whatever comes: core's audits hold; what is
 * refused in the STRICT form has changed nothing; and when the spaces have ended, every frame is
 * free again.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <base/assert.h>
#include <mem/limits.h>
#include <mem/proto_pin.h>

#include "server/core/core.h"
#include "server/shell/wire.h"
#include "tests/core/snapshot.h"
#include "tests/core/world.h"

#define RECORD_BYTES 12u
#define RECORDS_MAX  64u
#define SPACES       3u
#define WINDOW_FIRST ((UINT32_C(3) << 18) - 16)
#define FRAMES_LEAST 96u
#define INCORE_PAGES 512u
#define PIN_FLAGS    (MEM_PIN_FRAMES - 1) /* those that need neither a page nor a handle */
/* Of the word for an object. */
#define HANDLE_BIT (UINT64_C(1) << 6)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct record {
    uint8_t op;
    uint8_t space;
    uint8_t page;
    uint8_t pages;
    uint8_t prot;
    uint8_t flags[2];
    uint8_t target;
    uint8_t size;
    uint8_t value;
    uint8_t odd; /* what is not as usual about addresses and lengths */
    uint8_t form;
};
STATIC_ASSERT(sizeof(struct record) == RECORD_BYTES, "bytes of the input");

static struct {
    struct world *world;
    struct object *object;
    uint64_t memory; /* number of shared memory; 0, or one that has gone: none */
    struct space *space[SPACES];
} machine;

static uint64_t page_address(uint8_t page)
{
    return (uint64_t)(WINDOW_FIRST + page % 48) * PAGE_SIZE;
}

/* An address or a length, or something else in its place. */
static uint64_t bend(uint64_t word, unsigned odd)
{
    static const uint64_t ends[] = {0, USER_END, UINT64_MAX, UINT64_MAX - PAGE_MASK};

    if (odd < 8) {
        return word;
    }
    return odd < 12 ? ends[odd - 8] : word + odd - 13;
}

static struct message message_of(const struct record *record, enum mem_request number)
{
    const uint64_t address = bend(page_address(record->page), record->odd & 15);
    const uint64_t length = bend(record->pages * PAGE_SIZE, record->odd >> 4);
    struct message message = {.words = {(uint64_t)number, address, length}};

    message.words[0] |= (record->form & 1) != 0 ? MEM_HEAD_LINUX : 0;
    return message;
}

static struct message message_map(const struct record *record)
{
    struct message message = message_of(record, MEM_MAP);
    uint64_t flags = record->flags[0] | (uint64_t)record->flags[1] << 8;

    message.words[3] = record->prot | flags << 32;
    message.words[4] = (uint64_t)record->target * PAGE_SIZE + (record->form >> 5 & 1);
    if ((record->form & 2) != 0) {
        message.words[6] = 1;
        message.tag = HANDLE_BIT << IPC_TAG_HANDLES_SHIFT | HANDLE_BIT << IPC_TAG_BADGES_SHIFT;
    }
    return message;
}

static struct object *memory_of_machine(void)
{
    return machine.memory == 0 ? NULL : object_find(&machine.world->core, machine.memory);
}

static enum err request_map(struct space *space, const struct record *record)
{
    struct message message = message_map(record);
    struct wire_map wire = {.object = 0}; /* the reader leaves object and rights alone */
    uaddr_t address;
    enum err error = wire_map(&message, &wire);

    if (error != ERR_OK) {
        return error;
    }
    if (wire.object != 0) {
        struct object *memory = (record->form & 4) != 0 ? memory_of_machine() : NULL;

        wire.map.object = memory != NULL ? memory : machine.object;
        /* Never to write: the frames of the other are those of the boot archive. */
        wire.map.rights = record->value & ~(memory != NULL ? 0u : (uint32_t)MAP_RIGHT_WRITE);
    }
    return op_map(&machine.world->core, space, &wire.map, &address);
}

static enum err request_unmap(struct space *space, const struct record *record)
{
    struct message message = message_of(record, MEM_UNMAP);
    struct wire_range wire;
    enum err error = wire_unmap(&message, &wire);

    return error != ERR_OK ? error
                           : op_unmap(&machine.world->core, space, wire.address, wire.length);
}

static enum err request_protect(struct space *space, const struct record *record)
{
    struct message message = message_of(record, MEM_PROTECT);
    struct wire_protect wire;

    message.words[3] = record->prot;
    enum err error = wire_protect(&message, &wire);
    wire.protect.is_linux = (record->form & 1) != 0;
    return error != ERR_OK ? error : op_protect(&machine.world->core, space, &wire.protect);
}

static enum err request_remap(struct space *space, const struct record *record)
{
    struct message message = message_of(record, MEM_REMAP);
    struct wire_remap wire;
    uaddr_t address;

    message.words[3] = record->size * PAGE_SIZE + (record->form >> 5 & 1);
    message.words[4] = record->flags[0];
    message.words[5] = page_address(record->target);
    enum err error = wire_remap(&message, &wire);
    wire.remap.is_linux = (record->form & 1) != 0;
    return error != ERR_OK ? error : op_remap(&machine.world->core, space, &wire.remap, &address);
}

static enum err request_advise(struct space *space, const struct record *record)
{
    struct message message = message_of(record, MEM_ADVISE);
    struct wire_advise wire;

    message.words[3] = record->value;
    enum err error = wire_advise(&message, &wire);
    wire.advise.is_linux = (record->form & 1) != 0;
    return error != ERR_OK ? error : op_advise(&machine.world->core, space, &wire.advise);
}

static enum err request_lock(struct space *space, const struct record *record)
{
    struct message message = message_of(record, MEM_LOCK);
    struct wire_lock wire;

    message.words[3] = record->flags[0];
    enum err error = wire_lock(&message, &wire);
    wire.lock.is_linux = (record->form & 1) != 0;
    return error != ERR_OK ? error : op_lock(&machine.world->core, space, &wire.lock);
}

static enum err request_unlock(struct space *space, const struct record *record)
{
    struct message message = message_of(record, MEM_UNLOCK);
    struct wire_lock wire;
    enum err error = wire_unlock(&message, &wire);

    wire.lock.is_linux = (record->form & 1) != 0;
    return error != ERR_OK ? error : op_unlock(&machine.world->core, space, &wire.lock);
}

static enum err request_lock_all(struct space *space, const struct record *record)
{
    if (record->flags[0] == 0) {
        return op_unlock_all(&machine.world->core, space);
    }
    return op_lock_all(&machine.world->core, space, record->flags[0]);
}

static enum err request_sync(struct space *space, const struct record *record)
{
    struct message message = message_of(record, MEM_SYNC);
    struct wire_sync wire;

    message.words[3] = record->flags[0];
    enum err error = wire_sync(&message, &wire);
    wire.sync.is_linux = (record->form & 1) != 0;
    return error != ERR_OK ? error : op_sync(&machine.world->core, space, &wire.sync);
}

static enum err request_incore(struct space *space, const struct record *record)
{
    static uint8_t pages[INCORE_PAGES];
    struct message message = message_of(record, MEM_INCORE);
    struct wire_range wire;
    uint32_t count;
    enum err error = wire_unmap(&message, &wire);

    return error != ERR_OK ? error
                           : op_incore(&machine.world->core, space, wire.address, wire.length,
                                       INCORE_PAGES, pages, &count);
}

static enum err request_limits(struct space *space, const struct record *record)
{
    struct message message = {.words = {MEM_LIMITS, record->flags[0], record->size % 3,
                                        record->value, record->target, record->form & 1}};
    struct limits_view view;
    struct wire_limits wire;
    enum err error = wire_limits(&message, &wire);

    if ((record->form & 2) != 0) {
        message.words[3] *= PAGE_SIZE;
        message.words[4] = MEM_UNLIMITED;
        error = wire_limits(&message, &wire);
    }
    return error != ERR_OK ? error : op_limits(&machine.world->core, space, &wire.limits, &view);
}

/* What is copied before a refusal stays, so that it is not judged. */
static enum err request_copy(struct space *space, const struct record *record)
{
    const struct copy_request request = {
        .to = space,
        .from = machine.space[record->target % SPACES],
        .to_address = {page_address(record->page) + record->flags[0]},
        .from_address = {page_address(record->size) + record->flags[1]},
        .length = (uint64_t)record->pages * 1000,
    };
    uint64_t copied;

    if (request.from != NULL) {
        (void)!op_copy(&machine.world->core, &request, &copied);
        ASSERT(copied <= request.length);
    }
    return ERR_OK;
}

static enum err request_query(struct space *space, const struct record *record)
{
    struct query_region regions[4];
    struct query_totals totals;
    struct message message = message_of(record, MEM_QUERY);
    struct wire_query wire;

    message.words[2] = record->pages;
    if (wire_query(&message, &wire) == ERR_OK) {
        (void)op_query(&machine.world->core, space, wire.address, 4, regions);
    }
    op_query_totals(&machine.world->core, space, &totals);
    return ERR_OK;
}

static enum err request_touch(struct space *space, const struct record *record)
{
    static const uint32_t kinds[] = {MEM_PROT_READ, MEM_PROT_WRITE, MEM_PROT_EXEC};
    uint64_t word = record->value;

    (void)world_touch(machine.world, space, WINDOW_FIRST + record->page % 48,
                      kinds[record->prot % 3], &word);
    return ERR_OK;
}

/* Clone into an empty place, or end what is there. */
static enum err request_clone(struct space *space, const struct record *record)
{
    struct space **place = &machine.space[1 + record->target % (SPACES - 1)];

    if (*place == NULL) {
        const struct clone_request request = {.priority = 10, .frames_max = record->value};

        return op_clone(&machine.world->core, space, &request, place);
    }
    if (*place != space) {
        space_end(&machine.world->core, *place);
        *place = NULL;
    }
    return ERR_OK;
}

/* Make shared memory, or change what there is; what is copied before a refusal stays. */
static enum err request_object(struct space *space, const struct record *record)
{
    struct core *core = &machine.world->core;
    struct object *memory = memory_of_machine();
    const uint64_t bytes = record->size * PAGE_SIZE / 2 + record->value;
    const uint32_t rights = record->prot & (MAP_RIGHT_READ | MAP_RIGHT_WRITE);
    uint64_t copied;

    if (memory == NULL) {
        const struct object_request request = {.bytes = bytes, .flags = record->flags[0]};
        const enum err error = op_object_make(core, space, &request, &memory);

        machine.memory = error == ERR_OK ? memory->number : machine.memory;
        return error;
    }
    switch (record->flags[1] % 4) {
    case 0:
        return op_object_resize(core, space, memory, rights, bytes);
    case 1:
        return op_object_seal(core, space, memory, rights, record->flags[0]);
    case 2:
        return hold_drop(core, space, memory) ? ERR_OK : ERR_NOENT;
    default:
        (void)!op_copy_object(core,
                              &(struct copy_object_request){
                                  .space = space,
                                  .object = memory,
                                  .rights = rights,
                                  .is_to_object = (record->form & 4) != 0,
                                  .address = {page_address(record->page) + record->flags[0]},
                                  .offset = record->target * UINT64_C(700),
                                  .length = record->pages * UINT64_C(1000)},
                              &copied);
        return ERR_OK;
    }
}

/* Pin pages of any space, or drop one of the last four pins, whosever it is. */
static enum err request_pin(struct space *space, const struct record *record)
{
    struct core *core = &machine.world->core;
    struct space *of = machine.space[record->target % SPACES];
    const struct pin_request request = {.owner = space,
                                        .address = {page_address(record->page)},
                                        .pages = record->pages,
                                        .flags = record->flags[0] & PIN_FLAGS,
                                        .purpose = "fuzz"};
    struct pin_answer answer;

    if ((record->form & 2) != 0) {
        return op_unpin(core, space, core->head->pins.number - record->value % 4, record->flags[1]);
    }
    return of == NULL ? ERR_OK : op_pin(core, of, &request, &answer);
}

typedef enum err request_function(struct space *space, const struct record *record);

static request_function *const functions[] = {
    request_map,    request_map,    request_unmap,  request_protect,  request_remap,
    request_advise, request_lock,   request_unlock, request_lock_all, request_sync,
    request_incore, request_limits, request_copy,   request_query,    request_touch,
    request_touch,  request_touch,  request_clone,  request_object,   request_object,
    request_pin,    request_pin,
};

/* What is refused in the STRICT form must be as if it had never been asked. */
static void carry_out(const struct record *record)
{
    static struct snapshot before;
    static struct snapshot after;
    struct space *space = machine.space[record->space % SPACES];

    space = space != NULL ? space : machine.space[0];
    snapshot_take(machine.world, &before);
    enum err error =
        functions[record->op % (sizeof(functions) / sizeof(functions[0]))](space, record);
    core_done(&machine.world->core);
    if (error != ERR_OK && (record->form & 1) == 0) {
        snapshot_take(machine.world, &after);
        ASSERT(snapshot_is_equal(&before, &after));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 2 + RECORD_BYTES || size > 2 + RECORDS_MAX * RECORD_BYTES) {
        return 0;
    }
    machine.world = world_make(FRAMES_LEAST + bytes[0] * 4u, bytes[1] % 3u);
    machine.object = world_object(machine.world, 8);
    machine.memory = 0;
    core_settle(&machine.world->core);
    const uint64_t free = pool_free(&machine.world->core);

    memset(machine.space, 0, sizeof(machine.space));
    machine.space[0] = world_space(machine.world);
    for (size_t at = 2; at + RECORD_BYTES <= size; at += RECORD_BYTES) {
        struct record record;

        memcpy(&record, bytes + at, sizeof(record));
        carry_out(&record);
    }
    world_audit(machine.world);
    for (unsigned i = 0; i < SPACES; i++) {
        if (machine.space[i] != NULL) {
            space_end(&machine.world->core, machine.space[i]);
        }
    }
    core_settle(&machine.world->core);
    ASSERT(pool_free(&machine.world->core) == free);
    world_free(machine.world);
    return 0;
}
