/* SPDX-License-Identifier: MIT */
/*
 * Write-back of what nobody SYNCs: when, how much at once, and what is left alone.
 */
#include <tap.h>

#include <mem/prot.h>

#include "stall.h"
#include "swapper.h"

#include "server/core/shared.h"
#include "server/core/writeback.h"

#define AGE (STALL_PATIENCE / 2)

static struct pager_work work;

static void start(uint32_t pages, uint32_t window)
{
    stall_start_waiting(pages, window);
    stall_core()->head->pagers.age = AGE;
    stall_core()->head->pagers.deadline = 1; /* as by a pager that was made since */
}

/* Thread 0 writes to a page, which the pager supplies if it is not there. */
static void write_page(uint32_t page)
{
    if (!stall_write(0, AT + page, page)) {
        EXPECT_ERR(stall_next(&work), ERR_OK);
        EXPECT_ERR(stall_supply(&work, SUPPLY_ZERO), ERR_OK);
    }
    EXPECT(stall_is_answered(0));
}

/* Time passes in steps, as the server's timer has it. */
static void pass(uint64_t time)
{
    for (uint64_t done = 0; done < time; done += AGE / WRITEBACK_STEPS + 1) {
        patient_pass(&stall.patient, AGE / WRITEBACK_STEPS + 1);
    }
}

static void expect_save(uint64_t first, uint64_t pages)
{
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.kind, PAGER_WORK_SAVE);
    EXPECT_U64(work.first, first);
    EXPECT_U64(work.pages, pages);
}

TAP_TEST(what_nobody_syncs_is_saved_when_it_is_old_and_not_before)
{
    start(8, 4);
    write_page(1);
    pass(AGE - AGE / 10);
    EXPECT_ERR(stall_next(&work), ERR_WOULD_BLOCK);
    pass(AGE / 5);
    expect_save(1, 1);
    EXPECT_ERR(stall_wrote(&work, ERR_OK), ERR_OK);
    EXPECT_U64(stall.object->unsaved, 0);
    pass(3 * AGE);
    EXPECT_ERR(stall_next(&work), ERR_WOULD_BLOCK);
    stall_finish();
}

TAP_TEST(what_is_written_again_is_saved_again)
{
    start(8, 4);
    for (unsigned i = 0; i < 3; i++) {
        write_page(0);
        pass(AGE + AGE / 10);
        expect_save(0, 1);
        EXPECT_ERR(stall_wrote(&work, ERR_OK), ERR_OK);
    }
    stall_finish();
}

TAP_TEST(pages_in_a_row_are_saved_together_up_to_the_window)
{
    start(16, 4);
    for (uint32_t page = 0; page < 16; page++) {
        if (page != 9 && page != 3) {
            write_page(page);
        }
    }
    pass(AGE + AGE / 10);
    expect_save(12, 4);
    expect_save(10, 2);
    expect_save(5, 4);
    expect_save(4, 1);
    expect_save(0, 3);
    EXPECT_ERR(stall_next(&work), ERR_WOULD_BLOCK);
    stall_finish();
}

TAP_TEST(a_pager_has_few_pieces_of_it_at_a_time)
{
    start(64, 1);
    for (uint32_t page = 0; page < 64; page++) {
        write_page(page);
    }
    pass(AGE + AGE / 20);
    uint32_t taken = 0;
    while (stall_next(&work) == ERR_OK) {
        taken++;
    }
    EXPECT_U64(taken, WRITEBACK_PULLS);
    /* One is answered, and so one more is given. */
    EXPECT_ERR(stall_wrote(&work, ERR_OK), ERR_OK);
    pass(AGE / 40);
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_ERR(stall_next(&work), ERR_WOULD_BLOCK);
    stall_finish();
}

TAP_TEST(much_that_is_unsaved_is_not_waited_for_to_be_old)
{
    const uint32_t pages = WORLD_FRAMES / 10 + 64;

    start(pages, 64);
    for (uint32_t page = 0; page < pages; page++) {
        write_page(page);
    }
    EXPECT(stall_core()->head->pagers.unsaved > stall_core()->head->pool.total / 10);
    pass(AGE / 10);
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.kind, PAGER_WORK_SAVE);
    stall_finish();
}

TAP_TEST(what_cannot_be_saved_is_tried_again_and_told_to_the_next_sync)
{
    start(8, 4);
    write_page(2);
    pass(AGE + AGE / 10);
    expect_save(2, 1);
    EXPECT_ERR(stall_wrote(&work, ERR_IO), ERR_OK);
    pass(AGE + AGE / 10);
    expect_save(2, 1);
    EXPECT_ERR(stall_wrote(&work, ERR_OK), ERR_OK);
    EXPECT(patient_ask(&stall.patient, stall.threads[1], (uint64_t[WAIT_WORDS]){ASK_SYNC, AT, 8}));
    EXPECT_ERR(patient_answer(&stall.patient, stall.threads[1])->error, ERR_IO);
    EXPECT(patient_ask(&stall.patient, stall.threads[1], (uint64_t[WAIT_WORDS]){ASK_SYNC, AT, 8}));
    EXPECT_ERR(patient_answer(&stall.patient, stall.threads[1])->error, ERR_OK);
    stall_finish();
}

