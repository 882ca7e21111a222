/* SPDX-License-Identifier: MIT */
/*
 * A pager's process ends and another takes its place: what it finds, and what becomes of objects
 * when none comes.
 */
#include <tap.h>

#include <mem/prot.h>

#include "stall.h"

#include "server/core/hold.h"
#include "server/core/shared.h"

#define WORD UINT64_C(0xabcdef)

static struct pager_work work;

/* Thread 0 writes to the first page, which the pager supplies. */
static void write_first(void)
{
    EXPECT(!stall_write(0, AT, WORD));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_ERR(stall_supply(&work, SUPPLY_ZERO), ERR_OK);
    EXPECT(stall_is_answered(0));
}

static void unmap_all(void)
{
    EXPECT(patient_ask(&stall.patient, stall.threads[0],
                       (uint64_t[WAIT_WORDS]){ASK_UNMAP, AT, stall.object->pages.v}));
}

static bool ask_sync(unsigned thread)
{
    return patient_ask(&stall.patient, stall.threads[thread],
                       (uint64_t[WAIT_WORDS]){ASK_SYNC, AT, stall.object->pages.v});
}

/* The client, which alone has a handle to the pager, gives it back. */
static void let_the_pager_go(void)
{
    EXPECT(hold_drop(stall_core(), stall.client, stall.named));
    patient_go_on(&stall.patient);
}

static struct object *adopt(uint64_t before)
{
    struct object *object = NULL;

    EXPECT_ERR(op_pager_adopt(stall_core(), stall.server, stall.named, before, &object), ERR_OK);
    op_pager_adopted(stall_core(), object);
    return object;
}

static struct object *make_another(uint64_t key, uint32_t flags)
{
    const struct pager_object_request request = {.key = key,
                                                 .bytes = 4 * PAGE_SIZE,
                                                 .patience = STALL_PATIENCE,
                                                 .window = 1,
                                                 .flags = flags};
    struct object *object = NULL;

    EXPECT_ERR(op_pager_object(stall_core(), stall.server, stall.named, &request, &object), ERR_OK);
    return object;
}

TAP_TEST(what_only_the_pager_has_is_there_for_the_next_with_what_was_not_saved)
{
    stall_start_waiting(4, 1);
    write_first();
    unmap_all();
    stall_end_server();
    world_audit(stall.patient.world);
    EXPECT(object_find(stall_core(), stall.object_number) == stall.object);
    EXPECT_U64(stall.object->unsaved, 1);
    stall_attach();
    EXPECT(adopt(UINT64_MAX) == stall.object);
    EXPECT_U64(stall.object->key, STALL_KEY);
    EXPECT_U64(stall.object->references, 1);
    EXPECT(hold_is_maker(stall_core(), stall.server, stall.object));
    /* A client maps it again, and saves it by the new process. */
    EXPECT(patient_ask(&stall.patient, stall.threads[0],
                       (uint64_t[WAIT_WORDS]){ASK_MAP_OBJECT, AT, 4, MEM_PROT_READ, MEM_MAP_SHARED,
                                              stall.object_number, 0}));
    EXPECT(stall_read(1, AT));
    stall_expect_read(1, WORD);
    EXPECT(!ask_sync(1));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.kind, PAGER_WORK_SAVE);
    EXPECT_ERR(stall_wrote(&work, ERR_OK), ERR_OK);
    EXPECT_U64(stall.object->unsaved, 0);
    stall_finish();
}

TAP_TEST(what_does_not_wait_for_another_pager_goes_with_its_own)
{
    stall_start_waiting(4, 1);
    const uint64_t number = make_another(7, 0)->number;
    stall_end_server();
    EXPECT(object_find(stall_core(), number) == NULL);
    stall_attach();
    EXPECT(adopt(UINT64_MAX) == stall.object);
    stall_finish();
}

TAP_TEST(what_was_being_saved_is_given_to_the_next_as_it_is_by_then)
{
    struct pager_work old;

    stall_start_waiting(4, 1);
    write_first();
    EXPECT(!ask_sync(1));
    EXPECT_ERR(stall_next(&old), ERR_OK);
    EXPECT(stall_write(0, AT, WORD + 1)); /* once it was taken */
    stall_end_server();
    EXPECT(!stall_is_answered(1));
    EXPECT(!ask_sync(2)); /* joins it */
    stall_attach();
    EXPECT_ERR(stall_wrote(&old, ERR_OK), ERR_STALE);
    EXPECT(!stall_is_answered(1));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.kind, PAGER_WORK_SAVE);
    EXPECT(work.generation != old.generation);
    EXPECT_ERR(stall_wrote(&work, ERR_OK), ERR_OK);
    EXPECT_ERR(patient_answer(&stall.patient, stall.threads[1])->error, ERR_OK);
    EXPECT_ERR(patient_answer(&stall.patient, stall.threads[2])->error, ERR_OK);
    EXPECT_U64(stall.object->unsaved, 0);
    stall_finish();
}

