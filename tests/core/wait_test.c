/* SPDX-License-Identifier: MIT */
/*
 * Faults and requests that wait: the first try leaves the space free, the second keeps it; what
 * they find when they start over; ends in each state.
 */
#include <tap.h>

#include "patient.h"
#include "stall.h"

#include "server/core/paged.h"

static bool ask(unsigned thread, enum ask what, uint64_t x, uint64_t y, uint64_t z)
{
    return patient_ask(&stall.patient, stall.threads[thread],
                       (uint64_t[WAIT_WORDS]){what, x, y, z});
}

static enum err error_of(unsigned thread)
{
    return patient_answer(&stall.patient, stall.threads[thread])->error;
}

static enum fault_outcome outcome_of(unsigned thread)
{
    return patient_answer(&stall.patient, stall.threads[thread])->outcome;
}

static enum wait_state state_of(unsigned thread)
{
    return (enum wait_state)stall.threads[thread]->wait.state;
}

/* Thread 0 touches page AT and waits with the space kept. */
static void wait_twice(struct pager_work *work)
{
    EXPECT(!stall_read(0, AT));
    EXPECT_ERR(stall_next(work), ERR_OK);
    EXPECT_U64(state_of(0), WAIT_FIRST);
    /* What was asked for comes, and is gone before the thread can see it. */
    stall_fill(0);
    const struct supply_request request = {.number = work->number,
                                           .first = 0,
                                           .pages = 1,
                                           .generation = work->generation,
                                           .way = SUPPLY_ZERO};
    uint64_t done;
    EXPECT_ERR(op_supply(stall_core(), stall.server, stall.named, &request, &done), ERR_OK);
    EXPECT_ERR(op_object_resize(stall_core(), stall.server, stall.object, MAP_RIGHT_WRITE, 0),
               ERR_OK);
    EXPECT_ERR(
        op_object_resize(stall_core(), stall.server, stall.object, MAP_RIGHT_WRITE, 8 * PAGE_SIZE),
        ERR_OK);
    patient_go_on(&stall.patient);
    EXPECT_U64(state_of(0), WAIT_SECOND);
    EXPECT_U64(stall.client->kept, 1);
    EXPECT_ERR(stall_next(work), ERR_OK);
}

TAP_TEST(on_the_first_try_requests_that_change_regions_do_not_wait)
{
    struct pager_work work;

    stall_start(8, 1);
    EXPECT(!stall_read(0, AT));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT(ask(1, ASK_MAP, TO, 2, 3));
    EXPECT(ask(1, ASK_PROTECT, TO, 1, 1));
    EXPECT(ask(1, ASK_UNMAP, TO, 2, 0));
    EXPECT(ask(1, ASK_CLONE, 0, 0, 0));
    EXPECT_ERR(error_of(1), ERR_OK);
    EXPECT(!stall_is_answered(0));
    EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_OK);
    stall_expect_read(0, stall_word(0));
    stall_finish();
}

TAP_TEST(on_the_second_try_they_queue_in_order_and_others_go_on)
{
    struct pager_work work;

    stall_start(8, 1);
    EXPECT(ask(3, ASK_MAP, TO, 4, 3));
    wait_twice(&work);
    EXPECT(!ask(1, ASK_UNMAP, TO, 1, 0));
    EXPECT(!ask(2, ASK_MAP, TO, 1, 1));
    struct thread *cloner = patient_thread(&stall.patient, stall.client);
    EXPECT(!patient_ask(&stall.patient, cloner, (uint64_t[WAIT_WORDS]){ASK_CLONE}));
    /* Faults and copies go on. */
    EXPECT(stall_write(3, TO + 2, 5));
    EXPECT(ask(3, ASK_COPY, TO + 3, TO + 2, 1));
    EXPECT(ask(3, ASK_SYNC, TO, 4, 0));
    EXPECT_U64(state_of(1), WAIT_QUEUED);
    EXPECT_U64(stall_core()->head->pagers.count.second, 1);
    EXPECT_U64(stall_core()->head->pagers.count.queued, 3);
    EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_OK);
    stall_expect_read(0, stall_word(0));
    EXPECT_U64(stall.client->kept, 0);
    EXPECT(stall_is_answered(1) && stall_is_answered(2));
    EXPECT(stall_order(0) < stall_order(1) && stall_order(1) < stall_order(2));
    EXPECT(stall.patient.orders[cloner->number] == stall_order(2) + 1);
    /* The map came after the unmap. */
    EXPECT(stall_read(3, TO));
    EXPECT_U64(outcome_of(3), FAULT_READY);
    stall_finish();
}

