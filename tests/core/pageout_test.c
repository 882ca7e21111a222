/* SPDX-License-Identifier: MIT */
/*
 * ADVISE(PAGEOUT) of pages of a pager's object: what goes at once, what goes when it is saved, and
 * what stays.
 */
#include <tap.h>

#include <mem/prot.h>

#include "pageout.h"
#include "stall.h"

#define PAGES 8u

static struct pager_work work;

static enum err out(uint32_t page, uint32_t pages)
{
    return pageout_run(stall.patient.world, stall.client, AT + page, pages);
}

static uint64_t frames_of_object(void)
{
    return stall.object->resident;
}

/* All pages are there, as the pager has them. */
static void start(void)
{
    stall_start(PAGES, PAGES);
    stall_sequential();
    EXPECT(!stall_read(0, AT));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.pages, PAGES);
    EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_OK);
    for (uint32_t page = 0; page < PAGES; page++) {
        EXPECT(stall_read(0, AT + page));
    }
    EXPECT_U64(frames_of_object(), PAGES);
    EXPECT_U64(stall.client->wired, PAGES);
}

/* What write-back has to do by now is done. */
static void look_at_the_clock(void)
{
    patient_pass(&stall.patient, 0);
}

TAP_TEST(clean_pages_of_an_object_go_at_once_and_are_asked_for_when_they_are_touched)
{
    start();
    const uint64_t frames = pool_free(stall_core());

    EXPECT_ERR(out(2, 4), ERR_OK);
    EXPECT_U64(pool_free(stall_core()), frames + 4);
    EXPECT_U64(frames_of_object(), PAGES - 4);
    EXPECT_U64(stall.client->wired, PAGES - 4);
    look_at_the_clock();
    EXPECT_ERR(stall_next(&work), ERR_WOULD_BLOCK);
    EXPECT(stall_read(0, AT + 1));
    EXPECT(!stall_read(0, AT + 3));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.first, 3);
    EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_OK);
    stall_expect_read(0, stall_word(3));
    stall_finish();
}

TAP_TEST(what_was_written_goes_when_it_is_saved_and_nobody_waits_for_that)
{
    start();
    EXPECT(stall_write(0, AT + 2, 22));
    EXPECT(stall_write(0, AT + 3, 33));
    EXPECT_ERR(out(0, PAGES), ERR_OK);
    EXPECT_U64(stall.client->wired, 0);
    EXPECT_U64(frames_of_object(), 2);
    EXPECT_U64(stall_core()->head->pagers.deadline, stall_core()->time); /* and not never */
    look_at_the_clock();
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.kind, PAGER_WORK_SAVE);
    EXPECT_U64(work.first, 2);
    EXPECT_U64(work.pages, 2);
    EXPECT_U64(frames_of_object(), 2);
    EXPECT_ERR(stall_wrote(&work, ERR_OK), ERR_OK);
    world_audit(stall.patient.world);
    EXPECT_U64(frames_of_object(), 0);
    EXPECT_U64(stall.object->unsaved, 0);
    look_at_the_clock();
    EXPECT_ERR(stall_next(&work), ERR_WOULD_BLOCK);
    stall_finish();
}

TAP_TEST(a_page_that_is_touched_before_it_is_saved_stays)
{
    start();
    struct pager_work works[3];

    for (uint32_t page = 1; page < 6; page += 2) { /* none beside another: reading maps those too */
        EXPECT(stall_write(0, AT + page, 11 * page));
    }
    EXPECT_ERR(out(0, PAGES), ERR_OK);
    look_at_the_clock();
    for (uint32_t i = 0; i < 3; i++) {
        EXPECT_ERR(stall_next(&works[i]), ERR_OK);
    }
    EXPECT(stall_read(0, AT + 1));
    stall_expect_read(0, 11);
    EXPECT(stall_write(0, AT + 5, 66));
    for (uint32_t i = 0; i < 3; i++) {
        EXPECT_ERR(stall_wrote(&works[i], ERR_OK), ERR_OK);
    }
    EXPECT_U64(frames_of_object(), 2);
    EXPECT_U64(stall.object->unsaved, 1);
    EXPECT(stall_read(0, AT + 1));
    EXPECT(stall_read(0, AT + 5));
    stall_expect_read(0, 66);
    stall_finish();
}

