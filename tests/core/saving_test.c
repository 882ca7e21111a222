/* SPDX-License-Identifier: MIT */
/*
 * Answers about part of what is to be saved: partial, in any order, late, failed, wrong; and what
 * pages are meanwhile.
 */
#include <tap.h>

#include "patient.h"
#include "stall.h"
#include "swapper.h"

#include "server/core/paged.h"
#include "server/core/saving.h"

#define PAGES 8u

static struct pager_work work;

/* All pages are there and DIRTY, and thread 0 has asked for a SYNC of them: `work` is about it. */
static void start(void)
{
    stall_start_waiting(PAGES, PAGES);
    stall_sequential();
    EXPECT(!stall_write(0, AT, 100));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.pages, PAGES);
    EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_OK);
    for (uint32_t i = 1; i < PAGES; i++) {
        EXPECT(stall_write(0, AT + i, 100 + i));
    }
    EXPECT_U64(stall.object->unsaved, PAGES);
}

/* Thread `thread` asks for a SYNC of so many pages. */
static bool ask_sync(unsigned thread, uint32_t page, uint32_t pages)
{
    return patient_ask(&stall.patient, stall.threads[thread],
                       (uint64_t[WAIT_WORDS]){ASK_SYNC, AT + page, pages});
}

static void start_save(void)
{
    start();
    EXPECT(!ask_sync(0, 0, PAGES));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.kind, PAGER_WORK_SAVE);
    EXPECT_U64(work.first, 0);
    EXPECT_U64(work.pages, PAGES);
}

static void expect_sync(unsigned thread, enum err error)
{
    EXPECT(stall_is_answered(thread));
    EXPECT_ERR(patient_answer(&stall.patient, stall.threads[thread])->error, error);
}

static enum paged_state state_of(uint64_t page)
{
    return paged_word_state(paged_word(stall_core(), stall.object, page));
}

TAP_TEST(pages_that_are_saved_in_part_are_clean_and_the_rest_goes_on)
{
    start_save();
    EXPECT(!ask_sync(1, 0, 2));
    EXPECT_ERR(stall_wrote_part(&work, 0, 2, ERR_OK), ERR_OK);
    EXPECT_U64(stall.object->unsaved, PAGES - 2);
    EXPECT_U64(state_of(1), PAGED_CLEAN);
    EXPECT_U64(state_of(2), PAGED_SAVING);
    expect_sync(1, ERR_OK); /* and who waits for these alone need not wait for the others */
    EXPECT(!stall_is_answered(0));
    EXPECT_ERR(stall_next(&(struct pager_work){0}), ERR_WOULD_BLOCK);
    world_audit(stall.patient.world);
    EXPECT_ERR(stall_wrote_part(&work, 2, PAGES - 2, ERR_OK), ERR_OK);
    expect_sync(0, ERR_OK);
    EXPECT_U64(stall.object->unsaved, 0);
    stall_finish();
}

TAP_TEST(parts_come_in_any_order)
{
    static const uint8_t order[PAGES] = {5, 0, 7, 2, 1, 6, 4, 3};

    start_save();
    for (uint32_t i = 0; i < PAGES; i++) {
        EXPECT(!stall_is_answered(0));
        EXPECT_ERR(stall_wrote_part(&work, order[i], 1, ERR_OK), ERR_OK);
        EXPECT_U64(stall.object->unsaved, PAGES - 1 - i);
        world_audit(stall.patient.world);
    }
    expect_sync(0, ERR_OK);
    EXPECT_ERR(stall_wrote_part(&work, 0, 1, ERR_OK), ERR_STALE);
    stall_finish();
}

