/* SPDX-License-Identifier: MIT */
#include "ipc/ipc.h"

#include <abi/fault.h>
#include <abi/map.h>

#include "ipc/end.h"
#include "ipc/pending.h"
#include "model.h"
#include "stage.h"
#include "tap.h"
#include "task/sched.h"

#define BADGE  UINT64_C(0x77)
#define LOW    5u
#define HIGH   9u
#define SLOT   20u
#define WINDOW 40u
#define TAG(handles, moves) \
    ((uint64_t)(handles) << IPC_TAG_HANDLES_SHIFT | (uint64_t)(moves) << IPC_TAG_MOVES_SHIFT)

/* A client space with one thread that runs, while the server waits. */
static struct thread *start_client(void)
{
    stage_start();
    struct thread *client = stage_thread(stage_space(BADGE), LOW);
    stage_reply_wait(STAGE_ENDPOINT, 0, 0, 0);
    ASSERT(thread_current() == client);
    return client;
}

static uint64_t word(const struct thread *thread, unsigned i)
{
    return thread->x[REG_A0 + i];
}

TAP_TEST(a_call_reaches_the_thread_that_waits_with_badge_token_and_words)
{
    struct thread *client = start_client();
    client->x[REG_A0 + 7] = 8;
    stage_call(STAGE_ENDPOINT, 0, 1);
    struct thread *server = stage_server_thread;
    EXPECT(thread_current() == server);
    EXPECT_ERR(stage_error(server), ERR_OK);
    EXPECT_U64(server->x[REG_T1], BADGE);
    EXPECT_U64(server->x[REG_T2], IPC_CALL);
    EXPECT_U64(server->x[REG_T4], client->number);
    EXPECT_U64(word(server, 0), 1);
    EXPECT_U64(word(server, 7), 8);
    EXPECT(server->x[REG_T3] != 0);
    EXPECT(thread_is_in(client, THREAD_CALLING));
    EXPECT_U64(server->priority, LOW);
}

TAP_TEST(an_answer_reaches_the_caller_once_and_leaves_nothing_in_other_registers)
{
    struct thread *client = start_client();
    stage_call(STAGE_ENDPOINT, 0, 1);
    const uint64_t serial = stage_server_thread->x[REG_T3];
    stage_reply_wait(STAGE_ENDPOINT, serial, client->number, 42);
    EXPECT(thread_current() == client);
    EXPECT_ERR(stage_error(client), ERR_OK);
    EXPECT_U64(word(client, 0), 42);
    EXPECT_U64(client->x[REG_T1] | client->x[REG_T3] | client->x[REG_T4] | client->x[REG_RA], 0);
    stage_call(STAGE_ENDPOINT, 0, 1);
    stage_reply_wait(STAGE_ENDPOINT, serial, client->number, 43);
    EXPECT(thread_current() == stage_server_thread);
    EXPECT_ERR(stage_error(stage_server_thread), ERR_STALE);
}

TAP_TEST(a_token_is_good_only_for_the_process_that_received_the_call)
{
    struct thread *client = start_client();
    stage_call(STAGE_ENDPOINT, 0, 1);
    const uint64_t serial = stage_server_thread->x[REG_T3];
    struct space *other = stage_space(2);
    (void)stage_object(other, OBJECT_ENDPOINT, SLOT);
    struct thread *thief = stage_thread(other, HIGH);
    EXPECT(stage_schedule() == thief);
    stage_reply_wait(SLOT, serial, client->number, 66);
    EXPECT_ERR(stage_error(thief), ERR_STALE);
    EXPECT(thread_is_in(client, THREAD_CALLING));
}

TAP_TEST(callers_queue_by_priority_and_lend_theirs_to_the_server)
{
    struct thread *client = start_client();
    struct thread *second = stage_thread(client->space, LOW);
    stage_call(STAGE_ENDPOINT, 0, 1);
    struct thread *urgent = stage_thread(client->space, HIGH);
    EXPECT(stage_schedule() == urgent);
    stage_call(STAGE_ENDPOINT, 0, 3);
    EXPECT(thread_is_in(urgent, THREAD_SENDING));
    EXPECT_U64(stage_server_thread->priority, HIGH);
    EXPECT(thread_current() == stage_server_thread);
    stage_reply_wait(STAGE_ENDPOINT, stage_server_thread->x[REG_T3], client->number, 0);
    EXPECT(thread_current() == stage_server_thread);
    EXPECT_U64(word(stage_server_thread, 0), 3);
    EXPECT(thread_is_in(second, THREAD_RUNNABLE));
}

