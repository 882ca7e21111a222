/* SPDX-License-Identifier: MIT */
#include "stall.h"

#include <string.h>

#include <base/assert.h>
#include <mem/prot.h>
#include <tap.h>

struct stall stall;

struct core *stall_core(void)
{
    return &stall.patient.world->core;
}

/* An address range in which the pager prepares pages. */
static void make_memory(struct space *server)
{
    world_map(stall.patient.world, server, FROM, 256, MEM_PROT_READ | MEM_PROT_WRITE);
}

static void map_object(uint32_t pages)
{
    const struct map_request request = {
        .address = world_address(AT),
        .length = (uint64_t)pages * PAGE_SIZE,
        .prot = MEM_PROT_READ | MEM_PROT_WRITE,
        .flags = MEM_MAP_SHARED | MEM_MAP_FIXED,
        .object = stall.object,
        .rights = MAP_RIGHT_READ | MAP_RIGHT_WRITE | MAP_RIGHT_MAPPABLE,
    };
    uaddr_t address;

    EXPECT_ERR(op_map(stall_core(), stall.client, &request, &address), ERR_OK);
}

static void start(uint32_t pages, uint32_t window, uint64_t patience, uint32_t flags)
{
    const struct pager_object_request request = {
        .key = STALL_KEY,
        .bytes = (uint64_t)pages * PAGE_SIZE,
        .patience = patience,
        .window = window,
        .flags = flags,
    };

    memset(&stall, 0, sizeof stall);
    stall.patient.world = world_make(WORLD_FRAMES, COMMIT_NEVER);
    stall.client = world_space(stall.patient.world);
    stall.server = world_space(stall.patient.world);
    make_memory(stall.server);
    stall_core()->time = 1;
    EXPECT_ERR(op_pager_make(stall_core(), stall.server, &(struct pager_request){.is_served = true},
                             &stall.named),
               ERR_OK);
    EXPECT_ERR(op_pager_object(stall_core(), stall.server, stall.named, &request, &stall.object),
               ERR_OK);
    map_object(pages);
    for (unsigned i = 0; i < STALL_THREADS; i++) {
        stall.threads[i] = patient_thread(&stall.patient, stall.client);
        stall.thread_numbers[i] = stall.threads[i]->number;
    }
    stall.client_number = stall.client->number;
    stall.server_number = stall.server->number;
    stall.named_number = stall.named->number;
    stall.object_number = stall.object->number;
}

void stall_restart(void)
{
    const uint64_t time = stall_core()->time;
    uint32_t torn = 0;

    world_restart(stall.patient.world);
    stall_core()->time = time;
    EXPECT_ERR(core_recover(stall_core(), &torn), ERR_OK);
    stall.client = space_find(stall_core(), stall.client_number);
    stall.server = space_find(stall_core(), stall.server_number);
    stall.named = object_find(stall_core(), stall.named_number);
    stall.object = object_find(stall_core(), stall.object_number);
    for (unsigned i = 0; i < STALL_THREADS; i++) {
        stall.threads[i] = thread_find(stall_core(), stall.thread_numbers[i]);
        stall.patient.answers[stall.thread_numbers[i]].is_there = true;
    }
    world_audit(stall.patient.world);
}

void stall_start(uint32_t pages, uint32_t window)
{
    start(pages, window, STALL_PATIENCE, 0);
}

void stall_start_waiting(uint32_t pages, uint32_t window)
{
    start(pages, window, STALL_PATIENCE, OBJECT_WAITS);
    shared_enter(stall_core());
    const bool has_room = arena_page_reserve(stall_core(), hold_needs(stall_core()));
    EXPECT(has_room);
    hold_take(stall_core(), stall.client, stall.named); /* so that somebody can attach */
    shared_leave(stall_core());
}

void stall_start_endless(uint32_t pages, uint32_t window)
{
    start(pages, window, UINT64_MAX, 0);
}

void stall_finish(void)
{
    world_audit(stall.patient.world);
    /* All ends, and nothing is left. */
    while (space_first(stall_core()) != NULL) {
        space_end(stall_core(), space_first(stall_core()));
        world_audit(stall.patient.world);
    }
    EXPECT_U64(stall_core()->head->objects.records, 0);
    EXPECT_U64(stall_core()->head->pagers.first, 0);
    EXPECT_U64(stall_core()->head->pagers.ready.first, 0);
    world_free(stall.patient.world);
}

