/* SPDX-License-Identifier: MIT */
/*
 * Calls between two spaces and between two threads: words, handles, badges, tokens, and partners
 * that end.
 *
 * The child receives from an endpoint that the test made; commands in word 0 say what it does.
 */
#include <stdatomic.h>

#include <hf/env.h>
#include <hf/kernel.h>
#include <hf/mem.h>
#include <hf/thread.h>
#include <tap.h>

#include "child.h"

#define SLOT 40

/* What the server in the child does with a request. */
enum command {
    COMMAND_ECHO = 1, /* answer with every word plus one */
    COMMAND_SIGNAL,   /* word 1 is a notification: set bit 0x10, close, answer with its slot */
    COMMAND_LEND,     /* answer with the handle that came in word 1 */
    COMMAND_BADGE,    /* answer with the badge and the tag as they came */
    COMMAND_DEAF,     /* accept no handle from now on */
    COMMAND_TWICE,    /* answer; then answer once more, and tell the error with the next echo */
    COMMAND_EXIT,     /* exit without an answer */
    COMMAND_FAULT,    /* fault without an answer */
    COMMAND_SLEEP,    /* answer only the request after this one, and this one never */
};

static uint64_t endpoint;
static uint64_t caller; /* handle to call it, with badge 77 */

static int role_server(void)
{
    struct hf_request request = {.badge = 0};
    uint64_t twice = 0;
    uint64_t slot = 0;
    for (;;) {
        if (hf_reply_wait(CHILD_HANDLE, &request) != ERR_OK) {
            return 1;
        }
        uint64_t *words = request.message.words;
        struct hf_request copy = request;
        switch ((enum command)words[0]) {
        case COMMAND_ECHO:
            for (int i = 0; i < IPC_WORDS; i++) {
                words[i]++;
            }
            words[7] += twice;
            request.message.tag = 0;
            break;
        case COMMAND_SIGNAL:
            slot = words[1];
            words[2] = hf_notify(slot, 0x10);
            words[3] = hf_handle_close(slot);
            request.message.tag = 0;
            break;
        case COMMAND_LEND:
            request.message.tag = HF_HANDLE_AT(1) | HF_HANDLE_AT(1) << 8;
            break;
        case COMMAND_BADGE:
            words[1] = request.badge;
            words[2] = request.message.tag;
            words[3] = request.token.serial;
            request.message.tag = 0;
            break;
        case COMMAND_DEAF:
            words[1] = hf_accept(0, 0);
            break;
        case COMMAND_TWICE:
            request.message.tag = 0;
            if (hf_reply(request) != ERR_OK) {
                return 2;
            }
            twice = hf_reply(copy);
            request.token.serial = 0;
            break;
        case COMMAND_EXIT:
            return 42;
        case COMMAND_FAULT:
            *(volatile char *)8 = 1;
            return 3;
        case COMMAND_SLEEP:
            request.token.serial = 0;
            break;
        }
    }
}

static bool server_make(struct child *child)
{
    return object_make(OBJECT_ENDPOINT, &endpoint) &&
           EXPECT_ERR(hf_handle_derive(endpoint, RIGHT_CALL | RIGHT_TRANSFER, 77, 0, &caller),
                      ERR_OK) &&
           child_make(child, "server", "") &&
           child_give(child, endpoint, RIGHT_RECEIVE | RIGHT_TRANSFER, CHILD_HANDLE) &&
           child_go(child);
}

static void endpoint_drop(void)
{
    EXPECT_ERR(hf_object_destroy(endpoint), ERR_OK);
    EXPECT_ERR(hf_handle_close(endpoint), ERR_OK);
    EXPECT_ERR(hf_handle_close(caller), ERR_OK);
}

static void server_drop(struct child *child)
{
    hf_process_forget(&child->process);
    endpoint_drop();
}

static enum err ask(enum command command, uint64_t tag, uint64_t word, struct hf_message *message)
{
    *message = (struct hf_message){.tag = tag, .words = {command, word}};
    return hf_call(caller, message);
}

