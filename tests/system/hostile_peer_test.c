/* SPDX-License-Identifier: MIT */
/*
 * Partners that mean harm: servers killed with callers in their hands, tokens of others, addresses
 * that are not the caller's, and floods.
 */
#include <stdlib.h>
#include <string.h>

#include <abi/fault.h>
#include <abi/layout.h>
#include <hf/env.h>
#include <hf/kernel.h>
#include <hf/mem.h>
#include <hf/thread.h>
#include <tap.h>

#include "balance.h"
#include "child.h"
#include "count.h"
#include "crowd.h"

#define CALLERS         6u
#define FLOOD_THREADS   1000u
#define URGENT_REQUESTS 200u
#define FLOOD_LATENCY   26000u  /* instructions: what was measured, and a fifth more */
#define HARTS_LATENCY   460000u /* of all harts together, where there are several: the double */
#define FLOOD_MESSAGES  64u     /* a client no more urgent than the flood has hundreds */

static void sleep_until(uint64_t time)
{
    uint64_t notification;
    uint64_t bits;

    if (object_make(OBJECT_NOTIFICATION, &notification)) {
        (void)hf_wait(notification, 0, time, &bits);
        (void)hf_object_destroy(notification);
        (void)hf_handle_close(notification);
    }
}

/*
 * A server that hands out a handle to its own endpoint, takes as many requests as `word` says, and
 * answers none.
 */
static int role_holder(const char *word)
{
    struct hf_request request = {.token = {0, 0}};
    struct hf_message message = {.tag = HF_HANDLE_AT(1)};
    uint64_t endpoint;

    if (hf_donate(HF_OWN_SPACE, OBJECT_ENDPOINT) != ERR_OK ||
        hf_object_make(OBJECT_ENDPOINT, 0, &endpoint) != ERR_OK) {
        return 1;
    }
    message.words[1] = endpoint;
    if (hf_call(CHILD_HANDLE, &message) != ERR_OK) {
        return 2;
    }
    for (unsigned long i = strtoul(word, NULL, 10); i > 0; i--) {
        request.token = (struct hf_token){0, 0};
        if (hf_reply_wait(endpoint, &request) != ERR_OK) {
            return 3;
        }
    }
    /* The last one's token goes to whoever asks for it. */
    message = (struct hf_message){.words = {request.token.serial, request.token.thread}};
    (void)hf_call(CHILD_HANDLE, &message);
    request.message = (struct hf_message){.words = {7}};
    (void)hf_reply(request);
    message = (struct hf_message){.tag = 0};
    (void)hf_call(CHILD_HANDLE, &message);
    return 0;
}

struct caller {
    struct hf_thread thread;
    uint64_t endpoint;
    enum err error;
    uint64_t answer;
};

static void caller_run(void *argument)
{
    struct caller *caller = argument;
    struct hf_message message = {.tag = 0};

    caller->error = hf_call(caller->endpoint, &message);
    caller->answer = message.words[0];
}

/* Start the server and learn its endpoint; `home` is where it calls. */
static bool holder_start(struct child *child, const char *held, uint64_t *home, uint64_t *endpoint)
{
    struct hf_request request = {.token = {0, 0}};

    if (!object_make(OBJECT_ENDPOINT, home) || !child_make(child, "holder", held) ||
        !child_give(child, *home, RIGHT_CALL, CHILD_HANDLE) || !child_go(child) ||
        !EXPECT_ERR(hf_reply_wait(*home, &request), ERR_OK)) {
        return false;
    }
    *endpoint = request.message.words[1];
    request.message = (struct hf_message){.tag = 0};
    return EXPECT_ERR(hf_reply(request), ERR_OK);
}

static void holder_drop(uint64_t home, uint64_t endpoint)
{
    EXPECT_ERR(hf_object_destroy(home), ERR_OK);
    (void)hf_handle_close(home);
    (void)hf_handle_close(endpoint);
}

TAP_TEST(callers_of_a_killed_server_are_told_whether_it_had_them_or_not)
{
    static struct caller callers[CALLERS];
    struct hf_request request = {.token = {0, 0}};
    struct mem_next_rep end;
    struct child child;
    uint64_t home;
    uint64_t endpoint;

    REQUIRE(holder_start(&child, "3", &home, &endpoint));
    for (unsigned i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.endpoint = endpoint, .error = ERR_OK};
        REQUIRE(hf_thread_run(&callers[i].thread, PRIORITY_DEFAULT, caller_run, &callers[i]) ==
                ERR_OK);
    }
    /* It has three; the others must have come to the endpoint too. */
    EXPECT_ERR(hf_reply_wait(home, &request), ERR_OK);
    sleep_until(time_after(20));
    EXPECT_ERR(hf_space_end(child.process.space, 9), ERR_OK);
    for (unsigned i = 0; i < CALLERS; i++) {
        hf_thread_join(&callers[i].thread);
        EXPECT_ERR(callers[i].error, ERR_PEER_GONE);
    }
    REQUIRE(child_end(&child, &end));
    EXPECT_U64(end.cause, CAUSE_KILLED);
    struct hf_message message = {.tag = 0};
    EXPECT_ERR(hf_call(endpoint, &message), ERR_STALE);
    holder_drop(home, endpoint);
}

