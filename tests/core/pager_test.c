/* SPDX-License-Identifier: MIT */
/*
 * Pagers: who asks them for what, their answers, deadlines, and what there is too little of.
 */
#include <tap.h>

#include "patient.h"
#include "stall.h"

TAP_TEST(a_page_that_is_absent_is_asked_for_and_waited_for)
{
    struct pager_work work;

    stall_start(8, 1);
    EXPECT(!stall_read(0, AT));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.kind, PAGER_WORK_PULL);
    EXPECT_U64(work.key, STALL_KEY);
    EXPECT_U64(work.number, stall.object->number);
    EXPECT_U64(work.first, 0);
    EXPECT_U64(work.pages, 1);
    EXPECT_ERR(stall_next(&work), ERR_WOULD_BLOCK);
    stall_finish();
}

TAP_TEST(what_the_pager_supplies_by_copy_is_what_the_waiter_sees)
{
    struct pager_work work;

    stall_start(8, 1);
    EXPECT(!stall_read(0, AT + 2));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_OK);
    stall_expect_read(0, stall_word(2));
    /* The pager keeps its page. */
    EXPECT_U64(stall.server->own, 1);
    stall_finish();
}

TAP_TEST(pages_that_are_moved_leave_the_pager_and_are_seen)
{
    struct pager_work work;

    stall_start(8, 4);
    stall_sequential();
    EXPECT(!stall_read(0, AT));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.pages, 4);
    EXPECT_ERR(stall_supply(&work, SUPPLY_MOVE), ERR_OK);
    EXPECT_U64(stall.server->own, 0);
    EXPECT_U64(stall.object->resident, 4);
    stall_expect_read(0, stall_word(0));
    for (uint32_t i = 1; i < 4; i++) {
        EXPECT(stall_read(1, AT + i));
        stall_expect_read(1, stall_word(i));
    }
    stall_finish();
}

TAP_TEST(pages_of_zeros_need_no_memory_of_the_pager)
{
    struct pager_work work;

    stall_start(8, 2);
    stall_sequential();
    EXPECT(!stall_read(0, AT + 4));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_ERR(stall_supply(&work, SUPPLY_ZERO), ERR_OK);
    stall_expect_read(0, 0);
    stall_finish();
}

TAP_TEST(one_pull_serves_many_waiters_in_their_order)
{
    struct pager_work work;

    stall_start(8, 1);
    for (unsigned i = 0; i < STALL_THREADS; i++) {
        EXPECT(!stall_read(i, AT + 3));
    }
    EXPECT_ERR(stall_next(&work), ERR_OK);
    struct pager_work other;
    EXPECT_ERR(stall_next(&other), ERR_WOULD_BLOCK);
    EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_OK);
    for (unsigned i = 0; i < STALL_THREADS; i++) {
        stall_expect_read(i, stall_word(3));
        EXPECT(i == 0 || stall_order(i) == stall_order(i - 1) + 1);
    }
    stall_finish();
}

TAP_TEST(part_of_a_pull_wakes_those_whose_pages_came)
{
    struct pager_work work;

    stall_start(8, 4);
    stall_sequential();
    EXPECT(!stall_read(0, AT));
    EXPECT(!stall_read(1, AT + 1));
    EXPECT(!stall_read(2, AT + 3));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.pages, 4);
    /* The last first. */
    EXPECT_ERR(stall_supply_part(&work, 3, 1, SUPPLY_COPY), ERR_OK);
    EXPECT(!stall_is_answered(0) && !stall_is_answered(1));
    stall_expect_read(2, stall_word(3));
    EXPECT_ERR(stall_supply_part(&work, 1, 1, SUPPLY_COPY), ERR_OK);
    EXPECT(!stall_is_answered(0));
    stall_expect_read(1, stall_word(1));
    EXPECT_ERR(stall_supply_part(&work, 0, 1, SUPPLY_MOVE), ERR_OK);
    stall_expect_read(0, stall_word(0));
    EXPECT_ERR(stall_supply_part(&work, 2, 1, SUPPLY_COPY), ERR_OK);
    stall_finish();
}

