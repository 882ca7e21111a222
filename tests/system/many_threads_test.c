/* SPDX-License-Identifier: MIT */
/*
 * Hundreds of threads in one process: their handles, what else arrives beside them, and where it
 * ends.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <abi/fault.h>
#include <hf/env.h>
#include <hf/mem.h>
#include <hf/thread.h>
#include <tap.h>

#include "child.h"

#define MANY          200u
#define MOST          1600u /* more than the machine has numbers for */
#define STACK_BYTES   4096u
#define ARRIVALS_END  (HF_ACCEPT_FIRST + HF_ACCEPT_COUNT)
#define BROKEN        255 /* how a child ends that saw what must not be */
#define CROWD_BUDGETS 7u  /* that follow each other: twice the frames of a thread */

static struct hf_thread threads[MOST];
static atomic_uint word;
static atomic_uint counted;

static void sleep_run(void *argument)
{
    (void)argument;
    atomic_fetch_add(&counted, 1);
    while (atomic_load(&word) == 0) {
        enum err error = hf_wait_on(&word, 0, 0);
        if (error != ERR_OK && error != ERR_AGAIN) {
            return;
        }
    }
    atomic_fetch_add(&counted, 1);
}

/* The same without a notification, which could be refused. */
static void yield_run(void *argument)
{
    (void)argument;
    while (atomic_load(&word) == 0) {
        (void)hf_yield();
    }
}

/* Make threads until one is refused, or `count` are there. */
static unsigned make(unsigned count, void (*function)(void *argument), enum err *error)
{
    unsigned made = 0;
    *error = ERR_OK;
    atomic_store(&word, 0);
    atomic_store(&counted, 0);
    while (made < count && *error == ERR_OK) {
        *error = hf_thread_run_stack(&threads[made], PRIORITY_DEFAULT, STACK_BYTES, function, NULL);
        made += *error == ERR_OK ? 1 : 0;
    }
    return made;
}

static void join(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        hf_thread_join(&threads[i]);
    }
}

static uint64_t handles_held(void)
{
    uint64_t all = 0;
    uint64_t count = 0;
    uint64_t first = 0;
    do {
        if (!EXPECT_ERR(hf_handles_read(0, first, &count), ERR_OK)) {
            return 0;
        }
        const struct handle_info *infos = hf_message_page();
        all += count;
        first = count > 0 ? infos[count - 1].slot + 1 : first;
    } while (count == HANDLE_INFOS_MAX);
    return all;
}

/* A handle arrives where handles do. */
static void expect_arrival(void)
{
    struct mem_thread_make_rep made;
    if (EXPECT_ERR(hf_thread_make(HF_OWN_SPACE, PRIORITY_DEFAULT, &made), ERR_OK)) {
        EXPECT(made.thread < ARRIVALS_END);
        EXPECT_ERR(hf_thread_end(made.thread, 0), ERR_OK);
        EXPECT_ERR(hf_handle_close(made.thread), ERR_OK);
    }
}

TAP_TEST(two_hundred_threads_sleep_at_one_word_and_handles_still_arrive)
{
    enum err error;
    const uint64_t held = handles_held();
    for (unsigned turn = 0; turn < 2; turn++) {
        EXPECT_U64(make(MANY, sleep_run, &error), MANY);
        EXPECT_ERR(error, ERR_OK);
        while (atomic_load(&counted) < MANY) {
            REQUIRE(EXPECT_ERR(hf_sleep_until(time_after(1)), ERR_OK));
        }
        REQUIRE(EXPECT_ERR(hf_sleep_until(time_after(100)), ERR_OK));
        expect_arrival();
        EXPECT(handles_held() >= held + MANY);
        atomic_store(&word, 1);
        EXPECT_U64(hf_wake(&word, MOST), MANY);
        join(MANY);
        EXPECT_U64(atomic_load(&counted), 2 * MANY);
    }
    /* One's own notification, perhaps, but none of theirs. */
    EXPECT(handles_held() <= held + 1);
}

