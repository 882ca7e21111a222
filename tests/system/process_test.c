/* SPDX-License-Identifier: MIT */
/*
 * Processes: start, arguments, end in every way, and every frame back afterwards.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <abi/fault.h>
#include <hf/env.h>
#include <hf/mem.h>
#include <hf/thread.h>
#include <tap.h>

#include "area.h"
#include "balance.h"
#include "child.h"

TAP_TEST(a_child_hands_its_status_to_its_parent)
{
    struct mem_next_rep end;
    REQUIRE(child_run("exit", "0", &end));
    EXPECT_U64(end.cause, CAUSE_EXIT);
    EXPECT_U64(end.detail, 0);
    REQUIRE(child_run("exit", "255", &end));
    EXPECT_U64(end.detail, 255);
    REQUIRE(child_run("exit", "256", &end));
    EXPECT_U64(end.detail, 0);
    REQUIRE(child_run("return", "7", &end));
    EXPECT_U64(end.detail, 7);
}

TAP_TEST(a_child_gets_its_arguments_and_finds_itself)
{
    struct mem_next_rep end;
    REQUIRE(child_run("arguments", "two  words", &end));
    EXPECT_U64(end.cause, CAUSE_EXIT);
    EXPECT_U64(end.detail, 0);
}

TAP_TEST(a_child_has_children_of_its_own)
{
    struct mem_next_rep end;
    REQUIRE(child_run("parent", "5", &end));
    EXPECT_U64(end.cause, CAUSE_EXIT);
    EXPECT_U64(end.detail, 5);
}

TAP_TEST(every_frame_comes_back_however_a_child_ends)
{
    static const char *const roles[] = {"exit", "use", "fault", "thread", "orphan", "kill"};
    struct mem_next_rep end;
    /* Once before: what is kept for speed is then there. */
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        REQUIRE(child_run(roles[i], "0", &end));
    }
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        uint64_t before = balance_free();
        REQUIRE(child_run(roles[i], "0", &end));
        if (!EXPECT_U64(balance_free(), before)) {
            tap_note("  after a child that did '%s'", roles[i]);
        }
        EXPECT(end.frames > 0);
    }
}

TAP_TEST(a_hundred_children_leave_nothing_behind)
{
    struct mem_next_rep end;
    REQUIRE(child_run("exit", "0", &end));
    uint64_t before = balance_free();
    for (int i = 0; i < 100; i++) {
        REQUIRE(child_run("exit", "3", &end));
        EXPECT_U64(end.detail, 3);
    }
    EXPECT_U64(balance_free(), before);
}

TAP_TEST(a_child_that_never_ran_can_be_dropped)
{
    struct child child;
    struct mem_next_rep end;
    REQUIRE(child_make(&child, "exit", "0"));
    hf_process_forget(&child.process);
    uint64_t before = balance_free();
    REQUIRE(child_make(&child, "exit", "0"));
    hf_process_forget(&child.process);
    EXPECT_U64(balance_free(), before);
    EXPECT_ERR(hf_next(1, &end), ERR_SRCH);
}

TAP_TEST(next_says_whether_there_is_anyone_to_wait_for)
{
    struct child child;
    struct mem_next_rep end;
    EXPECT_ERR(hf_next(1, &end), ERR_SRCH);
    EXPECT_ERR(hf_next(0, &end), ERR_SRCH);
    REQUIRE(child_make(&child, "exit", "9"));
    EXPECT_ERR(hf_next(1, &end), ERR_WOULD_BLOCK);
    REQUIRE(child_go(&child));
    REQUIRE(child_end(&child, &end));
    EXPECT_U64(end.detail, 9);
    EXPECT_U64(end.space_id, child.process.space_id);
    EXPECT_ERR(hf_next(1, &end), ERR_SRCH);
}

TAP_TEST(a_child_that_loops_is_ended_from_outside)
{
    struct child child;
    struct mem_next_rep end;
    REQUIRE(child_start(&child, "loop", ""));
    (void)hf_yield();
    EXPECT_ERR(hf_space_end(child.process.space, 0x77), ERR_OK);
    REQUIRE(child_end(&child, &end));
    EXPECT_U64(end.cause, CAUSE_KILLED);
    EXPECT_U64(end.detail, 0x77);
}

TAP_TEST(a_child_that_waits_for_ever_is_ended_from_outside)
{
    struct child child;
    struct mem_next_rep end;
    REQUIRE(child_start(&child, "wait", ""));
    for (int i = 0; i < 20; i++) {
        (void)hf_yield();
    }
    EXPECT_ERR(hf_space_end(child.process.space, 1), ERR_OK);
    REQUIRE(child_end(&child, &end));
    EXPECT_U64(end.cause, CAUSE_KILLED);
}