TAP_TEST(stale_double_and_foreign_answers_are_refused_with_a_reason)
{
    struct pager_work work;

    stall_start(8, 2);
    stall_sequential();
    EXPECT(!stall_read(0, AT));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    struct pager_work wrong = work;
    wrong.generation += 64;
    EXPECT_ERR(stall_supply(&wrong, SUPPLY_ZERO), ERR_STALE);
    wrong.generation = work.generation | 63;
    EXPECT_ERR(stall_supply(&wrong, SUPPLY_ZERO), ERR_STALE);
    wrong = work;
    wrong.number++;
    EXPECT_ERR(stall_supply(&wrong, SUPPLY_ZERO), ERR_STALE);
    EXPECT_ERR(stall_supply_part(&work, 1, 2, SUPPLY_ZERO), ERR_RANGE);
    EXPECT_ERR(stall_supply_part(&work, UINT64_MAX, 1, SUPPLY_ZERO), ERR_RANGE);
    EXPECT_ERR(stall_supply_part(&work, 0, 0, SUPPLY_ZERO), ERR_INVAL);
    EXPECT_ERR(stall_supply_part(&work, 0, 1, SUPPLY_ZERO), ERR_OK);
    EXPECT_ERR(stall_supply_part(&work, 0, 1, SUPPLY_ZERO), ERR_EXIST);
    EXPECT_ERR(stall_supply(&work, SUPPLY_MOVE), ERR_EXIST);
    EXPECT_ERR(stall_supply_part(&work, 1, 1, SUPPLY_ZERO), ERR_OK);
    EXPECT_ERR(stall_supply_part(&work, 1, 1, SUPPLY_ZERO), ERR_STALE);
    /* Nobody but the one that serves it answers for a pager. */
    EXPECT(!stall_read(0, AT + 4));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    struct supply_request request = {.number = work.number,
                                     .first = work.first,
                                     .pages = 1,
                                     .generation = work.generation,
                                     .way = SUPPLY_ZERO};
    uint64_t done;
    EXPECT_ERR(op_supply(stall_core(), stall.client, stall.named, &request, &done), ERR_PERM);
    EXPECT_ERR(op_supply(stall_core(), stall.server, stall.object, &request, &done), ERR_TYPE);
    EXPECT(!stall_is_answered(0));
    stall_finish();
}

TAP_TEST(what_cannot_be_moved_is_refused_and_nothing_was)
{
    struct pager_work work;

    stall_start(8, 2);
    stall_sequential();
    EXPECT(!stall_read(0, AT));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    stall_fill(0);
    EXPECT_U64(stall.server->own, 1);
    EXPECT_ERR(stall_supply_raw(&work, 0, 2, SUPPLY_MOVE), ERR_FAULT);
    EXPECT_U64(stall.server->own, 1);
    EXPECT_U64(stall.object->resident, 0);
    EXPECT(!stall_is_answered(0));
    EXPECT_ERR(stall_supply(&work, SUPPLY_MOVE), ERR_OK);
    stall_expect_read(0, stall_word(0));
    stall_finish();
}

TAP_TEST(what_fails_is_a_bus_error_and_may_be_asked_for_again)
{
    struct pager_work work;

    stall_start(8, 2);
    stall_sequential();
    EXPECT(!stall_read(0, AT));
    EXPECT(!stall_read(1, AT + 1));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_ERR(stall_fail(&work, 0, 1, ERR_IO), ERR_OK);
    stall_expect_signal(0, ERR_IO);
    EXPECT(!stall_is_answered(1));
    EXPECT_ERR(stall_supply_part(&work, 1, 1, SUPPLY_COPY), ERR_OK);
    stall_expect_read(1, stall_word(1));
    EXPECT(!stall_read(0, AT));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_OK);
    stall_expect_read(0, stall_word(0));
    stall_finish();
}

TAP_TEST(a_pager_that_never_answers_is_given_up_after_its_time)
{
    struct pager_work work;

    stall_start(8, 1);
    EXPECT(!stall_read(0, AT));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    patient_pass(&stall.patient, STALL_PATIENCE / 2);
    EXPECT(!stall_read(1, AT));
    EXPECT(!stall_is_answered(0));
    patient_pass(&stall.patient, STALL_PATIENCE / 2);
    stall_expect_signal(0, ERR_TIMEDOUT);
    stall_expect_signal(1, ERR_TIMEDOUT);
    EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_STALE);
    EXPECT_U64(stall.object->resident, 0);
    stall_finish();
}

