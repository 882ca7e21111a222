/* SPDX-License-Identifier: MIT */
/*
 * Threads that are kept on a hart, and messages that stay on the hart where they are sent.
 */
#include <hf/env.h>
#include <hf/thread.h>
#include <tap.h>

#include "child.h"
#include "crowd.h"

#define THREADS CROWD_MAX
#define CALLS   2000

/* A thread that stays where it was put, and looks again and again where it is. */
struct kept {
    uint64_t hart;
    uint64_t strayed;
    uint64_t arrived;
};

/* The hart that runs the caller, by its place: places and numbers differ on some machines. */
static uint64_t hart_number(void)
{
    uint64_t number = 0;

    (void)hf_info(INFO_HART, &number);
    return number;
}

static void kept_run(void *argument)
{
    struct kept *kept = argument;

    kept->arrived = hf_thread_hart(0, kept->hart) == ERR_OK;
    const uint64_t number = hart_number();
    for (unsigned i = 0; i < CALLS; i++) {
        (void)hf_yield();
        kept->strayed += hart_number() != number;
    }
}

TAP_TEST(a_thread_that_is_kept_on_a_hart_runs_nowhere_else)
{
    const uint64_t harts = crowd_harts();
    struct kept kept[THREADS] = {{0}};
    uint64_t number = 0;

    for (unsigned i = 0; i < THREADS; i++) { /* all on one, and the others have nothing to do */
        kept[i].hart = harts - 1;
    }
    crowd_run(kept_run, kept, sizeof(kept[0]), THREADS);
    for (unsigned i = 0; i < THREADS; i++) {
        EXPECT_U64(kept[i].arrived, true);
        EXPECT_U64(kept[i].strayed, 0);
    }
    for (uint64_t i = 0; i < harts; i++) {
        EXPECT_ERR(hf_thread_hart(0, i), ERR_OK);
        EXPECT(i == 0 || hart_number() != number);
        number = hart_number();
    }
    EXPECT_ERR(hf_thread_hart(0, harts), ERR_RANGE);
    EXPECT_ERR(hf_thread_hart(HANDLE_MEM, 0), ERR_TYPE);
    EXPECT_ERR(hf_thread_hart(0, HART_ANY), ERR_OK);
}

/* Servers of one endpoint, each kept on a hart: the answer is where it runs. */
static uint64_t local;

static void local_run(void *argument)
{
    struct hf_request request = {.token = {0, 0}};
    const struct kept *kept = argument;

    (void)hf_thread_hart(0, kept->hart);
    const uint64_t number = hart_number();
    while (hf_reply_wait(local, &request) == ERR_OK && request.message.words[0] == 0) {
        request.message =
            (struct hf_message){.words = {hart_number() == number ? number : UINT64_MAX}};
    }
    request.message = (struct hf_message){.tag = 0};
    (void)hf_reply(request);
}

static void caller_run(void *argument)
{
    struct kept *kept = argument;

    kept->arrived = hf_thread_hart(0, kept->hart) == ERR_OK;
    for (unsigned i = 0; i < CALLS; i++) {
        struct hf_message message = {.words = {0}};
        kept->strayed += hf_call(local, &message) != ERR_OK || message.words[0] != hart_number();
    }
}

/* Wait until every server waits: one that was never called answers only what comes to its hart. */
static bool local_await(uint64_t harts)
{
    const uint64_t latest = time_after(5000);
    uint64_t good = 0;

    while (good < harts && time_now() < latest) {
        good = 0;
        for (uint64_t i = 0; i < harts; i++) {
            struct hf_message message = {.words = {0}};
            (void)hf_thread_hart(0, i);
            good += hf_call(local, &message) == ERR_OK && message.words[0] == hart_number();
        }
    }
    (void)hf_thread_hart(0, HART_ANY);
    return good == harts;
}

TAP_TEST(a_call_is_served_on_the_hart_that_makes_it)
{
    const uint64_t harts = crowd_harts() < THREADS ? crowd_harts() : THREADS;
    struct kept servers[THREADS] = {{0, 0, 0}, {1, 0, 0}, {2, 0, 0}, {3, 0, 0}};
    struct kept callers[THREADS] = {{0, 0, 0}, {1, 0, 0}, {2, 0, 0}, {3, 0, 0}};
    struct hf_thread threads[THREADS];

    REQUIRE(object_make(OBJECT_ENDPOINT, &local));
    for (uint64_t i = 0; i < harts; i++) {
        REQUIRE(EXPECT_ERR(hf_thread_run(&threads[i], PRIORITY_DEFAULT, local_run, &servers[i]),
                           ERR_OK));
    }
    EXPECT(local_await(harts));
    crowd_run(caller_run, callers, sizeof(callers[0]), (unsigned)harts);
    for (uint64_t i = 0; i < harts; i++) {
        EXPECT_U64(callers[i].arrived, true);
        EXPECT_U64(callers[i].strayed, 0);
    }
    for (uint64_t i = 0; i < harts; i++) { /* the last ones are on other harts than this */
        struct hf_message stop = {.words = {1}};
        EXPECT_ERR(hf_call(local, &stop), ERR_OK);
    }
    for (uint64_t i = 0; i < harts; i++) {
        hf_thread_join(&threads[i]);
    }
    EXPECT_ERR(hf_object_destroy(local), ERR_OK);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_thread_that_is_kept_on_a_hart_runs_nowhere_else),
        TAP(a_call_is_served_on_the_hart_that_makes_it),
    };
    return TAP_RUN(argc, argv, tests);
}
