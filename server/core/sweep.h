/* SPDX-License-Identifier: MIT */
/*
 * The hand of the clock of reclaim.h: which frames it comes to. What is done with each: evict.h.
 *
 * Owner: who has `processes`, all buckets, and is in shared_enter().
 */
#pragma once

#include <stdint.h>

#include <base/attr.h>

struct core;

enum sweep_result {
    SWEEP_FREED,
    SWEEP_SAVING,  /* pages are being saved: then there will be some */
    SWEEP_AGAIN,   /* not all have been looked at */
    SWEEP_NOTHING, /* that can be set free */
};

/*
 * Go round, at most once, until `wanted` frames are free, enough pages are on their way out, or
 * RECLAIM_LOOKS have been looked at. Makes port calls.
 */
MUST_USE enum sweep_result sweep_run(struct core *core, uint64_t wanted);
