/* SPDX-License-Identifier: MIT */
/*
 * ADVISE(PAGEOUT): how much one message looks at, whatever there is of pagers, regions and slots,
 * and what it leaves to others because of that.
 */
#include <tap.h>

#include <base/assert.h>
#include <mem/prot.h>

#include "swapper.h"

#include "server/core/evict.h"
#include "server/core/shadow.h"
#include "server/core/work.h"

#define RW     (MEM_PROT_READ | MEM_PROT_WRITE)
#define PAGERS 100u
#define FILE   0x6000u /* where the client maps an object */

/* The page that the next message begins with. */
static uint32_t rest;

/* Serve one message, which may do as much as any. Returns: how much it looked at. */
static uint64_t turn(uint32_t page, uint32_t pages, bool is_linux, enum err *error)
{
    struct core *core = swapper_core();
    const struct advise_request request = {.address = world_address(page),
                                           .length = (uint64_t)pages * PAGE_SIZE,
                                           .advice = MEM_ADVISE_PAGEOUT,
                                           .is_linux = is_linux};
    const uint64_t looks = swapper_counts().looks;

    core->has_turns = true;
    core->left = WORK_FILLED;
    *error = op_pageout(core, swapper.client, &request);
    core->has_turns = false;
    EXPECT_U64(core->need.kind, *error == ERR_WAIT ? NEED_TURN : NEED_NOTHING);
    rest = *error == ERR_WAIT ? (uint32_t)core->need.progress : page + pages;
    core->need = (struct need){0};
    core_done(core);
    return swapper_counts().looks - looks;
}

static void start(uint32_t pages)
{
    swapper_start(6 * SWAPPER_FRAMES, SWAPPER_SLOTS, 8);
    swapper_map(0, pages);
    for (uint32_t page = 0; page < pages; page++) {
        swapper_write(page, swapper_word(page));
    }
}

TAP_TEST(who_makes_memory_is_looked_for_once_a_message)
{
    enum err error;

    start(WORK_FILLED);
    for (uint32_t i = 0; i < PAGERS; i++) {
        const struct pager_request request = {.is_served = true};
        struct object *named;

        EXPECT_ERR(op_pager_make(swapper_core(), swapper.server, &request, &named), ERR_OK);
    }
    const uint64_t looks = turn(SWAPPER_AT, WORK_FILLED / 2, false, &error);
    EXPECT_ERR(error, ERR_OK);
    EXPECT(looks > PAGERS && looks <= PAGERS + 2 + WORK_FILLED);
    EXPECT_U64(swapper.client->swapped, WORK_FILLED / 2);
    swapper_finish();
}

/* However many pagers there are, each message deals with a page. */
TAP_TEST(a_message_gets_on_though_it_has_looked_at_more_than_a_turn)
{
    enum err error;

    start(4);
    for (uint32_t i = 0; i < 11 * PAGERS; i++) {
        const struct pager_request request = {.is_served = true};
        struct object *named;

        EXPECT_ERR(op_pager_make(swapper_core(), swapper.server, &request, &named), ERR_OK);
    }
    EXPECT(turn(SWAPPER_AT, 4, false, &error) >= 8 * 4 * WORK_FILLED);
    EXPECT_ERR(error, ERR_OK);
    EXPECT_U64(swapper.client->swapped, 4);
    swapper_finish();
}

TAP_TEST(each_region_of_the_linux_form_counts_though_nothing_is_there)
{
    const uint32_t regions = 4 * WORK_FILLED;
    uint32_t region = 0;
    unsigned turns = 0;
    enum err error;

    start(2);
    for (uint32_t i = 0; i < regions; i++) {
        world_map(swapper.patient.world, swapper.client, SWAPPER_AT + 2 + i, 1,
                  i % 2 == 0 ? MEM_PROT_READ : RW);
    }
    /* What is there stands last, so that the regions before it are passed. */
    world_map(swapper.patient.world, swapper.client, SWAPPER_AT + 2 + regions, 1, MEM_PROT_READ);
    EXPECT_U64(world_touch(swapper.patient.world, swapper.client, SWAPPER_AT + 2 + regions,
                           MEM_PROT_READ, &(uint64_t){0}),
               FAULT_READY);
    do {
        (void)turn(SWAPPER_AT + 2 + region, regions + 1 - region, true, &error);
        EXPECT(error == ERR_OK || error == ERR_WAIT);
        const uint32_t next = rest - SWAPPER_AT - 2;

        EXPECT(next > region && next <= region + WORK_FILLED + 1);
        region = next;
    } while (error == ERR_WAIT && ++turns < 20);
    EXPECT_ERR(error, ERR_OK);
    EXPECT(turns >= 3);
    swapper_finish();
}

