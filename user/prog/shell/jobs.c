/* SPDX-License-Identifier: MIT */
#include "jobs.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <abi/fault.h>
#include <hf/console.h>
#include <hf/end.h>
#include <hf/error.h>
#include <hf/mem.h>
#include <hf/thread.h>

#include "program.h"

#define STATUS_NOT_STARTED 126
#define STATUS_NOT_FOUND   127
#define STATUS_CAUSE       128
/* Detail of an end by ^C: the signal's number elsewhere. */
#define DETAIL_INTERRUPT 2u

static struct job jobs[JOBS_MAX];
static uint64_t jobs_console;
static struct hf_thread jobs_watcher;

/* Handle to the space in the foreground, 0: none; taken by who wants to look at it or change it. */
static uint64_t jobs_front;
static atomic_flag jobs_front_lock = ATOMIC_FLAG_INIT;

static void front_take(void)
{
    while (atomic_flag_test_and_set(&jobs_front_lock)) {
        (void)hf_yield();
    }
}

static void front_set(uint64_t space)
{
    front_take();
    jobs_front = space;
    atomic_flag_clear(&jobs_front_lock);
}

/* The second thread. */
static void watch(void *argument)
{
    (void)argument;
    enum err error;
    while ((error = hf_console_interrupt(jobs_console)) == ERR_OK || error == ERR_PEER_GONE) {
        front_take();
        /* A driver that has ended is followed by another. */
        if (error == ERR_OK && jobs_front != HANDLE_NONE) {
            (void)hf_space_end(jobs_front, DETAIL_INTERRUPT);
        }
        atomic_flag_clear(&jobs_front_lock);
    }
}

enum err jobs_init(uint64_t console)
{
    jobs_console = console;
    return console == HANDLE_NONE ? ERR_OK
                                  : hf_thread_run(&jobs_watcher, PRIORITY_DEFAULT, watch, NULL);
}

struct job *jobs_find(uint64_t number)
{
    for (size_t i = 0; i < JOBS_MAX; i++) {
        if (jobs[i].is_used && jobs[i].process.space_id == number) {
            return &jobs[i];
        }
    }
    return NULL;
}

struct job *jobs_next(size_t *at)
{
    while (*at < JOBS_MAX) {
        struct job *job = &jobs[(*at)++];
        if (job->is_used) {
            return job;
        }
    }
    return NULL;
}

static struct job *jobs_free(void)
{
    for (size_t i = 0; i < JOBS_MAX; i++) {
        if (!jobs[i].is_used) {
            return &jobs[i];
        }
    }
    return NULL;
}

/* How a program ended, in one line; nothing about a status of 0 if `is_quiet`. */
static void end_print(const struct job *job, const struct mem_next_rep *end, bool is_quiet)
{
    char text[HF_END_BYTES];
    if (end->cause == CAUSE_EXIT && end->detail == 0 && is_quiet) {
        return;
    }
    printf("[%" PRIu64 "] %s: ", end->space_id, job->name);
    if (end->cause == CAUSE_EXIT) {
        printf("status %" PRIu64 "\n", end->detail);
    } else if (end->cause == CAUSE_KILLED) {
        printf("ended\n");
    } else {
        printf("%s\n", hf_end_text(end, text));
    }
}

/* Take note of an end: give the job's record back. */
static void end_take(struct job *job, const struct mem_next_rep *end, bool is_quiet)
{
    end_print(job, end, is_quiet);
    hf_process_forget(&job->process);
    job->is_used = false;
}

void jobs_report(void)
{
    struct mem_next_rep end;
    while (hf_next(1, &end) == ERR_OK) {
        struct job *job = jobs_find(end.space_id);
        if (job != NULL) {
            end_take(job, &end, false);
        }
    }
}

/* Wait until the job in the foreground has ended; others that end meanwhile are reported. */
static uint64_t wait_front(struct job *job)
{
    struct mem_next_rep end;
    for (;;) {
        enum err error = hf_next(0, &end);
        if (error != ERR_OK) {
            printf("shell: its end cannot be learnt: %s\n", hf_strerror(error));
            return STATUS_NOT_STARTED;
        }
        struct job *ended = jobs_find(end.space_id);
        if (ended == job) {
            front_set(HANDLE_NONE);
            end_take(job, &end, true);
            return end.cause == CAUSE_EXIT ? end.detail : STATUS_CAUSE + end.cause;
        }
        if (ended != NULL) {
            end_take(ended, &end, false);
        }
    }
}

/* Programs behind write to the console and have nothing of what is typed: that is the shell's. */
static enum err console_behind(uint64_t *console)
{
    *console = HANDLE_NONE;
    return jobs_console == HANDLE_NONE ? ERR_OK : hf_console_behind(jobs_console, console);
}

uint64_t jobs_run(const struct words *words)
{
    static const char *const envp[] = {NULL};
    const char *name = words->items[0];
    struct hf_program program;
    struct job *job = jobs_free();
    const char *why = "";

    if (job == NULL) {
        printf("shell: too many programs run already; kill one\n");
        return STATUS_NOT_STARTED;
    }
    if (!program_find(name, &program)) {
        return STATUS_NOT_FOUND;
    }
    program.argv = words->items;
    program.envp = envp;
    /* The new program may be interrupted as soon as it runs. */
    struct hf_start start;
    enum err error = ERR_OK;
    if (words->is_background) {
        why = "the console has no handle for it";
        error = console_behind(&program.console);
    }
    if (error == ERR_OK) {
        error = hf_process_prepare(&program, &job->process, &start, &why);
    }
    if (words->is_background && program.console != HANDLE_NONE) {
        (void)hf_handle_close(program.console);
    }
    program_drop(&program);
    if (error == ERR_OK) {
        if (!words->is_background) {
            front_set(job->process.space);
        }
        why = "its thread could not be started";
        error = hf_process_go(&job->process, &start);
        if (error != ERR_OK) {
            front_set(HANDLE_NONE);
            hf_process_forget(&job->process);
        }
    }
    if (error != ERR_OK) {
        printf("shell: %s: %s (%s)\n", name, why, hf_strerror(error));
        return STATUS_NOT_STARTED;
    }
    job->is_used = true;
    snprintf(job->name, sizeof(job->name), "%s", name);
    if (words->is_background) {
        printf("[%" PRIu64 "] %s\n", job->process.space_id, job->name);
        return 0;
    }
    return wait_front(job);
}