TAP_TEST(handles_to_an_ended_child_are_stale)
{
    struct child child;
    struct mem_next_rep end;
    uint64_t given = 0;
    REQUIRE(child_start(&child, "exit", "0"));
    REQUIRE(EXPECT_ERR(hf_process_wait(&child.process, &end), ERR_OK));
    EXPECT_ERR(hf_handle_give(child.process.kernel_space, HANDLE_LOG, 0, 0, &given), ERR_STALE);
    EXPECT_ERR(hf_thread_stop(child.process.thread), ERR_STALE);
    EXPECT_ERR(hf_unmap(child.process.space, AREA_START, PAGE), ERR_STALE);
    hf_process_forget(&child.process);
}

TAP_TEST(a_thread_is_started_once)
{
    struct child child;
    struct mem_next_rep end;
    REQUIRE(child_start(&child, "loop", ""));
    EXPECT_ERR(hf_process_go(&child.process, &child.start), ERR_BUSY);
    EXPECT_ERR(hf_space_end(child.process.space, 0), ERR_OK);
    REQUIRE(child_end(&child, &end));
}

TAP_TEST(a_stopped_child_runs_when_it_is_let_go_on)
{
    struct child child;
    struct mem_next_rep end;
    REQUIRE(child_make(&child, "exit", "4"));
    EXPECT_ERR(hf_thread_continue(child.process.thread), ERR_OK);
    EXPECT_ERR(hf_thread_stop(child.process.thread), ERR_OK);
    EXPECT_ERR(hf_thread_stop(child.process.thread), ERR_OK);
    REQUIRE(child_go(&child));
    for (int i = 0; i < 50; i++) {
        (void)hf_yield();
    }
    EXPECT_ERR(hf_next(1, &end), ERR_WOULD_BLOCK);
    EXPECT_ERR(hf_thread_continue(child.process.thread), ERR_OK);
    REQUIRE(child_end(&child, &end));
    EXPECT_U64(end.detail, 4);
}

TAP_TEST(a_priority_above_the_spaces_highest_is_refused)
{
    struct child child;
    REQUIRE(child_make(&child, "exit", "0"));
    EXPECT_ERR(hf_thread_priority(child.process.thread, PRIORITY_DEFAULT + 1), ERR_RANGE);
    EXPECT_ERR(hf_thread_priority(child.process.thread, UINT64_MAX), ERR_RANGE);
    EXPECT_ERR(hf_thread_priority(child.process.thread, 1), ERR_OK);
    struct mem_thread_make_rep thread;
    EXPECT_ERR(hf_thread_make(HF_OWN_SPACE, PRIORITY_COUNT, &thread), ERR_RANGE);
    hf_process_forget(&child.process);
}

static bool program_start(const char *name, struct hf_process *process)
{
    static const char *const envp[] = {NULL};
    const char *const argv[] = {name, "7", NULL};
    struct hf_program program;
    const char *why = "";
    if (!EXPECT_ERR(hf_program_find(name, &program), ERR_OK)) {
        return false;
    }
    program.argv = argv;
    program.envp = envp;
    return EXPECT_ERR(hf_process_start(&program, process, &why), ERR_OK);
}

TAP_TEST(the_programs_that_are_shown_as_examples_work)
{
    static const char *const programs[] = {"hello", "pages", "add", "squares"};
    struct hf_process sum;
    REQUIRE(program_start("sum", &sum));
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        struct hf_process process;
        struct mem_next_rep end;
        REQUIRE(program_start(programs[i], &process));
        REQUIRE(EXPECT_ERR(hf_process_wait(&process, &end), ERR_OK));
        EXPECT_U64(end.cause, CAUSE_EXIT);
        EXPECT_U64(end.detail, 0);
        hf_process_forget(&process);
    }
    hf_process_forget(&sum);
}

TAP_TEST(what_is_no_program_is_refused_with_a_reason)
{
    static const char *const argv[] = {"x", NULL};
    static const char *const envp[] = {NULL};
    static const char file[] = "#!/bin/sh\n";
    const struct hf_program program = {
        .name = "x", .file = file, .file_bytes = sizeof(file), .argv = argv, .envp = envp};
    struct hf_process process;
    const char *why = "";
    EXPECT_ERR(hf_process_start(&program, &process, &why), ERR_NOEXEC);
    EXPECT_STR(why, "it is no ELF file");
}

TAP_TEST(more_arguments_than_fit_are_refused_and_nothing_is_left)
{
    static char huge[HF_START_BYTES_MAX + 1];
    memset(huge, 'x', sizeof(huge) - 1);
    const char *const argv[] = {huge, NULL};
    static const char *const envp[] = {NULL};
    struct hf_program program;
    struct hf_process process;
    struct mem_next_rep end;
    const char *why = "";
    REQUIRE(EXPECT_ERR(hf_program_find("process_test", &program), ERR_OK));
    program.argv = argv;
    program.envp = envp;
    EXPECT_ERR(hf_process_start(&program, &process, &why), ERR_TOO_BIG);
    uint64_t before = balance_free();
    EXPECT_ERR(hf_process_start(&program, &process, &why), ERR_TOO_BIG);
    EXPECT_U64(balance_free(), before);
    EXPECT_ERR(hf_next(1, &end), ERR_SRCH);
}

