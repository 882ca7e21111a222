/* SPDX-License-Identifier: MIT */
/*
 * Clients that mean harm or mean nothing: whatever they send, the memory server answers or forgets
 * them, others see nothing of it, every frame comes back and every account is as it was.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <abi/fault.h>
#include <hf/env.h>
#include <hf/kernel.h>
#include <hf/mem.h>
#include <hf/thread.h>
#include <tap.h>

#include "balance.h"
#include "child.h"

#define RANDOM_CHILDREN 12
#define RANDOM_MESSAGES 4000
#define MANY_SPACES     1000
#define LONG_CHAIN      8
#define NUMBERS         32

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Words as clients have them: small numbers, addresses, single bits, handles; and any. */
static uint64_t random_word(uint64_t *state)
{
    const uint64_t shape = random_next(state) >> 32;
    switch (shape % 8) {
    case 0:
        return random_next(state);
    case 1:
        return random_next(state) % 64;
    case 2:
        return UINT64_C(1) << random_next(state) % 64;
    case 3:
        return random_next(state) % (UINT64_C(1) << 26) << 12;
    default:
        return 0;
    }
}

static struct hf_message random_message(uint64_t *state)
{
    struct hf_message message = {.tag = 0};
    for (int i = 0; i < IPC_WORDS; i++) {
        message.words[i] = random_word(state);
    }
    if (random_next(state) % 8 != 0) {
        message.words[0] = random_next(state) % NUMBERS;
    }
    if (random_next(state) % 4 == 0) {
        message.tag =
            random_next(state) % 4 == 0 ? random_word(state) : random_next(state) % 4 << (8 + 6);
    }
    /* Waiting for a child, or the end of a lease, for ever would prove nothing. */
    if ((message.words[0] & MEM_HEAD_NUMBER) == MEM_NEXT) {
        message.words[1] |= 1;
    } else if ((message.words[0] & MEM_HEAD_NUMBER) == MEM_PIN_NEXT) {
        message.words[IPC_WORDS - 1] |= 1;
    }
    return message;
}

/* A client that sends anything. What it does to itself is its own affair, its end included. */
static int role_random(const char *word)
{
    uint64_t state = strtoull(word, NULL, 10) * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (int i = 0; i < RANDOM_MESSAGES; i++) {
        struct hf_message message = random_message(&state);
        (void)hf_call(HANDLE_MEM, &message);
    }
    return 0;
}

TAP_TEST(any_words_leave_the_server_alive_and_every_account_as_it_was)
{
    struct mem_next_rep end;
    char word[24];
    REQUIRE(child_run("random", "0", &end));
    const struct balance before = balance_look();
    for (int seed = 1; seed <= RANDOM_CHILDREN; seed++) {
        snprintf(word, sizeof(word), "%d", seed);
        REQUIRE(child_run("random", word, &end));
        balance_expect(&before);
    }
}

/* Tell an error from the one that a message gets. */
static enum err error_of(struct hf_message message)
{
    const enum err error = hf_call(HANDLE_MEM, &message);
    return error != ERR_OK ? error : (enum err)message.words[0];
}

TAP_TEST(a_refused_request_changes_nothing_of_the_space)
{
    uint64_t state = 77;
    struct mem_query_rep before;
    struct mem_query_rep after;
    int refused = 0;
    for (int i = 0; i < RANDOM_MESSAGES; i++) {
        struct hf_message message = random_message(&state);
        /* What is certain to be refused: a reserved bit of the head. */
        message.words[0] |= UINT64_C(1) << (17 + random_next(&state) % 47);
        REQUIRE(hf_query(HF_OWN_SPACE, 0, 0, NULL, &before) == ERR_OK);
        if (!EXPECT(error_of(message) != ERR_OK)) {
            return;
        }
        REQUIRE(hf_query(HF_OWN_SPACE, 0, 0, NULL, &after) == ERR_OK);
        refused +=
            before.regions_total == after.regions_total && before.pages_total == after.pages_total;
    }
    EXPECT_U64(refused, RANDOM_MESSAGES);
}

TAP_TEST(a_handle_to_a_space_is_no_way_to_ask_for_anything)
{
    struct mem_space_make_rep made;
    REQUIRE(hf_space_make("plain", 0, PRIORITY_DEFAULT, &made) == ERR_OK);
    struct hf_message message = {.words = {MEM_HELLO, MEM_PROTOCOL_VERSION}};
    EXPECT_ERR(hf_call(made.space, &message), ERR_OK);
    EXPECT_U64(message.words[0], ERR_TYPE);
    message = (struct hf_message){.words = {MEM_SPACE_END}};
    EXPECT_ERR(hf_call(made.space, &message), ERR_OK);
    EXPECT_U64(message.words[0], ERR_TYPE);
    EXPECT_ERR(hf_space_end(made.space, 0), ERR_OK);
    EXPECT_ERR(hf_space_end(made.space, 0), ERR_OK);
    EXPECT_ERR(hf_space_end(made.space, 0), ERR_STALE);
    (void)hf_handle_close(made.space);
    (void)hf_handle_close(made.kernel_space);
}

