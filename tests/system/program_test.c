/* SPDX-License-Identifier: MIT */
/*
 * Programs from files: what processes of one file have in common, and what becomes of them when the
 * file or the file system goes.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <abi/fault.h>
#include <hf/env.h>
#include <hf/files.h>
#include <hf/shared.h>
#include <tap.h>

#include "balance.h"
#include "child.h"

#define SELF      "/bin/program_test"
#define COPY      "/program"
#define PAGE      4096u
#define HEAD      4096u
#define MANY      20u
#define MANY_OWN  30u /* frames that a process may need for itself */
#define INITIAL   5
#define STATUS_OK 42

/* What children look at: data that is written to, and memory that begins as zeros. */
static volatile int initialized = INITIAL;
static volatile char zeros[3 * PAGE];
static volatile char few_zeros[16];

/* Text on a page of its own, which nobody has touched before. */
__attribute__((noinline, aligned(4096))) static int far_away(int number)
{
    return number + 1;
}
__attribute__((noinline, aligned(4096))) static int behind(int number)
{
    return number + 2;
}

/* An object with a file's bytes, and its first ones, from which it is started. */
struct source {
    uint64_t object;
    uint64_t offset;
    uint64_t bytes;
    char head[HEAD];
};

static bool source_open(struct source *source, const char *path)
{
    struct hf_file file;
    uint64_t copied = 0;
    if (!EXPECT_ERR(hf_files_open(hf_env()->files, 0, path, FILES_READ, 0, &file), ERR_OK)) {
        return false;
    }
    *source = (struct source){.object = file.object, .bytes = file.bytes};
    return EXPECT_ERR(
        hf_shared_copy(file.object, (uint64_t)source->head, 0, HEAD, MEM_COPY_FROM, &copied),
        ERR_OK);
}

/* Make a child of this program from what has its bytes. */
static enum err make_from(const struct source *source, const char *role, struct child *child)
{
    static const char *const envp[] = {NULL};
    const char *const argv[] = {"program_test", role, "", NULL};
    const struct hf_program program = {
        .name = "program_test",
        .file = source->head,
        .head_bytes = HEAD,
        .file_bytes = source->bytes,
        .object = source->object,
        .object_offset = source->offset,
        .argv = argv,
        .envp = envp,
    };
    const char *why = "";
    enum err error = hf_process_prepare(&program, &child->process, &child->start, &why);
    if (error != ERR_OK) {
        tap_note("%s: %s", role, why);
    }
    return error;
}

/* How a child ends that does as `role` says. */
static bool run_from(const struct source *source, const char *role, struct mem_next_rep *end)
{
    struct child child;
    return EXPECT_ERR(make_from(source, role, &child), ERR_OK) && child_go(&child) &&
           child_end(&child, end);
}

