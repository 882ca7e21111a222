/* SPDX-License-Identifier: MIT */
/*
 * Memory makers that end: what they had, who begins with it, and who waits for that.
 */
#include <mem/prot.h>
#include <tap.h>

#include "maker.h"

#include "server/core/stop.h"

/* Everything is dirty, and its process ends: the next one begins with what that one had. */
TAP_TEST(what_a_maker_had_is_for_the_one_that_takes_its_place)
{
    maker_start(MAKER_FRAMES, MAKER_RESERVE);
    uint32_t page = 0;
    while (page < MAKER_PAGES / 2 && maker_write(page, page)) {
        page++;
    }
    maker_take_all();
    const uint64_t had = maker.server->own + maker.server->charged;
    stop_space(maker_core(), maker.server);
    space_end(maker_core(), maker.server);
    core_done(maker_core());
    EXPECT_U64(maker_view().frames, MAKER_RESERVE + had);
    /* A few frames of records that nobody paid for come back besides. */
    maker_take_all();
    EXPECT_U64(maker_view().left, MAKER_RESERVE + had);
    /* Somebody waits for a frame, and will until there is another process. */
    EXPECT(!patient_ask(
        &maker.patient, maker.threads[1],
        (uint64_t[WAIT_WORDS]){ASK_TOUCH, MAKER_TAKEN + 2 * MAKER_FRAMES - 1, MEM_PROT_WRITE, 7}));
    for (unsigned i = 0; i < 20; i++) {
        reclaim_serve(maker_core());
        patient_go_on(&maker.patient);
    }
    EXPECT(!patient_answer(&maker.patient, maker.threads[1])->is_there);
    EXPECT_U64(maker_view().left, MAKER_RESERVE + had);
    world_audit(maker.patient.world);
    /* Who made the pager makes the next one of it, and that has it for what it does first. */
    struct space *other = maker_process(0);
    EXPECT(other == NULL); /* (nothing is anybody's) */
    maker_core()->spender = maker.root->number;
    maker.server = maker_process(SPACE_PRIVILEGE_SWAP | SPACE_PRIVILEGE_LOCK);
    REQUIRE(EXPECT(maker.server != NULL));
    EXPECT(reserve_is_for(maker_core(), maker.server));
    maker_core()->spender = maker.server->number;
    EXPECT_ERR(maker_attach(), ERR_OK);
    maker_core()->spender = 0;
    EXPECT_U64(maker_view().frames, maker_view().left); /* what is left is its own still */
    for (unsigned i = 0; i < 200 && !patient_answer(&maker.patient, maker.threads[1])->is_there;
         i++) {
        if (reclaim_is_wanted(maker_core())) {
            reclaim_serve(maker_core());
        }
        (void)maker_serve();
    }
    EXPECT(patient_answer(&maker.patient, maker.threads[1])->is_there);
    EXPECT_ERR(patient_answer(&maker.patient, maker.threads[1])->error, ERR_OK);
    /* With frames for everybody, beyond its reserve they are anybody's. */
    EXPECT_ERR(
        op_unmap(maker_core(), maker.client, world_address(MAKER_TAKEN), MAKER_FRAMES * PAGE_SIZE),
        ERR_OK);
    core_settle(maker_core());
    EXPECT_U64(maker_touch(maker.client, MAKER_TAKEN + 2 * MAKER_FRAMES - 2, MEM_PROT_WRITE),
               FAULT_READY);
    EXPECT_U64(maker_view().frames, MAKER_RESERVE);
    EXPECT_U64(maker_view().left, MAKER_RESERVE);
    maker_finish();
}

TAP_TEST(what_a_maker_of_two_pagers_had_is_kept_once)
{
    const struct pager_request request = {.reserve = MAKER_RESERVE};
    struct object *second = NULL;

    maker_start(MAKER_FRAMES, MAKER_RESERVE);
    EXPECT_ERR(op_pager_make(maker_core(), maker.root, &request, &second), ERR_OK);
    EXPECT_ERR(op_pager_attach(maker_core(), maker.server, second), ERR_OK);
    const uint64_t had = maker.server->own + maker.server->charged;
    EXPECT(had > MAKER_WINDOW);
    stop_space(maker_core(), maker.server);
    EXPECT_U64(maker_view().frames, 2 * MAKER_RESERVE + had);
    space_end(maker_core(), maker.server);
    core_done(maker_core());
    EXPECT_U64(maker_view().frames, 2 * MAKER_RESERVE + had);
    maker_take_all();
    EXPECT_U64(maker_view().left, 2 * MAKER_RESERVE + had);
    /* It is for the next one, whichever pager that attaches to first. */
    maker_core()->spender = maker.root->number;
    maker.server = maker_process(SPACE_PRIVILEGE_SWAP | SPACE_PRIVILEGE_LOCK);
    REQUIRE(EXPECT(maker.server != NULL));
    maker_core()->spender = maker.server->number;
    EXPECT_ERR(maker_attach(), ERR_OK);
    EXPECT_ERR(op_pager_attach(maker_core(), maker.server, second), ERR_OK);
    maker_core()->spender = 0;
    EXPECT(maker_view().left >= 2 * MAKER_RESERVE);
    maker_finish();
}

TAP_TEST(who_waits_for_a_frame_is_refused_when_no_other_maker_comes_in_time)
{
    maker_start(MAKER_FRAMES, MAKER_RESERVE);
    space_end(maker_core(), maker.server);
    core_done(maker_core());
    maker_take_all();
    EXPECT(!patient_ask(
        &maker.patient, maker.threads[1],
        (uint64_t[WAIT_WORDS]){ASK_TOUCH, MAKER_TAKEN + 2 * MAKER_FRAMES - 1, MEM_PROT_WRITE, 7}));
    for (unsigned i = 0; i < 20; i++) {
        reclaim_serve(maker_core());
        patient_go_on(&maker.patient);
    }
    EXPECT(!patient_answer(&maker.patient, maker.threads[1])->is_there);
    patient_pass(&maker.patient, MAKER_PATIENCE + 1);
    for (unsigned i = 0; i < 20 && reclaim_is_wanted(maker_core()); i++) {
        reclaim_serve(maker_core());
        patient_go_on(&maker.patient);
    }
    EXPECT(patient_answer(&maker.patient, maker.threads[1])->is_there);
    EXPECT_ERR(patient_answer(&maker.patient, maker.threads[1])->error, ERR_NOMEM);
    maker_finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(what_a_maker_had_is_for_the_one_that_takes_its_place),
        TAP(what_a_maker_of_two_pagers_had_is_kept_once),
        TAP(who_waits_for_a_frame_is_refused_when_no_other_maker_comes_in_time),
    };

    return TAP_RUN(argc, argv, tests);
}