TAP_TEST(eight_words_go_there_and_come_back)
{
    struct child child;
    REQUIRE(server_make(&child));
    for (uint64_t i = 0; i < 300; i++) {
        struct hf_message message = {
            .words = {COMMAND_ECHO, i, i * 3, ~i, i << 40, UINT64_MAX - 1, 6, 7}};
        EXPECT_ERR(hf_call(caller, &message), ERR_OK);
        EXPECT_U64(message.tag, 0);
        EXPECT_U64(message.words[1], i + 1);
        EXPECT_U64(message.words[2], i * 3 + 1);
        EXPECT_U64(message.words[3], ~i + 1);
        EXPECT_U64(message.words[4], (i << 40) + 1);
        EXPECT_U64(message.words[5], UINT64_MAX);
        EXPECT_U64(message.words[6], 7);
        EXPECT_U64(message.words[7], 8);
    }
    server_drop(&child);
}

TAP_TEST(the_receiver_sees_badge_kind_and_a_token)
{
    struct child child;
    struct hf_message message;
    REQUIRE(server_make(&child));
    EXPECT_ERR(ask(COMMAND_BADGE, 0x55, 0, &message), ERR_OK);
    EXPECT_U64(message.words[1], 77);
    EXPECT_U64(message.words[2], IPC_CALL);
    uint64_t serial = message.words[3];
    EXPECT(serial != 0);
    EXPECT_ERR(ask(COMMAND_BADGE, 0, 0, &message), ERR_OK);
    EXPECT(message.words[3] > serial);
    server_drop(&child);
}

TAP_TEST(a_handle_sent_can_be_used_by_the_receiver)
{
    struct child child;
    struct hf_message message;
    uint64_t notification = 0;
    uint64_t bits = 0;
    REQUIRE(server_make(&child));
    REQUIRE(object_make(OBJECT_NOTIFICATION, &notification));
    EXPECT_ERR(ask(COMMAND_SIGNAL, HF_HANDLE_AT(1), notification, &message), ERR_OK);
    EXPECT_ERR((enum err)message.words[2], ERR_OK);
    EXPECT_ERR((enum err)message.words[3], ERR_OK);
    EXPECT_ERR(hf_wait(notification, 0, 1, &bits), ERR_OK);
    EXPECT_U64(bits, 0x10);
    EXPECT_ERR(hf_object_destroy(notification), ERR_OK);
    EXPECT_ERR(hf_handle_close(notification), ERR_OK);
    server_drop(&child);
}

TAP_TEST(a_handle_in_an_answer_arrives_in_a_slot_that_is_accepted)
{
    struct child child;
    struct hf_message message;
    uint64_t notification = 0;
    REQUIRE(server_make(&child));
    REQUIRE(object_make(OBJECT_NOTIFICATION, &notification));
    EXPECT_ERR(hf_accept(SLOT, 1), ERR_OK);
    EXPECT_ERR(ask(COMMAND_LEND, HF_HANDLE_AT(1), notification, &message), ERR_OK);
    EXPECT_U64(message.tag, HF_HANDLE_AT(1));
    EXPECT_U64(message.words[1], SLOT);
    EXPECT_ERR(hf_notify(SLOT, 1), ERR_OK);
    EXPECT_ERR(hf_handle_close(SLOT), ERR_OK);
    EXPECT_ERR(hf_accept(HF_ACCEPT_FIRST, HF_ACCEPT_COUNT), ERR_OK);
    EXPECT_ERR(hf_object_destroy(notification), ERR_OK);
    EXPECT_ERR(hf_handle_close(notification), ERR_OK);
    server_drop(&child);
}

