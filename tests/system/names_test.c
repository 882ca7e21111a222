/* SPDX-License-Identifier: MIT */
/*
 * The name service: servers are found, waited for, and told of when they have ended.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <abi/fault.h>
#include <hf/env.h>
#include <hf/mem.h>
#include <hf/name.h>
#include <tap.h>

#include "child.h"

#define HANG     1000u /* a call with this word is never answered */
#define PAST     1u
#define CALLERS  3u
#define FULL_MAX 64u

/* A budget in which a child runs, but has no endpoint; how such a child ends. */
#define REGISTER_FRAMES  24u
#define REGISTER_LATER   10 /* not even an endpoint */
#define REGISTER_REFUSED 11 /* the name is not there */
#define REGISTER_BROKEN  12

/* Serve under the name: double the word. */
static int serve(const char *name)
{
    uint64_t endpoint = 0;
    struct hf_request request = {.badge = 0};
    if (hf_donate(HF_OWN_SPACE, OBJECT_ENDPOINT) != ERR_OK ||
        hf_object_make(OBJECT_ENDPOINT, 0, &endpoint) != ERR_OK ||
        hf_name_register(name, endpoint) != ERR_OK) {
        return 1;
    }
    for (;;) {
        enum err error = hf_reply_wait(endpoint, &request);
        if (error != ERR_OK) {
            return 2;
        }
        request.message.tag = 0;
        if (request.message.words[0] == HANG) {
            request.token.serial = 0;
        }
        request.message.words[0] *= 2;
    }
}

/* Exit with the error of a call that the server does not answer. */
static int hang(const char *name)
{
    uint64_t endpoint = 0;
    struct hf_message message = {.words = {HANG}};
    enum err error = hf_name_find(name, time_after(5000), &endpoint);
    return error != ERR_OK ? 1 : (int)hf_call(endpoint, &message);
}

/* Register a name; how that went. */
static int register_one(const char *name)
{
    uint64_t endpoint = 0;
    uint64_t found = 0;
    if (hf_donate(HF_OWN_SPACE, OBJECT_ENDPOINT) != ERR_OK ||
        hf_object_make(OBJECT_ENDPOINT, 0, &endpoint) != ERR_OK) {
        return REGISTER_LATER;
    }
    const enum err error = hf_name_register(name, endpoint);
    const enum err there = hf_name_find(name, PAST, &found);
    if (error == ERR_NOMEM && (there == ERR_NOENT || there == ERR_PEER_GONE)) {
        return REGISTER_REFUSED;
    }
    return error == ERR_OK && there == ERR_DEADLK ? 0 : REGISTER_BROKEN;
}

static int role_run(const char *role, const char *word)
{
    uint64_t endpoint = 0;
    uint64_t bits = 0;
    if (strcmp(role, "serve") == 0) {
        return serve(word);
    }
    if (strcmp(role, "serve later") == 0) {
        uint64_t notification = 0;
        if (hf_donate(HF_OWN_SPACE, OBJECT_NOTIFICATION) != ERR_OK ||
            hf_object_make(OBJECT_NOTIFICATION, 0, &notification) != ERR_OK ||
            hf_wait(notification, 0, time_after(100), &bits) != ERR_TIMEDOUT) {
            return 3;
        }
        return serve(word);
    }
    if (strcmp(role, "hang") == 0) {
        return hang(word);
    }
    if (strcmp(role, "register") == 0) {
        return register_one(word);
    }
    if (strcmp(role, "wait") == 0) {
        return (int)hf_name_find(word, 0, &endpoint);
    }
    return 4;
}

static void expect_doubled(const char *name, uint64_t latest)
{
    uint64_t endpoint = 0;
    struct hf_message message = {.words = {21}};
    if (EXPECT_ERR(hf_name_find(name, latest, &endpoint), ERR_OK)) {
        EXPECT_ERR(hf_call(endpoint, &message), ERR_OK);
        EXPECT_U64(message.words[0], 42);
        EXPECT_ERR(hf_handle_close(endpoint), ERR_OK);
    }
}

static void child_kill(struct child *child)
{
    struct mem_next_rep end;
    EXPECT_ERR(hf_space_end(child->process.space, 0), ERR_OK);
    EXPECT(child_end(child, &end));
    EXPECT_U64(end.cause, CAUSE_KILLED);
}

TAP_TEST(a_server_is_found_by_its_name)
{
    struct child child;
    REQUIRE(child_start(&child, "serve", "first"));
    expect_doubled("first", time_after(5000));
    expect_doubled("first", PAST);
    child_kill(&child);
}