TAP_TEST(while_nobody_serves_the_pager_nothing_is_asked_of_it)
{
    start(8, 4);
    write_page(2);
    stall_end_server();
    pass(3 * AGE);
    stall_attach();
    EXPECT_ERR(stall_next(&work), ERR_WOULD_BLOCK);
    pass(AGE + AGE / 5);
    expect_save(2, 1);
    stall_finish();
}

TAP_TEST(what_nobody_maps_any_longer_is_saved_too)
{
    start(8, 4);
    write_page(7);
    EXPECT(patient_ask(&stall.patient, stall.threads[0], (uint64_t[WAIT_WORDS]){ASK_UNMAP, AT, 8}));
    pass(AGE + AGE / 10);
    expect_save(7, 1);
    stall_finish();
}

TAP_TEST(a_new_instance_of_the_server_goes_on_with_it)
{
    start(8, 4);
    write_page(1);
    stall_restart();
    EXPECT(stall_core()->head->pagers.deadline <= stall_core()->time); /* the timer is set */
    pass(AGE + AGE / 5);
    expect_save(1, 1);
    stall_finish();
}

TAP_TEST(swap_areas_are_not_looked_at)
{
    struct pager_work taken;

    swapper_start(SWAPPER_FRAMES, 256, 8);
    swapper_core()->head->pagers.age = AGE;
    swapper_map(0, 128);
    for (uint32_t page = 0; page < 64; page++) {
        swapper_write(page, swapper_word(page));
    }
    world_starve(swapper.patient.world, swapper_core()->head->pool.kept);
    EXPECT(!patient_ask(&swapper.patient, swapper.threads[1],
                        (uint64_t[WAIT_WORDS]){ASK_TOUCH, SWAPPER_AT + 100, MEM_PROT_WRITE, 1}));
    while (swapper_take(&taken) == ERR_OK) { /* and never answered */
    }
    EXPECT_U64(swapper_core()->head->pagers.unsaved, 0);
    EXPECT(swapper.area->unsaved > 0);
    shared_enter(swapper_core());
    swapper_core()->head->pagers.time = 3 * AGE;
    EXPECT(writeback_run(swapper_core()) != UINT64_MAX);
    shared_leave(swapper_core());
    EXPECT_U64(swapper.area->is_in_round, 0);
    EXPECT_U64(swapper.area->unsaved_since, 0);
    EXPECT_ERR(swapper_take(&taken), ERR_WOULD_BLOCK);
    swapper_finish();
}

/* Where the client maps the other object, and pages of it. */
#define OTHER 0x10000u

/* One more object, made later, of `named`; the client writes to the first `dirty` of its pages. */
static struct object *make_other(struct object *named, uint32_t pages, uint32_t window,
                                 uint32_t dirty)
{
    const struct pager_object_request request = {.key = 2,
                                                 .bytes = (uint64_t)pages * PAGE_SIZE,
                                                 .patience = 100 * STALL_PATIENCE,
                                                 .window = window};
    struct object *object = NULL;

    EXPECT_ERR(op_pager_object(stall_core(), stall.server, named, &request, &object), ERR_OK);
    EXPECT(patient_ask(&stall.patient, stall.threads[0],
                       (uint64_t[WAIT_WORDS]){ASK_MAP_OBJECT, OTHER, pages,
                                              MEM_PROT_READ | MEM_PROT_WRITE, MEM_MAP_SHARED,
                                              object->number, 0}));
    for (uint32_t page = 0; page < pages; page++) {
        const bool is_there =
            page < dirty ? stall_write(0, OTHER + page, page) : stall_read(0, OTHER + page);
        uint64_t done;

        if (!is_there) {
            EXPECT_ERR(op_pager_next(stall_core(), stall.server, named, &work), ERR_OK);
            const struct supply_request zeros = {.number = work.number,
                                                 .first = work.first,
                                                 .pages = work.pages,
                                                 .generation = work.generation,
                                                 .way = SUPPLY_ZERO};
            EXPECT_ERR(op_supply(stall_core(), stall.server, named, &zeros, &done), ERR_OK);
            patient_go_on(&stall.patient);
        }
        EXPECT(stall_is_answered(0));
    }
    return object;
}

