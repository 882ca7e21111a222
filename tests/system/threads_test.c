/* SPDX-License-Identifier: MIT */
/*
 * Threads of one process: waiting at words, mutexes, conditions, stacks, ends.
 */
#include <stdio.h>
#include <string.h>

#include <abi/fault.h>
#include <hf/env.h>
#include <hf/mem.h>
#include <hf/mutex.h>
#include <hf/thread.h>
#include <tap.h>

#include "child.h"

#define THREADS       4u
#define ROUNDS        2000u
#define ASLEEP        150 /* milliseconds in which whoever is about to sleep does */
#define PRIORITY_HIGH PRIORITY_DEFAULT
#define PRIORITY_LOW  2u

static struct hf_thread threads[THREADS];
static atomic_uint word;
static atomic_uint counted;

/* Run a function in all threads, by turns at a high and a low priority; join them. */
static void run_all(void (*function)(void *argument))
{
    for (uintptr_t i = 0; i < THREADS; i++) {
        const uint64_t priority = i % 2 == 0 ? PRIORITY_HIGH : PRIORITY_LOW;
        if (!EXPECT_ERR(hf_thread_run(&threads[i], priority, function, (void *)i), ERR_OK)) {
            return;
        }
    }
    for (uintptr_t i = 0; i < THREADS; i++) {
        hf_thread_join(&threads[i]);
    }
}

/* Sleep until so many have been counted. */
static void wait_counted(unsigned wanted)
{
    while (atomic_load(&counted) < wanted) {
        (void)!hf_sleep_until(time_after(1));
    }
}

static void wait_run(void *argument)
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

TAP_TEST(a_word_that_differs_is_not_waited_for)
{
    atomic_store(&word, 5);
    EXPECT_ERR(hf_wait_on(&word, 4, 0), ERR_AGAIN);
    const uint64_t latest = time_after(20);
    EXPECT_ERR(hf_wait_on(&word, 5, latest), ERR_TIMEDOUT);
    EXPECT(time_now() >= latest);
    EXPECT_U64(hf_wake(&word, 1), 0);
}

TAP_TEST(as_many_are_woken_as_asked)
{
    atomic_store(&word, 0);
    atomic_store(&counted, 0);
    for (unsigned i = 0; i < THREADS; i++) {
        REQUIRE(EXPECT_ERR(hf_thread_run(&threads[i], PRIORITY_DEFAULT, wait_run, NULL), ERR_OK));
    }
    wait_counted(THREADS);
    REQUIRE(EXPECT_ERR(hf_sleep_until(time_after(ASLEEP)), ERR_OK));
    /* They are woken, find the word unchanged, and sleep again. */
    EXPECT_U64(hf_wake(&word, 2), 2);
    REQUIRE(EXPECT_ERR(hf_sleep_until(time_after(ASLEEP)), ERR_OK));
    EXPECT_U64(atomic_load(&counted), THREADS);
    atomic_store(&word, 1);
    EXPECT_U64(hf_wake(&word, 1), 1);
    wait_counted(THREADS + 1);
    EXPECT_U64(hf_wake(&word, 100), THREADS - 1);
    for (unsigned i = 0; i < THREADS; i++) {
        hf_thread_join(&threads[i]);
    }
    EXPECT_U64(atomic_load(&counted), 2 * THREADS);
}

/* Also while they are being woken, threads go to sleep at the word again. */
TAP_TEST(a_wake_finds_each_sleeper_once)
{
    unsigned twice = 0;
    atomic_store(&word, 0);
    atomic_store(&counted, 0);
    for (unsigned i = 0; i < THREADS; i++) {
        REQUIRE(EXPECT_ERR(hf_thread_run(&threads[i], PRIORITY_DEFAULT, wait_run, NULL), ERR_OK));
    }
    wait_counted(THREADS);
    for (unsigned i = 0; i < ROUNDS; i++) {
        twice += hf_wake(&word, 100) > THREADS ? 1 : 0;
    }
    EXPECT_U64(twice, 0);
    atomic_store(&word, 1);
    hf_wake(&word, 100);
    for (unsigned i = 0; i < THREADS; i++) {
        hf_thread_join(&threads[i]);
    }
}

static struct hf_mutex mutex;
static unsigned plain; /* under `mutex` */

static void count_run(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < ROUNDS; i++) {
        hf_mutex_lock(&mutex);
        const unsigned before = plain;
        if (i % 16 == 0) {
            (void)hf_yield(); /* so that others come upon a taken mutex */
        }
        plain = before + 1;
        hf_mutex_unlock(&mutex);
    }
}

TAP_TEST(a_mutex_lets_one_in_at_a_time)
{
    plain = 0;
    run_all(count_run);
    EXPECT_U64(plain, THREADS * ROUNDS);
    EXPECT(hf_mutex_try(&mutex));
    EXPECT(!hf_mutex_try(&mutex));
    hf_mutex_unlock(&mutex);
}

static struct hf_recursive_mutex recursive;

