/* SPDX-License-Identifier: MIT */
/*
 * What a memory maker takes from its reserve: what it waits for, and nothing ahead of that.
 */
#include <mem/prot.h>
#include <tap.h>

#include "maker.h"

#define FILE_AT    0xb000u /* where the maker maps an object of another pager */
#define FILE_PAGES 64u

/* A process that serves an object which the maker maps. */
struct files {
    struct space *space;
    struct object *named;
    struct object *object;
};

static struct files files_make(void)
{
    const struct pager_request pager = {.is_served = true};
    const struct pager_object_request request = {.key = 2,
                                                 .bytes = FILE_PAGES * PAGE_SIZE,
                                                 .patience = MAKER_PATIENCE,
                                                 .window = MAKER_WINDOW};
    struct files files = {.space = maker_process(0)};

    EXPECT_ERR(op_pager_make(maker_core(), files.space, &pager, &files.named), ERR_OK);
    EXPECT_ERR(op_pager_object(maker_core(), files.space, files.named, &request, &files.object),
               ERR_OK);
    return files;
}

TAP_TEST(pages_that_are_asked_for_ahead_are_not_promised_out_of_a_reserve)
{
    struct pager_work work;

    maker_start(MAKER_FRAMES, MAKER_RESERVE);
    const struct files files = files_make();
    struct thread *thread = patient_thread(&maker.patient, maker.server);
    EXPECT_ERR(op_unlock_all(maker_core(), maker.server), ERR_OK);
    EXPECT(patient_ask(&maker.patient, thread,
                       (uint64_t[WAIT_WORDS]){ASK_MAP_OBJECT, FILE_AT, FILE_PAGES, MEM_PROT_READ,
                                              MEM_MAP_SHARED, files.object->number, 0}));
    maker_take_all();
    core_settle(maker_core());
    EXPECT_U64(maker_view().left, MAKER_RESERVE);
    EXPECT(!patient_read(&maker.patient, thread, FILE_AT));
    EXPECT_ERR(op_pager_next(maker_core(), files.space, files.named, &work), ERR_OK);
    EXPECT_U64(work.kind, PAGER_WORK_PULL);
    EXPECT_U64(work.first, 0);
    EXPECT_U64(work.pages, 1);
    /* The frame of the page, and at most what its word and the leaf's entry need. */
    EXPECT(maker_view().left >= MAKER_RESERVE - 4);
    world_audit(maker.patient.world);
    maker_finish();
}

/* A maker whose next `pages` pages from MAKER_SCRATCH on come out of its reserve. */
static void start_to_spend(uint32_t pages)
{
    maker_start(MAKER_FRAMES, MAKER_RESERVE);
    EXPECT_ERR(op_unlock_all(maker_core(), maker.server), ERR_OK);
    world_map(maker.patient.world, maker.server, MAKER_SCRATCH, pages + 1,
              MEM_PROT_READ | MEM_PROT_WRITE);
    /* So that its tables are there. */
    EXPECT_U64(maker_touch(maker.server, MAKER_SCRATCH + pages, MEM_PROT_WRITE), FAULT_READY);
    maker_take_all();
    core_settle(maker_core());
    EXPECT_U64(maker_view().left, MAKER_RESERVE);
}

TAP_TEST(pages_after_the_one_that_is_touched_are_not_out_of_a_reserve)
{
    start_to_spend(8);
    maker_core()->head->fault_ahead = 7;
    EXPECT_ERR(op_advise(maker_core(), maker.server,
                         &(struct advise_request){.address = world_address(MAKER_SCRATCH),
                                                  .length = 8 * PAGE_SIZE,
                                                  .advice = MEM_ADVISE_SEQUENTIAL}),
               ERR_OK);
    EXPECT_U64(maker_touch(maker.server, MAKER_SCRATCH, MEM_PROT_WRITE), FAULT_READY);
    EXPECT_U64(maker_view().left, MAKER_RESERVE - 1);
    maker_finish();
}

TAP_TEST(pages_that_are_said_to_be_needed_are_not_out_of_a_reserve)
{
    start_to_spend(8);
    maker_core()->head->fault_ahead = 2;
    maker_core()->spender = maker.server->number;
    EXPECT_ERR(op_advise(maker_core(), maker.server,
                         &(struct advise_request){.address = world_address(MAKER_SCRATCH),
                                                  .length = 8 * PAGE_SIZE,
                                                  .advice = MEM_ADVISE_WILLNEED}),
               ERR_OK);
    EXPECT_U64(maker_core()->spender, maker.server->number);
    maker_core()->spender = 0;
    core_done(maker_core());
    EXPECT_U64(maker_view().left, MAKER_RESERVE);
    maker_finish();
}

TAP_TEST(frames_that_a_pager_is_given_with_its_work_are_not_out_of_its_reserve)
{
    start_to_spend(MAKER_WINDOW);
    maker_core()->spender = maker.server->number; /* its NEXT has waited, and starts over */
    EXPECT_U64(
        op_pager_grant(maker_core(), maker.server, world_address(MAKER_SCRATCH), MAKER_WINDOW), 0);
    EXPECT_U64(maker_core()->spender, maker.server->number);
    maker_core()->spender = 0;
    core_done(maker_core());
    EXPECT_U64(maker_view().left, MAKER_RESERVE);
    maker_finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(pages_that_are_asked_for_ahead_are_not_promised_out_of_a_reserve),
        TAP(pages_after_the_one_that_is_touched_are_not_out_of_a_reserve),
        TAP(pages_that_are_said_to_be_needed_are_not_out_of_a_reserve),
        TAP(frames_that_a_pager_is_given_with_its_work_are_not_out_of_its_reserve),
    };

    return TAP_RUN(argc, argv, tests);
}