TAP_TEST(a_part_that_fails_is_told_and_stays_to_be_saved_and_the_rest_is_saved)
{
    start_save();
    EXPECT(!ask_sync(1, 4, 1));
    EXPECT_ERR(stall_wrote_part(&work, 0, 4, ERR_OK), ERR_OK);
    EXPECT_ERR(stall_wrote_part(&work, 5, 3, ERR_OK), ERR_OK);
    EXPECT_ERR(stall_wrote_part(&work, 4, 1, ERR_IO), ERR_OK);
    expect_sync(0, ERR_IO);
    expect_sync(1, ERR_IO);
    EXPECT_U64(stall.object->unsaved, 1);
    EXPECT_U64(state_of(4), PAGED_DIRTY);
    /* It was told: the next one has it saved anew. */
    EXPECT(!ask_sync(0, 0, PAGES));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.first, 4);
    EXPECT_U64(work.pages, 1);
    EXPECT_ERR(stall_wrote(&work, ERR_OK), ERR_OK);
    expect_sync(0, ERR_OK);
    stall_finish();
}

TAP_TEST(a_part_that_fails_with_nobody_waiting_for_it_is_told_to_who_waits_for_another)
{
    start_save();
    EXPECT_ERR(stall_wrote_part(&work, 6, 2, ERR_IO), ERR_OK);
    EXPECT(!stall_is_answered(0)); /* it waits for the first page */
    EXPECT_ERR(stall_wrote_part(&work, 0, 6, ERR_OK), ERR_OK);
    expect_sync(0, ERR_IO);
    EXPECT_U64(stall.object->unsaved, 2);
    stall_finish();
}

TAP_TEST(what_comes_too_late_is_stale_and_what_came_in_time_stands)
{
    start_save();
    EXPECT_ERR(stall_wrote_part(&work, 2, 3, ERR_OK), ERR_OK);
    patient_pass(&stall.patient, STALL_PATIENCE);
    expect_sync(0, ERR_TIMEDOUT);
    EXPECT_U64(stall.object->unsaved, PAGES - 3);
    EXPECT_ERR(stall_wrote_part(&work, 0, 2, ERR_OK), ERR_STALE);
    EXPECT_U64(stall.object->unsaved, PAGES - 3);
    EXPECT_U64(state_of(3), PAGED_CLEAN);
    EXPECT_U64(state_of(0), PAGED_DIRTY);
    stall_finish();
}

TAP_TEST(wrong_counts_and_double_answers_are_refused_and_say_nothing_of_any_page)
{
    const struct wait_counts *count;

    start_save();
    count = &stall_core()->head->pagers.count;
    EXPECT_ERR(stall_wrote_part(&work, 0, PAGES + 1, ERR_OK), ERR_RANGE);
    EXPECT_ERR(stall_wrote_part(&work, 1, PAGES, ERR_OK), ERR_RANGE);
    EXPECT_ERR(stall_wrote_part(&work, PAGES, 1, ERR_OK), ERR_RANGE);
    EXPECT_ERR(stall_wrote_part(&work, UINT64_MAX, 2, ERR_OK), ERR_RANGE);
    EXPECT_ERR(stall_wrote_part(&work, 3, UINT64_MAX, ERR_OK), ERR_RANGE);
    EXPECT_ERR(stall_wrote_part(&work, 0, 0, ERR_OK), ERR_INVAL);
    EXPECT_U64(count->stale, 0);
    EXPECT_U64(stall.object->unsaved, PAGES);
    EXPECT_ERR(stall_wrote_part(&work, 3, 1, ERR_OK), ERR_OK);
    EXPECT_ERR(stall_wrote_part(&work, 3, 1, ERR_IO), ERR_EXIST);
    EXPECT_ERR(stall_wrote_part(&work, 0, PAGES, ERR_OK), ERR_EXIST);
    EXPECT_ERR(stall_wrote_part(&work, 2, 2, ERR_OK), ERR_EXIST);
    EXPECT_U64(count->stale, 3);
    EXPECT_U64(state_of(3), PAGED_CLEAN);
    EXPECT_U64(stall.object->unsaved, PAGES - 1);
    stall_finish();
}