TAP_TEST(an_object_is_no_space_and_a_space_is_no_object)
{
    const uint64_t archive = hf_env()->archive_object;
    struct mem_space_make_rep made;
    uint64_t address = 0;
    REQUIRE(archive != HANDLE_NONE);
    EXPECT_ERR(hf_unmap(archive, 0x10000000, 4096), ERR_TYPE);
    REQUIRE(hf_space_make("plain", 0, PRIORITY_DEFAULT, &made) == ERR_OK);
    const struct hf_map map = {
        .length = 4096,
        .prot = MEM_PROT_READ,
        .flags = MEM_MAP_PRIVATE,
        .object = made.space,
    };
    EXPECT_ERR(hf_map(map, &address), ERR_BADF);
    (void)hf_space_end(made.space, 0);
    (void)hf_space_end(made.space, 0);
    (void)hf_handle_close(made.space);
    (void)hf_handle_close(made.kernel_space);
}

TAP_TEST(handles_that_cannot_be_delivered_are_undone)
{
    struct mem_space_make_rep space;
    struct mem_thread_make_rep thread;
    struct balance before = {.free = 0};
    REQUIRE(hf_accept(0, 0) == ERR_OK);
    for (int i = 0; i < 20; i++) {
        EXPECT_ERR(hf_space_make("nobody", 0, PRIORITY_DEFAULT, &space), ERR_RECEIVER_SLOTS);
        EXPECT_ERR(hf_thread_make(HF_OWN_SPACE, PRIORITY_DEFAULT, &thread), ERR_RECEIVER_SLOTS);
        if (i == 0) {
            before = balance_look();
        }
    }
    REQUIRE(hf_accept(HF_ACCEPT_FIRST, HF_ACCEPT_COUNT) == ERR_OK);
    balance_expect(&before);
    struct mem_next_rep next;
    EXPECT_ERR(hf_next(1, &next), ERR_SRCH);
}

/* A client that makes spaces until it has as many as it was told to, then ends without a word. */
static int role_many(const char *word)
{
    const long wanted = strtol(word, NULL, 10);
    struct mem_space_make_rep made;
    for (long i = 0; i < wanted; i++) {
        if (hf_space_make("one of many", 0, PRIORITY_DEFAULT, &made) != ERR_OK) {
            return 1;
        }
        const struct hf_map map = {
            .space = made.space,
            .length = 4096,
            .prot = MEM_PROT_READ | MEM_PROT_WRITE,
            .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_POPULATE,
        };
        uint64_t address;
        if (hf_map(map, &address) != ERR_OK) {
            return 2;
        }
        (void)hf_handle_close(made.space);
        (void)hf_handle_close(made.kernel_space);
    }
    return 0;
}

TAP_TEST(a_thousand_clients_go_with_the_one_that_made_them)
{
    struct mem_next_rep end;
    char word[24];
    REQUIRE(child_run("many", "1", &end));
    const struct balance before = balance_look();
    snprintf(word, sizeof(word), "%d", MANY_SPACES);
    REQUIRE(child_run("many", word, &end));
    EXPECT_U64(end.cause, CAUSE_EXIT);
    EXPECT_U64(end.detail, 0);
    EXPECT(end.frames > MANY_SPACES);
    balance_expect(&before);
}

/*
 * A client that starts the same one step further down, and waits for it until it is ended itself.
 */
static int role_chain(const char *word)
{
    const long left = strtol(word, NULL, 10);
    struct mem_next_rep end;
    struct child child;
    char next[24];
    if (left > 0) {
        snprintf(next, sizeof(next), "%ld", left - 1);
        if (!child_start(&child, "chain", next)) {
            return 1;
        }
        (void)hf_next(0, &end);
        return 2;
    }
    for (;;) {
        (void)hf_yield();
    }
}

static void end_after(uint64_t milliseconds, const struct child *child, uint64_t detail)
{
    uint64_t notification;
    uint64_t bits;
    REQUIRE(object_make(OBJECT_NOTIFICATION, &notification));
    EXPECT_ERR(hf_wait(notification, 0, time_after(milliseconds), &bits), ERR_TIMEDOUT);
    EXPECT_ERR(hf_object_destroy(notification), ERR_OK);
    (void)hf_handle_close(notification);
    EXPECT_ERR(hf_space_end(child->process.space, detail), ERR_OK);
}

TAP_TEST(a_long_line_of_descendants_ends_from_the_top)
{
    struct mem_next_rep end;
    struct child child;
    char word[24];
    REQUIRE(child_start(&child, "chain", "1"));
    end_after(50, &child, 0);
    REQUIRE(child_end(&child, &end));
    const struct balance before = balance_look();
    snprintf(word, sizeof(word), "%d", LONG_CHAIN);
    REQUIRE(child_start(&child, "chain", word));
    end_after(400, &child, 5);
    REQUIRE(child_end(&child, &end));
    EXPECT_U64(end.cause, CAUSE_KILLED);
    EXPECT_U64(end.detail, 5);
    balance_expect(&before);
}