TAP_TEST(slots_that_are_looked_at_count)
{
    const uint32_t apart = 32;
    const uint32_t free = SWAPPER_SLOTS / apart;
    uint32_t page = 0;
    enum err error;

    start(SWAPPER_SLOTS);
    while (page < SWAPPER_SLOTS) {
        (void)turn(SWAPPER_AT + page, SWAPPER_SLOTS - page, false, &error);
        page = rest - SWAPPER_AT;
    }
    for (page = 0; page < SWAPPER_SLOTS; page += apart) {
        EXPECT_ERR(
            op_unmap(swapper_core(), swapper.client, world_address(SWAPPER_AT + page), PAGE_SIZE),
            ERR_OK);
    }
    EXPECT_U64(swapper_used(), SWAPPER_SLOTS - free);
    swapper_map(2 * SWAPPER_SLOTS, free);
    for (page = 0; page < free; page++) {
        swapper_write(2 * SWAPPER_SLOTS + page, swapper_word(page));
    }
    /* 8 looks count as a page that is passed, and 4 of these as one that is taken. */
    EXPECT(turn(SWAPPER_AT + 2 * SWAPPER_SLOTS, free, false, &error) <=
           8 * 4 * WORK_FILLED / 2 + 40);
    EXPECT_ERR(error, ERR_WAIT);
    page = rest - SWAPPER_AT - 2 * SWAPPER_SLOTS;
    EXPECT(page >= free / 2 && page <= free / 2 + 1);
    EXPECT_U64(swapper_used(), SWAPPER_SLOTS - free + page);
    swapper_finish();
}

/* Another pager, which serves an object that the client maps. */
static struct object *named;

static void map_object(const struct object *object, uint32_t first, uint32_t regions)
{
    for (uint32_t i = first; i < first + regions; i++) {
        EXPECT(patient_ask(&swapper.patient, swapper.threads[0],
                           (uint64_t[WAIT_WORDS]){ASK_MAP_OBJECT, FILE + 2 * i, 1, RW,
                                                  MEM_MAP_SHARED, object->number, 0}));
    }
}

/* A page of an object, in so many regions, of which the first has it. */
static struct object *start_regions(uint32_t regions)
{
    const struct pager_request pager = {.is_served = true};
    const struct pager_object_request request = {
        .key = 7, .bytes = PAGE_SIZE, .patience = SWAPPER_PATIENCE, .window = 1};
    struct object *object;
    struct pager_work work;
    uint64_t done;

    start(4);
    EXPECT_ERR(op_pager_make(swapper_core(), swapper.server, &pager, &named), ERR_OK);
    EXPECT_ERR(op_pager_object(swapper_core(), swapper.server, named, &request, &object), ERR_OK);
    map_object(object, 0, regions);
    EXPECT(!patient_read(&swapper.patient, swapper.threads[0], FILE));
    EXPECT_ERR(op_pager_next(swapper_core(), swapper.server, named, &work), ERR_OK);
    const struct supply_request supply = {.number = work.number,
                                          .first = work.first,
                                          .pages = work.pages,
                                          .generation = work.generation,
                                          .address = world_address(SWAPPER_FROM),
                                          .way = SUPPLY_COPY};
    EXPECT_ERR(op_supply(swapper_core(), swapper.server, named, &supply, &done), ERR_OK);
    patient_go_on(&swapper.patient);
    EXPECT(patient_answer(&swapper.patient, swapper.threads[0])->is_there);
    EXPECT_U64(object->resident, 1);
    return object;
}

TAP_TEST(a_page_of_an_object_with_few_regions_goes)
{
    const struct object *object = start_regions(EVICT_REGIONS);
    enum err error;

    EXPECT(turn(FILE, 1, false, &error) <= 2 + 2 * (EVICT_REGIONS + 1) * EVICT_REGION);
    EXPECT_ERR(error, ERR_OK);
    EXPECT_U64(object->resident, 0);
    swapper_finish();
}