TAP_TEST(what_is_written_after_its_answer_is_another_works)
{
    struct pager_work other;

    start_save();
    EXPECT_ERR(stall_wrote_part(&work, 0, 2, ERR_OK), ERR_OK);
    EXPECT(stall_write(1, AT, 200));
    EXPECT(stall_write(1, AT + 3, 203)); /* and what is on its way is dirty again */
    EXPECT(!ask_sync(2, 0, 1));
    EXPECT_ERR(stall_next(&other), ERR_OK);
    EXPECT_U64(other.kind, PAGER_WORK_SAVE);
    EXPECT_U64(other.first, 0);
    EXPECT_U64(other.pages, 1);
    /* The first one goes on, and says nothing of that page any longer. */
    EXPECT_ERR(stall_wrote_part(&work, 2, PAGES - 2, ERR_OK), ERR_OK);
    EXPECT_U64(state_of(0), PAGED_SAVING);
    EXPECT_U64(state_of(3), PAGED_DIRTY);
    EXPECT(!stall_is_answered(2));
    EXPECT_ERR(stall_wrote(&other, ERR_OK), ERR_OK);
    expect_sync(2, ERR_OK);
    EXPECT_U64(state_of(0), PAGED_CLEAN);
    stall_finish();
}

TAP_TEST(the_next_process_is_asked_for_what_was_not_answered)
{
    start_save();
    EXPECT_ERR(stall_wrote_part(&work, 0, 2, ERR_OK), ERR_OK);
    EXPECT_ERR(stall_wrote_part(&work, 4, 1, ERR_OK), ERR_OK);
    EXPECT_ERR(stall_wrote_part(&work, 7, 1, ERR_OK), ERR_OK);
    stall_end_server();
    world_audit(stall.patient.world);
    EXPECT(!stall_is_answered(0));
    stall_attach();
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.first, 2);
    EXPECT_U64(work.pages, 5); /* page 4 is clean, and lies between */
    EXPECT_U64(state_of(4), PAGED_CLEAN);
    EXPECT_ERR(stall_wrote(&work, ERR_OK), ERR_OK);
    expect_sync(0, ERR_OK);
    EXPECT_U64(stall.object->unsaved, 0);
    stall_finish();
}

/* The pages of a piece of work can be others before it is answered: the object was cut. */
TAP_TEST(pages_that_came_back_after_a_cut_are_not_what_the_old_work_saved)
{
    struct pager_work other;

    start_save();
    EXPECT_ERR(
        op_object_resize(stall_core(), stall.server, stall.object, MAP_RIGHT_WRITE, 4 * PAGE_SIZE),
        ERR_OK);
    EXPECT_ERR(op_object_resize(stall_core(), stall.server, stall.object, MAP_RIGHT_WRITE,
                                PAGES * PAGE_SIZE),
               ERR_OK);
    EXPECT(!stall_write(1, AT + 6, 206));
    EXPECT_ERR(stall_next(&other), ERR_OK);
    EXPECT_U64(other.kind, PAGER_WORK_PULL);
    EXPECT_ERR(stall_supply(&other, SUPPLY_COPY), ERR_OK);
    EXPECT_U64(state_of(6), PAGED_DIRTY);
    EXPECT(!ask_sync(2, 6, 1));
    EXPECT_ERR(stall_wrote(&work, ERR_OK), ERR_OK);
    EXPECT(!stall_is_answered(2));
    EXPECT_ERR(stall_next(&other), ERR_OK);
    EXPECT_U64(other.kind, PAGER_WORK_SAVE);
    EXPECT_U64(other.first, 6);
    EXPECT_ERR(stall_wrote(&other, ERR_OK), ERR_OK);
    expect_sync(2, ERR_OK);
    stall_finish();
}

