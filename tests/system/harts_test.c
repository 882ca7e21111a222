/* SPDX-License-Identifier: MIT */
/*
 * Several harts: threads and processes that run, call, fault, map and end at the same time. With
 * one hart the same has to hold, but for the first test.
 */
#include <stdatomic.h>

#include <abi/fault.h>
#include <hf/env.h>
#include <hf/mem.h>
#include <hf/thread.h>
#include <tap.h>

#include "child.h"
#include "count.h"
#include "crowd.h"

#define THREADS      CROWD_MAX
#define PAGE         4096u
#define CALLS        2000
#define PAGES        64
#define ROUNDS       20
#define MILLISECONDS 50

/* A thread that computes and looks, now and then, whether the other one has gone on meanwhile. */
struct sum {
    uint64_t steps;
    struct sum *other;
    _Atomic uint64_t done;
    uint64_t changes;
    uint64_t result;
    uint64_t hart;
};

#define STEPS_EACH 1024u

static void sum_run(void *argument)
{
    struct sum *sum = argument;
    uint64_t state = 1;
    uint64_t seen = 0;

    sum->changes = 0;
    atomic_store(&sum->done, 0);
    for (uint64_t i = 1; i <= sum->steps; i++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        if (i % STEPS_EACH == 0) {
            const uint64_t now = atomic_load(&sum->other->done);
            sum->changes += now != seen;
            seen = now;
            atomic_store(&sum->done, i);
        }
    }
    sum->result = state;
    (void)hf_info(INFO_HART, &sum->hart);
}

TAP_TEST(threads_compute_at_the_same_time)
{
    struct sum sums[2] = {{.steps = 1 << 18, .other = &sums[1]}, {.other = &sums[0]}};
    uint64_t start;
    uint64_t alone = 0;

    if (crowd_harts() < 2) {
        SKIP("one hart");
    }
    if (count_is_exact()) {
        SKIP("harts take turns where instructions are counted");
    }
    while (alone < hf_env()->timebase_hz / 5) { /* twenty slices */
        sums[0].steps *= 2;
        start = time_now();
        sum_run(&sums[0]);
        alone = time_now() - start;
    }
    sums[1].steps = sums[0].steps;
    /* Taking turns on one hart they would see each other once a slice of 10 ms. */
    bool is_enough = false;
    for (unsigned i = 0; i < 20 && !is_enough; i++) { /* the machine may be busy */
        start = time_now();
        crowd_run(sum_run, sums, sizeof(sums[0]), 2);
        const uint64_t both = time_now() - start;
        const uint64_t slices = both * 100 / hf_env()->timebase_hz;
        tap_note("one: %lu ticks, two at once: %lu", (unsigned long)alone, (unsigned long)both);
        EXPECT_U64(sums[0].result, sums[1].result);
        is_enough = sums[0].hart != sums[1].hart && sums[0].changes > 2 * slices + 20 &&
                    sums[1].changes > 2 * slices + 20;
    }
    EXPECT(is_enough);
}

/* An endpoint and the server thread behind it: it adds one, until it is told to stop. */
static uint64_t adder;

static void adder_run(void *argument)
{
    struct hf_request request = {.token = {0, 0}};

    (void)argument;
    while (hf_reply_wait(adder, &request) == ERR_OK && request.message.words[0] != 0) {
        request.message = (struct hf_message){.words = {request.message.words[0] + 1}};
    }
    request.message = (struct hf_message){.tag = 0};
    (void)hf_reply(request);
}

struct calls {
    uint64_t wrong;
};

static void calls_run(void *argument)
{
    struct calls *calls = argument;

    for (uint64_t i = 1; i <= CALLS; i++) {
        struct hf_message message = {.words = {i}};
        if (hf_call(adder, &message) != ERR_OK || message.words[0] != i + 1) {
            calls->wrong++;
        }
    }
}

TAP_TEST(callers_of_one_server_get_their_own_answers)
{
    struct calls calls[THREADS] = {{0}};
    struct hf_thread server;
    struct hf_message stop = {.tag = 0};

    REQUIRE(object_make(OBJECT_ENDPOINT, &adder));
    REQUIRE(EXPECT_ERR(hf_thread_run(&server, PRIORITY_DEFAULT, adder_run, NULL), ERR_OK));
    crowd_run(calls_run, calls, sizeof(calls[0]), THREADS);
    for (unsigned i = 0; i < THREADS; i++) {
        EXPECT_U64(calls[i].wrong, 0);
    }
    EXPECT_ERR(hf_call(adder, &stop), ERR_OK);
    hf_thread_join(&server);
    EXPECT_ERR(hf_object_destroy(adder), ERR_OK);
}

