/* SPDX-License-Identifier: MIT */
/*
 * Many lives: thousands of processes one after the other, long chains of descendants, many threads
 * that end at once. Whatever happened, every frame is free again.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <abi/fault.h>
#include <base/attr.h>
#include <hf/env.h>
#include <hf/mem.h>
#include <hf/thread.h>
#include <tap.h>

#include "area.h"
#include "balance.h"
#include "child.h"

#define LIVES        10000
#define CHAIN        100
#define THREADS      24 /* each has two handles */
#define ROUNDS       5
#define CHAIN_RIGHTS (RIGHT_SIGNAL | RIGHT_TRANSFER | RIGHT_DERIVE)

/* A program without libraries: exit with status 7. */
static const uint32_t bare_text[] = {
    0x00700513, /* li a0, 7 */
    0x00000293, /* li t0, SYS_EXIT, patched */
    0x00000073, /* ecall */
    0x0000006f, /* j . */
};

static uint64_t budget_used(void)
{
    struct mem_limits_rep rep = {0};
    EXPECT_ERR(hf_limit_get(HF_OWN_SPACE, MEM_LIMIT_BUDGET, &rep), ERR_OK);
    return rep.used;
}

/* Be there until someone ends this. */
NORETURN static void stay(void)
{
    for (;;) {
        (void)hf_yield();
    }
}

/* A process of one page of text, not started. Returns: whether that worked. */
static bool bare_make(struct hf_process *process)
{
    uint32_t text[4];
    struct mem_space_make_rep space;
    struct mem_thread_make_rep thread;
    uint64_t copied = 0;
    uint64_t address = AREA_AT(0);

    memcpy(text, bare_text, sizeof(text));
    text[1] |= (uint32_t)SYS_EXIT << 20;
    if (hf_space_make("bare", 0, PRIORITY_DEFAULT, &space) != ERR_OK) {
        return false;
    }
    const struct hf_map map = {
        .space = space.space,
        .addr = address,
        .length = PAGE,
        .prot = RW | MEM_PROT_EXEC,
        .flags = ANON | MEM_MAP_FIXED,
    };
    *process = (struct hf_process){
        .space = space.space, .kernel_space = space.kernel_space, .space_id = space.space_id};
    if (hf_map(map, &address) != ERR_OK ||
        hf_copy(space.space, (uint64_t)text, address, sizeof(text), MEM_COPY_TO, &copied) !=
            ERR_OK ||
        hf_thread_make(space.space, PRIORITY_DEFAULT, &thread) != ERR_OK) {
        return false;
    }
    process->thread = thread.thread;
    return true;
}

static bool bare_run(void)
{
    struct hf_process process;
    struct mem_next_rep end;
    const struct hf_start start = {.pc = AREA_AT(0), .sp = AREA_AT(1)};
    if (!bare_make(&process) || hf_thread_start(process.thread, &start) != ERR_OK) {
        return false;
    }
    const bool has_ended = hf_process_wait(&process, &end) == ERR_OK;
    hf_process_forget(&process);
    return has_ended && end.cause == CAUSE_EXIT && end.detail == 7;
}

TAP_TEST(ten_thousand_processes_are_made_and_ended_and_leave_nothing)
{
    REQUIRE(EXPECT(bare_run()));
    const uint64_t free = balance_free();
    const uint64_t used = budget_used();
    const uint64_t start = time_now();
    for (int i = 0; i < LIVES; i++) {
        if (!EXPECT(bare_run())) {
            tap_note("process %d; %s", i, hf_last_refusal());
            return;
        }
    }
    const uint64_t microseconds = (time_now() - start) * 1000000 / hf_env()->timebase_hz;
    EXPECT_U64(balance_free(), free);
    EXPECT_U64(budget_used(), used);
    tap_note("%llu microseconds a process", (unsigned long long)(microseconds / LIVES));
}

TAP_TEST(a_chain_of_a_hundred_descendants_ends_from_its_top)
{
    struct mem_next_rep end;
    uint64_t notification = 0;
    uint64_t bits = 0;
    uint64_t free = 0;
    REQUIRE(object_make(OBJECT_NOTIFICATION, &notification));
    /* Twice: what is kept for speed is there the second time. */
    for (int round = 0; round < 2; round++) {
        struct child child;
        free = balance_free();
        REQUIRE(child_make(&child, "chain", "100"));
        REQUIRE(child_give(&child, notification, CHAIN_RIGHTS, CHILD_HANDLE));
        REQUIRE(child_go(&child));
        EXPECT_ERR(hf_wait(notification, 1, time_after(60000), &bits), ERR_OK);
        const uint64_t taken = free - balance_free();
        tap_note("%llu frames for %d processes", (unsigned long long)taken, CHAIN);
        EXPECT(taken > 20 * CHAIN);
        EXPECT_ERR(hf_space_end(child.process.space, 5), ERR_OK);
        REQUIRE(child_end(&child, &end));
        EXPECT_U64(end.cause, CAUSE_KILLED);
    }
    EXPECT_U64(balance_free(), free);
    EXPECT_ERR(hf_handle_close(notification), ERR_OK);
}

