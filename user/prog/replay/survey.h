/* SPDX-License-Identifier: MIT */
/*
 * What the whole of a trace will need, found before the first event is replayed, so that nothing is
 * allocated in between: the replayer's own tables would show up among the regions.
 */
#pragma once

#include "complain.h"
#include "pattern.h"
#include "trace.h"

/* Addresses are recorded ones, page aligned. */
struct survey {
    uint64_t blocks_max; /* more blocks than ever exist at once */
    uint64_t heap_start; /* the first break, rounded up */
    uint64_t heap_end;   /* the highest break, or the next start region; heap_start: no growth */
    uint64_t stack_low;  /* the lowest page that the stack grows to, or its start */
};

/*
 * Go through `trace` once, and prepare `patterns` for every page that it touches.
 *
 * Returns:   OUTCOME_OK; OUTCOME_MEMORY.
 */
MUST_USE enum outcome survey_take(const struct trace *trace, struct pattern_table *patterns,
                                  struct survey *survey);