TAP_TEST(a_name_that_nobody_has_is_not_found_or_times_out)
{
    uint64_t endpoint = 77;
    EXPECT_ERR(hf_name_find("nobody", PAST, &endpoint), ERR_NOENT);
    const uint64_t latest = time_after(50);
    EXPECT_ERR(hf_name_find("nobody", latest, &endpoint), ERR_TIMEDOUT);
    EXPECT(time_now() >= latest);
    EXPECT_U64(endpoint, 77);
}

TAP_TEST(a_client_waits_until_the_server_is_there)
{
    struct child child;
    REQUIRE(child_start(&child, "serve later", "late"));
    expect_doubled("late", time_after(10000));
    child_kill(&child);
    REQUIRE(child_start(&child, "serve later", "later"));
    expect_doubled("later", 0);
    child_kill(&child);
}

TAP_TEST(a_server_that_is_killed_is_told_of_and_replaced)
{
    struct child server;
    struct child callers[CALLERS];
    struct mem_next_rep end;
    uint64_t endpoint = 0;
    REQUIRE(child_start(&server, "serve", "victim"));
    expect_doubled("victim", time_after(5000));
    for (unsigned i = 0; i < CALLERS; i++) {
        REQUIRE(child_start(&callers[i], "hang", "victim"));
    }
    expect_doubled("victim", PAST); /* after the callers, if they run as we do */
    (void)hf_yield();
    REQUIRE(EXPECT_ERR(hf_name_find("victim", PAST, &endpoint), ERR_OK));
    EXPECT_ERR(hf_space_end(server.process.space, 0), ERR_OK);
    for (unsigned i = 0; i < CALLERS + 1; i++) {
        REQUIRE(EXPECT_ERR(hf_next(0, &end), ERR_OK));
        if (end.space_id == server.process.space_id) {
            continue;
        }
        EXPECT_U64(end.cause, CAUSE_EXIT);
        /* It was waiting for the answer, or had the handle, or had not asked for it yet. */
        if (end.detail != 1) {
            EXPECT(end.detail == ERR_PEER_GONE % 256 || end.detail == ERR_STALE % 256);
        }
    }
    struct hf_message message = {.words = {21}};
    EXPECT_ERR(hf_call(endpoint, &message), ERR_STALE);
    EXPECT_ERR(hf_handle_close(endpoint), ERR_OK);
    EXPECT_ERR(hf_name_find("victim", PAST, &endpoint), ERR_PEER_GONE);
    EXPECT_ERR(hf_name_find("victim", time_after(50), &endpoint), ERR_PEER_GONE);
    hf_process_forget(&server.process);
    for (unsigned i = 0; i < CALLERS; i++) {
        hf_process_forget(&callers[i].process);
    }
    REQUIRE(child_start(&server, "serve later", "victim"));
    expect_doubled("victim", time_after(10000));
    child_kill(&server);
}

TAP_TEST(a_client_that_ends_while_it_waits_does_no_harm)
{
    struct child waiter;
    struct child server;
    for (int i = 0; i < 3; i++) {
        REQUIRE(child_start(&waiter, "wait", "widow"));
        EXPECT_ERR(hf_name_find("widow", time_after(30), &(uint64_t){0}),
                   i == 0 ? ERR_TIMEDOUT : ERR_PEER_GONE);
        child_kill(&waiter);
        REQUIRE(child_start(&server, "serve", "widow"));
        expect_doubled("widow", time_after(5000));
        child_kill(&server);
    }
}

TAP_TEST(a_name_belongs_to_the_first_that_lives_until_it_is_removed)
{
    uint64_t first = 0;
    uint64_t second = 0;
    uint64_t found = 0;
    REQUIRE(object_make(OBJECT_ENDPOINT, &first));
    REQUIRE(object_make(OBJECT_ENDPOINT, &second));
    EXPECT_ERR(hf_name_register("mine", first), ERR_OK);
    EXPECT_ERR(hf_name_register("mine", second), ERR_EXIST);
    EXPECT_ERR(hf_name_remove("mine"), ERR_OK);
    EXPECT_ERR(hf_name_remove("mine"), ERR_NOENT);
    EXPECT_ERR(hf_name_find("mine", PAST, &found), ERR_NOENT);
    EXPECT_ERR(hf_name_register("mine", second), ERR_OK);
    EXPECT_ERR(hf_object_destroy(second), ERR_OK);
    EXPECT_ERR(hf_name_register("mine", first), ERR_OK);
    EXPECT_ERR(hf_object_destroy(first), ERR_OK);
    EXPECT_ERR(hf_name_find("mine", PAST, &found), ERR_PEER_GONE);
    EXPECT_ERR(hf_handle_close(first), ERR_OK);
    EXPECT_ERR(hf_handle_close(second), ERR_OK);
}