TAP_TEST(many_children_end_at_once_with_their_parent)
{
    struct mem_next_rep end;
    REQUIRE(child_run("brood", "2", &end));
    const uint64_t free = balance_free();
    REQUIRE(child_run("brood", "60", &end));
    EXPECT_U64(end.cause, CAUSE_EXIT);
    EXPECT_U64(end.detail, 0);
    EXPECT_U64(balance_free(), free);
}

TAP_TEST(many_threads_end_at_once_again_and_again)
{
    struct mem_next_rep end;
    REQUIRE(child_run("crowd", "1", &end));
    const uint64_t free = balance_free();
    REQUIRE(child_run("crowd", "5", &end));
    EXPECT_U64(end.cause, CAUSE_EXIT);
    EXPECT_U64(end.detail, 0);
    EXPECT_U64(balance_free(), free);
}

TAP_TEST(a_process_ends_while_all_its_threads_run)
{
    struct mem_next_rep end;
    REQUIRE(child_run("leave", "1", &end));
    const uint64_t free = balance_free();
    for (int i = 0; i < ROUNDS; i++) {
        REQUIRE(child_run("leave", "1", &end));
        EXPECT_U64(end.cause, CAUSE_EXIT);
        EXPECT_U64(end.detail, 3);
    }
    EXPECT_U64(balance_free(), free);
}

/* Make a child with one generation less to make, and stay; the last one says that it is there. */
static int role_chain(const char *word)
{
    char rest[16];
    struct child child;
    struct mem_next_rep end;
    const int left = atoi(word);
    if (left > 1) {
        snprintf(rest, sizeof(rest), "%d", left - 1);
        if (!child_make(&child, "chain", rest) ||
            !child_give(&child, CHILD_HANDLE, CHAIN_RIGHTS, CHILD_HANDLE) || !child_go(&child)) {
            return 1;
        }
        (void)hf_next(0, &end);
        return 2;
    }
    (void)hf_notify(CHILD_HANDLE, 1);
    stay();
}

/* Make children, then end before they do. */
static int role_brood(const char *word)
{
    struct hf_process process;
    const int count = atoi(word);
    for (int i = 0; i < count; i++) {
        if (!bare_make(&process)) {
            return 1;
        }
        (void)hf_handle_close(process.space);
        (void)hf_handle_close(process.kernel_space);
        (void)hf_handle_close(process.thread);
    }
    return 0;
}

static struct hf_thread threads[THREADS];
static atomic_uint_least32_t running;
static atomic_uint_least32_t is_time;

static void crowd_run(void *argument)
{
    (void)argument;
    atomic_fetch_add(&running, 1);
    while (atomic_load(&is_time) == 0) {
        (void)hf_yield();
    }
}

static bool crowd_start(void)
{
    atomic_store(&running, 0);
    atomic_store(&is_time, 0);
    for (int i = 0; i < THREADS; i++) {
        if (hf_thread_run(&threads[i], PRIORITY_DEFAULT, crowd_run, NULL) != ERR_OK) {
            return false;
        }
    }
    while (atomic_load(&running) < THREADS) {
        (void)hf_yield();
    }
    return true;
}

/* Threads that all end when they are told to, and of which the process has nothing left then. */
static int role_crowd(const char *word)
{
    struct mem_limits_rep before = {0};
    struct mem_limits_rep after = {0};
    const int rounds = atoi(word);
    for (int round = 0; round < rounds; round++) {
        if (!crowd_start()) {
            return 1;
        }
        atomic_store(&is_time, 1);
        for (int i = 0; i < THREADS; i++) {
            hf_thread_join(&threads[i]);
        }
        before = after;
        if (hf_limit_get(HF_OWN_SPACE, MEM_LIMIT_BUDGET, &after) != ERR_OK) {
            return 2;
        }
        if (round > 1 && before.used != after.used) {
            return 3;
        }
    }
    return 0;
}

static int role_leave(const char *word)
{
    (void)word;
    return crowd_start() ? 3 : 1;
}

static int role_run(const char *role, const char *word)
{
    static const struct {
        const char *name;
        int (*run)(const char *word);
    } roles[] = {
        {"chain", role_chain},
        {"brood", role_brood},
        {"crowd", role_crowd},
        {"leave", role_leave},
    };
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        if (strcmp(role, roles[i].name) == 0) {
            return roles[i].run(word);
        }
    }
    return 99;
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(ten_thousand_processes_are_made_and_ended_and_leave_nothing),
        TAP(a_chain_of_a_hundred_descendants_ends_from_its_top),
        TAP(many_children_end_at_once_with_their_parent),
        TAP(many_threads_end_at_once_again_and_again),
        TAP(a_process_ends_while_all_its_threads_run),
    };
    const char *role_opt = child_role(argc, argv);
    if (role_opt != NULL) {
        return role_run(role_opt, argv[2]);
    }
    return TAP_RUN(argc, argv, tests);
}