static void thread_requests(void *argument)
{
    uint64_t state = (uint64_t)argument;
    for (;;) {
        struct hf_message message = random_message(&state);
        /* Nothing that takes away what the program needs. */
        if ((message.words[0] & MEM_HEAD_NUMBER) == MEM_MAP ||
            (message.words[0] & MEM_HEAD_NUMBER) == MEM_QUERY) {
            (void)hf_call(HANDLE_MEM, &message);
        }
    }
}

/* A client whose threads are in the middle of requests and faults when it ends. */
static int role_busy(const char *word)
{
    static struct hf_thread threads[8];
    (void)word;
    for (uint64_t i = 0; i < 8; i++) {
        if (hf_thread_run(&threads[i], PRIORITY_DEFAULT, thread_requests,
                          (void *)(i * UINT64_C(0x9e3779b97f4a7c15) + 3)) != ERR_OK) {
            return 1;
        }
    }
    for (int i = 0; i < 5; i++) {
        (void)hf_yield();
    }
    *(volatile int *)8 = 0;
    return 2;
}

TAP_TEST(a_client_that_faults_amid_its_threads_requests_ends_whole)
{
    struct mem_next_rep end;
    REQUIRE(child_run("busy", "", &end));
    const struct balance before = balance_look();
    for (int i = 0; i < 5; i++) {
        REQUIRE(child_run("busy", "", &end));
        EXPECT_U64(end.cause, CAUSE_MAPERR);
        EXPECT_U64(end.detail, 8);
        balance_expect(&before);
    }
}

/* Takes whatever it can get of everything; each kind must end with the error it has. */
static int role_greedy(void)
{
    struct mem_space_make_rep space;
    struct mem_thread_make_rep thread;
    enum err error;
    fflush(stdout); /* the end of the program touches no page that is not there before */
    do {
        error = hf_donate(HF_OWN_SPACE, OBJECT_HANDLES);
    } while (error == ERR_OK);
    if (error != ERR_NO_SLOT) {
        return 1;
    }
    do {
        error = hf_donate(HF_OWN_SPACE, OBJECT_ENDPOINT);
    } while (error == ERR_OK);
    if (error != ERR_NO_SLOT) {
        return 2;
    }
    while ((error = hf_thread_make(HF_OWN_SPACE, PRIORITY_DEFAULT, &thread)) == ERR_OK) {
        (void)hf_handle_close(thread.thread);
    }
    if (error != ERR_NOMEM) {
        return 3;
    }
    while ((error = hf_space_make("greedy", 0, PRIORITY_DEFAULT, &space)) == ERR_OK) {
        (void)hf_handle_close(space.space);
        (void)hf_handle_close(space.kernel_space);
    }
    if (error != ERR_NOMEM) {
        return 4;
    }
    const struct hf_map map = {
        .length = 4096,
        .prot = MEM_PROT_READ | MEM_PROT_WRITE,
        .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_POPULATE,
    };
    uint64_t address;
    do {
        error = hf_map(map, &address);
    } while (error == ERR_OK);
    struct mem_refusal_rep refusal;
    if (error != ERR_NOMEM || hf_refusal(&refusal) != ERR_OK || refusal.refused != ERR_NOMEM ||
        refusal.request != MEM_MAP) {
        return 5;
    }
    return 0;
}

TAP_TEST(a_client_that_takes_everything_gives_it_all_back)
{
    struct mem_next_rep end;
    REQUIRE(child_run("many", "1", &end));
    const struct balance before = balance_look();
    REQUIRE(child_run("greedy", "", &end));
    EXPECT_U64(end.cause, CAUSE_EXIT);
    EXPECT_U64(end.detail, 0);
    balance_expect(&before);
}

static int role_run(const char *role, const char *word)
{
    if (strcmp(role, "random") == 0) {
        return role_random(word);
    }
    if (strcmp(role, "many") == 0) {
        return role_many(word);
    }
    if (strcmp(role, "chain") == 0) {
        return role_chain(word);
    }
    if (strcmp(role, "greedy") == 0) {
        return role_greedy();
    }
    return role_busy(word);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(any_words_leave_the_server_alive_and_every_account_as_it_was),
        TAP(a_refused_request_changes_nothing_of_the_space),
        TAP(a_handle_to_a_space_is_no_way_to_ask_for_anything),
        TAP(an_object_is_no_space_and_a_space_is_no_object),
        TAP(handles_that_cannot_be_delivered_are_undone),
        TAP(a_thousand_clients_go_with_the_one_that_made_them),
        TAP(a_long_line_of_descendants_ends_from_the_top),
        TAP(a_client_that_faults_amid_its_threads_requests_ends_whole),
        TAP(a_client_that_takes_everything_gives_it_all_back),
    };
    const char *role_opt = child_role(argc, argv);
    if (role_opt != NULL) {
        return role_run(role_opt, argv[2]);
    }
    return TAP_RUN(argc, argv, tests);
}