TAP_TEST(a_handle_that_is_moved_is_gone_at_the_sender)
{
    struct child child;
    struct hf_message message;
    uint64_t notification = 0;
    uint64_t moved = 0;
    REQUIRE(server_make(&child));
    REQUIRE(object_make(OBJECT_NOTIFICATION, &notification));
    REQUIRE(EXPECT_ERR(
        hf_handle_derive(notification, RIGHT_SIGNAL | RIGHT_TRANSFER, 0, SLOT, &moved), ERR_OK));
    EXPECT_ERR(ask(COMMAND_SIGNAL, HF_HANDLE_AT(1) | HF_HANDLE_AT(1) << 8, moved, &message),
               ERR_OK);
    EXPECT_ERR((enum err)message.words[2], ERR_OK);
    EXPECT_ERR(hf_handle_close(moved), ERR_BADF);
    EXPECT_ERR(hf_object_destroy(notification), ERR_OK);
    EXPECT_ERR(hf_handle_close(notification), ERR_OK);
    server_drop(&child);
}

TAP_TEST(a_handle_that_cannot_be_sent_is_the_senders_fault)
{
    struct child child;
    struct hf_message message;
    uint64_t kept = 0;
    REQUIRE(server_make(&child));
    EXPECT_ERR(ask(COMMAND_SIGNAL, HF_HANDLE_AT(1), SLOT, &message), ERR_SENDER_HANDLE);
    REQUIRE(EXPECT_ERR(hf_handle_derive(HANDLE_LOG, RIGHT_CONTROL, 0, SLOT, &kept), ERR_OK));
    EXPECT_ERR(ask(COMMAND_SIGNAL, HF_HANDLE_AT(1), kept, &message), ERR_SENDER_HANDLE);
    EXPECT_ERR(hf_handle_close(kept), ERR_OK);
    EXPECT_ERR(ask(COMMAND_ECHO, 0, 1, &message), ERR_OK);
    EXPECT_U64(message.words[1], 2);
    server_drop(&child);
}

TAP_TEST(a_receiver_without_slots_is_the_receivers_fault)
{
    struct child child;
    struct hf_message message;
    REQUIRE(server_make(&child));
    EXPECT_ERR(ask(COMMAND_DEAF, 0, 0, &message), ERR_OK);
    EXPECT_ERR((enum err)message.words[1], ERR_OK);
    EXPECT_ERR(ask(COMMAND_SIGNAL, HF_HANDLE_AT(1), HANDLE_LOG, &message), ERR_RECEIVER_SLOTS);
    EXPECT_ERR(ask(COMMAND_ECHO, 0, 1, &message), ERR_OK);
    server_drop(&child);
}

TAP_TEST(bits_of_the_tag_that_mean_nothing_are_refused)
{
    struct child child;
    struct hf_message message;
    REQUIRE(server_make(&child));
    EXPECT_ERR(ask(COMMAND_ECHO, UINT64_C(1) << 24, 0, &message), ERR_INVAL);
    EXPECT_ERR(ask(COMMAND_ECHO, UINT64_C(1) << 63, 0, &message), ERR_INVAL);
    /* A move of a word that is no handle. */
    EXPECT_ERR(ask(COMMAND_ECHO, UINT64_C(1) << IPC_TAG_MOVES_SHIFT, 0, &message), ERR_INVAL);
    EXPECT_ERR(ask(COMMAND_ECHO, 0, 0, &message), ERR_OK);
    server_drop(&child);
}

TAP_TEST(a_token_answers_once)
{
    struct child child;
    struct hf_message message;
    REQUIRE(server_make(&child));
    EXPECT_ERR(ask(COMMAND_TWICE, 0, 0, &message), ERR_OK);
    EXPECT_ERR(ask(COMMAND_ECHO, 0, 0, &message), ERR_OK);
    EXPECT_U64(message.words[7], 1 + ERR_STALE);
    server_drop(&child);
}

TAP_TEST(a_token_that_was_never_given_is_stale)
{
    struct hf_request request = {.token = {1, 0}};
    EXPECT_ERR(hf_reply(request), ERR_STALE);
    request.token = (struct hf_token){UINT64_MAX, UINT64_MAX};
    EXPECT_ERR(hf_reply(request), ERR_STALE);
    request.token = (struct hf_token){0, 0};
    EXPECT_ERR(hf_reply(request), ERR_STALE);
}