TAP_TEST(the_numbers_of_threads_run_out_and_come_back)
{
    enum err error;
    unsigned before = 0;
    for (unsigned turn = 0; turn < 2; turn++) {
        const unsigned made = make(MOST, sleep_run, &error);
        EXPECT(made > MANY && made < MOST);
        EXPECT_ERR(error, ERR_NOMEM);
        EXPECT(turn == 0 || made == before);
        before = made;
        atomic_store(&word, 1);
        (void)hf_wake(&word, MOST);
        join(made);
    }
}

/* A program's own handles lie where those of threads would be. */
TAP_TEST(slots_that_are_taken_are_passed_over)
{
    enum err error;
    uint64_t handles[ARRIVALS_END + 16];
    unsigned count = 0;
    /* Any slot is the first free one: up to some of the threads'. */
    do {
        REQUIRE(
            EXPECT_ERR(hf_handle_derive(HANDLE_LOG, RIGHT_CONTROL, 0, 0, &handles[count]), ERR_OK));
    } while (handles[count++] < ARRIVALS_END + 8);
    EXPECT_ERR(hf_handle_close(handles[0]), ERR_OK); /* one for arrivals */
    EXPECT_U64(make(MANY / 2, sleep_run, &error), MANY / 2);
    expect_arrival();
    while (atomic_load(&counted) < MANY / 2) {
        REQUIRE(EXPECT_ERR(hf_sleep_until(time_after(1)), ERR_OK));
    }
    atomic_store(&word, 1);
    (void)hf_wake(&word, MOST);
    join(MANY / 2);
    for (unsigned i = 1; i < count; i++) {
        EXPECT_ERR(hf_handle_close(handles[i]), ERR_OK);
    }
}

/* Make as many threads as the budget allows, twice. Returns: how many, or BROKEN. */
static int crowd(void)
{
    enum err error;
    /* What is used for the first time, and stays, is there before: words, and the notification. */
    memset(threads, 0, MANY * sizeof(threads[0]));
    atomic_store(&word, 1);
    if (hf_sleep_until(time_after(1)) != ERR_OK || make(1, yield_run, &error) != 1) {
        return 0;
    }
    atomic_store(&word, 1);
    join(1);
    const unsigned first = make(MANY, yield_run, &error);
    if (error != ERR_NOMEM) {
        return BROKEN;
    }
    atomic_store(&word, 1);
    join(first);
    const unsigned second = make(MANY, yield_run, &error);
    atomic_store(&word, 1);
    join(second);
    return error == ERR_NOMEM && second >= first ? (int)first : BROKEN;
}

/* In steps of one frame, so that each thing that a thread needs is refused once. */
static void expect_crowds(uint64_t budget, unsigned least)
{
    unsigned most = 0;
    for (uint64_t i = 0; i < CROWD_BUDGETS; i++) {
        struct mem_next_rep end;
        REQUIRE(child_run_within("crowd", "", budget + i, &end));
        REQUIRE(EXPECT_U64(end.cause, CAUSE_EXIT));
        const unsigned made = (unsigned)end.detail;
        EXPECT(made != BROKEN && made >= least);
        printf("# %" PRIu64 " frames: %u threads\n", budget + i, made);
        most = made > most ? made : most;
    }
    EXPECT(most > least);
}

TAP_TEST(a_budget_of_any_size_gives_threads_or_a_refusal)
{
    expect_crowds(54, 1);
    /* Here the slots of the first frame end. */
    expect_crowds(148, 28);
}

static int role_run(const char *role)
{
    return strcmp(role, "crowd") == 0 ? crowd() : BROKEN;
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(two_hundred_threads_sleep_at_one_word_and_handles_still_arrive),
        TAP(the_numbers_of_threads_run_out_and_come_back),
        TAP(slots_that_are_taken_are_passed_over),
        TAP(a_budget_of_any_size_gives_threads_or_a_refusal),
    };
    const char *role_opt = child_role(argc, argv);
    return role_opt != NULL ? role_run(role_opt) : TAP_RUN(argc, argv, tests);
}