TAP_TEST(an_object_that_is_waited_for_without_end_never_keeps_the_space)
{
    struct pager_work work;

    stall_start_endless(8, 1);
    EXPECT(!stall_read(0, AT));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    const struct supply_request request = {
        .number = work.number, .pages = 1, .generation = work.generation, .way = SUPPLY_ZERO};
    uint64_t done;
    EXPECT_ERR(op_supply(stall_core(), stall.server, stall.named, &request, &done), ERR_OK);
    EXPECT_ERR(op_object_resize(stall_core(), stall.server, stall.object, MAP_RIGHT_WRITE, 0),
               ERR_OK);
    EXPECT_ERR(
        op_object_resize(stall_core(), stall.server, stall.object, MAP_RIGHT_WRITE, 8 * PAGE_SIZE),
        ERR_OK);
    patient_go_on(&stall.patient);
    EXPECT_U64(state_of(0), WAIT_FIRST);
    EXPECT_U64(stall.client->kept, 0);
    EXPECT_U64(stall_core()->head->pagers.count.again, 1);
    EXPECT(ask(1, ASK_MAP, TO, 2, 3));
    patient_pass(&stall.patient, UINT64_MAX / 2);
    EXPECT(!stall_is_answered(0));
    stall_finish();
}

TAP_TEST(ending_a_client_breaks_in_and_frees_the_queue)
{
    struct pager_work work;

    stall_start(8, 1);
    wait_twice(&work);
    EXPECT(!ask(1, ASK_MAP, TO, 2, 3));
    space_end(stall_core(), stall.client);
    patient_go_on(&stall.patient);
    EXPECT_U64(stall_core()->head->pagers.ready.first, 0);
    /* A late supply harms nobody. */
    EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_OK);
    stall_finish();
}

TAP_TEST(a_thread_that_ends_on_the_second_try_lets_the_queue_go_on)
{
    struct pager_work work;

    stall_start(8, 1);
    wait_twice(&work);
    EXPECT(!ask(1, ASK_MAP, TO, 2, 3));
    thread_end(stall_core(), stall.threads[0]);
    patient_go_on(&stall.patient);
    EXPECT(stall_is_answered(1));
    EXPECT_ERR(error_of(1), ERR_OK);
    stall_finish();
}

TAP_TEST(a_region_that_is_removed_during_the_wait_is_a_map_error)
{
    struct pager_work work;

    stall_start(8, 1);
    EXPECT(!stall_read(0, AT));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT(ask(1, ASK_UNMAP, AT, 1, 0));
    EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_OK);
    EXPECT(stall_is_answered(0));
    EXPECT_U64(outcome_of(0), FAULT_NO_REGION);
    stall_finish();
}

TAP_TEST(a_region_that_is_replaced_during_the_wait_is_what_is_seen)
{
    struct pager_work work;

    stall_start(8, 1);
    EXPECT(!stall_write(0, AT, 9));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT(ask(1, ASK_MAP, AT, 1, 3));
    EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_OK);
    stall_expect_read(0, 9);
    EXPECT_U64(stall.client->own, 1);
    EXPECT_U64(stall.object->unsaved, 0);
    stall_finish();
}

TAP_TEST(a_region_that_becomes_read_only_during_the_wait_refuses_the_write)
{
    struct pager_work work;

    stall_start(8, 1);
    EXPECT(!stall_write(0, AT, 9));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT(ask(1, ASK_PROTECT, AT, 1, 1));
    EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_OK);
    EXPECT(stall_is_answered(0));
    EXPECT_U64(outcome_of(0), FAULT_DENIED);
    EXPECT_U64(stall.object->unsaved, 0);
    stall_finish();
}

