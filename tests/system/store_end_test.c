/* SPDX-License-Identifier: MIT */
/*
 * A file system of the test's own, so that several clients can be played, and its end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <abi/fault.h>
#include <hf/files.h>
#include <hf/mem.h>
#include <hf/process.h>
#include <hf/shared.h>
#include <tap.h>

#include "child.h"

#define SELF  "/bin/store_end_test"
#define PAGE  4096u
#define BADGE 5u

/* A file system of the test's own. */
struct own {
    uint64_t endpoint;
    uint64_t client; /* to call it with BADGE */
    struct hf_process process;
};

static bool own_run(struct own *own)
{
    static const char *const argv[] = {"files", NULL};
    static const char *const envp[] = {NULL};
    const uint64_t rights = RIGHT_RECEIVE | RIGHT_CALL | RIGHT_TRANSFER | RIGHT_DERIVE;
    struct hf_program program;
    struct hf_start start;
    const char *why = "";
    uint64_t slot = FILES_SLOT_ENDPOINT;
    if (!EXPECT_ERR(hf_program_find("files", &program), ERR_OK)) {
        return false;
    }
    program.argv = argv;
    program.envp = envp;
    return EXPECT_ERR(hf_process_prepare(&program, &own->process, &start, &why), ERR_OK) &&
           EXPECT_ERR(hf_handle_give(own->process.kernel_space, own->endpoint, rights, slot, &slot),
                      ERR_OK) &&
           EXPECT_ERR(hf_process_go(&own->process, &start), ERR_OK);
}

static bool own_start(struct own *own)
{
    return object_make(OBJECT_ENDPOINT, &own->endpoint) &&
           EXPECT_ERR(hf_handle_derive(own->endpoint, RIGHT_CALL | RIGHT_TRANSFER | RIGHT_DERIVE,
                                       BADGE, 0, &own->client),
                      ERR_OK) &&
           own_run(own);
}

/* Our own endpoint arrives as its badge: a handle to it with that one. */
static bool own_control(const struct own *own, struct hf_file *file)
{
    return EXPECT_ERR(hf_handle_derive(own->endpoint, RIGHT_CALL, file->control, 0, &file->control),
                      ERR_OK);
}

static void own_end(struct own *own)
{
    hf_process_forget(&own->process);
    EXPECT_ERR(hf_handle_close(own->client), ERR_OK);
    EXPECT_ERR(hf_object_destroy(own->endpoint), ERR_OK);
    EXPECT_ERR(hf_handle_close(own->endpoint), ERR_OK);
}

TAP_TEST(one_client_cannot_take_all_the_room)
{
    struct own own;
    struct hf_file file;
    struct hf_file others;
    struct hf_file unpaid;
    struct files_resize_rep size;
    struct files_space_rep space;
    uint64_t second = 0;
    REQUIRE(own_start(&own));
    REQUIRE(EXPECT_ERR(hf_handle_derive(own.endpoint, RIGHT_CALL, BADGE + 1, 0, &second), ERR_OK));
    REQUIRE(EXPECT_ERR(hf_files_space(own.client, 0, &space), ERR_OK));
    EXPECT_U64(space.pages_free, space.pages_max - space.pages_max / 4);
    const uint32_t how = FILES_READ | FILES_WRITE | FILES_CREATE;
    REQUIRE(EXPECT_ERR(hf_files_open(own.client, 0, "big", how, 0644, &file), ERR_OK));
    REQUIRE(EXPECT_ERR(hf_files_open(second, 0, "small", how, 0644, &others), ERR_OK));
    REQUIRE(own_control(&own, &file) && own_control(&own, &others));
    const uint64_t most = space.pages_free * PAGE;
    EXPECT_ERR(hf_files_resize(file.control, most + 1, 0, 0, &size), ERR_NOSPC);
    EXPECT_ERR(hf_files_resize(file.control, most, 0, 0, &size), ERR_OK);
    EXPECT_ERR(hf_files_resize(file.control, 1, FILES_RESIZE_ADD, 0, &size), ERR_NOSPC);
    /* Who writes pays nothing: the owner does, and has nothing left. The other has. */
    EXPECT_ERR(hf_files_resize(others.control, 100 * PAGE, 0, 0, &size), ERR_OK);
    EXPECT_ERR(hf_files_unlink(own.client, 0, "big"), ERR_OK);
    REQUIRE(EXPECT_ERR(hf_files_space(own.client, 0, &space), ERR_OK));
    EXPECT_U64(space.pages_free, 0);
    /* Looking for room ends, though what was removed is in use. */
    EXPECT_ERR(hf_files_open(own.client, 0, "next", how, 0644, &unpaid), ERR_OK);
    REQUIRE(own_control(&own, &unpaid));
    EXPECT_ERR(hf_files_resize(unpaid.control, 1, 0, 0, &size), ERR_NOSPC);
    hf_files_close(&unpaid);
    hf_files_close(&file);
    /* Room is made when it is needed, without waiting. */
    REQUIRE(EXPECT_ERR(hf_files_open(own.client, 0, "next", how, 0644, &file), ERR_OK));
    REQUIRE(own_control(&own, &file));
    EXPECT_ERR(hf_files_resize(file.control, most, 0, 0, &size), ERR_OK);
    hf_files_close(&file);
    hf_files_close(&others);
    EXPECT_ERR(hf_handle_close(second), ERR_OK);
    own_end(&own);
}

