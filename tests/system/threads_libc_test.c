/* SPDX-License-Identifier: MIT */
/*
 * A C library that many threads use at once.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <abi/log.h>
#include <hf/env.h>
#include <hf/mem.h>
#include <hf/thread.h>
#include <tap.h>

#include "child.h"

#define THREADS       4u
#define ROUNDS        500u
#define LINES         20u
#define LINE_LETTERS  32u
#define PRIORITY_HIGH PRIORITY_DEFAULT
#define PRIORITY_LOW  2u

static struct hf_thread threads[THREADS];

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

static _Thread_local unsigned own = 17;
static atomic_uint wrong;

static void local_run(void *argument)
{
    const unsigned mine = 100 + (unsigned)(uintptr_t)argument;
    if (own != 17 || errno != 0) {
        atomic_fetch_add(&wrong, 1);
    }
    for (unsigned i = 0; i < 100; i++) {
        own = mine;
        errno = (int)mine;
        (void)hf_yield();
        if (own != mine || errno != (int)mine) {
            atomic_fetch_add(&wrong, 1);
        }
    }
}

TAP_TEST(thread_local_variables_and_errno_are_each_threads_own)
{
    errno = 1;
    own = 1;
    atomic_store(&wrong, 0);
    run_all(local_run);
    EXPECT_U64(atomic_load(&wrong), 0);
    EXPECT(own == 1 && errno == 1);
    own = 17;
}

static void heap_run(void *argument)
{
    static const size_t sizes[] = {1, 24, 100, 1000, 5000, 40000, 300000};
    unsigned char *blocks[8] = {NULL};
    size_t lengths[8] = {0};
    const unsigned char mark = (unsigned char)(1 + (uintptr_t)argument);
    unsigned state = mark;
    for (unsigned i = 0; i < ROUNDS; i++) {
        state = state * 1103515245u + 12345u;
        const unsigned at = state >> 16 & 7;
        const size_t length = sizes[(state >> 20) % 7];
        for (size_t k = 0; k < lengths[at]; k += 97) {
            if (blocks[at][k] != mark) {
                atomic_fetch_add(&wrong, 1);
            }
        }
        if ((state >> 24 & 1) != 0) {
            free(blocks[at]);
            blocks[at] = malloc(length);
        } else {
            blocks[at] = realloc(blocks[at], length);
        }
        lengths[at] = blocks[at] != NULL ? length : 0;
        if (blocks[at] == NULL) {
            atomic_fetch_add(&wrong, 1);
        } else {
            memset(blocks[at], mark, length);
        }
    }
    for (unsigned i = 0; i < 8; i++) {
        free(blocks[i]);
    }
}

TAP_TEST(memory_may_be_taken_and_given_back_by_all)
{
    atomic_store(&wrong, 0);
    run_all(heap_run);
    EXPECT_U64(atomic_load(&wrong), 0);
}

/* A child's threads: lines of one letter each. */
static void print_run(void *argument)
{
    char line[LINE_LETTERS + 1];
    memset(line, 'a' + (int)(uintptr_t)argument, LINE_LETTERS);
    line[LINE_LETTERS] = '\0';
    for (unsigned i = 0; i < LINES; i++) {
        if (i % 2 == 0) {
            printf("# %s%s\n", "", line);
        } else {
            char text[LINE_LETTERS + 8];
            snprintf(text, sizeof(text), "# %s", line);
            puts(text);
        }
    }
}

static bool is_whole(const char *text, uint64_t length)
{
    if (length != LINE_LETTERS + 3 || text[0] != '#' || text[length - 1] != '\n') {
        return false;
    }
    for (uint64_t i = 3; i < length - 1; i++) {
        if (text[i] != text[2]) {
            return false;
        }
    }
    return true;
}

/* Where the log ends now; what is there from `position` on is copied to `buffer_opt`. */
static uint64_t log_end(uint64_t position, char *buffer_opt, uint64_t room)
{
    uint64_t held = 0;
    uint64_t bytes = 1;
    while (bytes > 0 && EXPECT_ERR(hf_log_copy(HANDLE_LOG, position + held, &bytes), ERR_OK)) {
        if (buffer_opt != NULL && held + bytes <= room) {
            memcpy(buffer_opt + held, hf_message_page(), bytes);
        }
        held += bytes;
    }
    return position + held;
}

TAP_TEST(what_one_call_prints_stays_together)
{
    static char buffer[8192];
    struct mem_next_rep end;
    struct log_record record;
    uint64_t start = 0;
    unsigned whole = 0;
    fflush(stdout);
    REQUIRE(EXPECT_ERR(hf_info(INFO_LOG_FIRST, &start), ERR_OK));
    start = log_end(start, NULL, 0);
    REQUIRE(child_run("print", "", &end));
    const uint64_t held = log_end(start, buffer, sizeof(buffer)) - start;
    REQUIRE(EXPECT(held <= sizeof(buffer)));
    for (uint64_t at = 0; at + sizeof(record) <= held; at += sizeof(record) + record.length) {
        memcpy(&record, buffer + at, sizeof(record));
        if (record.source != 0) {
            EXPECT(is_whole(buffer + at + sizeof(record), record.length));
            whole++;
        }
    }
    EXPECT_U64(whole, THREADS * LINES);
}

TAP_TEST(sleeping_lasts_as_long_as_asked)
{
    const struct timespec moment = {.tv_nsec = 20000000};
    const struct timespec never = {.tv_nsec = 1000000000};
    uint64_t latest = time_after(20);
    EXPECT(nanosleep(&moment, NULL) == 0);
    EXPECT(time_now() >= latest);
    latest = time_after(10);
    EXPECT(usleep(10000) == 0);
    EXPECT(time_now() >= latest);
    EXPECT(sleep(0) == 0);
    EXPECT(nanosleep(&never, NULL) == -1 && errno == EINVAL);
}

TAP_TEST(a_forked_child_sleeps_and_makes_threads_of_its_own)
{
    int status = -1;
    EXPECT(usleep(1000) == 0); /* now the parent has something to sleep with */
    fflush(stdout);
    const pid_t pid = fork();
    if (pid == 0) {
        const uint64_t latest = time_after(10);
        atomic_store(&wrong, 0);
        const bool has_slept = usleep(10000) == 0 && time_now() >= latest;
        run_all(heap_run);
        _exit(has_slept && atomic_load(&wrong) == 0 ? 33 : 1);
    }
    REQUIRE(EXPECT(pid > 0));
    EXPECT(waitpid(pid, &status, 0) == pid);
    EXPECT_U64(status, 33 << 8);
}

int main(int argc, char **argv)
{
    static const struct tap_test tests[] = {
        TAP(thread_local_variables_and_errno_are_each_threads_own),
        TAP(memory_may_be_taken_and_given_back_by_all),
        TAP(what_one_call_prints_stays_together),
        TAP(sleeping_lasts_as_long_as_asked),
        TAP(a_forked_child_sleeps_and_makes_threads_of_its_own),
    };
    const char *role_opt = child_role(argc, argv);
    if (role_opt != NULL) {
        run_all(print_run);
        return 0;
    }
    return TAP_RUN(argc, argv, tests);
}