TAP_TEST(a_page_of_an_object_with_many_regions_goes_from_its_space_and_is_left_to_reclaim)
{
    const struct object *object = start_regions(4 * EVICT_REGIONS);
    enum err error;

    EXPECT(turn(FILE, 1, false, &error) <= 2 + 2 * (EVICT_REGIONS + 1) * EVICT_REGION);
    EXPECT_ERR(error, ERR_OK);
    EXPECT_U64(swapper.client->wired, 0);
    EXPECT_U64(object->resident, 1);
    swapper_squeeze();
    EXPECT_U64(object->resident, 0);
    swapper_finish();
}

/* It had few when it was to leave. */
TAP_TEST(a_page_is_saved_and_left_to_reclaim_if_its_object_has_many_regions_by_then)
{
    struct object *object = start_regions(1);
    struct pager_work work;
    enum err error;

    EXPECT(patient_write(&swapper.patient, swapper.threads[0], FILE, 7));
    (void)turn(FILE, 1, false, &error);
    EXPECT_ERR(error, ERR_OK);
    EXPECT_U64(object->resident, 1);
    map_object(object, 1, 4 * EVICT_REGIONS);
    patient_pass(&swapper.patient, 0);
    EXPECT_ERR(op_pager_next(swapper_core(), swapper.server, named, &work), ERR_OK);
    const struct settle_request settle = {.number = work.number,
                                          .first = work.first,
                                          .pages = work.pages,
                                          .generation = work.generation};
    const uint64_t looks = swapper_counts().looks;
    EXPECT_ERR(op_supply_wrote(swapper_core(), swapper.server, named, &settle), ERR_OK);
    EXPECT_U64(swapper_core()->leave.pages, 1);
    op_pageout_finish(swapper_core());
    EXPECT(swapper_counts().looks - looks <= 2 + (EVICT_REGIONS + 1) * EVICT_REGION);
    EXPECT_U64(object->unsaved, 0);
    EXPECT_U64(object->resident, 1);
    swapper_squeeze();
    EXPECT_U64(object->resident, 0);
    swapper_finish();
}

TAP_TEST(what_clones_had_goes_when_they_have_ended_wherever_it_was_moved)
{
    struct space *clone = NULL;
    enum err error;

    start(4);
    EXPECT_ERR(
        op_clone(swapper_core(), swapper.client, &(struct clone_request){.priority = 10}, &clone),
        ERR_OK);
    swapper_move();
    space_end(swapper_core(), clone);
    EXPECT_U64(swapper.client->shared, 4);
    (void)turn(SWAPPER_AT + 64, 4, false, &error);
    EXPECT_ERR(error, ERR_OK);
    EXPECT_U64(swapper.client->shared, 0);
    EXPECT_U64(swapper.client->swapped, 4);
    world_audit(swapper.patient.world);
    for (uint32_t page = 0; page < 4; page++) {
        EXPECT_U64(swapper_read(64 + page), swapper_word(page));
    }
    /* Mapped there from the slots' frames, they go at once when those are saved. */
    for (unsigned i = 0; i < 20; i++) {
        patient_pass(&swapper.patient, 1);
        swapper_serve();
    }
    (void)turn(SWAPPER_AT + 64, 4, false, &error);
    EXPECT_ERR(error, ERR_OK);
    for (unsigned i = 0; i < 20; i++) {
        patient_pass(&swapper.patient, 1);
        swapper_serve();
    }
    for (uint32_t page = 0; page < 4; page++) {
        EXPECT(swapper_is_away(64 + page));
    }
    swapper_finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(who_makes_memory_is_looked_for_once_a_message),
        TAP(a_message_gets_on_though_it_has_looked_at_more_than_a_turn),
        TAP(each_region_of_the_linux_form_counts_though_nothing_is_there),
        TAP(slots_that_are_looked_at_count),
        TAP(a_page_of_an_object_with_few_regions_goes),
        TAP(a_page_of_an_object_with_many_regions_goes_from_its_space_and_is_left_to_reclaim),
        TAP(a_page_is_saved_and_left_to_reclaim_if_its_object_has_many_regions_by_then),
        TAP(what_clones_had_goes_when_they_have_ended_wherever_it_was_moved),
    };

    return TAP_RUN(argc, argv, tests);
}