static void try_run(void *argument)
{
    *(bool *)argument = hf_recursive_try(&recursive);
    if (*(bool *)argument) {
        hf_recursive_unlock(&recursive);
    }
}

static bool other_can_take(void)
{
    bool could = false;
    if (EXPECT_ERR(hf_thread_run(&threads[0], PRIORITY_DEFAULT, try_run, &could), ERR_OK)) {
        hf_thread_join(&threads[0]);
    }
    return could;
}

TAP_TEST(a_recursive_mutex_is_free_when_left_as_often_as_taken)
{
    hf_recursive_lock(&recursive);
    EXPECT(hf_recursive_try(&recursive));
    hf_recursive_unlock(&recursive);
    EXPECT(!other_can_take());
    hf_recursive_unlock(&recursive);
    EXPECT(other_can_take());
}

/* A place for one number, full or empty. */
static struct hf_condition filled;
static struct hf_condition emptied;
static unsigned place;
static unsigned sum;

static void put_run(void *argument)
{
    (void)argument;
    for (unsigned i = 1; i <= ROUNDS; i++) {
        hf_mutex_lock(&mutex);
        while (place != 0) {
            (void)!hf_condition_wait(&emptied, &mutex, 0);
        }
        place = i;
        hf_condition_signal(&filled);
        hf_mutex_unlock(&mutex);
    }
}

static void take_run(void *argument)
{
    (void)argument;
    for (unsigned i = 1; i <= ROUNDS; i++) {
        hf_mutex_lock(&mutex);
        while (place == 0) {
            (void)!hf_condition_wait(&filled, &mutex, 0);
        }
        sum += place;
        place = 0;
        hf_condition_signal(&emptied);
        hf_mutex_unlock(&mutex);
    }
}

TAP_TEST(conditions_hand_over_every_number)
{
    place = 0;
    sum = 0;
    REQUIRE(EXPECT_ERR(hf_thread_run(&threads[0], PRIORITY_LOW, put_run, NULL), ERR_OK));
    REQUIRE(EXPECT_ERR(hf_thread_run(&threads[1], PRIORITY_HIGH, take_run, NULL), ERR_OK));
    hf_thread_join(&threads[0]);
    hf_thread_join(&threads[1]);
    EXPECT_U64(sum, ROUNDS * (ROUNDS + 1) / 2);
}

TAP_TEST(a_condition_that_nobody_signals_times_out_with_the_mutex_taken)
{
    hf_mutex_lock(&mutex);
    EXPECT_ERR(hf_condition_wait(&filled, &mutex, time_after(10)), ERR_TIMEDOUT);
    EXPECT(!hf_mutex_try(&mutex));
    hf_mutex_unlock(&mutex);
}

/* Needs more stack with every turn; volatile, so that no turn is left out. */
static unsigned deep(unsigned turns)
{
    volatile char room[512];
    room[0] = (char)turns;
    return turns == 0 ? 0 : deep(turns - 1) + (unsigned char)room[0] % 2;
}

static void overflow_run(void *argument)
{
    (void)argument;
    printf("# %u\n", deep(1u << 20));
}

TAP_TEST(a_stack_that_overflows_meets_its_limit_or_its_guard_page)
{
    struct mem_next_rep end;
    /* That of a program grows until it may not grow further; below it is nothing. */
    REQUIRE(child_run("overflow", "", &end));
    EXPECT_U64(end.cause, CAUSE_MAPERR);
    EXPECT_U64(end.access, FAULT_WRITE);
    EXPECT(end.frames > MEM_STACK_MAX_DEFAULT / HF_PAGE_BYTES);
    REQUIRE(child_run("overflow in a thread", "", &end));
    EXPECT_U64(end.cause, CAUSE_ACCERR);
    EXPECT_U64(end.access, FAULT_WRITE);
}

TAP_TEST(a_thread_that_is_killed_in_its_sleep_is_forgotten)
{
    atomic_store(&word, 0);
    for (unsigned turn = 0; turn < 3; turn++) {
        atomic_store(&counted, 0);
        REQUIRE(EXPECT_ERR(hf_thread_run(&threads[0], PRIORITY_DEFAULT, wait_run, NULL), ERR_OK));
        REQUIRE(EXPECT_ERR(hf_thread_run(&threads[1], PRIORITY_DEFAULT, wait_run, NULL), ERR_OK));
        wait_counted(2);
        REQUIRE(EXPECT_ERR(hf_sleep_until(time_after(ASLEEP)), ERR_OK));
        hf_thread_kill(&threads[0]);
        EXPECT_U64(hf_wake(&word, 5), 1);
        hf_thread_kill(&threads[1]);
        EXPECT_U64(hf_wake(&word, 5), 0);
    }
}

static void tick_run(void *argument)
{
    (void)argument;
    for (;;) {
        atomic_fetch_add(&word, 1);
    }
}