TAP_TEST(an_object_that_is_written_to_without_end_keeps_no_other_from_being_saved)
{
    const uint32_t pages = WORLD_FRAMES / 10 + 64;
    unsigned steps = 0;

    start(8, 1);
    write_page(3);
    const struct object *other = make_other(stall.named, pages, 1, pages);
    EXPECT(stall_core()->head->pagers.unsaved > stall_core()->head->pool.total / 10);
    /* The pager does one thing a step, and what it saves is written to again at once. */
    do {
        pass(AGE / WRITEBACK_STEPS);
        EXPECT_ERR(stall_next(&work), ERR_OK);
        EXPECT_ERR(stall_wrote(&work, ERR_OK), ERR_OK);
        if (work.number == other->number) {
            EXPECT(stall_write(1, OTHER + (uint32_t)work.first, 1));
        }
        steps++;
    } while (work.number == other->number && steps < 100);
    EXPECT_U64(work.number, stall.object_number);
    EXPECT(steps <= 2 * WRITEBACK_PULLS);
    stall_finish();
}

TAP_TEST(an_object_that_is_very_large_keeps_that_of_another_pager_from_nothing)
{
    const uint32_t pages = 8 * WRITEBACK_LOOKS;
    struct object *named = NULL;

    start(8, 1);
    write_page(3);
    EXPECT_ERR(op_pager_make(stall_core(), stall.server, &(struct pager_request){.is_served = true},
                             &named),
               ERR_OK);
    /* The hand comes to what is to be saved after many steps. */
    (void)make_other(named, pages, 1, WORLD_FRAMES / 10 + 64);
    pass(AGE / WRITEBACK_STEPS);
    pass(AGE / WRITEBACK_STEPS);
    expect_save(3, 1);
    EXPECT_ERR(stall_wrote(&work, ERR_OK), ERR_OK);
    EXPECT_ERR(op_pager_next(stall_core(), stall.server, named, &work), ERR_WOULD_BLOCK);
    stall_finish();
}

TAP_TEST(what_is_left_by_some_objects_of_their_share_others_have)
{
    uint32_t taken = 0;

    start(64, 1);
    for (uint32_t page = 0; page < 64; page++) {
        write_page(page);
    }
    (void)make_other(stall.named, 8, 1, 1);
    pass(AGE + AGE / 20);
    while (stall_next(&work) == ERR_OK) {
        taken++;
    }
    EXPECT_U64(taken, WRITEBACK_PULLS);
    stall_finish();
}

TAP_TEST(a_sync_does_not_come_after_all_that_reclaim_wants_saved)
{
    uint32_t ahead = 0;

    start(8, 1);
    for (uint32_t page = 0; page < 8; page++) {
        write_page(page);
    }
    EXPECT(!patient_ask(&stall.patient, stall.threads[1], (uint64_t[WAIT_WORDS]){ASK_SYNC, AT, 8}));
    while (stall_next(&work) == ERR_OK) {
        EXPECT_ERR(stall_wrote(&work, ERR_OK), ERR_OK);
    }
    /* Its pages stay, and are written to again when reclaim has had all saved that it wants. */
    EXPECT(patient_ask(&stall.patient, stall.threads[1], (uint64_t[WAIT_WORDS]){ASK_LOCK, AT, 8}));
    stall_core()->head->pagers.age = 0;
    (void)make_other(stall.named, 1024, 64, 1024);
    world_starve(stall.patient.world, stall_core()->head->pool.kept);
    for (unsigned i = 0; i < 3; i++) { /* to sample, and to have saved */
        stall_core()->head->reclaim.insists = 1;
        reclaim_serve(stall_core());
    }
    EXPECT(stall_write(1, AT + 3, 1));
    EXPECT(!patient_ask(&stall.patient, stall.threads[1], (uint64_t[WAIT_WORDS]){ASK_SYNC, AT, 8}));
    do {
        EXPECT_ERR(stall_next(&work), ERR_OK);
        ahead += work.number != stall.object_number ? work.pages : 0;
    } while (work.number != stall.object_number && ahead < 1024);
    tap_note("%u pages come first", (unsigned)ahead);
    EXPECT(ahead > 0 && ahead < 2 * RECLAIM_FLIGHT);
    stall_finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(what_nobody_syncs_is_saved_when_it_is_old_and_not_before),
        TAP(what_is_written_again_is_saved_again),
        TAP(pages_in_a_row_are_saved_together_up_to_the_window),
        TAP(a_pager_has_few_pieces_of_it_at_a_time),
        TAP(much_that_is_unsaved_is_not_waited_for_to_be_old),
        TAP(what_cannot_be_saved_is_tried_again_and_told_to_the_next_sync),
        TAP(while_nobody_serves_the_pager_nothing_is_asked_of_it),
        TAP(what_nobody_maps_any_longer_is_saved_too),
        TAP(a_new_instance_of_the_server_goes_on_with_it),
        TAP(swap_areas_are_not_looked_at),
        TAP(an_object_that_is_written_to_without_end_keeps_no_other_from_being_saved),
        TAP(an_object_that_is_very_large_keeps_that_of_another_pager_from_nothing),
        TAP(what_is_left_by_some_objects_of_their_share_others_have),
        TAP(a_sync_does_not_come_after_all_that_reclaim_wants_saved),
    };

    return TAP_RUN(argc, argv, tests);
}