TAP_TEST(a_program_that_is_not_there_is_noent)
{
    struct hf_program program;
    EXPECT_ERR(hf_program_find("no-such-program", &program), ERR_NOENT);
    EXPECT_ERR(hf_program_find("bin", &program), ERR_NOENT);
    EXPECT_ERR(hf_program_find("", &program), ERR_NOENT);
}

static void thread_run(void *argument)
{
    area_fill(0, *(uint64_t *)argument);
}

/* In a child: use memory of many kinds. */
static void use_memory(void)
{
    uint64_t pages = 32;
    char *block = malloc(300000);
    uint64_t notification = 0;
    (void)area_map(0, AREA_PAGES, RW);
    (void)hf_donate(HF_OWN_SPACE, OBJECT_NOTIFICATION);
    (void)hf_object_make(OBJECT_NOTIFICATION, 0, &notification);
    if (block != NULL) {
        memset(block, 1, 300000);
    }
    struct hf_thread thread;
    if (hf_thread_run(&thread, PRIORITY_DEFAULT, thread_run, &pages) == ERR_OK) {
        hf_thread_join(&thread);
    }
}

static int role_parent(const char *word)
{
    struct mem_next_rep end;
    return child_run("exit", word, &end) ? (int)end.detail : 100;
}

/* In a child: start a child and exit before it. */
static int role_orphan(void)
{
    struct child child;
    return child_start(&child, "loop", "") ? 0 : 1;
}

static void wait_run(void *argument)
{
    uint64_t bits = 0;
    (void)hf_wait(*(uint64_t *)argument, 0, 0, &bits);
}

/* In a child: exit while another thread waits. */
static int role_thread(void)
{
    static uint64_t notification;
    static struct hf_thread thread;
    (void)hf_donate(HF_OWN_SPACE, OBJECT_NOTIFICATION);
    if (hf_object_make(OBJECT_NOTIFICATION, 0, &notification) != ERR_OK ||
        hf_thread_run(&thread, PRIORITY_DEFAULT, wait_run, &notification) != ERR_OK) {
        return 1;
    }
    (void)hf_yield();
    return 0;
}

static int role_wait(void)
{
    uint64_t notification = 0;
    uint64_t bits = 0;
    (void)hf_donate(HF_OWN_SPACE, OBJECT_NOTIFICATION);
    if (hf_object_make(OBJECT_NOTIFICATION, 0, &notification) == ERR_OK) {
        (void)hf_wait(notification, 0, 0, &bits);
    }
    return 1;
}

static int role_run(const char *role, int argc, char **argv)
{
    const char *word = argv[2];
    if (strcmp(role, "exit") == 0) {
        exit(atoi(word));
    }
    if (strcmp(role, "return") == 0) {
        return atoi(word);
    }
    if (strcmp(role, "arguments") == 0) {
        return argc == 3 && strcmp(word, "two  words") == 0 && argv[3] == NULL &&
                       strcmp(argv[0], "process_test") == 0 && getpid() > 0 &&
                       hf_env()->archive_opt != NULL
                   ? 0
                   : 1;
    }
    if (strcmp(role, "parent") == 0) {
        return role_parent(word);
    }
    if (strcmp(role, "use") == 0 || strcmp(role, "fault") == 0) {
        use_memory();
        if (role[0] == 'f') {
            *(volatile char *)AREA_AT(-1) = 1;
        }
        return 0;
    }
    if (strcmp(role, "thread") == 0) {
        return role_thread();
    }
    if (strcmp(role, "orphan") == 0) {
        return role_orphan();
    }
    if (strcmp(role, "wait") == 0) {
        return role_wait();
    }
    if (strcmp(role, "kill") == 0) {
        abort();
    }
    for (;;) {
        (void)hf_yield();
    }
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(a_child_hands_its_status_to_its_parent),
        TAP(a_child_gets_its_arguments_and_finds_itself),
        TAP(a_child_has_children_of_its_own),
        TAP(every_frame_comes_back_however_a_child_ends),
        TAP(a_hundred_children_leave_nothing_behind),
        TAP(a_child_that_never_ran_can_be_dropped),
        TAP(next_says_whether_there_is_anyone_to_wait_for),
        TAP(a_child_that_loops_is_ended_from_outside),
        TAP(a_child_that_waits_for_ever_is_ended_from_outside),
        TAP(handles_to_an_ended_child_are_stale),
        TAP(a_thread_is_started_once),
        TAP(a_stopped_child_runs_when_it_is_let_go_on),
        TAP(a_priority_above_the_spaces_highest_is_refused),
        TAP(the_programs_that_are_shown_as_examples_work),
        TAP(what_is_no_program_is_refused_with_a_reason),
        TAP(more_arguments_than_fit_are_refused_and_nothing_is_left),
        TAP(a_program_that_is_not_there_is_noent),
    };
    const char *role_opt = child_role(argc, argv);
    if (role_opt != NULL) {
        return role_run(role_opt, argc, argv);
    }
    return TAP_RUN(argc, argv, tests);
}