TAP_TEST(what_cannot_be_saved_stays_and_is_not_lost)
{
    start();
    EXPECT(stall_write(0, AT + 2, 22));
    EXPECT_ERR(out(0, PAGES), ERR_OK);
    look_at_the_clock();
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_ERR(stall_wrote(&work, ERR_IO), ERR_OK);
    EXPECT_U64(frames_of_object(), 1);
    EXPECT_U64(stall.object->unsaved, 1);
    EXPECT(stall_read(0, AT + 2));
    stall_expect_read(0, 22);
    stall_finish();
}

TAP_TEST(what_is_being_saved_already_goes_when_that_is_over)
{
    start();
    EXPECT(stall_write(0, AT + 2, 22));
    EXPECT(!patient_ask(&stall.patient, stall.threads[1],
                        (uint64_t[WAIT_WORDS]){ASK_SYNC, AT, PAGES}));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.kind, PAGER_WORK_SAVE);
    EXPECT_ERR(out(0, PAGES), ERR_OK);
    EXPECT_U64(frames_of_object(), 1);
    EXPECT_ERR(stall_wrote(&work, ERR_OK), ERR_OK);
    EXPECT_U64(frames_of_object(), 0);
    stall_finish();
}

TAP_TEST(what_another_space_maps_goes_from_this_one_alone)
{
    struct space *clone = NULL;

    start();
    EXPECT_ERR(
        op_clone(stall_core(), stall.client, &(struct clone_request){.priority = 10}, &clone),
        ERR_OK);
    for (uint32_t page = 0; page < 3; page++) {
        EXPECT_U64(
            world_touch(stall.patient.world, clone, AT + page, MEM_PROT_READ, &(uint64_t){0}),
            FAULT_READY);
    }
    const uint64_t others = clone->wired;
    EXPECT(others >= 3 && others <= PAGES);
    EXPECT_ERR(out(0, PAGES), ERR_OK);
    EXPECT_U64(stall.client->wired, 0);
    EXPECT_U64(clone->wired, others);
    EXPECT_U64(frames_of_object(), others);
    EXPECT_ERR(pageout_run(stall.patient.world, clone, AT, PAGES), ERR_OK);
    EXPECT_U64(frames_of_object(), 0);
    space_end(stall_core(), clone);
    stall_finish();
}

TAP_TEST(pinned_and_locked_pages_and_those_that_nobody_could_bring_back_stay)
{
    start();
    const struct patient_answer *answer = patient_answer(&stall.patient, stall.threads[1]);

    EXPECT(patient_ask(&stall.patient, stall.threads[1],
                       (uint64_t[WAIT_WORDS]){ASK_PIN, AT + 1, 1, MEM_PIN_GET}));
    EXPECT_ERR(answer->error, ERR_OK);
    EXPECT_ERR(out(0, 2), ERR_OK);
    EXPECT_U64(frames_of_object(), PAGES - 1);
    EXPECT(patient_ask(&stall.patient, stall.threads[1],
                       (uint64_t[WAIT_WORDS]){ASK_UNPIN, answer->pin}));
    EXPECT(
        patient_ask(&stall.patient, stall.threads[1], (uint64_t[WAIT_WORDS]){ASK_LOCK, AT + 2, 1}));
    EXPECT_ERR(out(1, 2), ERR_INVAL);
    EXPECT_U64(frames_of_object(), PAGES - 1);
    stall_end_server();
    EXPECT_ERR(out(4, 4), ERR_OK);
    EXPECT_U64(frames_of_object(), PAGES - 1);
    stall_finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(clean_pages_of_an_object_go_at_once_and_are_asked_for_when_they_are_touched),
        TAP(what_was_written_goes_when_it_is_saved_and_nobody_waits_for_that),
        TAP(a_page_that_is_touched_before_it_is_saved_stays),
        TAP(what_cannot_be_saved_stays_and_is_not_lost),
        TAP(what_is_being_saved_already_goes_when_that_is_over),
        TAP(what_another_space_maps_goes_from_this_one_alone),
        TAP(pinned_and_locked_pages_and_those_that_nobody_could_bring_back_stay),
    };

    return TAP_RUN(argc, argv, tests);
}
