/* SPDX-License-Identifier: MIT */
/* Swap areas: too small, too slow, lying, failing, ended; what they cost, and who may have one. */
#include <tap.h>

#include <base/assert.h>
#include <mem/prot.h>

#include "swapper.h"

#include "server/core/budget.h"
#include "server/core/paged.h"
#include "server/core/shadow.h"
#include "server/core/sweep.h"

/* Let nothing be free but what is kept. */
static void starve(void)
{
    world_starve(swapper.patient.world, swapper_core()->head->pool.kept);
}

static const uint64_t a_write[WAIT_WORDS] = {ASK_TOUCH, SWAPPER_AT + 100, MEM_PROT_WRITE, 1};

/* A thread has no frame, and pages are on their way out. */
static void start_waiting_for_a_frame(void)
{
    swapper_start(SWAPPER_FRAMES, 256, 8);
    swapper_map(0, 128);
    for (uint32_t page = 0; page < 64; page++) {
        swapper_write(page, swapper_word(page));
    }
    starve();
    EXPECT(!patient_ask(&swapper.patient, swapper.threads[1], a_write));
    EXPECT(!patient_answer(&swapper.patient, swapper.threads[1])->is_there);
    EXPECT(swapper_core()->head->reclaim.waiters.first != 0);
}

TAP_TEST(who_finds_no_frame_waits_for_what_is_being_saved)
{
    start_waiting_for_a_frame();
    swapper_serve();
    EXPECT(patient_answer(&swapper.patient, swapper.threads[1])->is_there);
    EXPECT_ERR(patient_answer(&swapper.patient, swapper.threads[1])->error, ERR_OK);
    swapper_finish();
}

TAP_TEST(an_area_that_never_answers_is_a_bus_error_after_its_time)
{
    start_waiting_for_a_frame();
    patient_pass(&swapper.patient, SWAPPER_PATIENCE);
    EXPECT(patient_answer(&swapper.patient, swapper.threads[1])->is_there);
    EXPECT_ERR(patient_answer(&swapper.patient, swapper.threads[1])->error, ERR_TIMEDOUT);
    swapper_finish();
}

static enum err answer_wrote(const struct pager_work *work, enum err reason)
{
    const struct settle_request settle = {.number = work->number,
                                          .first = work->first,
                                          .pages = work->pages,
                                          .generation = work->generation,
                                          .reason = reason};
    const enum err error = op_supply_wrote(swapper_core(), swapper.server, swapper.named, &settle);

    patient_go_on(&swapper.patient);
    return error;
}

TAP_TEST(an_area_that_cannot_save_is_a_bus_error_with_its_reason)
{
    struct pager_work work;

    start_waiting_for_a_frame();
    while (swapper_take(&work) == ERR_OK) {
        EXPECT_ERR(answer_wrote(&work, ERR_IO), ERR_OK);
        if (patient_answer(&swapper.patient, swapper.threads[1])->is_there) {
            break;
        }
    }
    EXPECT(patient_answer(&swapper.patient, swapper.threads[1])->is_there);
    EXPECT_ERR(patient_answer(&swapper.patient, swapper.threads[1])->error, ERR_IO);
    /* Nothing is lost. */
    for (uint32_t page = 0; page < 64; page++) {
        EXPECT_U64(swapper_read(page), swapper_word(page));
    }
    swapper_finish();
}

TAP_TEST(a_save_that_fails_refuses_nobody_who_another_may_help)
{
    struct pager_work failing;

    start_waiting_for_a_frame();
    EXPECT_ERR(swapper_take(&failing), ERR_OK);
    EXPECT_U64(failing.kind, PAGER_WORK_SAVE);
    EXPECT_ERR(answer_wrote(&failing, ERR_IO), ERR_OK);
    EXPECT(!patient_answer(&swapper.patient, swapper.threads[1])->is_there);
    world_audit(swapper.patient.world);
    swapper_serve();
    EXPECT(patient_answer(&swapper.patient, swapper.threads[1])->is_there);
    EXPECT_ERR(patient_answer(&swapper.patient, swapper.threads[1])->error, ERR_OK);
    swapper_finish();
}

TAP_TEST(an_area_that_ends_is_a_bus_error_for_who_touches_what_it_had)
{
    swapper_start_away(16);
    EXPECT_U64(swapper_read(2), swapper_word(2));
    swapper_write(3, 33);
    space_end(swapper_core(), swapper.server);
    swapper.server = NULL;
    patient_go_on(&swapper.patient);
    world_audit(swapper.patient.world);
    EXPECT(patient_read(&swapper.patient, swapper.threads[0], SWAPPER_AT));
    EXPECT_ERR(patient_answer(&swapper.patient, swapper.threads[0])->error, ERR_PEER_GONE);
    /* What is in memory is there, and stays. */
    for (unsigned i = 0; i < 4; i++) {
        reclaim_serve(swapper_core());
    }
    EXPECT(patient_read(&swapper.patient, swapper.threads[0], SWAPPER_AT + 2));
    EXPECT_U64(patient_answer(&swapper.patient, swapper.threads[0])->value, swapper_word(2));
    EXPECT(patient_read(&swapper.patient, swapper.threads[0], SWAPPER_AT + 3));
    EXPECT_U64(patient_answer(&swapper.patient, swapper.threads[0])->value, 33);
    /* A new one is no obstacle; the old one goes with its last page. */
    EXPECT_ERR(op_unmap(swapper_core(), swapper.client, world_address(SWAPPER_AT), 16 * PAGE_SIZE),
               ERR_OK);
    swap_tidy(swapper_core());
    EXPECT_U64(swapper_core()->head->pool.kept, 0);
    swapper_finish();
}