TAP_TEST(an_object_that_is_truncated_during_the_wait_is_a_bus_error)
{
    struct pager_work work;

    stall_start(8, 4);
    stall_sequential();
    EXPECT(!stall_read(0, AT + 4));
    EXPECT(!stall_read(1, AT + 5));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.pages, 4);
    EXPECT_ERR(op_object_resize(stall_core(), stall.server, stall.object, MAP_RIGHT_WRITE,
                                4 * PAGE_SIZE + 1),
               ERR_OK);
    patient_go_on(&stall.patient);
    EXPECT(!stall_is_answered(0));
    EXPECT(stall_is_answered(1));
    EXPECT_U64(outcome_of(1), FAULT_PAST_END);
    EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_STALE);
    stall_expect_read(0, stall_word(4));
    /* All pages are gone with the end. */
    EXPECT_ERR(op_object_resize(stall_core(), stall.server, stall.object, MAP_RIGHT_WRITE, 0),
               ERR_OK);
    EXPECT(stall_read(0, AT + 4));
    EXPECT_U64(outcome_of(0), FAULT_PAST_END);
    stall_finish();
}

TAP_TEST(only_its_pager_makes_an_object_shorter)
{
    stall_start(8, 1);
    EXPECT_ERR(op_object_resize(stall_core(), stall.client, stall.object, MAP_RIGHT_WRITE, 0),
               ERR_INVAL);
    EXPECT_ERR(op_object_resize(stall_core(), stall.server, stall.object, 0, 0), ERR_ACCES);
    stall_finish();
}

TAP_TEST(a_private_page_is_copied_from_what_the_pager_supplied)
{
    struct pager_work work;
    const uint64_t map[WAIT_WORDS] = {
        ASK_MAP_OBJECT, TO, 4, 3, MEM_MAP_PRIVATE, (stall_start(8, 1), stall.object->number), 0};

    EXPECT(patient_ask(&stall.patient, stall.threads[1], map));
    EXPECT(!stall_write(0, TO + 1, 5));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_ERR(stall_supply(&work, SUPPLY_MOVE), ERR_OK);
    stall_expect_read(0, 5);
    EXPECT(stall_read(1, AT + 1));
    stall_expect_read(1, stall_word(1));
    EXPECT_U64(stall.object->unsaved, 0);
    EXPECT(ask(2, ASK_CLONE, 0, 0, 0));
    EXPECT(stall_write(0, TO + 1, 6));
    world_audit(stall.patient.world);
    stall_finish();
}

TAP_TEST(populate_and_locks_wait_for_all_their_pages)
{
    struct pager_work work;
    const uint64_t number = (stall_start(8, 2), stall.object->number);
    const uint64_t map[WAIT_WORDS] = {ASK_MAP_OBJECT, TO, 3, 1, MEM_MAP_SHARED | MEM_MAP_POPULATE,
                                      number,         0};

    EXPECT(!patient_ask(&stall.patient, stall.threads[0], map));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.pages, 2);
    EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_OK);
    EXPECT(!stall_is_answered(0));
    /* It does not map again when it goes on. */
    EXPECT(ask(1, ASK_UNMAP, TO, 1, 0));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.first, 2);
    EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_OK);
    EXPECT(stall_is_answered(0));
    EXPECT_ERR(error_of(0), ERR_OK);
    EXPECT(stall_read(2, TO));
    EXPECT_U64(outcome_of(2), FAULT_NO_REGION);
    EXPECT(!ask(0, ASK_LOCK, AT, 6, 0));
    while (stall_next(&work) == ERR_OK) {
        EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_OK);
    }
    EXPECT(stall_is_answered(0));
    EXPECT_ERR(error_of(0), ERR_OK);
    EXPECT_U64(stall.client->locked, 6);
    EXPECT_U64(stall.client->wired, 6 + 2);
    stall_finish();
}

