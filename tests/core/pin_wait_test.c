/* SPDX-License-Identifier: MIT */
/*
 * P7 to P16 where pages are filled by a pager: a PIN that has to wait in the middle.
 */
#include <mem/prot.h>
#include <tap.h>

#include "pinner.h"

#define RW   (MEM_PROT_READ | MEM_PROT_WRITE)
#define GET  MEM_PIN_GET
#define DROP MEM_PIN_MAY_DROP

static void resize(uint64_t pages)
{
    EXPECT_ERR(op_object_resize(stall_core(), stall.server, stall.object, MAP_RIGHT_WRITE,
                                pages * PAGE_SIZE),
               ERR_OK);
}

/* What was asked for comes, and is gone before anyone can see it. */
static void supply_and_lose(uint64_t page)
{
    struct pager_work work;
    uint64_t done;

    EXPECT_ERR(stall_next(&work), ERR_OK);
    const struct supply_request request = {.number = work.number,
                                           .first = page,
                                           .pages = 1,
                                           .generation = work.generation,
                                           .way = SUPPLY_ZERO};
    EXPECT_ERR(op_supply(stall_core(), stall.server, stall.named, &request, &done), ERR_OK);
    resize(page);
    resize(8);
    patient_go_on(&stall.patient);
}

TAP_TEST(p8_the_pages_so_far_stand_and_the_space_is_free_meanwhile)
{
    stall_start(8, 1);
    pinner_prepare(2);
    EXPECT(!pinner_pin(0, AT, 4, GET | DROP));
    EXPECT_U64(pinner_state(0), WAIT_FIRST);
    EXPECT_U64(stall.client->pinned, 2);
    EXPECT_U64(stall.client->kept, 0);
    EXPECT(pinner_ask(1, ASK_MAP, TO, 2, RW));
    EXPECT(pinner_ask(1, ASK_UNMAP, TO, 1, 0));
    pinner_supply(2); /* that page counts, and it goes on with the next */
    EXPECT_U64(pinner_state(0), WAIT_FIRST);
    EXPECT_U64(stall.client->pinned, 3);
    pinner_supply(3);
    pinner_expect(0, 4, true);
    EXPECT_U64(stall.client->pinned, 4);
    EXPECT(pinner_ask(0, ASK_UNPIN, pinner_answer(0)->pin, 0, 0));
    EXPECT_ERR(pinner_answer(0)->error, ERR_OK);
    EXPECT_U64(stall.client->pinned, 0);
    stall_finish();
}

TAP_TEST(p8_the_page_is_tried_once_more_with_the_space_kept)
{
    stall_start(8, 1);
    pinner_prepare(1);
    EXPECT(!pinner_pin(0, AT, 2, GET | DROP));
    EXPECT_U64(pinner_state(0), WAIT_FIRST);
    supply_and_lose(1);
    EXPECT_U64(pinner_state(0), WAIT_SECOND);
    EXPECT_U64(stall.client->kept, 1);
    EXPECT(!pinner_ask(1, ASK_MAP, TO, 2, RW));
    pinner_supply(1);
    pinner_expect(0, 2, true);
    EXPECT_U64(stall.client->kept, 0);
    EXPECT(pinner_answer(1)->is_there);
    stall_finish();
}

/* A driver's thread pins pages of the client's. Returns: whether it was answered at once. */
static bool pin_foreign(struct thread *thread, uint32_t page, uint32_t pages, uint32_t flags)
{
    return patient_ask(&stall.patient, thread,
                       (uint64_t[WAIT_WORDS]){ASK_PIN, page, pages, flags, stall.client->number});
}

TAP_TEST(p8_the_second_try_about_anothers_space_leaves_it_free_and_is_counted)
{
    stall_start(8, 1);
    struct space *driver = world_space(stall.patient.world);
    struct thread *thread = patient_thread(&stall.patient, driver);
    const struct wait_counts *count = &stall_core()->head->pagers.count;

    EXPECT(!pin_foreign(thread, AT, 2, GET | DROP));
    EXPECT_U64(thread->wait.state, WAIT_FIRST);
    EXPECT_U64(count->again, 0);
    for (unsigned i = 1; i <= 3; i++) {
        supply_and_lose(0);
        EXPECT_U64(thread->wait.state, WAIT_FIRST);
        EXPECT_U64(count->again, i);
        EXPECT_U64(stall.client->kept + driver->kept, 0);
        EXPECT(pinner_ask(1, ASK_MAP, TO, 2, RW));
    }
    EXPECT_U64(count->second, 0);
    /* And between two pages; each try has the pager's time and no more. */
    pinner_supply(0);
    EXPECT_U64(driver->pinned, 1);
    patient_pass(&stall.patient, STALL_PATIENCE + 1);
    EXPECT_ERR(patient_answer(&stall.patient, thread)->error, ERR_OK);
    EXPECT_U64(patient_answer(&stall.patient, thread)->value, 1);
    EXPECT(patient_answer(&stall.patient, thread)->is_dropped);
    stall_finish();
}