TAP_TEST(a_caller_is_told_when_its_server_exits)
{
    struct child child;
    struct hf_message message;
    struct mem_next_rep end;
    REQUIRE(server_make(&child));
    EXPECT_ERR(ask(COMMAND_EXIT, 0, 0, &message), ERR_PEER_GONE);
    REQUIRE(child_end(&child, &end));
    EXPECT_U64(end.detail, 42);
    endpoint_drop();
}

TAP_TEST(a_caller_is_told_when_its_server_is_ended_by_a_fault)
{
    struct child child;
    struct hf_message message;
    struct mem_next_rep end;
    REQUIRE(server_make(&child));
    EXPECT_ERR(ask(COMMAND_FAULT, 0, 0, &message), ERR_PEER_GONE);
    REQUIRE(child_end(&child, &end));
    endpoint_drop();
}

TAP_TEST(a_call_with_a_time_ends_at_its_time)
{
    struct child child;
    REQUIRE(server_make(&child));
    struct hf_message message = {.words = {COMMAND_SLEEP}};
    uint64_t latest = time_after(20);
    EXPECT_ERR(hf_call_timed(caller, latest, &message), ERR_TIMEDOUT);
    EXPECT(time_now() >= latest);
    message = (struct hf_message){.words = {COMMAND_ECHO, 5}};
    EXPECT_ERR(hf_call_timed(caller, time_after(1000), &message), ERR_OK);
    EXPECT_U64(message.words[1], 6);
    server_drop(&child);
}

TAP_TEST(a_call_that_no_one_receives_ends_at_its_time)
{
    REQUIRE(object_make(OBJECT_ENDPOINT, &endpoint));
    struct hf_message message = {.tag = 0};
    uint64_t latest = time_after(5);
    EXPECT_ERR(hf_call_timed(endpoint, latest, &message), ERR_TIMEDOUT);
    EXPECT(time_now() >= latest);
    EXPECT_ERR(hf_object_destroy(endpoint), ERR_OK);
    EXPECT_ERR(hf_handle_close(endpoint), ERR_OK);
}

TAP_TEST(calling_and_receiving_are_separate_rights)
{
    uint64_t handle = 0;
    struct hf_message message = {.tag = 0};
    struct hf_request request = {.badge = 0};
    REQUIRE(object_make(OBJECT_ENDPOINT, &endpoint));
    REQUIRE(EXPECT_ERR(hf_handle_derive(endpoint, RIGHT_RECEIVE, 0, 0, &handle), ERR_OK));
    EXPECT_ERR(hf_call_timed(handle, time_after(5), &message), ERR_RIGHTS);
    EXPECT_ERR(hf_handle_close(handle), ERR_OK);
    REQUIRE(EXPECT_ERR(hf_handle_derive(endpoint, RIGHT_CALL, 0, 0, &handle), ERR_OK));
    EXPECT_ERR(hf_reply_wait(handle, &request), ERR_BADF);
    EXPECT_ERR(hf_handle_close(handle), ERR_OK);
    EXPECT_ERR(hf_object_destroy(endpoint), ERR_OK);
    EXPECT_ERR(hf_handle_close(endpoint), ERR_OK);
}

/* A thread of this process that calls, and what came of it. */
static struct {
    struct hf_message message;
    enum err error;
    _Atomic bool is_near; /* the thread is on hart 0 and calls next */
} call;

static void call_run(void *argument)
{
    (void)argument;
    (void)hf_thread_hart(0, 0);
    atomic_store(&call.is_near, true);
    call.error = hf_call(caller, &call.message);
}

/* The endpoint, a badged handle, and a thread that calls with a handle in word 1. */
static bool thread_make(struct hf_thread *thread)
{
    call.message = (struct hf_message){.tag = HF_HANDLE_AT(1), .words = {1, 0}};
    call.error = ERR_NOSYS;
    atomic_store(&call.is_near, false);
    if (!object_make(OBJECT_ENDPOINT, &endpoint) ||
        !EXPECT_ERR(hf_handle_derive(endpoint, RIGHT_CALL | RIGHT_TRANSFER, 78, 0, &caller),
                    ERR_OK)) {
        return false;
    }
    call.message.words[1] = caller;
    return EXPECT_ERR(hf_thread_run(thread, PRIORITY_DEFAULT, call_run, NULL), ERR_OK);
}