TAP_TEST(more_needs_than_pulls_wait_in_the_backlog_in_order)
{
    struct pager_work work[PAGER_PULLS];
    struct thread *threads[PAGER_PULLS + 3];

    stall_start(PAGER_PULLS + 3, 1);
    for (uint32_t i = 0; i < PAGER_PULLS + 3; i++) {
        threads[i] = patient_thread(&stall.patient, stall.client);
        EXPECT(!patient_read(&stall.patient, threads[i], AT + i));
    }
    for (uint32_t i = 0; i < PAGER_PULLS; i++) {
        EXPECT_ERR(stall_next(&work[i]), ERR_OK);
        EXPECT_U64(work[i].first, i);
    }
    struct pager_work more;
    EXPECT_ERR(stall_next(&more), ERR_WOULD_BLOCK);
    EXPECT_ERR(stall_supply(&work[5], SUPPLY_COPY), ERR_OK);
    EXPECT_ERR(stall_next(&more), ERR_OK);
    EXPECT_U64(more.first, PAGER_PULLS);
    /* The rest is given up with its time: also what nobody could ask for. */
    patient_pass(&stall.patient, STALL_PATIENCE);
    for (uint32_t i = 0; i < PAGER_PULLS + 3; i++) {
        const struct patient_answer *answer = patient_answer(&stall.patient, threads[i]);
        EXPECT(answer->is_there && answer->error == (i == 5 ? ERR_OK : ERR_TIMEDOUT));
    }
    stall_finish();
}

TAP_TEST(a_pager_reads_its_own_object_only_where_it_is_there)
{
    struct pager_work work;

    stall_start(8, 1);
    struct thread *worker = patient_thread(&stall.patient, stall.server);
    stall_fill(7);
    const uint64_t read[WAIT_WORDS] = {ASK_READ_OBJECT, FROM + 7, stall.object->number, 1, 1};
    EXPECT(patient_ask(&stall.patient, worker, read));
    EXPECT_ERR(patient_answer(&stall.patient, worker)->error, ERR_DEADLK);
    EXPECT(!stall_read(0, AT + 1));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_OK);
    EXPECT(patient_ask(&stall.patient, worker, read));
    EXPECT_ERR(patient_answer(&stall.patient, worker)->error, ERR_OK);
    uint64_t word;
    EXPECT_U64(world_read(stall.patient.world, stall.server, FROM + 7, &word), FAULT_READY);
    EXPECT_U64(word, stall_word(1));
    stall_finish();
}

TAP_TEST(what_is_asked_ahead_follows_the_use)
{
    struct pager_work work;

    stall_start(64, 16);
    EXPECT(!stall_read(0, AT));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.pages, 4);
    EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_OK);
    EXPECT(!stall_read(0, AT + 4));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.first, 4);
    EXPECT_U64(work.pages, 8);
    EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_OK);
    EXPECT(!stall_read(0, AT + 12));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.pages, 16);
    EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_OK);
    /* Elsewhere; and no further than the end of the object or what is there. */
    EXPECT(!stall_read(0, AT + 62));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.pages, 2);
    EXPECT(!stall_read(1, AT + 60));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.pages, 2);
    EXPECT(patient_ask(&stall.patient, stall.threads[2],
                       (uint64_t[WAIT_WORDS]){ASK_ADVISE, AT, 64, MEM_ADVISE_RANDOM}));
    EXPECT(!stall_read(2, AT + 40));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.pages, 1);
    stall_finish();
}