struct pages {
    uint64_t number;
    uint64_t wrong;
};

/* Map, write, read, restrict and unmap pages; none may ever show another thread's contents. */
static void pages_run(void *argument)
{
    struct pages *pages = argument;

    for (uint64_t round = 1; round <= ROUNDS; round++) {
        const uint64_t mark = pages->number << 32 | round;
        const struct hf_map map = {.length = PAGES * PAGE,
                                   .prot = MEM_PROT_READ | MEM_PROT_WRITE,
                                   .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS};
        uint64_t at = 0;
        if (hf_map(map, &at) != ERR_OK) {
            pages->wrong++;
            return;
        }
        volatile uint64_t *words = (volatile uint64_t *)at;
        for (uint64_t i = 0; i < PAGES; i++) {
            pages->wrong += words[i * PAGE / 8] != 0;
            words[i * PAGE / 8] = mark + i;
        }
        pages->wrong += hf_protect(HF_OWN_SPACE, at, PAGES * PAGE / 2, MEM_PROT_READ) != ERR_OK;
        for (uint64_t i = 0; i < PAGES; i++) {
            pages->wrong += words[i * PAGE / 8] != mark + i;
        }
        pages->wrong += hf_unmap(HF_OWN_SPACE, at, PAGES * PAGE) != ERR_OK;
    }
}

TAP_TEST(pages_of_threads_do_not_mix)
{
    struct pages pages[THREADS] = {{1, 0}, {2, 0}, {3, 0}, {4, 0}};

    crowd_run(pages_run, pages, sizeof(pages[0]), THREADS);
    for (unsigned i = 0; i < THREADS; i++) {
        EXPECT_U64(pages[i].wrong, 0);
    }
}

TAP_TEST(every_hart_takes_its_part_and_counts_it)
{
    const uint64_t harts = crowd_harts();
    uint64_t sum = 0;
    uint64_t all = 0;
    uint64_t count = 0;

    for (uint64_t i = 0; i < harts; i++) {
        EXPECT_ERR(hf_info_of(INFO_HART_SWITCHES, i, &count), ERR_OK);
        EXPECT(count != 0 || harts > THREADS);
        EXPECT_ERR(hf_info_of(INFO_HART_FAULTS, i, &count), ERR_OK);
        EXPECT(count != 0 || harts > THREADS);
        sum += count;
        EXPECT_ERR(hf_info_of(INFO_HART_WAITS, i, &count), ERR_OK);
        EXPECT(harts > 1 || count == 0);
    }
    EXPECT_ERR(hf_info(INFO_FAULT_COUNT, &all), ERR_OK);
    EXPECT(all >= sum);
    EXPECT_ERR(hf_info_of(INFO_HART_FAULTS, harts, &count), ERR_INVAL);
}

/* One thread writes to a page that another takes the right to away. */
static _Atomic uint64_t writer_word; /* of the page, as the writer last wrote it */
static _Atomic bool writer_stop;
static volatile uint64_t *writer_page;

static void writer_run(void *argument)
{
    (void)argument;
    while (!atomic_load(&writer_stop)) {
        const uint64_t next = atomic_load(&writer_word) + 1;
        *writer_page = next;
        atomic_store(&writer_word, next);
    }
}

TAP_TEST(a_page_that_was_dropped_is_gone_on_every_hart)
{
    const struct hf_map map = {.length = PAGE,
                               .prot = MEM_PROT_READ | MEM_PROT_WRITE,
                               .flags = MEM_MAP_PRIVATE | MEM_MAP_ANONYMOUS};
    struct hf_thread writer;
    uint64_t at = 0;

    REQUIRE(EXPECT_ERR(hf_map(map, &at), ERR_OK));
    writer_page = (volatile uint64_t *)at;
    atomic_store(&writer_stop, false);
    REQUIRE(EXPECT_ERR(hf_thread_run(&writer, PRIORITY_DEFAULT, writer_run, NULL), ERR_OK));
    for (unsigned i = 0; i < 100; i++) {
        /* Its frame goes: a hart that still wrote there would spoil what comes to be there next. */
        EXPECT_ERR(hf_advise(HF_OWN_SPACE, at, PAGE, MEM_ADVISE_DONTNEED), ERR_OK);
        const uint64_t before = atomic_load(&writer_word);
        while (atomic_load(&writer_word) < before + 2) {
            (void)hf_yield();
        }
        EXPECT(*writer_page >= before); /* the new page holds what was written since */
    }
    atomic_store(&writer_stop, true);
    hf_thread_join(&writer);
    EXPECT_ERR(hf_unmap(HF_OWN_SPACE, at, PAGE), ERR_OK);
}