TAP_TEST(a_failed_populate_fails_lock_but_not_map)
{
    struct pager_work work;
    const uint64_t number = (stall_start(8, 1), stall.object->number);
    const uint64_t map[WAIT_WORDS] = {ASK_MAP_OBJECT, TO, 3, 1, MEM_MAP_SHARED | MEM_MAP_POPULATE,
                                      number,         0};

    EXPECT(!patient_ask(&stall.patient, stall.threads[0], map));
    EXPECT(!ask(1, ASK_LOCK, AT, 6, 0));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_ERR(stall_fail(&work, 0, 1, ERR_IO), ERR_OK);
    EXPECT(stall_is_answered(0));
    EXPECT_ERR(error_of(0), ERR_OK);
    EXPECT(stall_is_answered(1));
    EXPECT_ERR(error_of(1), ERR_IO);
    EXPECT_U64(stall.client->locked, 0);
    stall_finish();
}

TAP_TEST(a_copy_counts_once_what_it_copied_before_it_waited)
{
    struct pager_work work;
    const uint64_t number = (stall_start(8, 1), stall.object->number);
    const uint64_t read[WAIT_WORDS] = {ASK_READ_OBJECT, TO, number, 0, 3};

    EXPECT(ask(1, ASK_MAP, TO, 4, 3));
    EXPECT(!patient_ask(&stall.patient, stall.threads[0], read));
    for (unsigned i = 0; i < 3; i++) {
        EXPECT(!stall_is_answered(0));
        EXPECT_ERR(stall_next(&work), ERR_OK);
        EXPECT_U64(work.first, i);
        EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_OK);
    }
    EXPECT_ERR(error_of(0), ERR_OK);
    EXPECT_U64(patient_answer(&stall.patient, stall.threads[0])->value, 3 * PAGE_SIZE);
    EXPECT(stall_read(1, TO + 2));
    stall_expect_read(1, stall_word(2));
    stall_finish();
}

TAP_TEST(a_copy_that_may_not_wait_ends_at_the_page_that_is_not_there)
{
    struct pager_work work;
    const uint64_t copy[WAIT_WORDS] = {ASK_COPY, TO, AT, 2, 1};

    stall_start(8, 1);
    EXPECT(ask(1, ASK_MAP, TO, 4, 3));
    EXPECT(!stall_read(0, AT));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT(patient_ask(&stall.patient, stall.threads[1], copy));
    EXPECT_ERR(error_of(1), ERR_AGAIN);
    EXPECT_U64(patient_answer(&stall.patient, stall.threads[1])->value, 0);
    EXPECT_U64(stall_core()->need.kind, NEED_NOTHING); /* that the next request could take */
    EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_OK);
    EXPECT(patient_ask(&stall.patient, stall.threads[1], copy));
    EXPECT_ERR(error_of(1), ERR_AGAIN);
    EXPECT_U64(patient_answer(&stall.patient, stall.threads[1])->value, PAGE_SIZE);
    /* Nobody was asked for the second page. */
    EXPECT_ERR(stall_next(&work), ERR_WOULD_BLOCK);
    EXPECT(stall_read(1, TO));
    stall_expect_read(1, stall_word(0));
    stall_finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(on_the_first_try_requests_that_change_regions_do_not_wait),
        TAP(on_the_second_try_they_queue_in_order_and_others_go_on),
        TAP(an_object_that_is_waited_for_without_end_never_keeps_the_space),
        TAP(ending_a_client_breaks_in_and_frees_the_queue),
        TAP(a_thread_that_ends_on_the_second_try_lets_the_queue_go_on),
        TAP(a_region_that_is_removed_during_the_wait_is_a_map_error),
        TAP(a_region_that_is_replaced_during_the_wait_is_what_is_seen),
        TAP(a_region_that_becomes_read_only_during_the_wait_refuses_the_write),
        TAP(an_object_that_is_truncated_during_the_wait_is_a_bus_error),
        TAP(only_its_pager_makes_an_object_shorter),
        TAP(a_private_page_is_copied_from_what_the_pager_supplied),
        TAP(populate_and_locks_wait_for_all_their_pages),
        TAP(a_failed_populate_fails_lock_but_not_map),
        TAP(a_copy_counts_once_what_it_copied_before_it_waited),
        TAP(a_copy_that_may_not_wait_ends_at_the_page_that_is_not_there),
    };

    return TAP_RUN(argc, argv, tests);
}