TAP_TEST(p9_anothers_space_is_given_free_and_the_answer_says_so)
{
    stall_start(8, 1);
    struct space *driver = world_space(stall.patient.world);
    struct thread *thread = patient_thread(&stall.patient, driver);

    EXPECT(!pin_foreign(thread, AT, 2, GET));
    EXPECT_U64(thread->wait.state, WAIT_FIRST);
    supply_and_lose(0);
    EXPECT_U64(thread->wait.state, WAIT_FIRST);
    EXPECT_U64(stall.client->kept + driver->kept, 0);
    /* The owner may even take the region away meanwhile. */
    EXPECT(pinner_ask(1, ASK_UNMAP, AT, 8, 0));
    pinner_supply(0);
    EXPECT_ERR(patient_answer(&stall.patient, thread)->error, ERR_FAULT);
    EXPECT(patient_answer(&stall.patient, thread)->is_dropped);
    EXPECT_U64(driver->pins, 0);
    stall_finish();
}

TAP_TEST(p8_a_page_that_does_not_come_ends_it_with_the_count_or_the_error)
{
    struct pager_work work;

    stall_start(8, 1);
    pinner_prepare(2);
    EXPECT(!pinner_pin(0, AT, 4, GET | DROP));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_ERR(stall_fail(&work, 0, 1, ERR_IO), ERR_OK);
    pinner_expect(0, 2, true);
    EXPECT_U64(stall.client->pinned, 2);
    EXPECT(!pinner_pin(1, AT + 5, 2, GET | DROP));
    patient_pass(&stall.patient, STALL_PATIENCE + 1);
    EXPECT(pinner_answer(1)->is_there);
    EXPECT_ERR(pinner_answer(1)->error, ERR_FAULT);
    EXPECT_U64(stall.client->pinned, 2);
    EXPECT_U64(stall.client->pins, 1);
    stall_finish();
}

TAP_TEST(p8_a_region_that_goes_meanwhile_ends_it_and_what_is_pinned_stays)
{
    stall_start(8, 1);
    pinner_prepare(2);
    EXPECT(!pinner_pin(0, AT, 4, GET | DROP));
    EXPECT(pinner_ask(1, ASK_UNMAP, AT, 8, 0));
    pinner_supply(2);
    pinner_expect(0, 2, true);
    EXPECT_U64(stall.client->pinned, 2);
    world_audit(stall.patient.world);
    EXPECT(!stall_is_answered(1) || pinner_ask(1, ASK_UNPIN, pinner_answer(0)->pin, 0, 0));
    EXPECT_U64(stall.client->pinned, 0);
    stall_finish();
}

TAP_TEST(p8_a_caller_that_ends_meanwhile_leaves_no_pin)
{
    stall_start(8, 1);
    pinner_prepare(2);
    EXPECT(!pinner_pin(0, AT, 4, GET | DROP));
    EXPECT(!pinner_pin(1, AT, 4, GET));
    EXPECT_U64(stall.client->pins, 2);
    thread_end(stall_core(), stall.threads[0]);
    EXPECT_U64(stall.client->pins, 1);
    EXPECT_U64(stall.client->pinned, 2);
    EXPECT_U64(stall.client->kept, 1);
    thread_end(stall_core(), stall.threads[1]);
    EXPECT_U64(stall.client->pins, 0);
    EXPECT_U64(stall.client->pinned, 0);
    EXPECT_U64(stall.client->kept, 0);
    /* The whole process, in the middle of a third. */
    EXPECT(!pinner_pin(2, AT, 4, GET | DROP));
    space_end(stall_core(), stall.client);
    patient_go_on(&stall.patient);
    stall_finish();
}