static _Atomic uint64_t spinner_count;

static void spinner_run(void *argument)
{
    (void)argument;
    for (;;) {
        atomic_fetch_add(&spinner_count, 1);
    }
}

/* The count does not move any longer. */
static bool spinner_rests(void)
{
    const uint64_t before = atomic_load(&spinner_count);
    const uint64_t later = time_after(5);

    while (time_now() < later) {
    }
    return atomic_load(&spinner_count) == before;
}

static void spinner_await(void)
{
    const uint64_t before = atomic_load(&spinner_count);

    while (atomic_load(&spinner_count) == before) {
        (void)hf_yield();
    }
}

TAP_TEST(a_running_thread_is_stopped_continued_and_ended)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct hf_thread spinner;
        REQUIRE(EXPECT_ERR(hf_thread_run(&spinner, PRIORITY_DEFAULT, spinner_run, NULL), ERR_OK));
        spinner_await();
        EXPECT_ERR(hf_thread_stop(spinner.handle), ERR_OK);
        const uint64_t latest = time_after(5000); /* one that runs elsewhere stops a moment later */
        while (!spinner_rests()) {
            REQUIRE(time_now() < latest);
        }
        EXPECT_ERR(hf_thread_continue(spinner.handle), ERR_OK);
        spinner_await();
        EXPECT_ERR(hf_thread_end(spinner.handle, 0), ERR_OK);
        EXPECT(spinner_rests());
        hf_thread_release(&spinner);
    }
}

/* In a child: threads that do everything until the process ends. */
static void child_thread_run(void *argument)
{
    for (;;) {
        struct pages pages = {(uint64_t)(uintptr_t)argument, 0};
        pages_run(&pages);
        if (pages.wrong != 0) {
            hf_exit(1);
        }
    }
}

static int role_busy(void)
{
    struct hf_thread threads[THREADS];
    const uint64_t end = time_after(MILLISECONDS);

    for (uintptr_t i = 0; i < THREADS; i++) {
        if (hf_thread_run(&threads[i], PRIORITY_DEFAULT, child_thread_run, (void *)(i + 1)) !=
            ERR_OK) {
            return 2;
        }
    }
    while (time_now() < end) {
        (void)hf_yield();
    }
    hf_exit(0); /* while the others run, fault and call */
}

TAP_TEST(a_process_ends_while_its_threads_run_everywhere)
{
    struct mem_stats_rep before;
    struct mem_stats_rep after;
    struct mem_next_rep end;

    REQUIRE(child_run("busy", "", &end));
    REQUIRE(EXPECT_ERR(hf_stats(&before), ERR_OK));
    for (unsigned i = 0; i < 5; i++) {
        REQUIRE(child_run("busy", "", &end));
        EXPECT_U64(end.cause, CAUSE_EXIT);
        EXPECT_U64(end.detail, 0);
    }
    REQUIRE(EXPECT_ERR(hf_stats(&after), ERR_OK));
    EXPECT_U64(after.free, before.free);
}

TAP_TEST(a_process_is_ended_while_its_threads_run_everywhere)
{
    struct mem_stats_rep before;
    struct mem_stats_rep after;

    REQUIRE(EXPECT_ERR(hf_stats(&before), ERR_OK));
    for (unsigned i = 0; i < 5; i++) {
        struct child child;
        const uint64_t later = time_after(i * 10);
        REQUIRE(child_start(&child, "busy", ""));
        while (time_now() < later) {
            (void)hf_yield();
        }
        hf_process_forget(&child.process);
    }
    REQUIRE(EXPECT_ERR(hf_stats(&after), ERR_OK));
    EXPECT_U64(after.free, before.free);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(threads_compute_at_the_same_time),
        TAP(callers_of_one_server_get_their_own_answers),
        TAP(pages_of_threads_do_not_mix),
        TAP(every_hart_takes_its_part_and_counts_it),
        TAP(a_page_that_was_dropped_is_gone_on_every_hart),
        TAP(a_running_thread_is_stopped_continued_and_ended),
        TAP(a_process_ends_while_its_threads_run_everywhere),
        TAP(a_process_is_ended_while_its_threads_run_everywhere),
    };
    if (child_role(argc, argv) != NULL) {
        return role_busy();
    }
    return TAP_RUN(argc, argv, tests);
}