TAP_TEST(a_token_is_worth_nothing_to_another_process)
{
    static struct caller caller;
    struct hf_request request = {.token = {0, 0}};
    struct mem_next_rep end;
    struct child child;
    uint64_t home;
    uint64_t endpoint;

    REQUIRE(holder_start(&child, "1", &home, &endpoint));
    caller = (struct caller){.endpoint = endpoint, .error = ERR_OK};
    REQUIRE(hf_thread_run(&caller.thread, PRIORITY_DEFAULT, caller_run, &caller) == ERR_OK);
    EXPECT_ERR(hf_reply_wait(home, &request), ERR_OK);
    const struct hf_token seen = {request.message.words[0], request.message.words[1]};
    EXPECT(seen.serial != 0);
    EXPECT_ERR(hf_reply((struct hf_request){.token = seen, .message = {.words = {1}}}), ERR_STALE);
    EXPECT_ERR(hf_reply((struct hf_request){.token = {seen.serial + 1, seen.thread}}), ERR_STALE);
    EXPECT_ERR(hf_reply((struct hf_request){.token = {seen.serial, UINT64_MAX}}), ERR_STALE);
    /* The one who received it can answer still. */
    request.message = (struct hf_message){.tag = 0};
    EXPECT_ERR(hf_reply_wait(home, &request), ERR_OK);
    hf_thread_join(&caller.thread);
    EXPECT_ERR(caller.error, ERR_OK);
    EXPECT_U64(caller.answer, 7);
    request.message = (struct hf_message){.tag = 0};
    EXPECT_ERR(hf_reply(request), ERR_OK);
    REQUIRE(child_end(&child, &end));
    EXPECT_U64(end.cause, CAUSE_EXIT);
    EXPECT_U64(end.detail, 0);
    holder_drop(home, endpoint);
}

/* Reach for what is not one's own: word = what and where. */
static int role_reach(const char *word)
{
    const uint64_t address = strtoull(word + 1, NULL, 16);

    switch (word[0]) {
    case 'r':
        (void)*(volatile uint64_t *)address;
        break;
    case 'w':
        *(volatile uint64_t *)address = 0;
        break;
    case 'x':
        ((void (*)(void))address)();
        break;
    case 's': /* a stack for upcalls */
        if (hf_upcall_set((uint64_t)role_reach, address) == ERR_OK) {
            *(volatile uint64_t *)8 = 0;
        }
        break;
    case 'e': /* an entry for upcalls */
        if (hf_upcall_set(address, address & ~UINT64_C(15)) == ERR_OK) {
            *(volatile uint64_t *)8 = 0;
        }
        break;
    default:;
        struct mem_thread_make_rep made;
        const struct hf_start start = {.pc = address, .sp = address, .tp = address};
        if (hf_thread_make(HF_OWN_SPACE, PRIORITY_DEFAULT, &made) == ERR_OK &&
            hf_thread_start(made.thread, &start) == ERR_OK) {
            (void)hf_next(0, &(struct mem_next_rep){.cause = 0});
            sleep_until(time_after(10000));
        }
        break;
    }
    return 0;
}

TAP_TEST(addresses_that_are_nobodys_end_the_one_who_uses_them)
{
    static const char *const words[] = {
        "rffffffd080200000",
        "wffffffd080200000",
        "xffffffd080200000",
        "rffffffc020000000",
        "wffffffc010000000",
        "x4000000000",
        "r3ffffff000",
        "w8000000000000000",
        "sffffffd080300000",
        "effffffd080200000",
        "tffffffd080200000",
        "t0",
        "x1000",
        "s3ffffff000",
        "r0",
        "e2",
    };
    struct mem_next_rep end;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        REQUIRE(child_run("reach", words[i], &end));
        const bool is_told =
            end.cause == CAUSE_MAPERR || end.cause == CAUSE_ACCERR || end.cause == CAUSE_ACCESS;
        if (!EXPECT(is_told)) {
            tap_note("%s: cause %lu", words[i], (unsigned long)end.cause);
        }
    }
}

/* As many threads as there can be, all of which ask for memory and give it back, for ever. */
static void flood_run(void *argument)
{
    (void)argument;
    for (;;) {
        uint64_t address;
        const struct hf_map map = {
            .length = 16 * HF_PAGE_BYTES,
            .prot = MEM_PROT_READ | MEM_PROT_WRITE,
            .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS | MEM_MAP_POPULATE,
        };
        if (hf_map(map, &address) == ERR_OK) {
            (void)hf_unmap(HF_OWN_SPACE, address, map.length);
        }
    }
}