TAP_TEST(p5_a_pager_that_speaks_of_memory_makes_a_bus_error)
{
    static const enum err reasons[] = {ERR_NOMEM, ERR_DEADLK, ERR_AGAIN, ERR_WAIT, ERR_MORE};
    struct pager_work work;

    stall_start(8, 1);
    EXPECT(pinner_ask(1, ASK_MAP, TO, 1, RW));
    for (unsigned i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        EXPECT(!pinner_pin(0, AT, 2, GET | DROP));
        EXPECT(!pinner_ask(1, ASK_COPY, TO, AT, 1));
        EXPECT_ERR(stall_next(&work), ERR_OK);
        EXPECT_ERR(stall_fail(&work, 0, 1, reasons[i]), ERR_OK);
        EXPECT(pinner_answer(0)->is_there && pinner_answer(1)->is_there);
        EXPECT_ERR(pinner_answer(0)->error, ERR_FAULT);
        EXPECT_ERR(pinner_answer(1)->error, ERR_IO); /* FAULT by the shell */
        EXPECT_U64(stall.client->pins, 0);
    }
    stall_finish();
}

TAP_TEST(p9_without_leave_the_space_is_kept_throughout)
{
    stall_start(8, 1);
    pinner_prepare(1);
    EXPECT(!pinner_pin(0, AT, 3, GET));
    EXPECT_U64(pinner_state(0), WAIT_SECOND);
    EXPECT_U64(stall.client->kept, 1);
    EXPECT(!pinner_ask(1, ASK_UNMAP, AT, 8, 0));
    EXPECT_U64(pinner_state(1), WAIT_QUEUED);
    pinner_supply(1); /* and between two pages too */
    EXPECT_U64(pinner_state(0), WAIT_SECOND);
    EXPECT_U64(pinner_state(1), WAIT_QUEUED);
    EXPECT_U64(stall.client->kept, 1);
    pinner_supply(2);
    pinner_expect(0, 3, false);
    EXPECT_U64(stall.client->kept, 0);
    EXPECT(pinner_answer(1)->is_there);
    EXPECT(stall_order(0) < stall_order(1));
    EXPECT_U64(stall_core()->head->pagers.count.first, 1); /* of pinner_prepare() */
    stall_finish();
}

TAP_TEST(p9_nothing_slips_in_between_the_page_and_the_end)
{
    struct pager_work work;
    uint64_t done;

    stall_start(8, 1);
    EXPECT(!pinner_pin(0, AT, 1, GET));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    const struct supply_request request = {
        .number = work.number, .pages = 1, .generation = work.generation, .way = SUPPLY_ZERO};
    EXPECT_ERR(op_supply(stall_core(), stall.server, stall.named, &request, &done), ERR_OK);
    EXPECT_U64(pinner_state(0), WAIT_READY);
    EXPECT_U64(stall.client->kept, 1);
    EXPECT(!pinner_ask(1, ASK_UNMAP, AT, 8, 0)); /* goes on with all */
    pinner_expect(0, 1, false);
    EXPECT(pinner_answer(1)->is_there);
    EXPECT(stall_order(0) < stall_order(1));
    stall_finish();
}

TAP_TEST(p9_a_prefault_without_leave_goes_on_to_its_end)
{
    stall_start(8, 1);
    EXPECT(!pinner_pin(0, AT, 2, 0));
    EXPECT_U64(pinner_state(0), WAIT_SECOND);
    pinner_supply(0);
    pinner_supply(1);
    pinner_expect(0, 2, false);
    EXPECT_U64(stall.client->pins, 0);
    stall_finish();
}

TAP_TEST(p10_a_prefault_that_waited_does_not_insist)
{
    stall_start(8, 1);
    pinner_prepare(2);
    EXPECT(!pinner_pin(0, AT, 4, DROP));
    EXPECT_U64(pinner_state(0), WAIT_FIRST);
    pinner_supply(2);
    pinner_expect(0, 2, true);
    EXPECT(!pinner_pin(0, AT + 5, 1, DROP));
    pinner_supply(5);
    pinner_expect(0, 0, true);
    EXPECT(pinner_pin(0, AT + 5, 1, DROP));
    pinner_expect(0, 1, false);
    stall_finish();
}

TAP_TEST(p11_the_answer_says_whether_the_space_was_given_free)
{
    stall_start(8, 1);
    pinner_prepare(2);
    EXPECT(pinner_pin(0, AT, 2, GET | DROP));
    pinner_expect(0, 2, false); /* it did not have to be */
    EXPECT(!pinner_pin(0, AT, 3, GET | DROP));
    pinner_supply(2);
    pinner_expect(0, 3, true);
    /* Another's space cannot be kept. */
    struct space *driver = world_space(stall.patient.world);
    struct thread *thread = patient_thread(&stall.patient, driver);
    EXPECT(!patient_ask(&stall.patient, thread,
                        (uint64_t[WAIT_WORDS]){ASK_PIN, AT, 4, GET, stall.client->number}));
    EXPECT_U64(stall.client->kept, 0);
    pinner_supply(3);
    EXPECT(patient_answer(&stall.patient, thread)->is_there);
    EXPECT_U64(patient_answer(&stall.patient, thread)->value, 4);
    EXPECT_U64(patient_answer(&stall.patient, thread)->is_dropped, 1);
    EXPECT_U64(driver->pinned, 4);
    stall_finish();
}