TAP_TEST(what_is_no_name_or_no_endpoint_is_refused)
{
    uint64_t endpoint = 0;
    uint64_t notification = 0;
    uint64_t deaf = 0;
    REQUIRE(object_make(OBJECT_ENDPOINT, &endpoint));
    REQUIRE(object_make(OBJECT_NOTIFICATION, &notification));
    EXPECT_ERR(hf_name_register("", endpoint), ERR_INVAL);
    EXPECT_ERR(hf_name_register("a b", endpoint), ERR_INVAL);
    EXPECT_ERR(hf_name_register("a*", endpoint), ERR_INVAL);
    EXPECT_ERR(hf_name_register("01234567890123456789012345678901", endpoint), ERR_INVAL);
    EXPECT_ERR(hf_name_find("a b", 0, &endpoint), ERR_INVAL);
    EXPECT_ERR(hf_name_register("wrong", notification), ERR_TYPE);
    REQUIRE(EXPECT_ERR(hf_handle_derive(endpoint, RIGHT_RECEIVE | RIGHT_TRANSFER, 0, 0, &deaf),
                       ERR_OK));
    EXPECT_ERR(hf_name_register("wrong", deaf), ERR_RIGHTS);
    EXPECT_ERR(hf_handle_close(deaf), ERR_OK);
    REQUIRE(EXPECT_ERR(hf_handle_derive(endpoint, RIGHT_CALL, 0, 0, &deaf), ERR_OK));
    EXPECT_ERR(hf_name_register("wrong", deaf), ERR_RIGHTS);
    EXPECT_ERR(hf_handle_close(deaf), ERR_OK);
    EXPECT_ERR(hf_object_destroy(endpoint), ERR_OK);
    EXPECT_ERR(hf_handle_close(endpoint), ERR_OK);
    EXPECT_ERR(hf_object_destroy(notification), ERR_OK);
    EXPECT_ERR(hf_handle_close(notification), ERR_OK);
}

/* Send words as they are; returns the service's answer. */
static enum err ask(uint64_t tag, uint64_t number, uint64_t last)
{
    struct hf_message message = {.tag = tag, .words = {number, 'x', 0, 0, 0, 0, 0, last}};
    if (tag != 0) {
        message.words[6] = HANDLE_LOG;
    }
    enum err error = hf_call(HANDLE_NAMES, &message);
    return error != ERR_OK ? error : (enum err)message.words[0];
}

TAP_TEST(malformed_requests_are_refused_and_their_handles_dropped)
{
    /* More often than the service has slots. */
    for (int i = 0; i < 100; i++) {
        EXPECT_ERR(ask(HF_HANDLE_AT(6), NAMES_FIND, 0), ERR_INVAL);
        EXPECT_ERR(ask(HF_HANDLE_AT(6), NAMES_REGISTER, 0), ERR_INVAL);
        EXPECT_ERR(ask(HF_HANDLE_AT(6), 4711, 0), ERR_NOSYS);
    }
    EXPECT_ERR(ask(0, NAMES_REGISTER, 0), ERR_INVAL);
    EXPECT_ERR(ask(0, NAMES_FIND, 1), ERR_INVAL);
    EXPECT_ERR(ask(0, 0, 0), ERR_NOSYS);
    EXPECT_ERR(ask(0, UINT64_MAX, 0), ERR_NOSYS);
    EXPECT_ERR(ask(0, NAMES_REMOVE, 0), ERR_NOENT);
    EXPECT_ERR(ask(HF_HANDLE_AT(6), NAMES_WATCH, 0), ERR_INVAL);
    EXPECT_ERR(ask(0, NAMES_WATCH, 1), ERR_INVAL);
    EXPECT_ERR(ask(0, NAMES_WATCH + 1, 0), ERR_NOSYS);
}

TAP_TEST(an_instance_is_watched_until_it_has_ended)
{
    uint64_t endpoint = 0;
    REQUIRE(object_make(OBJECT_ENDPOINT, &endpoint));
    struct hf_message message = {
        .tag = HF_HANDLE_AT(5),
        .words = {NAMES_REGISTER, 'x', 0, 0, 0, endpoint},
    };
    EXPECT_ERR(hf_call(HANDLE_NAMES, &message), ERR_OK);
    EXPECT_ERR((enum err)message.words[0], ERR_OK);
    const uint64_t instance = message.words[HF_WORD(names_register_rep, instance)];
    EXPECT(instance != 0);
    message = (struct hf_message){.words = {NAMES_WATCH, instance - 1}};
    EXPECT_ERR(hf_call_timed(HANDLE_NAMES, time_after(5000), &message), ERR_OK);
    EXPECT_ERR((enum err)message.words[0], ERR_OK);
    message = (struct hf_message){.words = {NAMES_WATCH, instance}};
    EXPECT_ERR(hf_call_timed(HANDLE_NAMES, time_after(50), &message), ERR_TIMEDOUT);
    EXPECT_ERR(hf_name_remove("x"), ERR_OK);
    EXPECT_ERR(hf_object_destroy(endpoint), ERR_OK);
    EXPECT_ERR(hf_handle_close(endpoint), ERR_OK);
}

