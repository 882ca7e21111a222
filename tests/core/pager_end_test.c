/* SPDX-License-Identifier: MIT */
/*
 * Pagers: their end, another's attaching, objects that go, workers, and who may wait for whom.
 */
#include <tap.h>

#include "patient.h"
#include "stall.h"

#include "server/core/reclaim.h"
#include "server/core/writeback.h"

TAP_TEST(when_the_pager_ends_its_waiters_are_told)
{
    struct pager_work work;

    stall_start(8, 1);
    EXPECT(!stall_read(0, AT));
    EXPECT(!stall_read(1, AT + 1));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    stall_end_server();
    stall_expect_signal(0, ERR_PEER_GONE);
    stall_expect_signal(1, ERR_PEER_GONE);
    /* So is whoever comes later, at once. */
    EXPECT(stall_read(2, AT + 2));
    stall_expect_signal(2, ERR_PEER_GONE);
    stall_finish();
}

TAP_TEST(pages_that_are_there_stay_when_the_pager_has_ended)
{
    struct pager_work work;

    stall_start(8, 1);
    EXPECT(!stall_read(0, AT));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_OK);
    stall_end_server();
    EXPECT(stall_read(1, AT));
    stall_expect_read(1, stall_word(0));
    stall_finish();
}

TAP_TEST(objects_that_wait_are_served_by_whoever_attaches)
{
    struct pager_work old;
    struct pager_work work;

    stall_start_waiting(8, 1);
    EXPECT(!stall_read(0, AT));
    EXPECT_ERR(stall_next(&old), ERR_OK);
    EXPECT_ERR(op_pager_attach(stall_core(), stall.client, stall.named), ERR_BUSY);
    stall_end_server();
    EXPECT(!stall_is_answered(0));
    EXPECT(!stall_read(1, AT + 1));
    stall_attach();
    EXPECT_ERR(stall_supply(&old, SUPPLY_COPY), ERR_STALE);
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.first, 0);
    EXPECT(work.generation != old.generation);
    EXPECT_ERR(stall_supply(&work, SUPPLY_COPY), ERR_OK);
    stall_expect_read(0, stall_word(0));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_ERR(stall_supply(&work, SUPPLY_MOVE), ERR_OK);
    stall_expect_read(1, stall_word(1));
    stall_finish();
}

TAP_TEST(nobody_who_waits_for_another_pager_waits_for_ever)
{
    stall_start_waiting(8, 1);
    EXPECT(!stall_read(0, AT));
    stall_end_server();
    patient_pass(&stall.patient, STALL_PATIENCE);
    stall_expect_signal(0, ERR_TIMEDOUT);
    stall_finish();
}

TAP_TEST(a_pager_is_told_of_objects_that_nobody_has_any_longer)
{
    struct pager_work work;
    const uint64_t number = (stall_start(8, 1), stall.object->number);

    EXPECT(!stall_read(0, AT));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT(patient_ask(&stall.patient, stall.threads[1], (uint64_t[WAIT_WORDS]){ASK_UNMAP, AT, 8}));
    /* The waiter finds that nothing is mapped there any longer, once the object has gone. */
    EXPECT(hold_drop(stall_core(), stall.server, stall.object));
    patient_go_on(&stall.patient);
    EXPECT(stall_is_answered(0));
    EXPECT_U64(patient_answer(&stall.patient, stall.threads[0])->outcome, FAULT_NO_REGION);
    EXPECT_ERR(stall_supply(&work, SUPPLY_ZERO), ERR_STALE);
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.kind, PAGER_WORK_GONE);
    EXPECT_U64(work.key, STALL_KEY);
    EXPECT_U64(work.number, number);
    EXPECT_ERR(stall_next(&work), ERR_WOULD_BLOCK);
    stall_finish();
}

TAP_TEST(while_pagers_have_no_objects_nothing_is_reclaimed_or_saved)
{
    const struct pager_object_request made = {.bytes = PAGE_SIZE, .patience = 1, .window = 1};
    struct object *object = NULL;

    stall_start(8, 1);
    struct core *core = stall_core();
    EXPECT(reclaim_is_possible(core) && reclaim_low(core) != 0);
    EXPECT_U64(core->head->pool.low, reclaim_low(core));
    EXPECT(patient_ask(&stall.patient, stall.threads[1], (uint64_t[WAIT_WORDS]){ASK_UNMAP, AT, 8}));
    EXPECT(hold_drop(core, stall.server, stall.object));
    EXPECT(!reclaim_is_possible(core));
    EXPECT_U64(core->head->pool.low, 0);
    core->head->pagers.age = STALL_PATIENCE;
    core->head->pagers.deadline = UINT64_MAX;
    EXPECT_U64(writeback_run(core), UINT64_MAX);
    /* With an object again there is somebody to take pages from, and a first look for old ones. */
    EXPECT_ERR(op_pager_object(core, stall.server, stall.named, &made, &object), ERR_OK);
    EXPECT_U64(core->head->pool.low, reclaim_low(core));
    EXPECT(core->head->pagers.deadline <= core->time);
    stall_finish();
}

TAP_TEST(a_next_that_waits_is_answered_when_there_is_work)
{
    stall_start(8, 1);
    struct thread *worker = patient_thread(&stall.patient, stall.server);
    EXPECT(!patient_ask(&stall.patient, worker,
                        (uint64_t[WAIT_WORDS]){ASK_NEXT, stall.named->number}));
    EXPECT(!stall_read(0, AT + 6));
    EXPECT(patient_answer(&stall.patient, worker)->is_there);
    EXPECT_U64(stall.patient.work.first, 6);
    stall_finish();
}

