/* SPDX-License-Identifier: MIT */
/*
 * One replay: what is known of the recorded and of the own address space, and the events done to
 * both.
 *
 * Each event is checked against what the events before it left (a contradiction is the trace's
 * fault), then made as the same call on own addresses, the answer compared with the recorded one (a
 * difference is the system's fault), then applied to the block map and the patterns. A call whose
 * recorded range lies in several pieces in own addresses is made once a piece.
 *
 * A call that the recording saw refused is made too, and must be refused alike, where the same
 * refusal can be expected; else it is counted as skipped.
 *
 * Files: range.c (unmap, protect, advise, lock, unlock, sync), mapping.c (map), remap.c, heap.c
 * (brk), touch.c (touches, and the checks of what pages hold).
 */
#pragma once

#include "block.h"
#include "complain.h"
#include "file.h"
#include "layout.h"
#include "pattern.h"
#include "trace.h"

struct replay_counts {
    uint64_t events[EVENT_KINDS];
    uint64_t touches_read;
    uint64_t touches_write;
    uint64_t touches_exec;
    uint64_t resident_max;
    uint64_t calls_split;   /* calls made once a piece, since the range lies apart here */
    uint64_t calls_skipped; /* refused when recorded, for a reason that does not hold here */
    uint64_t stack_growths;
};

struct replay {
    const struct trace *trace;
    struct block_map blocks;
    struct pattern_table patterns;
    struct file_table files;
    struct layout layout;
    uint64_t heap_start; /* recorded, page aligned */
    uint64_t heap_break; /* recorded, in bytes; valid in: has_heap */
    bool has_heap;
    struct replay_counts counts;
    /* From the first event to the last: */
    uint64_t instructions; /* 0: not counted */
    uint64_t faults;       /* valid in: has_faults */
    bool has_faults;
};

/*
 * Set up the start regions of `trace`, and all memory that replaying takes; with files of the
 * folder `folder_opt` behind what is one's in the recording, if one is named.
 *
 * Returns:   OUTCOME_OK; OUTCOME_ANSWER if the system refuses a start region; OUTCOME_MEMORY.
 * On error:  replay_fini() is still to be called.
 */
MUST_USE enum outcome replay_init(struct replay *replay, const struct trace *trace,
                                  const char *folder_opt);

/* Give the tables back; the client's memory stays to the end of the process. */
void replay_fini(struct replay *replay);

/*
 * Replay every event, in order.
 *
 * Returns:   OUTCOME_OK; OUTCOME_TRACE at an event that contradicts those before it; OUTCOME_ANSWER
 *            at the first answer or page that is not as it must be.
 */
MUST_USE enum outcome replay_run(struct replay *replay);

/* Where a complaint about `event` points. */
struct place replay_place(const struct replay *replay, const struct event *event);

/*
 * Check the answer `own` to a call that was free to choose `length` bytes: page aligned and apart
 * from all memory that the replay knows.
 *
 * Returns:   OUTCOME_OK; OUTCOME_ANSWER.
 */
MUST_USE enum outcome replay_check_answer(const struct replay *replay, const struct event *event,
                                          uint64_t own, uint64_t length);

/*
 * Check that a call that the recording saw refused was refused alike.
 *
 * Units:     result is what the call returned, -1 (or MAP_FAILED as an integer) with errno set on
 *            failure.
 * Returns:   OUTCOME_OK; OUTCOME_ANSWER.
 */
MUST_USE enum outcome replay_check_refusal(const struct replay *replay, const struct event *event,
                                           intptr_t result);

/* The replayer's own memory for a recorded address that lies `distance` away. */
void *replay_own(uint64_t address, uint64_t distance);