/* A budget of each size: the name is registered, or there is nothing of it. */
TAP_TEST(a_registration_that_lacks_memory_leaves_nothing)
{
    unsigned refused = 0;
    int status = REGISTER_LATER;
    for (uint64_t frames = REGISTER_FRAMES; status != 0 && frames < 3 * REGISTER_FRAMES; frames++) {
        struct mem_next_rep end;
        REQUIRE(child_run_within("register", "scarce", frames, &end));
        /* What is touched and not there ends it by a fault. */
        EXPECT(end.cause == CAUSE_EXIT || end.cause == CAUSE_BUS);
        status = end.cause == CAUSE_EXIT ? (int)end.detail : REGISTER_LATER;
        EXPECT(status == 0 || status == REGISTER_REFUSED || status == REGISTER_LATER);
        refused += status == REGISTER_REFUSED ? 1 : 0;
    }
    EXPECT_U64(status, 0);
    EXPECT(refused >= 2); /* thread and message page */
}

TAP_TEST(names_run_out_and_come_back)
{
    uint64_t endpoint = 0;
    char name[NAMES_BYTES];
    unsigned count = 0;
    enum err error = ERR_OK;
    REQUIRE(object_make(OBJECT_ENDPOINT, &endpoint));
    while (error == ERR_OK && count < FULL_MAX) {
        snprintf(name, sizeof(name), "many%u", count);
        error = hf_name_register(name, endpoint);
        count += error == ERR_OK ? 1 : 0;
    }
    EXPECT_ERR(error, ERR_NOSPC);
    /* 16 for who has one badge, less what other tests have left. */
    EXPECT(count > 10 && count <= 16);
    EXPECT_ERR(hf_object_destroy(endpoint), ERR_OK);
    EXPECT_ERR(hf_handle_close(endpoint), ERR_OK);
    REQUIRE(object_make(OBJECT_ENDPOINT, &endpoint));
    EXPECT_ERR(hf_name_register("many", endpoint), ERR_OK);
    EXPECT_ERR(hf_object_destroy(endpoint), ERR_OK);
    EXPECT_ERR(hf_handle_close(endpoint), ERR_OK);
}

TAP_TEST(a_client_without_a_slot_is_told_so)
{
    struct child child;
    uint64_t found = 0;
    REQUIRE(child_start(&child, "serve", "slotless"));
    expect_doubled("slotless", time_after(5000));
    EXPECT_ERR(hf_accept(0, 0), ERR_OK);
    EXPECT_ERR(hf_name_find("slotless", PAST, &found), ERR_RECEIVER_SLOTS);
    EXPECT_ERR(hf_accept(HF_ACCEPT_FIRST, HF_ACCEPT_COUNT), ERR_OK);
    expect_doubled("slotless", PAST);
    child_kill(&child);
}

TAP_TEST(a_server_does_not_find_itself)
{
    uint64_t endpoint = 0;
    uint64_t found = 0;
    REQUIRE(object_make(OBJECT_ENDPOINT, &endpoint));
    REQUIRE(EXPECT_ERR(hf_name_register("self", endpoint), ERR_OK));
    EXPECT_ERR(hf_name_find("self", PAST, &found), ERR_DEADLK);
    EXPECT_ERR(hf_object_destroy(endpoint), ERR_OK);
    EXPECT_ERR(hf_handle_close(endpoint), ERR_OK);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_server_is_found_by_its_name),
        TAP(a_name_that_nobody_has_is_not_found_or_times_out),
        TAP(a_client_waits_until_the_server_is_there),
        TAP(a_server_that_is_killed_is_told_of_and_replaced),
        TAP(a_client_that_ends_while_it_waits_does_no_harm),
        TAP(a_name_belongs_to_the_first_that_lives_until_it_is_removed),
        TAP(what_is_no_name_or_no_endpoint_is_refused),
        TAP(malformed_requests_are_refused_and_their_handles_dropped),
        TAP(an_instance_is_watched_until_it_has_ended),
        TAP(a_registration_that_lacks_memory_leaves_nothing),
        TAP(names_run_out_and_come_back),
        TAP(a_client_without_a_slot_is_told_so),
        TAP(a_server_does_not_find_itself),
    };
    const char *role_opt = child_role(argc, argv);
    if (role_opt != NULL) {
        return role_run(role_opt, argv[2]);
    }
    return TAP_RUN(argc, argv, tests);
}