TAP_TEST(a_stopped_thread_stands_still_until_it_is_let_go_on)
{
    atomic_store(&word, 0);
    REQUIRE(EXPECT_ERR(hf_thread_run(&threads[0], PRIORITY_LOW, tick_run, NULL), ERR_OK));
    while (atomic_load(&word) < 100) {
        REQUIRE(EXPECT_ERR(hf_sleep_until(time_after(1)), ERR_OK));
    }
    EXPECT_ERR(hf_thread_stop(threads[0].handle), ERR_OK);
    REQUIRE(EXPECT_ERR(hf_sleep_until(time_after(20)), ERR_OK));
    const unsigned stood = atomic_load(&word);
    REQUIRE(EXPECT_ERR(hf_sleep_until(time_after(20)), ERR_OK));
    EXPECT_U64(atomic_load(&word), stood);
    EXPECT_ERR(hf_thread_continue(threads[0].handle), ERR_OK);
    REQUIRE(EXPECT_ERR(hf_sleep_until(time_after(20)), ERR_OK));
    EXPECT(atomic_load(&word) > stood);
    hf_thread_kill(&threads[0]);
}

static void nothing_run(void *argument)
{
    (void)argument;
}

TAP_TEST(a_thousand_threads_leave_nothing_behind)
{
    struct mem_stats_rep before;
    struct mem_stats_rep after;
    for (unsigned i = 0; i < 1100; i++) {
        if (i == 100) {
            REQUIRE(EXPECT_ERR(hf_stats(&before), ERR_OK));
        }
        REQUIRE(
            EXPECT_ERR(hf_thread_run(&threads[0], PRIORITY_DEFAULT, nothing_run, NULL), ERR_OK));
        hf_thread_join(&threads[0]);
    }
    REQUIRE(EXPECT_ERR(hf_stats(&after), ERR_OK));
    EXPECT_U64(after.free, before.free);
}

/* Whoever joins it may be faster than its last instructions. */
TAP_TEST(a_thread_that_was_joined_costs_nothing_any_longer)
{
    struct mem_limits_rep before;
    struct mem_limits_rep after;
    unsigned late = 0;
    for (unsigned i = 0; i < 500; i++) {
        REQUIRE(EXPECT_ERR(hf_limit_get(HF_OWN_SPACE, MEM_LIMIT_BUDGET, &before), ERR_OK));
        REQUIRE(
            EXPECT_ERR(hf_thread_run(&threads[0], PRIORITY_DEFAULT, nothing_run, NULL), ERR_OK));
        hf_thread_join(&threads[0]);
        REQUIRE(EXPECT_ERR(hf_limit_get(HF_OWN_SPACE, MEM_LIMIT_BUDGET, &after), ERR_OK));
        late += after.used != before.used ? 1 : 0;
    }
    EXPECT_U64(late, 0);
}

TAP_TEST(a_thread_that_cannot_be_made_leaves_nothing_behind)
{
    struct mem_query_rep before;
    struct mem_query_rep after;
    REQUIRE(EXPECT_ERR(hf_query(HF_OWN_SPACE, 0, 0, NULL, &before), ERR_OK));
    EXPECT_ERR(hf_thread_run(&threads[0], PRIORITY_COUNT, nothing_run, NULL), ERR_RANGE);
    EXPECT_ERR(
        hf_thread_run_stack(&threads[0], PRIORITY_DEFAULT, UINT64_C(1) << 45, nothing_run, NULL),
        ERR_NOMEM);
    EXPECT_ERR(hf_thread_run_stack(&threads[0], PRIORITY_DEFAULT, 0, nothing_run, NULL), ERR_INVAL);
    REQUIRE(EXPECT_ERR(hf_query(HF_OWN_SPACE, 0, 0, NULL, &after), ERR_OK));
    EXPECT_U64(after.regions_total, before.regions_total);
    EXPECT_U64(after.pages_total, before.pages_total);
}

static int role_run(const char *role)
{
    if (strcmp(role, "overflow") == 0) {
        overflow_run(NULL);
    }
    if (strcmp(role, "overflow in a thread") == 0) {
        run_all(overflow_run);
    }
    return 1;
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_word_that_differs_is_not_waited_for),
        TAP(as_many_are_woken_as_asked),
        TAP(a_wake_finds_each_sleeper_once),
        TAP(a_mutex_lets_one_in_at_a_time),
        TAP(a_recursive_mutex_is_free_when_left_as_often_as_taken),
        TAP(conditions_hand_over_every_number),
        TAP(a_condition_that_nobody_signals_times_out_with_the_mutex_taken),
        TAP(a_stack_that_overflows_meets_its_limit_or_its_guard_page),
        TAP(a_thread_that_is_killed_in_its_sleep_is_forgotten),
        TAP(a_stopped_thread_stands_still_until_it_is_let_go_on),
        TAP(a_thousand_threads_leave_nothing_behind),
        TAP(a_thread_that_was_joined_costs_nothing_any_longer),
        TAP(a_thread_that_cannot_be_made_leaves_nothing_behind),
    };
    const char *role_opt = child_role(argc, argv);
    return role_opt != NULL ? role_run(role_opt) : TAP_RUN(argc, argv, tests);
}