TAP_TEST(another_process_has_all_of_the_time_for_what_is_asked_of_it)
{
    stall_start_waiting(4, 1);
    EXPECT(!stall_read(0, AT));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    patient_pass(&stall.patient, STALL_PATIENCE - 2);
    stall_end_server();
    patient_pass(&stall.patient, 1);
    stall_attach();
    patient_pass(&stall.patient, STALL_PATIENCE - 1);
    EXPECT(!stall_is_answered(0));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    patient_pass(&stall.patient, 1);
    stall_expect_signal(0, ERR_TIMEDOUT);
    EXPECT_ERR(stall_supply(&work, SUPPLY_ZERO), ERR_STALE);
    stall_finish();
}

TAP_TEST(who_waits_in_the_backlog_has_all_of_his_time_by_another_process)
{
    struct thread *threads[PAGER_PULLS + 1];

    stall_start_waiting(PAGER_PULLS + 1, 1);
    for (uint32_t i = 0; i < PAGER_PULLS + 1; i++) {
        threads[i] = patient_thread(&stall.patient, stall.client);
        EXPECT(!patient_read(&stall.patient, threads[i], AT + i));
    }
    patient_pass(&stall.patient, STALL_PATIENCE - 1);
    stall_end_server();
    stall_attach();
    patient_pass(&stall.patient, STALL_PATIENCE - 1);
    EXPECT(!patient_answer(&stall.patient, threads[PAGER_PULLS])->is_there);
    patient_pass(&stall.patient, 1);
    EXPECT_ERR(patient_answer(&stall.patient, threads[PAGER_PULLS])->error, ERR_TIMEDOUT);
    stall_finish();
}

TAP_TEST(who_waits_is_told_as_soon_as_nobody_can_take_the_pagers_place)
{
    stall_start_waiting(4, 1);
    EXPECT(!stall_read(0, AT));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT(!stall_read(1, AT + 1));
    stall_end_server();
    EXPECT(!stall_is_answered(0) && !stall_is_answered(1));
    let_the_pager_go();
    stall_expect_signal(0, ERR_PEER_GONE);
    stall_expect_signal(1, ERR_PEER_GONE);
    /* So is whoever comes later, at once. */
    EXPECT(stall_read(2, AT + 2));
    stall_expect_signal(2, ERR_PEER_GONE);
    stall_finish();
}

TAP_TEST(who_waits_is_told_when_the_last_process_that_had_the_pager_was_its_own)
{
    stall_start_waiting(4, 1);
    let_the_pager_go();
    EXPECT(!stall_read(0, AT));
    stall_end_server();
    stall_expect_signal(0, ERR_PEER_GONE);
    stall_finish();
}

TAP_TEST(a_name_of_the_pager_is_enough_for_being_waited_for)
{
    const struct name_text text = {(const uint8_t *)"pager", 5};

    stall_start_waiting(4, 1);
    EXPECT_ERR(name_add(stall_core(), stall.client, &text, stall.named, MAP_RIGHT_READ), ERR_OK);
    let_the_pager_go();
    EXPECT(!stall_read(0, AT));
    stall_end_server();
    EXPECT(!stall_is_answered(0));
    EXPECT_ERR(name_remove(stall_core(), stall.client, &text), ERR_OK);
    patient_go_on(&stall.patient);
    stall_expect_signal(0, ERR_PEER_GONE);
    stall_finish();
}

TAP_TEST(sync_says_io_when_nobody_can_save_any_more)
{
    stall_start_waiting(4, 1);
    write_first();
    EXPECT(!ask_sync(0));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    stall_end_server();
    EXPECT(!stall_is_answered(0));
    let_the_pager_go();
    EXPECT(stall_is_answered(0));
    EXPECT_ERR(patient_answer(&stall.patient, stall.threads[0])->error, ERR_IO);
    EXPECT_U64(stall.object->unsaved, 1);
    stall_finish();
}