TAP_TEST(p11_what_is_waited_for_without_end_does_not_keep_the_space)
{
    stall_start_endless(8, 1);
    EXPECT(!pinner_pin(0, AT, 1, GET));
    EXPECT_U64(pinner_state(0), WAIT_FIRST);
    EXPECT_U64(stall.client->kept, 0);
    pinner_supply(0);
    pinner_expect(0, 1, true);
    stall_finish();
}

TAP_TEST(p13_nowait_ends_where_it_would_wait_and_the_page_is_asked_for)
{
    stall_start(8, 1);
    pinner_prepare(2);
    EXPECT(pinner_pin(0, AT, 4, GET | MEM_PIN_NOWAIT));
    pinner_expect(0, 2, false);
    pinner_supply(2);
    EXPECT(pinner_pin(0, AT, 4, GET | MEM_PIN_NOWAIT));
    pinner_expect(0, 3, false);
    EXPECT(pinner_pin(0, AT + 5, 1, GET | MEM_PIN_NOWAIT | DROP));
    EXPECT_ERR(pinner_answer(0)->error, ERR_AGAIN);
    EXPECT_U64(pinner_answer(0)->value, 0);
    EXPECT_U64(stall.client->pins, 2);
    stall_finish();
}

TAP_TEST(p16_a_pager_that_shrinks_its_object_leaves_pinned_frames_to_their_pins)
{
    stall_start(8, 1);
    pinner_prepare(2);
    EXPECT(pinner_pin(0, AT, 2, GET | MEM_PIN_WRITE));
    const uint64_t number = pinner_answer(0)->pin;
    resize(0);
    EXPECT_U64(stall_core()->head->pins.detained, 2);
    world_audit(stall.patient.world);
    resize(8);
    EXPECT(!stall_read(1, AT)); /* another frame */
    pinner_supply(0);
    stall_expect_read(1, stall_word(0));
    EXPECT_U64(stall_core()->head->pins.detained, 2);
    EXPECT(pinner_ask(0, ASK_UNPIN, number, 0, 0));
    EXPECT_U64(stall_core()->head->pins.detained, 0);
    stall_finish();
}

TAP_TEST(p8_a_new_instance_of_the_server_makes_the_pin_anew)
{
    stall_start(8, 1);
    pinner_prepare(2);
    EXPECT(!pinner_pin(0, AT, 4, GET));
    stall_restart();
    EXPECT_U64(stall.client->pins, 0);
    EXPECT_U64(stall.client->pinned, 0);
    EXPECT_U64(stall.client->kept, 0);
    EXPECT(!pinner_pin(0, AT, 4, GET));
    pinner_supply(2);
    pinner_supply(3);
    pinner_expect(0, 4, false);
    stall_finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(p5_a_pager_that_speaks_of_memory_makes_a_bus_error),
        TAP(p8_the_pages_so_far_stand_and_the_space_is_free_meanwhile),
        TAP(p8_the_page_is_tried_once_more_with_the_space_kept),
        TAP(p8_the_second_try_about_anothers_space_leaves_it_free_and_is_counted),
        TAP(p8_a_page_that_does_not_come_ends_it_with_the_count_or_the_error),
        TAP(p8_a_region_that_goes_meanwhile_ends_it_and_what_is_pinned_stays),
        TAP(p8_a_caller_that_ends_meanwhile_leaves_no_pin),
        TAP(p8_a_new_instance_of_the_server_makes_the_pin_anew),
        TAP(p9_without_leave_the_space_is_kept_throughout),
        TAP(p9_nothing_slips_in_between_the_page_and_the_end),
        TAP(p9_a_prefault_without_leave_goes_on_to_its_end),
        TAP(p9_anothers_space_is_given_free_and_the_answer_says_so),
        TAP(p10_a_prefault_that_waited_does_not_insist),
        TAP(p11_the_answer_says_whether_the_space_was_given_free),
        TAP(p11_what_is_waited_for_without_end_does_not_keep_the_space),
        TAP(p13_nowait_ends_where_it_would_wait_and_the_page_is_asked_for),
        TAP(p16_a_pager_that_shrinks_its_object_leaves_pinned_frames_to_their_pins),
    };

    return TAP_RUN(argc, argv, tests);
}