TAP_TEST(what_was_asked_for_ahead_is_a_hit_when_it_is_used_first)
{
    const struct wait_counts *count;
    struct pager_work work;

    stall_start(64, 16);
    count = &stall_core()->head->pagers.count;
    EXPECT(!stall_read(0, AT + 30));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.pages, 4);
    EXPECT_U64(count->ahead, 3);
    EXPECT_ERR(stall_supply_part(&work, 0, 1, SUPPLY_COPY), ERR_OK);
    EXPECT_U64(count->hits, 0);          /* it was needed */
    EXPECT(!stall_write(1, AT + 31, 5)); /* on its way is a hit too */
    EXPECT_ERR(stall_supply_part(&work, 1, 2, SUPPLY_MOVE), ERR_OK);
    EXPECT_U64(count->hits, 1);
    EXPECT(stall_write(1, AT + 32, 5));
    EXPECT_U64(count->hits, 2);
    EXPECT(stall_write(1, AT + 32, 6) && stall_read(1, AT + 32));
    EXPECT_U64(count->hits, 2);
    EXPECT_ERR(stall_supply_part(&work, 3, 1, SUPPLY_ZERO), ERR_OK);
    EXPECT(stall_read(1, AT + 33));
    EXPECT_U64(count->hits, 3);
    EXPECT_U64(count->ahead, 3);
    stall_finish();
}

/* Whether the client's table maps a page. */
static bool is_mapped(uint32_t page)
{
    return model_leaf(stall.patient.world->port, stall.client->kernel, page) != NULL;
}

/* Have the first 16 pages of an object of 32 there, none of them mapped. */
static void start_present(void)
{
    struct pager_work work;

    stall_start(32, 16);
    stall_sequential();
    EXPECT(!stall_write(0, AT + 3, 9));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.pages, 16);
    EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_OK);
}

TAP_TEST(a_read_maps_what_is_there_beside_it_and_asks_for_nothing)
{
    struct pager_work work;

    start_present();
    /* AT + 3 ... AT + 18 of the object's pages are there; blocks of addresses begin at 16. */
    EXPECT(!is_mapped(AT + 4)); /* a write maps its page alone */
    EXPECT(stall_read(0, AT + 8));
    for (uint32_t i = 0; i < 32; i++) {
        EXPECT_U64(is_mapped(AT + i), i >= 3 && i < 16);
    }
    EXPECT_U64(stall_core()->head->pagers.count.around, 11);
    EXPECT_ERR(stall_next(&work), ERR_WOULD_BLOCK);
    for (uint32_t i = 4; i < 16; i++) {
        EXPECT(stall_read(1, AT + i));
        stall_expect_read(1, stall_word(i));
    }
    stall_finish();
}

TAP_TEST(what_is_mapped_beside_a_read_ends_where_something_is_mapped_already)
{
    start_present();
    EXPECT(stall_write(0, AT + 11, 1));
    EXPECT(stall_read(0, AT + 8));
    for (uint32_t i = 0; i < 32; i++) {
        EXPECT_U64(is_mapped(AT + i), i >= 3 && i < 12);
    }
    stall_finish();
}

TAP_TEST(what_is_mapped_beside_a_read_is_clean_until_it_is_written)
{
    struct pager_work work;

    start_present();
    EXPECT(stall_read(0, AT + 8));
    EXPECT_U64(stall.object->unsaved, 1);
    EXPECT(stall_write(0, AT + 9, 77));
    EXPECT_U64(stall.object->unsaved, 2);
    /* Saved, then dropped and mapped anew: only then it may be written unnoticed again. */
    EXPECT(
        !patient_ask(&stall.patient, stall.threads[1], (uint64_t[WAIT_WORDS]){ASK_SYNC, AT, 32}));
    while (stall_next(&work) == ERR_OK) {
        EXPECT_U64(work.kind, PAGER_WORK_SAVE);
        EXPECT_ERR(stall_wrote(&work, ERR_OK), ERR_OK);
    }
    EXPECT_U64(stall.object->unsaved, 0);
    EXPECT(stall_write(0, AT + 9, 78));
    EXPECT_U64(stall.object->unsaved, 1);
    stall_finish();
}

TAP_TEST(nothing_is_mapped_beside_a_read_where_use_is_random)
{
    start_present();
    EXPECT(patient_ask(&stall.patient, stall.threads[2],
                       (uint64_t[WAIT_WORDS]){ASK_ADVISE, AT, 32, MEM_ADVISE_RANDOM}));
    EXPECT(stall_read(0, AT + 8));
    EXPECT(!is_mapped(AT + 7) && is_mapped(AT + 8) && !is_mapped(AT + 9));
    EXPECT_U64(stall_core()->head->pagers.count.around, 0);
    stall_finish();
}