TAP_TEST(a_handle_that_comes_home_arrives_as_its_badge)
{
    struct hf_thread thread;
    struct hf_request request = {.badge = 0};
    REQUIRE(thread_make(&thread));
    REQUIRE(EXPECT_ERR(hf_reply_wait(endpoint, &request), ERR_OK));
    EXPECT_U64(request.badge, 78);
    EXPECT_U64(request.message.tag, HF_HANDLE_AT(1) | HF_HANDLE_AT(1) << 8);
    EXPECT_U64(request.message.words[1], 78);
    request.message.tag = 0;
    request.message.words[0] = 5;
    EXPECT_ERR(hf_reply(request), ERR_OK);
    hf_thread_join(&thread);
    EXPECT_ERR(call.error, ERR_OK);
    EXPECT_U64(call.message.words[0], 5);
    endpoint_drop();
}

TAP_TEST(a_callers_token_is_stale_when_the_caller_has_ended)
{
    struct hf_thread thread;
    struct hf_request request = {.badge = 0};
    REQUIRE(thread_make(&thread));
    REQUIRE(EXPECT_ERR(hf_reply_wait(endpoint, &request), ERR_OK));
    EXPECT_ERR(hf_thread_end(thread.handle, 0), ERR_OK);
    request.message.tag = 0;
    EXPECT_ERR(hf_reply(request), ERR_STALE);
    hf_thread_release(&thread);
    endpoint_drop();
}

TAP_TEST(destroying_the_endpoint_ends_the_calls_that_wait_there)
{
    struct hf_thread thread;
    EXPECT_ERR(hf_thread_hart(0, 0), ERR_OK);
    REQUIRE(thread_make(&thread));
    while (!atomic_load(&call.is_near)) {
        (void)hf_yield();
    }
    for (unsigned i = 0; i < 10; i++) { /* on one hart they take turns: it has called after one */
        (void)hf_yield();
    }
    EXPECT_ERR(call.error, ERR_NOSYS);
    EXPECT_ERR(hf_object_destroy(endpoint), ERR_OK);
    hf_thread_join(&thread);
    EXPECT_ERR(call.error, ERR_PEER_GONE);
    EXPECT_ERR(hf_handle_close(endpoint), ERR_OK);
    EXPECT_ERR(hf_handle_close(caller), ERR_OK);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(eight_words_go_there_and_come_back),
        TAP(the_receiver_sees_badge_kind_and_a_token),
        TAP(a_handle_sent_can_be_used_by_the_receiver),
        TAP(a_handle_in_an_answer_arrives_in_a_slot_that_is_accepted),
        TAP(a_handle_that_is_moved_is_gone_at_the_sender),
        TAP(a_handle_that_cannot_be_sent_is_the_senders_fault),
        TAP(a_receiver_without_slots_is_the_receivers_fault),
        TAP(bits_of_the_tag_that_mean_nothing_are_refused),
        TAP(a_token_answers_once),
        TAP(a_token_that_was_never_given_is_stale),
        TAP(a_caller_is_told_when_its_server_exits),
        TAP(a_caller_is_told_when_its_server_is_ended_by_a_fault),
        TAP(a_call_with_a_time_ends_at_its_time),
        TAP(a_call_that_no_one_receives_ends_at_its_time),
        TAP(calling_and_receiving_are_separate_rights),
        TAP(a_handle_that_comes_home_arrives_as_its_badge),
        TAP(a_callers_token_is_stale_when_the_caller_has_ended),
        TAP(destroying_the_endpoint_ends_the_calls_that_wait_there),
    };
    if (child_role(argc, argv) != NULL) {
        return role_server();
    }
    return TAP_RUN(argc, argv, tests);
}