TAP_TEST(lies_of_the_area_are_refused)
{
    struct pager_work work;
    struct pager_work wrong;

    swapper_start_away(8);
    EXPECT(!patient_read(&swapper.patient, swapper.threads[0], SWAPPER_AT));
    EXPECT_ERR(swapper_take(&work), ERR_OK);
    EXPECT_U64(work.kind, PAGER_WORK_PULL);
    wrong = work;
    wrong.generation += 64;
    EXPECT_ERR(swapper_answer(&wrong), ERR_STALE);
    const struct settle_request saved = {.number = work.number,
                                         .first = work.first,
                                         .pages = work.pages,
                                         .generation = work.generation,
                                         .reason = ERR_OK};
    EXPECT_ERR(op_supply_wrote(swapper_core(), swapper.server, swapper.named, &saved), ERR_STALE);
    wrong = work;
    wrong.first += work.pages;
    EXPECT_ERR(swapper_answer(&wrong), ERR_RANGE);
    EXPECT_ERR(swapper_answer(&work), ERR_OK);
    EXPECT_ERR(swapper_answer(&work), ERR_STALE);
    EXPECT_U64(patient_answer(&swapper.patient, swapper.threads[0])->value, swapper_word(0));
    /* Nobody else reads what is in there, nor does anybody map it. */
    const struct copy_object_request copy = {.space = swapper.client,
                                             .object = swapper.area,
                                             .rights = MAP_RIGHT_READ,
                                             .address = world_address(SWAPPER_AT),
                                             .length = PAGE_SIZE};
    uint64_t copied;
    EXPECT_ERR(op_copy_object(swapper_core(), &copy, &copied), ERR_ACCES);
    EXPECT_ERR(swapper_ask(swapper.threads[0],
                           (uint64_t[WAIT_WORDS]){ASK_MAP_OBJECT, SWAPPER_AT + 64, 1, MEM_PROT_READ,
                                                  MEM_MAP_SHARED, swapper.area->number, 0})
                   ->error,
               ERR_NODEV);
    EXPECT_ERR(op_object_resize(swapper_core(), swapper.server, swapper.area, MAP_RIGHT_WRITE, 0),
               ERR_INVAL);
    swapper_finish();
}

TAP_TEST(a_full_area_is_a_bus_error_for_who_wants_more)
{
    swapper_start(SWAPPER_FRAMES, 16, 8);
    swapper_map(0, 2 * SWAPPER_FRAMES);
    uint32_t page = 0;
    const struct patient_answer *answer;
    do {
        answer = swapper_ask(swapper.threads[0],
                             (uint64_t[WAIT_WORDS]){ASK_TOUCH, SWAPPER_AT + page, MEM_PROT_WRITE,
                                                    swapper_word(page)});
        page++;
    } while (answer->error == ERR_OK && page < 2 * SWAPPER_FRAMES);
    EXPECT_ERR(answer->error, ERR_NOMEM);
    EXPECT_U64(swapper_used(), 16);
    EXPECT(swapper_counts().failed != 0);
    world_audit(swapper.patient.world);
    /* With room again it goes on; and nothing is lost. */
    EXPECT_ERR(op_unmap(swapper_core(), swapper.client, world_address(SWAPPER_AT), 64 * PAGE_SIZE),
               ERR_OK);
    for (uint32_t i = 64; i < page - 1; i++) {
        EXPECT_U64(swapper_read(i), swapper_word(i));
    }
    swapper_finish();
}

TAP_TEST(an_area_raises_what_may_be_promised_and_costs_what_it_takes)
{
    swapper_prepare(SWAPPER_FRAMES, 256, 8);
    struct core *core = swapper_core();
    world_budget(swapper.server, 100);
    const uint64_t limit = core->head->commit.limit;
    EXPECT_ERR(op_swap(core, swapper.server, swapper.area, true), ERR_OK);
    EXPECT_U64(core->head->commit.limit, limit + 256);
    EXPECT_U64(core->head->pool.kept, SWAP_RESERVE);
    /* The cost comes out of it, and the slots into it. */
    EXPECT_U64(swapper.server->budget.left, 100 + 256 - swap_cost(256));
    world_audit(swapper.patient.world);
    EXPECT_ERR(op_swap(core, swapper.server, swapper.area, true), ERR_BUSY);
    EXPECT_ERR(op_swap(core, swapper.server, swapper.area, false), ERR_OK);
    EXPECT_U64(core->head->commit.limit, limit);
    EXPECT_U64(core->head->pool.kept, 0);
    EXPECT_U64(swapper.server->budget.left, 100);
    EXPECT_ERR(op_swap(core, swapper.server, swapper.area, false), ERR_INVAL);
    swapper_finish();
}