TAP_TEST(what_a_pager_keeps_goes_when_nobody_can_take_its_place)
{
    stall_start_waiting(4, 1);
    write_first();
    const uint64_t other = make_another(7, OBJECT_WAITS)->number;
    stall_end_server();
    EXPECT(object_find(stall_core(), other) != NULL);
    let_the_pager_go();
    world_audit(stall.patient.world);
    EXPECT(object_find(stall_core(), other) == NULL);
    /* What is mapped stays, with what was written. */
    EXPECT(stall_read(1, AT));
    stall_expect_read(1, WORD);
    unmap_all();
    EXPECT(object_find(stall_core(), stall.object_number) == NULL);
    EXPECT_U64(stall_core()->head->pagers.first, 0);
    stall_finish();
}

TAP_TEST(objects_are_adopted_from_the_latest_on)
{
    struct object *none = NULL;

    stall_start_waiting(4, 1);
    struct object *second = make_another(7, OBJECT_WAITS);
    struct object *third = make_another(8, OBJECT_WAITS);
    EXPECT_ERR(op_pager_adopt(stall_core(), stall.client, stall.named, UINT64_MAX, &none),
               ERR_PERM);
    EXPECT_ERR(op_pager_adopt(stall_core(), stall.server, stall.object, UINT64_MAX, &none),
               ERR_TYPE);
    stall_end_server();
    stall_attach();
    EXPECT(adopt(UINT64_MAX) == third);
    EXPECT(adopt(third->number) == second);
    EXPECT(adopt(second->number) == stall.object);
    EXPECT_ERR(op_pager_adopt(stall_core(), stall.server, stall.named, stall.object_number, &none),
               ERR_NOENT);
    EXPECT(none == NULL);
    /* Each is held, and once more if it is adopted again. */
    EXPECT(adopt(UINT64_MAX) == third);
    shared_enter(stall_core());
    EXPECT_U64(hold_count(stall_core(), stall.server, third), 2);
    EXPECT_U64(hold_count(stall_core(), stall.server, second), 1);
    shared_leave(stall_core());
    stall_finish();
}

TAP_TEST(what_nobody_adopts_stays_with_the_pager_from_one_process_to_the_next)
{
    stall_start_waiting(4, 1);
    struct object *second = make_another(7, OBJECT_WAITS);
    for (unsigned i = 0; i < 3; i++) {
        stall_end_server();
        stall_attach();
        EXPECT_U64(second->references, 1);
        world_audit(stall.patient.world);
    }
    EXPECT(adopt(UINT64_MAX) == second);
    EXPECT_U64(second->references, 1);
    EXPECT(hold_drop(stall_core(), stall.server, second));
    EXPECT_ERR(stall_next(&work), ERR_OK);
    EXPECT_U64(work.kind, PAGER_WORK_GONE);
    EXPECT_U64(work.key, 7);
    stall_finish();
}

TAP_TEST(a_pager_that_was_made_for_others_is_served_by_the_first_who_attaches)
{
    struct object *named = NULL;

    stall_start_waiting(4, 1);
    EXPECT_ERR(op_pager_make(stall_core(), stall.client, &(struct pager_request){0}, &named),
               ERR_OK);
    EXPECT_ERR(op_pager_next(stall_core(), stall.client, named, &work), ERR_PERM);
    EXPECT_ERR(op_pager_attach(stall_core(), stall.server, named), ERR_OK);
    EXPECT_ERR(op_pager_attach(stall_core(), stall.client, named), ERR_BUSY);
    EXPECT_ERR(op_pager_next(stall_core(), stall.server, named, &work), ERR_WOULD_BLOCK);
    stall_finish();
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(what_only_the_pager_has_is_there_for_the_next_with_what_was_not_saved),
        TAP(what_does_not_wait_for_another_pager_goes_with_its_own),
        TAP(what_was_being_saved_is_given_to_the_next_as_it_is_by_then),
        TAP(another_process_has_all_of_the_time_for_what_is_asked_of_it),
        TAP(who_waits_in_the_backlog_has_all_of_his_time_by_another_process),
        TAP(who_waits_is_told_as_soon_as_nobody_can_take_the_pagers_place),
        TAP(who_waits_is_told_when_the_last_process_that_had_the_pager_was_its_own),
        TAP(a_name_of_the_pager_is_enough_for_being_waited_for),
        TAP(sync_says_io_when_nobody_can_save_any_more),
        TAP(what_a_pager_keeps_goes_when_nobody_can_take_its_place),
        TAP(objects_are_adopted_from_the_latest_on),
        TAP(what_nobody_adopts_stays_with_the_pager_from_one_process_to_the_next),
        TAP(a_pager_that_was_made_for_others_is_served_by_the_first_who_attaches),
    };

    return TAP_RUN(argc, argv, tests);
}