TAP_TEST(those_who_wait_are_told_when_the_file_system_ends)
{
    struct own own;
    struct hf_file file;
    struct files_resize_rep size;
    struct files_stat_rep rep;
    uint64_t lock = 0;
    uint64_t token = 0;
    REQUIRE(own_start(&own));
    const uint32_t how = FILES_READ | FILES_WRITE | FILES_CREATE;
    REQUIRE(EXPECT_ERR(hf_files_open(own.client, 0, "x", how, 0644, &file), ERR_OK));
    REQUIRE(own_control(&own, &file));
    EXPECT_ERR(hf_files_resize(file.control, 5, 0, 0, &size), ERR_OK);
    EXPECT_ERR(hf_files_lock(own.client, file.number, FILES_LOCK_EXCLUSIVE, &lock, &token), ERR_OK);
    struct hf_message wait = {.words = {FILES_LOCK, file.number, FILES_LOCK_EXCLUSIVE}};
    /* Waits behind our own lock, until its time is over. */
    EXPECT_ERR(hf_call_timed(own.client, time_after(100), &wait), ERR_TIMEDOUT);
    hf_process_forget(&own.process);
    /* What we hold is still there. */
    EXPECT_ERR(hf_shared_close(file.object), ERR_OK);
    EXPECT_ERR(hf_shared_close(token), ERR_OK);
    REQUIRE(own_run(&own));
    /* The next one has other numbers, and no file of the one before. */
    EXPECT_ERR(hf_files_resize(file.control, 0, 0, 0, &size), ERR_STALE);
    EXPECT_ERR(hf_files_stat(own.client, 0, "x", &rep), ERR_NOENT);
    EXPECT_ERR(hf_files_stat(own.client, file.number, "", &rep), ERR_NOENT);
    EXPECT_ERR(hf_files_unlock(own.client, lock), ERR_NOENT);
    EXPECT_ERR(hf_files_stat(own.client, 0, SELF, &rep), ERR_OK);
    EXPECT_ERR(hf_handle_close(file.control), ERR_OK);
    own_end(&own);
}

/* Wait for a lock that the parent has; exits with the error. */
static int role_wait(const char *word)
{
    uint64_t lock = 0;
    uint64_t token = 0;
    const uint64_t number = strtoull(word, NULL, 0);
    return (int)hf_files_lock(CHILD_HANDLE, number, FILES_LOCK_EXCLUSIVE, &lock, &token);
}

TAP_TEST(a_caller_in_its_hands_is_told_when_the_file_system_ends)
{
    struct own own;
    struct hf_file file;
    struct child child;
    struct mem_next_rep end = {.cause = 0};
    char word[32];
    uint64_t lock = 0;
    uint64_t token = 0;
    REQUIRE(own_start(&own));
    const uint32_t how = FILES_READ | FILES_CREATE;
    REQUIRE(EXPECT_ERR(hf_files_open(own.client, 0, "x", how, 0644, &file), ERR_OK));
    EXPECT_ERR(hf_files_lock(own.client, file.number, FILES_LOCK_EXCLUSIVE, &lock, &token), ERR_OK);
    snprintf(word, sizeof(word), "%lu", (unsigned long)file.number);
    REQUIRE(child_make(&child, "wait", word));
    REQUIRE(child_give(&child, own.client, RIGHT_CALL | RIGHT_TRANSFER, CHILD_HANDLE));
    REQUIRE(child_go(&child));
    usleep(200000);
    EXPECT_ERR(hf_space_end(own.process.space, 0), ERR_OK);
    for (int i = 0; i < 2; i++) {
        REQUIRE(EXPECT_ERR(hf_next(0, &end), ERR_OK));
        if (end.space_id == child.process.space_id) {
            break;
        }
    }
    EXPECT_U64(end.space_id, child.process.space_id);
    EXPECT_U64(end.detail, ERR_PEER_GONE);
    hf_process_forget(&child.process);
    hf_files_close(&file);
    EXPECT_ERR(hf_shared_close(token), ERR_OK);
    own_end(&own);
}