TAP_TEST(an_area_that_is_switched_off_stays_until_its_pages_are_not_needed)
{
    swapper_start_away(8);
    const uint64_t slots = npages_number(swapper.area->pages);
    const uint64_t limit = swapper_core()->head->commit.limit;
    EXPECT_ERR(op_swap(swapper_core(), swapper.server, swapper.area, false), ERR_OK);
    /* Room that is given to nobody any longer is promised to nobody. */
    EXPECT_U64(swapper_core()->head->commit.limit, limit - slots + 8);
    EXPECT_U64(swapper_read(0), swapper_word(0));
    swapper_squeeze();
    EXPECT_U64(swapper_used(), 8);
    for (uint32_t page = 0; page < 8; page++) {
        swapper_write(page, 1);
    }
    EXPECT_U64(swapper_used(), 0);
    reclaim_serve(swapper_core());
    EXPECT_U64(swapper_core()->head->pool.kept, 0);
    EXPECT_U64(swapper_core()->head->commit.limit, limit - slots);
    EXPECT_U64(swapper.client->swapped, 0);
    swapper_finish();
}

TAP_TEST(who_may_not_have_an_area_is_told)
{
    struct space *server;
    struct core *core;

    swapper_prepare(SWAPPER_FRAMES, 256, 8);
    core = swapper_core();
    server = swapper.server;
    server->settings.privileges &= ~SPACE_PRIVILEGE_SWAP;
    EXPECT_ERR(op_swap(core, server, swapper.area, true), ERR_PERM);
    server->settings.privileges |= SPACE_PRIVILEGE_SWAP;
    EXPECT_ERR(op_swap(core, server, swapper.named, true), ERR_INVAL);
    swapper.client->settings.privileges |= SPACE_PRIVILEGE_SWAP;
    EXPECT_ERR(op_swap(core, swapper.client, swapper.area, true), ERR_PERM);
    server->future = 0;
    EXPECT_ERR(op_swap(core, server, swapper.area, true), ERR_INVAL);
    server->future = REGION_LOCKED;
    swapper.area->patience = UINT64_MAX;
    EXPECT_ERR(op_swap(core, server, swapper.area, true), ERR_INVAL);
    swapper.area->patience = SWAPPER_PATIENCE;
    world_budget(server, swap_cost(256) - 1);
    EXPECT_ERR(op_swap(core, server, swapper.area, true), ERR_NOMEM);
    EXPECT_U64(core->head->pool.kept, 0);
    world_audit(swapper.patient.world);
    world_budget(server, swap_cost(256));
    EXPECT_ERR(op_swap(core, server, swapper.area, true), ERR_OK);
    swapper_finish();
}

/* Frames below the first that core was given have no records; the hand comes there when it begins
 * anew. */
TAP_TEST(the_hand_passes_over_records_that_are_not_there)
{
    struct world *world = world_make_at(3 * POOL_RECORDS, 4 * POOL_RECORDS, COMMIT_NEVER);

    EXPECT_U64(arena_frame(&world->core, ARENA_RECORDS), 0);
    /* In the machine there is no memory behind it; here, what ends the test if it is looked at. */
    world->core.frames[1] = (struct frame){.kind = FRAME_USER, .owner = UINT32_MAX, .page = 1};
    world->core.head->reclaim.hand = 4 * POOL_RECORDS;
    EXPECT(sweep_run(&world->core, 1) == SWEEP_NOTHING);
    EXPECT(world->core.head->reclaim.hand < 4 * POOL_RECORDS);
    world_audit(world);
    world_free(world);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(who_finds_no_frame_waits_for_what_is_being_saved),
        TAP(an_area_that_never_answers_is_a_bus_error_after_its_time),
        TAP(an_area_that_cannot_save_is_a_bus_error_with_its_reason),
        TAP(a_save_that_fails_refuses_nobody_who_another_may_help),
        TAP(an_area_that_ends_is_a_bus_error_for_who_touches_what_it_had),
        TAP(lies_of_the_area_are_refused),
        TAP(a_full_area_is_a_bus_error_for_who_wants_more),
        TAP(an_area_raises_what_may_be_promised_and_costs_what_it_takes),
        TAP(an_area_that_is_switched_off_stays_until_its_pages_are_not_needed),
        TAP(who_may_not_have_an_area_is_told),
        TAP(the_hand_passes_over_records_that_are_not_there),
    };

    return TAP_RUN(argc, argv, tests);
}