TAP_TEST(a_budget_that_is_used_up_refuses_what_would_wait)
{
    stall_start(8, 1);
    world_budget(stall.server, 0);
    EXPECT(stall_read(0, AT));
    stall_expect_signal(0, ERR_NOMEM);
    stall_finish();
}

static uint32_t taken[WORLD_FRAMES];

/* Take all frames that can be had. Returns: how many. */
static uint32_t take_frames(bool takes_kept)
{
    const uint64_t kept = stall_core()->head->pool.kept;
    uint32_t count = 0;

    core_settle(stall_core());
    stall_core()->head->pool.kept = takes_kept ? 0 : kept;
    while ((taken[count] = pool_take(stall_core(), FRAME_OBJECT, 0, 0)) != 0) {
        count++;
    }
    stall_core()->head->pool.kept = kept;
    return count;
}

TAP_TEST(a_page_that_was_asked_for_has_its_frame_whoever_wants_one)
{
    struct pager_work work;

    stall_start(8, 1);
    EXPECT(!stall_read(0, AT));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    stall_fill(0);
    uint32_t count = take_frames(false);
    /* Nobody else gets it, nor is it promised twice. */
    EXPECT_U64(pool_free(stall_core()), 1);
    (void)stall_read(1, AT + 4);
    stall_expect_signal(1, ERR_NOMEM);
    EXPECT_ERR(stall_supply_raw(&work, 0, 1, SUPPLY_COPY), ERR_OK);
    stall_expect_read(0, stall_word(0));
    while (count > 0) {
        pool_give(stall_core(), taken[--count]);
    }
    stall_finish();
}

TAP_TEST(a_supply_without_frames_is_refused_and_may_come_again)
{
    struct pager_work work;

    stall_start(8, 1);
    EXPECT(!stall_read(0, AT));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    stall_fill(0);
    uint32_t count = take_frames(true);
    EXPECT_ERR(stall_supply_raw(&work, 0, 1, SUPPLY_COPY), ERR_NOMEM);
    EXPECT(!stall_is_answered(0));
    while (count > 0) {
        pool_give(stall_core(), taken[--count]);
    }
    EXPECT_ERR(stall_supply_raw(&work, 0, 1, SUPPLY_COPY), ERR_OK);
    stall_expect_read(0, stall_word(0));
    stall_finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_page_that_is_absent_is_asked_for_and_waited_for),
        TAP(what_the_pager_supplies_by_copy_is_what_the_waiter_sees),
        TAP(pages_that_are_moved_leave_the_pager_and_are_seen),
        TAP(pages_of_zeros_need_no_memory_of_the_pager),
        TAP(one_pull_serves_many_waiters_in_their_order),
        TAP(part_of_a_pull_wakes_those_whose_pages_came),
        TAP(stale_double_and_foreign_answers_are_refused_with_a_reason),
        TAP(what_cannot_be_moved_is_refused_and_nothing_was),
        TAP(what_fails_is_a_bus_error_and_may_be_asked_for_again),
        TAP(a_pager_that_never_answers_is_given_up_after_its_time),
        TAP(more_needs_than_pulls_wait_in_the_backlog_in_order),
        TAP(a_pager_reads_its_own_object_only_where_it_is_there),
        TAP(what_is_asked_ahead_follows_the_use),
        TAP(what_was_asked_for_ahead_is_a_hit_when_it_is_used_first),
        TAP(a_read_maps_what_is_there_beside_it_and_asks_for_nothing),
        TAP(what_is_mapped_beside_a_read_ends_where_something_is_mapped_already),
        TAP(what_is_mapped_beside_a_read_is_clean_until_it_is_written),
        TAP(nothing_is_mapped_beside_a_read_where_use_is_random),
        TAP(a_budget_that_is_used_up_refuses_what_would_wait),
        TAP(a_page_that_was_asked_for_has_its_frame_whoever_wants_one),
        TAP(a_supply_without_frames_is_refused_and_may_come_again),
    };

    return TAP_RUN(argc, argv, tests);
}
