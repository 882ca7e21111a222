/* SPDX-License-Identifier: MIT */
#include "pinned.h"

#include <base/assert.h>

#include "server/core/shared.h"

void pinned_make(struct pinned *pinned)
{
    struct space_settings settings = world_settings();
    struct space *space = NULL;

    pinned->world = world_make(2500, COMMIT_NEVER);
    pinned->client = world_space(pinned->world);
    settings.privileges = SPACE_PRIVILEGE_PHYSICAL | SPACE_PRIVILEGE_DMA;
    enum err error = space_make(&pinned->world->core, &settings, &space);

    ASSERT(error == ERR_OK);
    pinned->driver = space;
}

void pinned_free(struct pinned *pinned)
{
    struct core *core = &pinned->world->core;

    world_audit(pinned->world);
    space_end(core, pinned->driver);
    world_audit(pinned->world);
    (void)pin_reset(core, PINNED_DEVICE);
    world_audit(pinned->world);
    space_end(core, pinned->client);
    world_audit(pinned->world);
    ASSERT(core->head->pins.records.records == 0 && core->head->pins.pinners.records == 0);
    ASSERT(core->head->pins.detained == 0 && core->head->pins.quarantined == 0);
    world_free(pinned->world);
}

static struct pin_request request_for(const struct pinned *pinned, uint32_t page, uint32_t pages,
                                      uint32_t flags)
{
    return (struct pin_request){
        .owner = pinned->driver,
        .address = world_address(page),
        .pages = pages,
        .flags = flags,
        .purpose = "test",
    };
}

enum err pinned_pin(const struct pinned *pinned, uint32_t page, uint32_t pages, uint32_t flags,
                    struct pin_answer *answer)
{
    const struct pin_request request = request_for(pinned, page, pages, flags);
    enum err error = op_pin(&pinned->world->core, pinned->client, &request, answer);

    core_done(&pinned->world->core);
    world_audit(pinned->world);
    return error;
}

static uint64_t number_of(enum err error, const struct pin_answer *answer, uint32_t pages)
{
    ASSERT(error == ERR_OK && answer->pages == pages);
    return answer->pin_opt == NULL ? 0 : answer->pin_opt->number;
}

uint64_t pinned_all(const struct pinned *pinned, uint32_t page, uint32_t pages, uint32_t flags)
{
    struct pin_answer answer;
    enum err error = pinned_pin(pinned, page, pages, flags | MEM_PIN_GET, &answer);

    return number_of(error, &answer, pages);
}

uint64_t pinned_device(const struct pinned *pinned, uint32_t page, uint32_t pages)
{
    struct pin_request request =
        request_for(pinned, page, pages, MEM_PIN_GET | MEM_PIN_WRITE | MEM_PIN_LONGTERM);
    struct pin_answer answer;

    request.device = PINNED_DEVICE;
    enum err error = op_pin(&pinned->world->core, pinned->client, &request, &answer);

    return number_of(error, &answer, pages);
}

enum err pinned_unpin(const struct pinned *pinned, uint64_t number)
{
    enum err error = op_unpin(&pinned->world->core, pinned->driver, number, 0);

    world_audit(pinned->world);
    return error;
}

void pinned_map(const struct pinned *pinned, uint32_t page, uint32_t pages, uint32_t prot,
                uint32_t flags, struct object *object_opt)
{
    const struct map_request request = {
        .address = world_address(page),
        .length = (uint64_t)pages * PAGE_SIZE,
        .prot = prot,
        .flags = flags | MEM_MAP_FIXED | (object_opt == NULL ? MEM_MAP_ANONYMOUS : 0),
        .object = object_opt,
        .rights = MAP_RIGHT_READ | MAP_RIGHT_MAPPABLE |
                  (object_opt != NULL && object_opt->kind == OBJECT_WIRED ? 0 : MAP_RIGHT_WRITE),
    };
    uaddr_t address;
    enum err error = op_map(&pinned->world->core, pinned->client, &request, &address);

    ASSERT(error == ERR_OK);
}

void pinned_unmap(const struct pinned *pinned, uint32_t page, uint32_t pages)
{
    enum err error = op_unmap(&pinned->world->core, pinned->client, world_address(page),
                              (uint64_t)pages * PAGE_SIZE);

    ASSERT(error == ERR_OK);
    world_audit(pinned->world);
}

void pinned_protect(const struct pinned *pinned, uint32_t page, uint32_t pages, uint32_t prot)
{
    const struct protect_request request = {
        .address = world_address(page), .length = (uint64_t)pages * PAGE_SIZE, .prot = prot};
    enum err error = op_protect(&pinned->world->core, pinned->client, &request);

    ASSERT(error == ERR_OK);
}

struct object *pinned_memory(const struct pinned *pinned, uint32_t pages)
{
    const struct object_request request = {.bytes = (uint64_t)pages * PAGE_SIZE};
    struct object *object = NULL;
    enum err error = op_object_make(&pinned->world->core, pinned->client, &request, &object);

    ASSERT(error == ERR_OK);
    return object;
}

struct space *pinned_clone(const struct pinned *pinned)
{
    struct space *clone = NULL;
    enum err error = op_clone(&pinned->world->core, pinned->client,
                              &(struct clone_request){.priority = 10}, &clone);

    ASSERT(error == ERR_OK);
    world_audit(pinned->world);
    return clone;
}

uint32_t pinned_frame(const struct pinned *pinned, uint64_t number, uint32_t page)
{
    const struct core *core = &pinned->world->core;
    struct pin *pin = pin_find(core, number);

    ASSERT(pin != NULL && page < pin->count);
    const uint32_t frame = pin_frames(core, pin)[page] & ~PIN_FOR_GOOD;

    return (uint32_t)(pool_pfn(core, frame).v - MODEL_BASE);
}

uint64_t pinned_seen(const struct pinned *pinned, uint64_t number, uint32_t page)
{
    return model_read(pinned->world->port, pinned_frame(pinned, number, page));
}

void pinned_written(const struct pinned *pinned, uint64_t number, uint32_t page, uint64_t word)
{
    model_write(pinned->world->port, pinned_frame(pinned, number, page), word);
}

void pinned_write(const struct pinned *pinned, uint32_t page, uint64_t word)
{
    enum fault_outcome outcome = world_write(pinned->world, pinned->client, page, word);

    ASSERT(outcome == FAULT_READY);
}

uint64_t pinned_read(const struct pinned *pinned, uint32_t page)
{
    uint64_t word = 0;
    enum fault_outcome outcome = world_read(pinned->world, pinned->client, page, &word);

    ASSERT(outcome == FAULT_READY);
    return word;
}

uint64_t pinned_left(const struct pinned *pinned)
{
    core_settle(&pinned->world->core);
    return pool_free(&pinned->world->core);
}