NORETURN static void role_flood(const char *word)
{
    static struct hf_thread threads[FLOOD_THREADS];
    const struct hf_message ready = {.words = {1}};
    const unsigned long wanted = strtoul(word, NULL, 10);
    unsigned long count = 0;

    while (count < wanted && hf_thread_run(&threads[count], 1, flood_run, NULL) == ERR_OK) {
        (void)hf_handle_close(threads[count].handle);
        count++;
    }
    struct hf_message message = ready;
    message.words[1] = count;
    (void)hf_call(CHILD_HANDLE, &message);
    for (;;) {
        sleep_until(time_after(100000));
    }
}

/* What the worst of many requests took: instructions, and messages received on its hart. */
struct worst {
    uint64_t instructions;
    uint64_t messages;
};

static uint64_t greater(uint64_t one, uint64_t other)
{
    return one > other ? one : other;
}

static uint64_t messages_here(void)
{
    uint64_t count = 0;

    EXPECT_ERR(hf_info_of(INFO_HART_IPC, 0, &count), ERR_OK);
    return count;
}

/* Make many requests on hart 0, each after a moment's sleep. */
static struct worst worst_request(void)
{
    uint64_t notification;
    uint64_t bits;
    struct worst worst = {0, 0};
    struct mem_stats_rep stats;

    if (!object_make(OBJECT_NOTIFICATION, &notification)) {
        return (struct worst){UINT64_MAX, UINT64_MAX};
    }
    EXPECT_ERR(hf_thread_hart(0, 0), ERR_OK);
    /* One that has waited for its turn is enough: many would take their time. */
    for (uint64_t i = 0; i < URGENT_REQUESTS && worst.messages < FLOOD_MESSAGES; i++) {
        (void)hf_wait(notification, 0, time_now() + 1000 + i * 7, &bits);
        const uint64_t messages = messages_here();
        const uint64_t start = count_instructions();
        EXPECT_ERR(hf_stats(&stats), ERR_OK);
        worst.instructions = greater(count_instructions() - start, worst.instructions);
        worst.messages = greater(messages_here() - messages, worst.messages);
    }
    EXPECT_ERR(hf_thread_hart(0, HART_ANY), ERR_OK);
    (void)hf_object_destroy(notification);
    (void)hf_handle_close(notification);
    return worst;
}

TAP_TEST(an_urgent_client_is_served_beside_a_thousand_that_flood_the_server)
{
    struct hf_request request = {.token = {0, 0}};
    struct mem_next_rep end;
    struct child child;
    uint64_t home;

    REQUIRE(object_make(OBJECT_ENDPOINT, &home));
    REQUIRE(child_run("reach", "r0", &end));
    const struct worst alone = worst_request();
    const struct balance before = balance_look();
    REQUIRE(child_make(&child, "flood", "1000"));
    REQUIRE(child_give(&child, home, RIGHT_CALL, CHILD_HANDLE));
    REQUIRE(child_go(&child));
    REQUIRE(hf_reply_wait(home, &request) == ERR_OK);
    const uint64_t threads = request.message.words[1];
    request.message = (struct hf_message){.tag = 0};
    REQUIRE(hf_reply(request) == ERR_OK);
    const struct worst beside = worst_request();
    EXPECT_ERR(hf_space_end(child.process.space, 0), ERR_OK);
    REQUIRE(child_end(&child, &end));
    tap_note("worst of %u requests: %lu instructions alone, %lu beside %lu threads; "
             "%lu and %lu messages on its hart",
             URGENT_REQUESTS, (unsigned long)alone.instructions, (unsigned long)beside.instructions,
             (unsigned long)threads, (unsigned long)alone.messages, (unsigned long)beside.messages);
    const uint64_t latency = crowd_harts() == 1 ? FLOOD_LATENCY : HARTS_LATENCY;
    EXPECT(beside.instructions < latency || !count_is_exact());
    EXPECT(beside.messages < FLOOD_MESSAGES);
    EXPECT_U64(threads, FLOOD_THREADS);
    balance_expect(&before);
    EXPECT_ERR(hf_object_destroy(home), ERR_OK);
    (void)hf_handle_close(home);
}

static int role_run(const char *role, const char *word)
{
    if (strcmp(role, "holder") == 0) {
        return role_holder(word);
    }
    if (strcmp(role, "reach") == 0) {
        return role_reach(word);
    }
    role_flood(word);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(callers_of_a_killed_server_are_told_whether_it_had_them_or_not),
        TAP(a_token_is_worth_nothing_to_another_process),
        TAP(addresses_that_are_nobodys_end_the_one_who_uses_them),
        TAP(an_urgent_client_is_served_beside_a_thousand_that_flood_the_server),
    };
    const char *role_opt = child_role(argc, argv);
    if (role_opt != NULL) {
        return role_run(role_opt, argv[2]);
    }
    return TAP_RUN(argc, argv, tests);
}