TAP_TEST(a_bad_tag_or_handle_is_an_error_of_the_caller)
{
    struct thread *client = start_client();
    stage_call(STAGE_ENDPOINT, UINT64_C(1) << 24, 1);
    EXPECT_ERR(stage_error(client), ERR_INVAL);
    stage_call(STAGE_ENDPOINT, TAG(1, 2), 1);
    EXPECT_ERR(stage_error(client), ERR_INVAL);
    stage_call(99, 0, 1);
    EXPECT_ERR(stage_error(client), ERR_BADF);
    EXPECT(thread_is_in(stage_server_thread, THREAD_RECEIVING));
}

TAP_TEST(a_handle_arrives_in_the_window_and_one_of_the_receivers_own_as_its_badge)
{
    struct thread *client = start_client();
    struct object *object = stage_object(client->space, OBJECT_ENDPOINT, SLOT);
    stage_server_thread->accept_first = WINDOW;
    stage_server_thread->accept_count = 2;
    client->x[REG_A0 + 1] = STAGE_ENDPOINT;
    client->slots[STAGE_ENDPOINT].id |= RIGHT_TRANSFER;
    stage_call(STAGE_ENDPOINT, TAG(3, 1), SLOT);
    EXPECT_U64(word(stage_server_thread, 0), WINDOW);
    EXPECT_U64(word(stage_server_thread, 1), BADGE);
    EXPECT_U64(stage_server_thread->x[REG_T2], TAG(3, 2));
    EXPECT(stage_server_thread->slots[WINDOW].object == object);
    EXPECT_U64(client->slots[SLOT].id, 0);
    EXPECT(client->slots[STAGE_ENDPOINT].id != 0);
}

TAP_TEST(handles_move_all_or_none)
{
    struct thread *client = start_client();
    (void)stage_object(client->space, OBJECT_ENDPOINT, SLOT);
    (void)stage_object(client->space, OBJECT_ENDPOINT, SLOT + 1);
    stage_server_thread->accept_first = WINDOW;
    stage_server_thread->accept_count = 1;
    client->x[REG_A0 + 1] = SLOT + 1;
    stage_call(STAGE_ENDPOINT, TAG(3, 3), SLOT);
    EXPECT_ERR(stage_error(client), ERR_RECEIVER_SLOTS);
    EXPECT(client->slots[SLOT].id != 0);
    EXPECT_U64(stage_server_thread->slots[WINDOW].id, 0);
    client->x[REG_A0 + 1] = SLOT + 2;
    stage_call(STAGE_ENDPOINT, TAG(3, 3), SLOT);
    EXPECT_ERR(stage_error(client), ERR_SENDER_HANDLE);
    EXPECT(client->slots[SLOT].id != 0);
}

TAP_TEST(a_call_with_a_time_out_ends_at_its_time_and_its_token_is_stale)
{
    struct thread *client = start_client();
    struct space *other = stage_space(2);
    struct object *endpoint = stage_object(other, OBJECT_ENDPOINT, SLOT);
    struct thread *pager = stage_thread(other, HIGH);
    (void)stage_schedule();
    stage_reply_wait(SLOT, 0, 0, 0);
    lock_take(&handle_lock);
    handle_put(client->space, SLOT, handle_make(endpoint, OBJECT_ENDPOINT, RIGHT_CALL, 0));
    lock_release(&handle_lock);
    client->x[REG_T1] = SLOT;
    client->x[REG_T2] = 0;
    client->x[REG_T3] = 5000;
    ipc_call_timed(client);
    EXPECT(stage_schedule() == pager);
    stage_time = 5000;
    sched_tick();
    EXPECT(thread_is_in(client, THREAD_RUNNABLE));
    EXPECT_ERR(stage_error(client), ERR_TIMEDOUT);
    stage_reply_wait(SLOT, pager->x[REG_T3], client->number, 1);
    EXPECT_ERR(stage_error(pager), ERR_STALE);
}

TAP_TEST(no_call_to_the_memory_server_has_a_time_out)
{
    struct thread *client = start_client();
    client->x[REG_T1] = STAGE_ENDPOINT;
    client->x[REG_T2] = 0;
    client->x[REG_T3] = 5000;
    ipc_call_timed(client);
    EXPECT_ERR(stage_error(client), ERR_INVAL);
}

