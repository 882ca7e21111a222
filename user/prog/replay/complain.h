/* SPDX-License-Identifier: MIT */
/*
 * What can come of a replay, and the one line on stderr that says why it went wrong.
 *
 * Each function prints `replay: FILE:LINE: reason` and returns the outcome, so that the finder of a
 * fault writes `return complain_trace(...)`. Only the first complaint of a run is made: every
 * caller hands the outcome up and stops.
 */
#pragma once

#include <stdint.h>

#include <base/attr.h>

/* The values are the program's exit statuses. */
enum outcome {
    OUTCOME_OK = 0,
    OUTCOME_TRACE = 1,  /* the file is not a trace, or contradicts itself */
    OUTCOME_USAGE = 2,  /* wrong arguments */
    OUTCOME_ANSWER = 3, /* the system answered, or kept memory, differently than recorded */
    OUTCOME_MEMORY = 4, /* no memory for the replayer's own tables */
};

/* A line of a trace. */
struct place {
    const char *path;
    uint32_t line;
};

/* The trace is at fault. Returns: OUTCOME_TRACE. */
enum outcome complain_trace(struct place place, const char *format, ...) PRINTF_LIKE(2, 3);

/* The system under the replayer is at fault. Returns: OUTCOME_ANSWER. */
enum outcome complain_answer(struct place place, const char *format, ...) PRINTF_LIKE(2, 3);

/* The file as a whole cannot be read; `reason` says why. Returns: OUTCOME_TRACE. */
enum outcome complain_file(const char *path, const char *reason);

/* The replayer's own allocation failed. Returns: OUTCOME_MEMORY. */
enum outcome complain_memory(const char *path);