/* This program in a file in memory. */
static bool copy_make(void)
{
    static char bytes[PAGE];
    const int from = open(SELF, O_RDONLY);
    const int to = open(COPY, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    ssize_t count = 0;
    bool is_written = true;
    while (is_written && (count = read(from, bytes, sizeof(bytes))) > 0) {
        is_written = write(to, bytes, (size_t)count) == count;
    }
    return EXPECT_I64(close(from), 0) && EXPECT_I64(close(to), 0) && EXPECT(is_written);
}

/* A child that has come to its call of the endpoint, and waits for the answer. */
static bool child_arrive(const struct source *source, uint64_t endpoint, struct child *child,
                         struct hf_request *request)
{
    *request = (struct hf_request){.badge = 0};
    return EXPECT_ERR(make_from(source, "child:stay", child), ERR_OK) &&
           child_give(child, endpoint, RIGHT_CALL, CHILD_HANDLE) && child_go(child) &&
           EXPECT_ERR(hf_reply_wait(endpoint, request), ERR_OK);
}

/* Close two of a child's handles, so that there is room for those of many; child_drop() ends it. */
static void child_slim(struct child *child)
{
    EXPECT_ERR(hf_handle_close(child->process.thread), ERR_OK);
    EXPECT_ERR(hf_handle_close(child->process.kernel_space), ERR_OK);
}

static void child_drop(const struct child *child)
{
    EXPECT_ERR(hf_space_end(child->process.space, 0), ERR_OK);
    EXPECT_ERR(hf_space_end(child->process.space, 0), ERR_OK);
    EXPECT_ERR(hf_handle_close(child->process.space), ERR_OK);
}

/* The most frames that one of many processes takes while all are there, but for the first. */
static uint64_t frames_of_many(const struct source *source, uint64_t endpoint)
{
    static struct child children[MANY];
    struct hf_request request;
    uint64_t most = 0;
    uint32_t made = 0;
    bool is_ok = true;
    while (is_ok && made < MANY) {
        const uint64_t before = balance_free();
        is_ok = child_arrive(source, endpoint, &children[made], &request);
        const uint64_t taken = before - balance_free();
        most = made != 0 && taken > most ? taken : most;
        if (is_ok) {
            child_slim(&children[made]);
            made++;
        }
    }
    while (made > 0) {
        made--;
        child_drop(&children[made]);
    }
    return is_ok ? most : UINT64_MAX;
}

TAP_TEST(processes_have_in_common_what_they_do_not_write_to)
{
    static struct source archive;
    static struct source memory;
    uint64_t endpoint = 0;
    REQUIRE(copy_make());
    REQUIRE(object_make(OBJECT_ENDPOINT, &endpoint));
    REQUIRE(source_open(&archive, SELF) && source_open(&memory, COPY));
    const uint64_t of_archive = frames_of_many(&archive, endpoint);
    const uint64_t of_memory = frames_of_many(&memory, endpoint);
    tap_note("frames of a process: %lu from the archive, %lu from memory, %lu in the file",
             (unsigned long)of_archive, (unsigned long)of_memory,
             (unsigned long)(memory.bytes / PAGE));
    EXPECT(of_archive <= MANY_OWN);
    EXPECT(of_memory <= of_archive + 1);
    EXPECT_ERR(hf_shared_close(archive.object), ERR_OK);
    EXPECT_ERR(hf_shared_close(memory.object), ERR_OK);
    EXPECT_ERR(hf_object_destroy(endpoint), ERR_OK);
    EXPECT_ERR(hf_handle_close(endpoint), ERR_OK);
    EXPECT_I64(unlink(COPY), 0);
}

TAP_TEST(data_is_each_processs_own_and_zeros_follow_it)
{
    static const char *const paths[] = {SELF, COPY};
    static struct source source;
    static char before[PAGE];
    static char after[PAGE];
    REQUIRE(copy_make());
    for (int i = 0; i < 2; i++) {
        struct mem_next_rep end = {.cause = 0};
        REQUIRE(source_open(&source, paths[i]));
        for (int k = 0; k < 2; k++) {
            REQUIRE(run_from(&source, "child:write", &end));
            EXPECT_U64(end.cause, CAUSE_EXIT);
            EXPECT_U64(end.detail, INITIAL + 1);
        }
        for (uint64_t at = 0; at < source.bytes; at += PAGE) {
            const int from = open(SELF, O_RDONLY);
            uint64_t copied = 0;
            const ssize_t count = pread(from, before, PAGE, (off_t)at);
            EXPECT_ERR(
                hf_shared_copy(source.object, (uint64_t)after, at, PAGE, MEM_COPY_FROM, &copied),
                ERR_OK);
            EXPECT_I64(copied, count);
            EXPECT(memcmp(before, after, copied) == 0);
            EXPECT_I64(close(from), 0);
        }
        EXPECT_ERR(hf_shared_close(source.object), ERR_OK);
    }
    EXPECT_I64(unlink(COPY), 0);
}

TAP_TEST(a_program_that_lies_askew_is_copied)
{
    static char bytes[PAGE];
    static struct source source;
    struct mem_next_rep end = {.cause = 0};
    struct child child;
    uint64_t copied = 0;
    REQUIRE(source_open(&source, SELF));
    const uint64_t whole = source.object;
    source.offset = 8;
    REQUIRE(EXPECT_ERR(hf_shared_make(source.bytes + 8, 0, 0, &source.object), ERR_OK));
    for (uint64_t at = 0; at < source.bytes; at += copied) {
        uint64_t written = 0;
        REQUIRE(EXPECT_ERR(hf_shared_copy(whole, (uint64_t)bytes, at, PAGE, MEM_COPY_FROM, &copied),
                           ERR_OK));
        REQUIRE(EXPECT_ERR(
            hf_shared_copy(source.object, (uint64_t)bytes, at + 8, copied, MEM_COPY_TO, &written),
            ERR_OK));
    }
    REQUIRE(run_from(&source, "child:write", &end));
    EXPECT_U64(end.cause, CAUSE_EXIT);
    EXPECT_U64(end.detail, INITIAL + 1);
    /* Shorter than its headers say: nothing is left of the child. */
    const uint64_t before = balance_free();
    EXPECT_ERR(hf_shared_resize(source.object, PAGE), ERR_OK);
    EXPECT_ERR(make_from(&source, "child:write", &child), ERR_NOEXEC);
    EXPECT(balance_free() >= before);
    EXPECT_ERR(hf_shared_close(source.object), ERR_OK);
    EXPECT_ERR(hf_shared_close(whole), ERR_OK);
}

/* Start a child from the file in memory, do `meanwhile`, let it go on: how does it end? */
static void change_while_it_runs(void (*meanwhile)(void), struct mem_next_rep *end)
{
    static struct source source;
    struct hf_request request;
    struct child child;
    uint64_t endpoint = 0;
    REQUIRE(copy_make());
    REQUIRE(object_make(OBJECT_ENDPOINT, &endpoint));
    REQUIRE(source_open(&source, COPY));
    REQUIRE(child_arrive(&source, endpoint, &child, &request));
    EXPECT_ERR(hf_shared_close(source.object), ERR_OK);
    meanwhile();
    request.message = (struct hf_message){.tag = 0};
    EXPECT_ERR(hf_reply((struct hf_request){.token = request.token}), ERR_OK);
    EXPECT(child_end(&child, end));
    EXPECT_ERR(hf_object_destroy(endpoint), ERR_OK);
    EXPECT_ERR(hf_handle_close(endpoint), ERR_OK);
}

static void remove_it(void)
{
    EXPECT_I64(unlink(COPY), 0);
}

static void cut_it(void)
{
    EXPECT_I64(truncate(COPY, 0), 0);
}

TAP_TEST(a_program_whose_file_is_removed_runs_on)
{
    struct mem_next_rep end = {.cause = 0};
    change_while_it_runs(remove_it, &end);
    EXPECT_U64(end.cause, CAUSE_EXIT);
    EXPECT_U64(end.detail, STATUS_OK);
}

TAP_TEST(a_program_whose_file_is_cut_ends_with_a_bus_error)
{
    struct mem_next_rep end = {.cause = 0};
    change_while_it_runs(cut_it, &end);
    EXPECT_U64(end.cause, CAUSE_BUS);
    EXPECT_I64(unlink(COPY), 0);
}

/* Tell the parent that we are there; touch text that was not touched before when it answers. */
static int role_stay(void)
{
    struct hf_message message = {.tag = 0};
    if (hf_call(CHILD_HANDLE, &message) != ERR_OK) {
        return 1;
    }
    return far_away(behind(STATUS_OK - 3));
}

static int role_write(void)
{
    for (size_t i = 0; i < sizeof(zeros); i++) {
        if (zeros[i] != 0) {
            return 1;
        }
    }
    for (size_t i = 0; i < sizeof(few_zeros); i++) {
        if (few_zeros[i] != 0) {
            return 2;
        }
    }
    zeros[PAGE] = 1;
    few_zeros[3] = 1;
    initialized++;
    return initialized;
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(processes_have_in_common_what_they_do_not_write_to),
        TAP(data_is_each_processs_own_and_zeros_follow_it),
        TAP(a_program_that_lies_askew_is_copied),
        TAP(a_program_whose_file_is_removed_runs_on),
        TAP(a_program_whose_file_is_cut_ends_with_a_bus_error),
    };
    const char *role_opt = child_role(argc, argv);
    if (role_opt == NULL) {
        return TAP_RUN(argc, argv, tests);
    }
    return strcmp(role_opt, "stay") == 0 ? role_stay() : role_write();
}