/* Text on a page of its own, which is touched when there is no file system any longer. */
__attribute__((noinline, aligned(4096))) static int far_away(int number)
{
    return number + 1;
}

static int role_stay(void)
{
    struct hf_message message = {.tag = 0};
    return hf_call(CHILD_HANDLE, &message) == ERR_OK ? far_away(41) : 1;
}

/* A file with the bytes of this program, in a file system of the test's own. */
static bool program_put(const struct own *own, struct hf_file *file)
{
    static char bytes[PAGE];
    struct hf_file from;
    struct files_resize_rep size;
    uint64_t copied = 0;
    uint64_t at = 0;
    const uint32_t how = FILES_READ | FILES_WRITE | FILES_CREATE;
    if (!EXPECT_ERR(hf_files_open(own->client, 0, SELF, FILES_READ, 0, &from), ERR_OK) ||
        !EXPECT_ERR(hf_files_open(own->client, 0, "program", how, 0755, file), ERR_OK) ||
        !own_control(own, file) ||
        !EXPECT_ERR(hf_files_resize(file->control, from.bytes, 0, 0, &size), ERR_OK)) {
        return false;
    }
    file->bytes = from.bytes;
    do {
        EXPECT_ERR(hf_shared_copy(from.object, (uint64_t)bytes, at, PAGE, MEM_COPY_FROM, &copied),
                   ERR_OK);
        EXPECT_ERR(hf_shared_copy(file->object, (uint64_t)bytes, at, copied, MEM_COPY_TO, &copied),
                   ERR_OK);
        at += copied;
    } while (copied == PAGE);
    hf_files_close(&from);
    return EXPECT_U64(at, file->bytes);
}

TAP_TEST(a_program_runs_on_when_the_file_system_ends_that_it_is_from)
{
    static const char *const argv[] = {"store_end_test", "child:stay", "", NULL};
    static const char *const envp[] = {NULL};
    static char head[PAGE];
    struct own own;
    struct hf_file file;
    struct child child;
    struct hf_request request = {.badge = 0};
    struct mem_next_rep end = {.cause = 0};
    const char *why = "";
    uint64_t copied = 0;
    uint64_t endpoint = 0;
    REQUIRE(own_start(&own) && program_put(&own, &file));
    EXPECT_ERR(hf_shared_copy(file.object, (uint64_t)head, 0, PAGE, MEM_COPY_FROM, &copied),
               ERR_OK);
    const struct hf_program program = {.name = "program",
                                       .file = head,
                                       .head_bytes = PAGE,
                                       .file_bytes = file.bytes,
                                       .object = file.object,
                                       .argv = argv,
                                       .envp = envp};
    REQUIRE(EXPECT_ERR(hf_process_prepare(&program, &child.process, &child.start, &why), ERR_OK));
    REQUIRE(object_make(OBJECT_ENDPOINT, &endpoint));
    REQUIRE(child_give(&child, endpoint, RIGHT_CALL, CHILD_HANDLE) && child_go(&child));
    REQUIRE(EXPECT_ERR(hf_reply_wait(endpoint, &request), ERR_OK));
    hf_files_close(&file);
    own_end(&own);
    EXPECT_ERR(hf_reply((struct hf_request){.token = request.token}), ERR_OK);
    EXPECT(child_end(&child, &end));
    EXPECT_U64(end.cause, CAUSE_EXIT);
    EXPECT_U64(end.detail, 42);
    EXPECT_ERR(hf_object_destroy(endpoint), ERR_OK);
    EXPECT_ERR(hf_handle_close(endpoint), ERR_OK);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(one_client_cannot_take_all_the_room),
        TAP(those_who_wait_are_told_when_the_file_system_ends),
        TAP(a_caller_in_its_hands_is_told_when_the_file_system_ends),
        TAP(a_program_runs_on_when_the_file_system_ends_that_it_is_from),
    };
    const char *role_opt = child_role(argc, argv);
    if (role_opt == NULL) {
        return TAP_RUN(argc, argv, tests);
    }
    return strcmp(role_opt, "stay") == 0 ? role_stay() : role_wait(argv[2]);
}
