/* SPDX-License-Identifier: MIT */
/*
 * Programs that the shell has started: one in the foreground, others behind.
 *
 * A second thread waits for ^C and ends the program in the foreground; it makes no use of the C
 * library's streams or memory.
 *
 * I1  A job that is_used has a process whose end was not taken yet.
 * Owner: the first thread; `jobs_front` and the lock around it are shared with the second.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <abi/error.h>
#include <base/attr.h>
#include <hf/process.h>

#include "words.h"

#define JOBS_MAX       16u
#define JOB_NAME_BYTES 32u

struct job {
    bool is_used;
    struct hf_process process;
    char name[JOB_NAME_BYTES];
};

/* Start waiting for ^C at the console; without one (0) nothing is to be done. */
MUST_USE enum err jobs_init(uint64_t console);

/*
 * Start the program that the first word names. In the foreground: wait for its end and say how it
 * ended, unless it was by status 0. Says itself what goes wrong.
 *
 * Returns: the status as sbi/boot would have it; 127 no such program, 126 cannot be started.
 */
uint64_t jobs_run(const struct words *words);

/* Say which programs of the background have ended since the last time. */
void jobs_report(void);

/* The job whose process has this number; NULL: none. */
struct job *jobs_find(uint64_t number);

/* One job after the other: the first with an index from `*at` on, which is moved; NULL: no more. */
struct job *jobs_next(size_t *at);