bool stall_read(unsigned thread, uint32_t page)
{
    return patient_read(&stall.patient, stall.threads[thread], page);
}

bool stall_write(unsigned thread, uint32_t page, uint64_t word)
{
    return patient_write(&stall.patient, stall.threads[thread], page, word);
}

bool stall_is_answered(unsigned thread)
{
    return patient_answer(&stall.patient, stall.threads[thread])->is_there;
}

uint64_t stall_order(unsigned thread)
{
    return stall.patient.orders[stall.threads[thread]->number];
}

void stall_expect_read(unsigned thread, uint64_t word)
{
    const struct patient_answer *answer = patient_answer(&stall.patient, stall.threads[thread]);

    EXPECT(answer->is_there);
    EXPECT_ERR(answer->error, ERR_OK);
    EXPECT_U64(answer->value, word);
}

void stall_expect_signal(unsigned thread, enum err reason)
{
    const struct patient_answer *answer = patient_answer(&stall.patient, stall.threads[thread]);

    EXPECT(answer->is_there);
    EXPECT_ERR(answer->error, reason);
}

void stall_sequential(void)
{
    EXPECT(patient_ask(
        &stall.patient, stall.threads[0],
        (uint64_t[WAIT_WORDS]){ASK_ADVISE, AT, stall.object->pages.v, MEM_ADVISE_SEQUENTIAL}));
}

uint64_t stall_word(uint64_t page)
{
    return STALL_KEY * 1000 + page;
}

void stall_fill(uint64_t page)
{
    EXPECT_U64(
        world_write(stall.patient.world, stall.server, FROM + (uint32_t)page, stall_word(page)),
        FAULT_READY);
}

enum err stall_next(struct pager_work *work)
{
    return op_pager_next(stall_core(), stall.server, stall.named, work);
}

enum err stall_supply_raw(const struct pager_work *work, uint64_t first, uint64_t pages,
                          enum supply_way way)
{
    const struct supply_request request = {
        .number = work->number,
        .first = work->first + first,
        .pages = pages,
        .generation = work->generation,
        .address = world_address(FROM + (uint32_t)(work->first + first)),
        .way = way,
    };
    uint64_t done;
    const enum err error = op_supply(stall_core(), stall.server, stall.named, &request, &done);

    EXPECT(error != ERR_OK || done == pages);
    core_done(stall_core());
    patient_go_on(&stall.patient);
    return error;
}

enum err stall_supply_part(const struct pager_work *work, uint64_t first, uint64_t pages,
                           enum supply_way way)
{
    for (uint64_t i = 0; i < pages && first < work->pages && way != SUPPLY_ZERO; i++) {
        stall_fill(work->first + first + i);
    }
    return stall_supply_raw(work, first, pages, way);
}

enum err stall_supply(const struct pager_work *work, enum supply_way way)
{
    return stall_supply_part(work, 0, work->pages, way);
}

enum err stall_fail(const struct pager_work *work, uint64_t first, uint64_t pages, enum err reason)
{
    const struct settle_request request = {.number = work->number,
                                           .first = work->first + first,
                                           .pages = pages,
                                           .generation = work->generation,
                                           .reason = reason};
    const enum err error = op_supply_fail(stall_core(), stall.server, stall.named, &request);

    patient_go_on(&stall.patient);
    return error;
}

enum err stall_wrote(const struct pager_work *work, enum err reason)
{
    return stall_wrote_part(work, 0, work->pages, reason);
}

enum err stall_wrote_part(const struct pager_work *work, uint64_t first, uint64_t pages,
                          enum err reason)
{
    const struct settle_request request = {.number = work->number,
                                           .first = work->first + first,
                                           .pages = pages,
                                           .generation = work->generation,
                                           .reason = reason};
    const enum err error = op_supply_wrote(stall_core(), stall.server, stall.named, &request);

    op_pageout_finish(stall_core());
    patient_go_on(&stall.patient);
    return error;
}

void stall_end_server(void)
{
    space_end(stall_core(), stall.server);
    stall.server = NULL;
    patient_go_on(&stall.patient);
}

void stall_attach(void)
{
    stall.server = world_space(stall.patient.world);
    stall.server_number = stall.server->number;
    make_memory(stall.server);
    EXPECT_ERR(op_pager_attach(stall_core(), stall.server, stall.named), ERR_OK);
    patient_go_on(&stall.patient);
}