TAP_TEST(every_waiter_for_a_space_that_ends_learns_of_it)
{
    struct thread *client = start_client();
    struct space *other = stage_space(2);
    struct object *endpoint = stage_object(other, OBJECT_ENDPOINT, SLOT);
    struct thread *pager = stage_thread(other, HIGH);
    (void)stage_schedule();
    stage_reply_wait(SLOT, 0, 0, 0);
    lock_take(&handle_lock);
    handle_put(client->space, SLOT, handle_make(endpoint, OBJECT_ENDPOINT, RIGHT_CALL, 0));
    lock_release(&handle_lock);
    struct thread *queued = stage_thread(client->space, LOW);
    stage_call(SLOT, 0, 1);
    EXPECT(thread_current() == pager || thread_current() == queued);
    if (thread_current() == pager) {
        sched_yield();
        (void)stage_schedule();
    }
    EXPECT(thread_current() == queued);
    stage_call(SLOT, 0, 2);
    EXPECT(thread_current() == pager);
    (void)stage_finish(sys_exit(3));
    EXPECT(thread_is_in(pager, THREAD_ENDED));
    EXPECT_ERR(stage_error(client), ERR_PEER_GONE);
    EXPECT_ERR(stage_error(queued), ERR_PEER_GONE);
    EXPECT(!handle_is_live(&client->slots[SLOT]));
    EXPECT(thread_current() == stage_server_thread);
    EXPECT_U64(stage_server_thread->x[REG_T2], IPC_NOTIFY);
    EXPECT_U64(word(stage_server_thread, 0), EVENT_DEATH);
    lock_take(&task_lock);
    const struct death *death = end_take_notice();
    REQUIRE(death != NULL);
    EXPECT_U64(death->kind, OBJECT_SPACE);
    EXPECT_U64(death->cause, CAUSE_EXIT);
    EXPECT_U64(death->detail, 3);
    EXPECT(end_take_notice() == NULL);
    lock_release(&task_lock);
}

TAP_TEST(bits_that_come_before_the_wait_are_not_lost)
{
    (void)start_client();
    notify_set(stage_server_thread->bound, 4);
    EXPECT(stage_schedule() == stage_server_thread);
    EXPECT_U64(word(stage_server_thread, 0), 4);
    EXPECT_U64(stage_server_thread->priority, PRIORITY_SERVER);
    notify_set(stage_server_thread->bound, 1);
    notify_set(stage_server_thread->bound, 2);
    stage_reply_wait(STAGE_ENDPOINT, 0, 0, 0);
    EXPECT_U64(stage_server_thread->x[REG_T2], IPC_NOTIFY);
    EXPECT_U64(word(stage_server_thread, 0), 3);
}

/* Give the space page tables for page 0x400; frames 200 and 201. */
static void add_tables(struct space *space)
{
    model_fill(200, 2, FRAME_FREE);
    const struct map_entry build[2] = {
        model_entry(MAP_TABLE, 0x400, 1, pfn_to_number(model_frame(200)), 1, 0),
        model_entry(MAP_TABLE, 0x400, 1, pfn_to_number(model_frame(201)), 0, 0),
    };
    uint64_t done = 0;
    EXPECT_ERR(model_apply(&space->aspace, build, 2, &done), ERR_OK);
}

TAP_TEST(a_fault_is_a_message_and_its_page_is_there_when_the_thread_goes_on)
{
    struct thread *client = start_client();
    add_tables(client->space);
    client->x[REG_A0] = 99;
    client->x[REG_PC] = 0x1234;
    stage_fault(0x400123, FAULT_WRITE);
    struct thread *server = stage_server_thread;
    EXPECT(thread_current() == server);
    EXPECT_U64(server->x[REG_T1], BADGE);
    EXPECT_U64(server->x[REG_T2], IPC_FAULT);
    EXPECT_U64(word(server, 0), 0x400123);
    EXPECT_U64(word(server, 1), FAULT_WRITE);
    EXPECT_U64(word(server, 2), 0x1234);
    const uint64_t frame = pfn_to_number(model_frame(300));
    const uint64_t what = map_what(MAP_INSTALL_ZERO, frame, MAP_READ | MAP_WRITE, 0);
    stage_fault_reply_wait(server->x[REG_T3], client->number, FAULT_RESUME, map_where(0x400, 1),
                           what | UINT64_C(1) << 63);
    EXPECT_ERR(stage_error(server), ERR_INVAL);
    EXPECT(thread_is_in(client, THREAD_FAULTING));
    stage_fault_reply_wait(client->serial, client->number, FAULT_RESUME, map_where(0x400, 1), what);
    EXPECT(thread_current() == client);
    EXPECT_U64(client->x[REG_A0], 99);
    unsigned level = 9;
    EXPECT_U64(pte_to_pfn(model_leaf(&client->space->aspace, 0x400, &level)).v, frame);
    EXPECT(model_is_painted(300, 0));
    stage_fault(0x400123, FAULT_WRITE);
    EXPECT(thread_current() == client);
}