TAP_TEST(work_is_not_lost_with_a_worker_that_ends)
{
    stall_start(8, 1);
    struct thread *first = patient_thread(&stall.patient, stall.server);
    struct thread *second = patient_thread(&stall.patient, stall.server);
    const uint64_t next[WAIT_WORDS] = {ASK_NEXT, stall.named->number};
    EXPECT(!patient_ask(&stall.patient, first, next));
    EXPECT(!patient_ask(&stall.patient, second, next));
    /* The page is asked for, the first worker is READY, and ends before it is started over. */
    struct fault_answer answer;
    EXPECT_U64(fault_handle(stall_core(), stall.client, page_to_vpn(AT), MEM_PROT_READ, &answer),
               FAULT_WAIT);
    const struct wait_request request = {.serial = 1, .words = {ASK_TOUCH, AT, MEM_PROT_READ}};
    EXPECT_ERR(wait_begin(stall_core(), stall.client, stall.threads[0], &request), ERR_OK);
    EXPECT_U64(first->wait.state, WAIT_READY);
    thread_end(stall_core(), first);
    patient_go_on(&stall.patient);
    EXPECT(patient_answer(&stall.patient, second)->is_there);
    EXPECT_U64(stall.patient.work.first, 0);
    stall_finish();
}

TAP_TEST(who_waited_in_the_backlog_has_all_of_his_time_whoever_serves_the_pager)
{
    struct pager_work work[PAGER_PULLS + 1];
    struct thread *threads[PAGER_PULLS + 1];
    const uint64_t now = 100 * STALL_PATIENCE;

    stall_start(PAGER_PULLS + 1, 1);
    stall_core()->time = now;
    for (uint32_t i = 0; i < PAGER_PULLS + 1; i++) {
        threads[i] = patient_thread(&stall.patient, stall.client);
        EXPECT(!patient_read(&stall.patient, threads[i], AT + i));
    }
    for (uint32_t i = 0; i < PAGER_PULLS; i++) {
        EXPECT_ERR(stall_next(&work[i]), ERR_OK);
    }
    /* As a server thread does that has never looked at the clock. */
    stall_core()->time = 0;
    EXPECT_ERR(stall_supply(&work[0], SUPPLY_COPY), ERR_OK);
    EXPECT_ERR(stall_next(&work[PAGER_PULLS]), ERR_OK);
    EXPECT_U64(work[PAGER_PULLS].first, PAGER_PULLS);
    stall_core()->time = now;
    patient_pass(&stall.patient, STALL_PATIENCE - 1);
    EXPECT(!patient_answer(&stall.patient, threads[PAGER_PULLS])->is_there);
    patient_pass(&stall.patient, 1);
    EXPECT_ERR(patient_answer(&stall.patient, threads[PAGER_PULLS])->error, ERR_TIMEDOUT);
    stall_finish();
}

TAP_TEST(a_pager_that_would_wait_for_itself_is_refused)
{
    stall_start(8, 1);
    const struct map_request request = {.address = world_address(TO),
                                        .length = PAGE_SIZE,
                                        .prot = MEM_PROT_READ,
                                        .flags = MEM_MAP_SHARED | MEM_MAP_FIXED,
                                        .object = stall.object,
                                        .rights = MAP_RIGHT_READ | MAP_RIGHT_MAPPABLE};
    uaddr_t address;
    EXPECT_ERR(op_map(stall_core(), stall.server, &request, &address), ERR_DEADLK);
    /* The client serves another object, which the server maps: then the client may not go on. */
    struct object *named = NULL;
    struct object *object = NULL;
    const struct pager_object_request made = {.bytes = PAGE_SIZE, .patience = 1, .window = 1};
    struct space *third = world_space(stall.patient.world);
    EXPECT_ERR(
        op_pager_make(stall_core(), third, &(struct pager_request){.is_served = true}, &named),
        ERR_OK);
    EXPECT_ERR(op_pager_object(stall_core(), third, named, &made, &object), ERR_OK);
    struct map_request chain = request;
    chain.object = object;
    EXPECT_ERR(op_map(stall_core(), stall.server, &chain, &address), ERR_OK);
    EXPECT_ERR(op_map(stall_core(), third, &request, &address), ERR_DEADLK);
    /* Without that mapping it may. */
    EXPECT_ERR(op_unmap(stall_core(), stall.server, world_address(TO), PAGE_SIZE), ERR_OK);
    EXPECT_ERR(op_map(stall_core(), third, &request, &address), ERR_OK);
    EXPECT_ERR(op_map(stall_core(), stall.server, &chain, &address), ERR_DEADLK);
    stall_finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(when_the_pager_ends_its_waiters_are_told),
        TAP(pages_that_are_there_stay_when_the_pager_has_ended),
        TAP(objects_that_wait_are_served_by_whoever_attaches),
        TAP(nobody_who_waits_for_another_pager_waits_for_ever),
        TAP(a_pager_is_told_of_objects_that_nobody_has_any_longer),
        TAP(while_pagers_have_no_objects_nothing_is_reclaimed_or_saved),
        TAP(a_next_that_waits_is_answered_when_there_is_work),
        TAP(work_is_not_lost_with_a_worker_that_ends),
        TAP(who_waited_in_the_backlog_has_all_of_his_time_whoever_serves_the_pager),
        TAP(a_pager_that_would_wait_for_itself_is_refused),
    };

    return TAP_RUN(argc, argv, tests);
}