TAP_TEST(pages_that_came_after_a_work_was_taken_are_not_what_it_saved)
{
    struct pager_work other;

    start();
    EXPECT(!ask_sync(0, 0, PAGES));
    EXPECT_ERR(
        op_object_resize(stall_core(), stall.server, stall.object, MAP_RIGHT_WRITE, 4 * PAGE_SIZE),
        ERR_OK);
    EXPECT_ERR(op_object_resize(stall_core(), stall.server, stall.object, MAP_RIGHT_WRITE,
                                PAGES * PAGE_SIZE),
               ERR_OK);
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.pages, PAGES); /* as it was asked for */
    EXPECT(!stall_write(1, AT + 6, 206));
    EXPECT_ERR(stall_next(&other), ERR_OK);
    EXPECT_ERR(stall_supply(&other, SUPPLY_COPY), ERR_OK);
    EXPECT(!ask_sync(2, 6, 1));
    EXPECT_ERR(stall_next(&other), ERR_OK);
    EXPECT_U64(other.kind, PAGER_WORK_SAVE);
    EXPECT_U64(other.first, 6);
    EXPECT_ERR(stall_wrote(&work, ERR_OK), ERR_OK);
    EXPECT_U64(state_of(6), PAGED_SAVING);
    EXPECT(!stall_is_answered(2));
    EXPECT_ERR(stall_wrote(&other, ERR_OK), ERR_OK);
    expect_sync(2, ERR_OK);
    stall_finish();
}

TAP_TEST(who_waits_for_a_frame_has_one_from_the_part_that_was_saved)
{
    struct pager_work saved;
    struct settle_request settle;

    swapper_start(SWAPPER_FRAMES, 256, 8);
    swapper_map(0, 128);
    for (uint32_t page = 0; page < 64; page++) {
        swapper_write(page, swapper_word(page));
    }
    world_starve(swapper.patient.world, swapper_core()->head->pool.kept);
    EXPECT(!patient_ask(&swapper.patient, swapper.threads[1],
                        (uint64_t[WAIT_WORDS]){ASK_TOUCH, SWAPPER_AT + 100, MEM_PROT_WRITE, 1}));
    EXPECT_ERR(swapper_take(&saved), ERR_OK);
    EXPECT_U64(saved.kind, PAGER_WORK_SAVE);
    settle = (struct settle_request){
        .number = saved.number, .first = saved.first, .pages = 1, .generation = saved.generation};
    while (settle.first < saved.first + saved.pages &&
           !patient_answer(&swapper.patient, swapper.threads[1])->is_there) {
        EXPECT_ERR(op_supply_wrote(swapper_core(), swapper.server, swapper.named, &settle), ERR_OK);
        patient_go_on(&swapper.patient);
        settle.first++;
    }
    EXPECT(settle.first < saved.first + saved.pages); /* the work is not over */
    EXPECT(patient_answer(&swapper.patient, swapper.threads[1])->is_there);
    EXPECT_ERR(patient_answer(&swapper.patient, swapper.threads[1])->error, ERR_OK);
    swapper_finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(pages_that_are_saved_in_part_are_clean_and_the_rest_goes_on),
        TAP(parts_come_in_any_order),
        TAP(a_part_that_fails_is_told_and_stays_to_be_saved_and_the_rest_is_saved),
        TAP(a_part_that_fails_with_nobody_waiting_for_it_is_told_to_who_waits_for_another),
        TAP(what_comes_too_late_is_stale_and_what_came_in_time_stands),
        TAP(wrong_counts_and_double_answers_are_refused_and_say_nothing_of_any_page),
        TAP(what_is_written_after_its_answer_is_another_works),
        TAP(the_next_process_is_asked_for_what_was_not_answered),
        TAP(pages_that_came_back_after_a_cut_are_not_what_the_old_work_saved),
        TAP(pages_that_came_after_a_work_was_taken_are_not_what_it_saved),
        TAP(who_waits_for_a_frame_has_one_from_the_part_that_was_saved),
    };

    return TAP_RUN(argc, argv, tests);
}