TAP_TEST(a_refused_fault_makes_an_upcall_and_a_second_one_ends_the_thread)
{
    struct thread *client = start_client();
    client->upcall_entry = 0x5000;
    client->upcall_stack = 0x9000;
    client->x[REG_SP] = 0x7000;
    stage_fault(0x400000, FAULT_READ);
    stage_fault_reply_wait(stage_server_thread->x[REG_T3], client->number,
                           FAULT_REFUSE | CAUSE_ACCERR << 8, 0, 0);
    EXPECT(thread_current() == client);
    EXPECT_U64(client->x[REG_PC], 0x5000);
    EXPECT_U64(client->x[REG_SP], 0x9000);
    EXPECT_U64(client->x[REG_A0], CAUSE_ACCERR);
    const struct upcall_context *context =
        (const struct upcall_context *)(const void *)((char *)client->message +
                                                      MESSAGE_UPCALL_OFFSET);
    EXPECT_U64(context->x[REG_SP], 0x7000);
    EXPECT_U64(context->detail, 0x400000);
    EXPECT_U64(context->access, FAULT_READ);
    stage_fault(0, FAULT_READ);
    EXPECT(thread_is_in(client, THREAD_ENDED));
    EXPECT_U64(client->death.cause, CAUSE_MAPERR);
}

TAP_TEST(a_hart_whose_thread_was_ended_leaves_what_is_to_be_mapped_to_others)
{
    struct thread *client = start_client();
    struct thread *other = stage_thread(client->space, LOW);
    const struct map_entry entries[2] = {
        model_entry(MAP_INSTALL_ZERO, 0x400, 1, pfn_to_number(model_frame(300)), MAP_READ, 0),
        model_entry(MAP_INSTALL_ZERO, 0x401, 1, pfn_to_number(model_frame(301)), MAP_READ, 0),
    };
    unsigned level = 9;

    add_tables(client->space);
    model_fill(300, 2, FRAME_FREE);
    pending_add(client, &entries[0], 1);
    pending_add(other, &entries[1], 1);
    stage_ended_opt = client;
    EXPECT(!pending_flush());
    EXPECT(hart_self()->current == NULL);
    EXPECT(model_leaf(&client->space->aspace, 0x400, &level) != 0);
    EXPECT_U64(other->pending_count, 1);
    EXPECT(stage_schedule() == other);
    EXPECT_U64(other->pending_count, 0);
    EXPECT(model_leaf(&client->space->aspace, 0x401, &level) != 0);
    EXPECT_U64(hart_self()->fault_look, 0);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_call_reaches_the_thread_that_waits_with_badge_token_and_words),
        TAP(an_answer_reaches_the_caller_once_and_leaves_nothing_in_other_registers),
        TAP(a_token_is_good_only_for_the_process_that_received_the_call),
        TAP(callers_queue_by_priority_and_lend_theirs_to_the_server),
        TAP(a_bad_tag_or_handle_is_an_error_of_the_caller),
        TAP(a_handle_arrives_in_the_window_and_one_of_the_receivers_own_as_its_badge),
        TAP(handles_move_all_or_none),
        TAP(a_call_with_a_time_out_ends_at_its_time_and_its_token_is_stale),
        TAP(no_call_to_the_memory_server_has_a_time_out),
        TAP(every_waiter_for_a_space_that_ends_learns_of_it),
        TAP(bits_that_come_before_the_wait_are_not_lost),
        TAP(a_fault_is_a_message_and_its_page_is_there_when_the_thread_goes_on),
        TAP(a_refused_fault_makes_an_upcall_and_a_second_one_ends_the_thread),
        TAP(a_hart_whose_thread_was_ended_leaves_what_is_to_be_mapped_to_others),
    };
    return TAP_RUN(argc, argv, tests);
}
